"""Two small files, and a server on this machine alone that gives them out and misbehaves on demand."""

import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONTENT = {"one.bin": bytes(range(256)) * 800, "two.txt": b"two\n"}


class Server(ThreadingHTTPServer):
    """A server on this machine alone; ``cut`` makes it break off once after so many bytes."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.cut, self.ranges, self.ignores_ranges = dict(CONTENT), None, [], False
        self.kind, self.pause, self.unsaid = (
            None,
            0.0,
            False,
        )  # Content-Type, seconds a block, without a length


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        content = self.server.files.get(self.path.lstrip("/"))
        if content is None:
            self.send_error(404)
            return
        start, asked = 0, self.headers.get("Range")
        self.server.ranges.append(asked)
        if asked and not self.server.ignores_ranges:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
        if start and start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if not self.server.unsaid:
            self.send_header("Content-Length", str(len(content) - start))
        if self.server.kind:
            self.send_header("Content-Type", self.server.kind)
        self.end_headers()
        body = content[start:]
        if self.server.cut is not None:
            body, self.server.cut = body[: self.server.cut], None
        for place in range(0, len(body), 16_384):
            self.wfile.write(body[place : place + 16_384])
            time.sleep(self.server.pause)

    def log_message(self, *_):
        """Say nothing."""
