"""The book as PDF, printed by Chromium from the built pages and their print style."""

from __future__ import annotations

import functools
import html
import http.server
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from unrolled.base.errors import UnrolledError
from unrolled.site.takeaway import BOOK_PDF, FOLDER

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
MARGIN = {"top": "18mm", "bottom": "18mm", "left": "18mm", "right": "18mm"}
SCALE = 0.85
WIDTH = 774
"""CSS pixels of a line on A4 between these margins and at this scale: a page is laid out so first."""

UNPRINTED = "book/api"
"""The programming reference is for the screen."""

LINKS = """site => document.querySelectorAll("a[href]").forEach(a => {
  if (a.origin !== location.origin || a.pathname === location.pathname) return;
  if (site) a.href = site + a.pathname + a.hash; else a.removeAttribute("href");
})"""
"""Links to other pages lead to the site, where its address is known; on paper a local server is of no use."""

FOOT = (
    '<div style="font: 8px sans-serif; color: #555; width: 100%; padding: 0 18mm; display: flex;'
    ' justify-content: space-between"><span>{title}</span><span class="pageNumber"></span></div>'
)


def chromium() -> str:
    """The browser that prints: ``$UNROLLED_CHROMIUM``, or what is installed.

    Raises:
        UnrolledError: if there is none.
    """
    names = (os.environ.get("UNROLLED_CHROMIUM"), *BROWSERS)
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        raise UnrolledError("no Chromium found", hint="install chromium, or name it in UNROLLED_CHROMIUM")
    return found


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The built book on a local server, as pages need one."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


@contextmanager
def printer() -> Iterator[Any]:
    """A page of a browser, as wide as the paper.

    Raises:
        UnrolledError: if there is no browser, or nothing to drive it.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise UnrolledError("playwright is not installed", hint='pip install "unrolled[dev]"') from error
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        try:
            yield browser.new_page(viewport={"width": WIDTH, "height": 930}, color_scheme="light")
        finally:
            browser.close()


def open_for_print(page: Any, address: str, site: str = "") -> None:
    """Open a page as it goes to paper: formulas set, solutions open, links that lead somewhere."""
    page.emulate_media(media="print", color_scheme="light")
    page.goto(address, wait_until="load")
    page.evaluate("window.MathJax?.startup?.promise ?? null")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.evaluate(LINKS, site)
    page.evaluate("document.fonts.ready.then(() => null)")


def print_pages(folder: Path, names: Sequence[str], target: Path, site: str = "") -> list[Path]:
    """Print pages of the built book into ``target``, one file each, and return the paths."""
    target.mkdir(parents=True, exist_ok=True)
    made = []
    with served(folder) as address, printer() as page:
        for name in names:
            open_for_print(page, f"{address}{name}.html", site)
            path = target / f"{name.rpartition('/')[2]}.pdf"
            page.pdf(
                path=path,
                format="A4",
                margin=MARGIN,
                scale=SCALE,
                print_background=True,
                display_header_footer=True,
                header_template="<span></span>",
                footer_template=FOOT.format(title=html.escape(page.title())),
                tagged=True,
                outline=True,
            )
            made.append(path)
    return made


def contents(root: Path) -> list[str]:
    """The pages of the printed book, in the order of its table of contents."""
    found = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))

    def files(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            yield from (node[key] for key in ("root", "file") if key in node)
            for value in node.values():
                yield from files(value)
        elif isinstance(node, list):
            for item in node:
                yield from files(item)

    return [name for name in files(found) if not name.startswith(UNPRINTED)]


def print_book(root: Path, site: str = "") -> list[Path]:
    """Print every page of the built book and bind them; chapters are kept as files of their own too."""
    from pypdf import PdfReader, PdfWriter

    folder, target = root / "_build" / "html", root / "_build" / "pdf"
    names = contents(root)
    printed = print_pages(folder, names, target, site)
    writer = PdfWriter()
    for path in printed:
        reader = PdfReader(path)
        writer.append(reader, outline_item=(reader.metadata or {}).get("/Title") or path.stem)
    kept = folder / FOLDER
    writer.add_metadata({"/Title": "Unrolled: recurrent networks, paper by paper"})
    with open(kept / f"{BOOK_PDF}.part", "wb") as file:
        writer.write(file)
    (kept / f"{BOOK_PDF}.part").replace(kept / BOOK_PDF)
    chapters = [path for name, path in zip(names, printed, strict=True) if name.startswith("notebooks/")]
    return [kept / BOOK_PDF, *(Path(shutil.copy(path, kept / path.name)) for path in chapters)]
