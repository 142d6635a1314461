"""A registry of two small files, a server that gives them out, and the folder of real test data."""

import hashlib
import os
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # served.py

from served import CONTENT, Server


@pytest.fixture
def server():
    """The server, with a registry of its files in ``server.registry``."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def registry(tmp_path, server):
    """A registry file whose addresses are the server's."""
    rows = "\n".join(
        f'"{name}" = {{ sha256 = "{hashlib.sha256(content).hexdigest()}", bytes = {len(content)} }}'
        for name, content in CONTENT.items()
    )
    path = tmp_path / "registry.toml"
    path.write_text(
        '[pair]\ntitle = "Two files"\nlicence = "none"\ncitation = "nobody"\nsplits = "none"\n'
        f'base = "http://127.0.0.1:{server.server_port}/"\n[pair.files]\n{rows}\n'
    )
    return path


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Every test has an empty cache and no mirror."""
    monkeypatch.setenv("UNROLLED_DATA", str(tmp_path / "cache"))
    monkeypatch.delenv("UNROLLED_DATA_MIRROR", raising=False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def real_folder():
    """The folder of real data, beside the checkout or where the environment says; else a skip."""
    checkout = Path(__file__).resolve().parents[2]
    candidates = [os.environ.get("UNROLLED_DATA_MIRROR"), checkout.parent / "shared" / "data"]
    for candidate in candidates:
        if candidate and (Path(candidate) / "mnist").is_dir():
            return Path(candidate)
    pytest.skip("no real data: neither UNROLLED_DATA_MIRROR nor ../shared/data holds them")


@pytest.fixture
def real_mirror(real_folder, own_cache, monkeypatch):
    """The folder of real data as the mirror."""
    monkeypatch.setenv("UNROLLED_DATA_MIRROR", str(real_folder))
    return real_folder
