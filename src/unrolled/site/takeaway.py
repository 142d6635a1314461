"""What a reader takes along: the package's wheel, chapters that stand alone, PDF files, the book as a zip."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup
from sphinx.application import Sphinx

from unrolled import __version__
from unrolled.base.errors import UnrolledError
from unrolled.base.files import atomic_write
from unrolled.library.bookcite import chapter_title
from unrolled.site import search, standalone
from unrolled.site.html import Place, element, join, link
from unrolled.site.knowledge import KnowledgeBase

FOLDER = standalone.FOLDER
WHEEL = f"unrolled-{__version__}-py3-none-any.whl"
ARCHIVE = "unrolled-book.zip"
BOOK_PDF = "unrolled-book.pdf"
PAGE = "book/take-away"
START, END = "<!-- downloads -->", "<!-- /downloads -->"


def put(app: Sphinx, exception: Exception | None) -> None:
    """Put the wheel and the chapters that stand alone into the built book."""
    if exception is not None or app.builder.format != "html":
        return
    kb: KnowledgeBase = app.unrolled_knowledge  # type: ignore[attr-defined]
    folder = Path(app.outdir)
    build_wheel(kb.root, folder / FOLDER)
    standalone.write(kb, folder, WHEEL, (app.config.html_baseurl or "").rstrip("/"))


def build_wheel(root: Path, folder: Path) -> Path:
    """Build the package's wheel into ``folder``.

    Raises:
        UnrolledError: with what the builder said, if it cannot.
    """
    folder.mkdir(parents=True, exist_ok=True)
    start = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    command = [sys.executable, "-c", start, str(folder)]
    found = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if found.returncode or not (folder / WHEEL).is_file():
        said = found.stderr.strip().splitlines() or ["it made no file of the expected name"]
        raise UnrolledError(f"the wheel cannot be built: {said[-1]}", hint="pip install hatchling")
    return folder / WHEEL


def lead_to_chapters(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Have the theme's buttons of a chapter lead to the notebook that stands alone, in Colab too."""
    slug = page.removeprefix("notebooks/")
    if slug == page:
        return
    target = f"{FOLDER}/{slug}.ipynb"
    for button in _buttons(context.get("header_buttons") or ()):
        if button.get("label") in ("download-source-button", "download-notebook-button"):
            button["url"] = Place(page).file(target)
    if (site := (app.config.html_baseurl or "").rstrip("/")).startswith("https://"):
        context["header_buttons"].append(
            {
                "type": "link",
                "url": colab(f"{site}/{target}"),
                "text": "Colab",
                "tooltip": "Open this chapter in Colab",
                "label": "open-in-colab",
            }
        )


def _buttons(buttons: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    for button in buttons:
        yield button
        yield from _buttons(button.get("buttons") or ())


def colab(address: str) -> str:
    """Where Colab opens a notebook that any site serves.

    >>> colab("https://example.org/downloads/ntm.ipynb")
    'https://colab.research.google.com/#fileId=https%3A//example.org/downloads/ntm.ipynb'
    """
    return f"https://colab.research.google.com/#fileId={quote(address, safe='/')}"


def downloads(kb: KnowledgeBase, place: Place) -> Markup:
    """The list of files on the page about taking the book along; `list_files` fills in what is made later."""
    return join(
        (
            Markup(START),
            _list([e.slug for e in kb.ordered() if e.slug in kb.chapters], {WHEEL}, place),
            Markup(END),
        )
    )


def _list(slugs: Iterable[str], found: set[str], place: Place) -> Markup:
    def file(name: str, words: str) -> Markup | None:
        return link(words, place.file(f"{FOLDER}/{name}"), download=True) if name in found else None

    whole = [
        file(BOOK_PDF, "The whole book as PDF"),
        file(ARCHIVE, "The whole book as web pages, one archive"),
    ]
    whole.append(file(WHEEL, "The package as a wheel"))
    rows = []
    for slug in slugs:
        notebook = link("notebook", place.file(f"{FOLDER}/{slug}.ipynb"), download=True)
        parts = [notebook, file(f"{slug}.pdf", "PDF")]
        rows.append(element("li", chapter_title(slug) or slug, ": ", join([p for p in parts if p], ", ")))
    items = [element("li", item) for item in whole if item]
    return join((element("ul", *items), element("h3", "Chapters"), element("ul", *rows)))


def list_files(root: Path, slugs: Iterable[str]) -> None:
    """Write the files that lie in the built book into the page that lists them."""
    folder = root / "_build" / "html"
    path = folder / f"{PAGE}.html"
    before, start, rest = path.read_text(encoding="utf-8").partition(START)
    _, end, after = rest.partition(END)
    if not end:
        raise UnrolledError("has no list of downloads", file=path, hint="build the book again: make book")
    found = {file.name for file in (folder / FOLDER).iterdir()}
    text = str(_list(slugs, found, Place(PAGE)))
    atomic_write(path, f"{before}{start}{text}{end}{after}")


def archive(folder: Path) -> Path:
    """Put the built book into one archive that opens without a server, and return its path.

    PDF files, the archive itself and the search index, which needs a server, are left out.
    """
    path = folder / FOLDER / ARCHIVE
    files = [f for f in sorted(folder.rglob("*")) if f.is_file() and f.suffix not in (".pdf", ".zip")]
    files = [f for f in files if f.relative_to(folder).parts[0] != search.FOLDER]
    partial = path.with_suffix(".part")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as made:
        for file in files:
            made.write(file, Path("unrolled") / file.relative_to(folder))
    partial.replace(path)
    return path
