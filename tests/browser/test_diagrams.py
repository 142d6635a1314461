"""Diagrams in a real browser: as wide as a phone's column, in the page's theme, light on paper."""

from __future__ import annotations

from pathlib import Path

import pytest

from unrolled.site import diagrams
from unrolled.site.html import Place
from unrolled.site.knowledge import load_knowledge_base

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted(
    path.stem
    for path in (ROOT / "notebooks").glob("*.ipynb")
    if "<!-- unrolled:diagram -->" in path.read_text(encoding="utf-8")
)
INK = "() => getComputedStyle(document.querySelector('.unrolled-diagram .box .symbol')).fill"
THEME = "name => { document.documentElement.dataset.theme = name; }"
LIGHT, DARK = "rgb(29, 33, 37)", "rgb(223, 227, 231)"


@pytest.mark.parametrize("slug", CHAPTERS)
def test_on_a_phone_a_diagram_fills_the_column_and_its_words_fit_their_boxes(visit, slug: str) -> None:
    page = visit(width=390, scheme="dark").go(f"notebooks/{slug}.html")
    figure = page.locator(f"figure.unrolled-diagram[data-diagram={slug}]")
    assert figure.count() == 1
    width = figure.locator("svg").bounding_box()["width"]
    assert width == pytest.approx(figure.bounding_box()["width"], abs=1)
    assert 341 <= width <= 390
    assert figure.get_by_role("img").count() == 1  # one picture with a name, not a heap of letters
    outside = page.evaluate(
        """() => [...document.querySelectorAll(".unrolled-diagram .box")].filter((box) => {
          const frame = box.querySelector("rect").getBoundingClientRect();
          return [...box.querySelectorAll("text, .symbol")].some((word) => {
            const here = word.getBoundingClientRect();
            return here.left < frame.left || here.right > frame.right || here.bottom > frame.bottom + 4;
          });
        }).map((box) => box.textContent)"""
    )
    assert outside == []


def test_a_diagram_follows_the_page_and_is_light_on_paper(visit) -> None:
    page = visit(scheme="light").go(f"notebooks/{CHAPTERS[0]}.html")
    assert page.evaluate(INK) == LIGHT
    page.evaluate(THEME, "dark")
    assert page.evaluate(INK) == DARK
    page.emulate_media(media="print")
    assert page.evaluate(INK) == LIGHT
    page.emulate_media(media="screen")


def test_a_thumbnail_follows_the_page_and_not_the_system(visit) -> None:
    html = str(diagrams.thumbnail(load_knowledge_base(ROOT, frozenset()), "ntm", Place("book/index")))
    page = visit(scheme="light").go("book/index.html")
    page.evaluate("html => document.querySelector('article').insertAdjacentHTML('afterbegin', html)", html)
    for theme, other in (("dark", "light"), ("light", "dark")):
        page.evaluate(THEME, theme)
        shown = page.locator(f".unrolled-thumbnail > .for-{theme}").first
        assert shown.is_visible()
        assert not page.locator(f".unrolled-thumbnail > .for-{other}").first.is_visible()
        page.wait_for_function("theme => document.querySelector(`.for-${theme}`).naturalWidth > 0", arg=theme)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_file_alone_has_the_colours_of_the_system(browser, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto((ROOT / "book" / "diagrams" / "ntm.svg").as_uri())
    fill = page.evaluate("() => getComputedStyle(document.querySelector('text')).fill")
    context.close()
    assert fill == {"light": LIGHT, "dark": DARK}[scheme]
