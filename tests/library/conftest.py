"""A small project of its own for each test, so that nothing depends on the book's state."""

from __future__ import annotations

import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).parent))  # for the modules beside this one that the tests share

from statement_samples import with_samples  # noqa: E402


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A copy of the project's ``bib/`` and of the sources that its entry names, with paths set to it."""
    root = tmp_path / "project"
    (root / "bib" / "entries").mkdir(parents=True)
    text = (ROOT / "bib" / "entries" / "bn_lstm.yaml").read_text(encoding="utf-8")
    (root / "bib" / "entries" / "bn_lstm.yaml").write_text(with_samples(text), encoding="utf-8")
    entry = yaml.safe_load((ROOT / "bib" / "entries" / "bn_lstm.yaml").read_text(encoding="utf-8"))
    keys = {entry["key"], *entry["also_cite"]}
    blocks = re.split(r"(?m)^(?=@)", (ROOT / "bib" / "references.bib").read_text(encoding="utf-8"))
    wanted = [block for block in blocks[1:] if re.match(r"@\w+\{([^,]+)", block)[1] in keys]
    (root / "bib" / "references.bib").write_text("".join(wanted).rstrip() + "\n", encoding="utf-8")
    (root / "bib" / "concepts.yaml").write_text(_concepts(entry["concepts"]), encoding="utf-8")
    monkeypatch.setenv("UNROLLED_PROJECT", str(root))
    monkeypatch.setenv("UNROLLED_RUNS", str(root / "runs"))
    return root


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


def _concepts(slugs: list[str]) -> str:
    """The concepts of one entry, without what leads to other entries."""
    concepts = {c["slug"]: c for c in yaml.safe_load((ROOT / "bib" / "concepts.yaml").read_text("utf-8"))}
    lines = ["# The concepts of one entry."]
    for slug in slugs:
        concept = concepts[slug]
        lines += [f"- slug: {slug}", f"  name: {concept['name']}", f"  definition: {concept['definition']!r}"]
        lines += [f"  entry: {concept['entry']}"] if concept.get("entry") == "bn_lstm" else []
        also = [other for other in concept.get("also", ()) if other in slugs]
        lines += [f"  also: [{', '.join(also)}]"] if also else []
    return "\n".join(lines) + "\n"


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
