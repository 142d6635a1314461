"""A small project of its own for each test, so that nothing depends on the book's state."""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for the modules beside this one that the tests share

from sample_project import make_project


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A copy of the project's ``bib/`` with one entry, and paths set to it."""
    return make_project(tmp_path / "project", monkeypatch)


@pytest.fixture
def edit(project):
    """Replace text in a file of the project; the text must be there."""

    def replace(name: str, old: str, new: str, count: int = 1) -> Path:
        path = project / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, count), encoding="utf-8")
        return path

    return replace


@pytest.fixture
def served():
    """Serve answers by path from this machine: ``served({"/a": (404, "")})`` gives the address.

    A path's answer is a status and a body, or one such pair a method; a status None hangs up.
    """
    servers = []

    def serve(answers: dict, seen: list | None = None) -> str:
        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                if seen is not None:
                    seen.append((self.command, self.path))
                found = answers.get(self.path.partition("?")[0], (404, ""))
                status, body = found[self.command] if isinstance(found, dict) else found
                if status is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", body)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body.encode())

            do_GET = do_HEAD = answer

            def log_message(self, *arguments: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()
