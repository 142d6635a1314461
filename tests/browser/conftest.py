"""A real browser and the built book, served as a static site. Without a browser the tests are skipped.

Chromium is looked for at ``$UNROLLED_CHROMIUM``, then under its usual names. ``UNROLLED_BROWSER_REQUIRED=1``
turns a skip into a failure; continuous integration sets it.
"""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from unrolled.site.build import Built, build

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).parent))  # for what the tests share
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def missing(reason: str) -> None:
    """Skip, or fail where a browser is required."""
    if os.environ.get("UNROLLED_BROWSER_REQUIRED") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def book() -> Built:
    """The project's own book, built if it is not up to date."""
    if not any((ROOT / "notebooks").glob("*.ipynb")):
        missing("the book has no chapter yet")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNROLLED_PROJECT", str(ROOT))
        return build(ROOT)


@pytest.fixture(scope="session")
def address(book: Built) -> Iterator[str]:
    """Where the book is served."""
    handler = functools.partial(Quiet, directory=str(book.folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, without a window."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed (pip install playwright)")
    names = (os.environ.get("UNROLLED_CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    program = next((found for name in names if name and (found := shutil.which(name))), None)
    if program is None:
        missing("no Chromium found; install it or name it in UNROLLED_CHROMIUM")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield chromium
        chromium.close()


class Visit:
    """One page, with what it said and fetched while it was open."""

    def __init__(self, page: Any, address: str) -> None:
        self.page, self.address = page, address
        self.said: list[str] = []
        self.outside: list[str] = []
        page.on("console", lambda m: self.said.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", self._request)

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.outside.append(request.url)

    def go(self, path: str) -> Any:
        """Open a page of the book and wait until its formulas are set."""
        self.page.goto(self.address + path, wait_until="load")
        self.page.evaluate("() => window.MathJax?.startup?.promise")
        return self.page


@pytest.fixture(scope="session")
def visit(browser: Any, address: str) -> Iterator[Callable[..., Visit]]:
    """Opens pages: ``visit(width=390, scheme="dark")``. Pages of one look share the cache."""
    contexts: dict[tuple[int, int, str], Any] = {}

    def open_(width: int = 1280, height: int = 900, scheme: str = "light") -> Visit:
        look = (width, height, scheme)
        if look not in contexts:
            contexts[look] = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,
                permissions=["clipboard-read", "clipboard-write"],
            )
        for page in contexts[look].pages:
            page.close()
        return Visit(contexts[look].new_page(), address)

    yield open_
    for context in contexts.values():
        context.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The accessibility checker: ``$UNROLLED_AXE``, npm's package, or the one in axe-playwright-python."""
    places = [os.environ.get("UNROLLED_AXE"), ROOT / "node_modules" / "axe-core" / "axe.min.js"]
    try:
        import axe_playwright_python

        places.append(Path(axe_playwright_python.__file__).parent / "axe.min.js")
    except ImportError:
        pass
    found = next((Path(p) for p in places if p and Path(p).is_file()), None)
    if found is None:
        missing("axe is not installed (pip install axe-playwright-python, or npm install axe-core)")
    return found.read_text(encoding="utf-8")
