"""Chapters on paper: nothing is clipped, solutions are open, and links do not lead to a local server."""

from __future__ import annotations

from pathlib import Path

import pytest

from unrolled.site import printing

pytestmark = pytest.mark.browser

BOXES = "pre, .math-wrapper, div.math, mjx-container[display=true], table, figure, .cell_output, .output"

CLIPPED = """boxes => {
  const width = document.documentElement.clientWidth;
  const seen = (e) => e.checkVisibility() && !e.closest("mjx-assistive-mml, .visually-hidden, .sr-only");
  const all = (selector) => [...document.querySelectorAll(selector)].filter(seen);
  const beyond = all(".bd-article *").filter((e) => e.getBoundingClientRect().right > width + 1);
  const hides = (e) => getComputedStyle(e).overflowX !== "visible" && e.scrollWidth > e.clientWidth + 1;
  const cut = all(`.bd-article :is(${boxes})`).filter(hides);
  return [...beyond, ...cut].map((e) => `${e.tagName} ${e.className} ${e.textContent.trim().slice(0, 60)}`);
}"""


@pytest.mark.parametrize("slug", ["ntm", "bahdanau_attention"])
def test_a_chapter_on_paper_is_whole(book, browser, slug: str, tmp_path: Path) -> None:
    from pypdf import PdfReader

    with printing.served(book.folder) as address:
        context = browser.new_context(viewport={"width": printing.WIDTH, "height": 930})
        page = context.new_page()
        printing.open_for_print(page, f"{address}notebooks/{slug}.html")
        assert page.evaluate(CLIPPED, BOXES) == []
        closed = ".cell.tag_solution details:not([open]), .sd-dropdown:not([open])"
        assert page.locator(f".bd-article :is({closed})").count() == 0
        page.pdf(path=tmp_path / "a.pdf", format="A4", margin=printing.MARGIN, scale=printing.SCALE)
        context.close()
    found = PdfReader(tmp_path / "a.pdf")
    assert len(found.pages) > 5
    addresses = [
        str(note.get_object().get("/A", {}).get("/URI", ""))
        for sheet in found.pages
        for note in sheet.get("/Annots", ())
    ]
    assert addresses
    assert not [text for text in addresses if "127.0.0.1" in text]
