"""The ways in, in a real browser: home, filters, letters, comparisons, reports, and a strict policy kept."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

pytestmark = pytest.mark.browser

HOME = "book/index.html"
PAGES = (HOME, "book/side-by-side.html", "book/side-by-side/cells.html", "notebooks/ntm.html", "search.html")
SHOWN = "(selector) => [...document.querySelectorAll(selector)].filter((e) => e.checkVisibility()).length"
MEGABIT = 1.6e6 / 8  # bytes a second
TURNS = 4 * 0.15  # seconds: the page, its first script, what that asks for, and one to spare


@pytest.mark.parametrize("path", PAGES)
def test_a_page_keeps_the_policy_that_it_states(visit, path: str) -> None:
    seen = visit()
    page = seen.go(path)
    page.wait_for_load_state("networkidle")
    assert seen.said == []  # a browser complains of everything that a policy stops
    assert "script-src 'self' 'wasm-unsafe-eval'" in page.locator(
        "meta[http-equiv=Content-Security-Policy]"
    ).get_attribute("content")
    page.evaluate(
        "() => document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\">')"
    )
    page.wait_for_timeout(200)
    assert page.evaluate("() => window.ran") is None


def test_the_theme_is_there_before_anything_is_painted(visit) -> None:
    page = visit(scheme="dark").page
    page.add_init_script(
        "new PerformanceObserver((list) => { window.painted ??= document.documentElement.dataset.theme; })"
        ".observe({ type: 'paint', buffered: true });"
    )
    seen = visit(scheme="dark")
    seen.go(HOME)
    colour = seen.page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert colour == "rgb(20, 23, 26)"


def test_buttons_of_the_header_act_without_handlers(visit) -> None:
    page = visit().go("notebooks/ntm.html")
    page.evaluate("() => { window.printed = 0; window.print = () => { window.printed += 1; }; }")
    page.evaluate("() => document.querySelector('[data-action=print]').click()")
    assert page.evaluate("() => window.printed") == 1
    assert page.locator("[onclick]").count() == 0


@pytest.mark.parametrize(("width", "picture"), [(1280, ".wide"), (390, ".narrow")])
def test_the_family_can_be_clicked_on_a_desk_and_on_a_phone(visit, width: int, picture: str) -> None:
    page = visit(width=width).go(HOME)
    assert page.evaluate(SHOWN, ".unrolled-family .unrolled-graph") == 1
    box = page.locator(f".unrolled-family {picture} svg").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    page.locator(f".unrolled-family {picture} [data-node=ntm]").click()
    page.wait_for_url("**/notebooks/ntm.html")


def test_a_card_is_a_link_as_a_whole_and_shows_the_drawing(visit) -> None:
    page = visit().go(HOME)
    card = page.locator(".unrolled-cards > li").filter(has_text="NTM").first
    assert card.locator("img").first.get_attribute("alt") == ""  # it decorates a title
    card.locator(".headline").click(force=True)  # the link lies over the whole card
    page.wait_for_url("**/notebooks/ntm.html")


def test_a_filter_opens_the_papers_that_have_the_words(visit) -> None:
    page = visit().go("book/equations.html")
    everything = page.locator(".unrolled-index-equations > li").count()
    field = page.get_by_role("searchbox", name="Filter equations")
    field.fill("reset gate")
    opened = page.locator("details.unrolled-paper[open]").count()
    shown = page.evaluate(SHOWN, ".unrolled-index-equations > li")
    assert 0 < opened < 10
    assert 0 < shown < everything / 4
    assert page.get_by_role("status").first.inner_text() == f"{shown} of {everything}"
    field.fill("")
    assert page.locator("details.unrolled-paper[open]").count() == 0
    assert page.locator("details.unrolled-paper[hidden]").count() == 0


def test_concepts_can_be_filtered_and_reached_by_letter(visit) -> None:
    page = visit().go("book/concepts.html")
    page.get_by_role("searchbox", name="Filter concepts").fill("posterior collapse")
    assert page.evaluate(SHOWN, ".unrolled-glossary dt") < 12
    page.get_by_role("searchbox", name="Filter concepts").fill("")
    page.get_by_role("navigation", name="Letters").get_by_text("V", exact=True).click()
    assert page.url.endswith("#letter-v")
    assert page.locator("#letter-v").bounding_box()["y"] < 400


def test_the_bibliography_has_letters_and_a_filter(visit) -> None:
    page = visit().go("book/bibliography.html")
    works = page.locator("div.citation").count()
    page.get_by_role("searchbox", name="Filter the bibliography").fill("bahdanau")
    assert 0 < page.evaluate(SHOWN, "div.citation") < works / 10
    assert page.locator(".unrolled-letters a").count() > 15


def test_a_link_to_a_statement_in_the_ledger_opens_its_paper(visit) -> None:
    page = visit().go("book/ledger.html#ntm-copy-generalises")
    rows = page.locator("details.unrolled-paper[open] tr[id]")
    page.goto(page.url.partition("#")[0])
    anchor = page.locator("#ledger-ntm tr[id]").first.get_attribute("id")
    page.goto(f"{page.url.partition('#')[0]}#{anchor}")
    page.reload()
    rows.first.wait_for(state="visible")
    assert page.locator(f"[id='{anchor}']").is_visible()


def test_contents_beside_the_page_know_generated_headings(visit) -> None:
    page = visit().go("book/equations.html")
    contents = page.locator(".bd-sidebar-secondary").inner_text()
    for part in ("Cells", "Memory", "Latent variables"):
        assert part in contents


def test_a_claim_of_the_first_version_is_still_found(visit) -> None:
    page = visit().go("notebooks/dkt.html")
    old = page.locator("span[id^='claim-']").first.get_attribute("id")
    page.goto(f"{page.url}#{old}")
    assert page.locator(f"#{old}").evaluate("e => Boolean(e.closest('tr, li, section')?.id)")


@pytest.mark.parametrize("chapter", ["ntm", "vae", "bahdanau_attention"])
def test_formulas_stand_in_the_page_and_what_paints_it_comes_within_three_seconds(book, chapter: str) -> None:
    folder = Path(book.folder)
    html = (folder / "notebooks" / f"{chapter}.html").read_text(encoding="utf-8")
    if "tex-chtml.js" in html:
        pytest.skip("this book was built without Node")
    assert html.count("<mjx-container") > 20
    head = html.partition("</head>")[0]
    painted = [html.encode()]
    for name in re.findall(r'<link rel="stylesheet" href="\.\./([^"?]+)|<script src="\.\./([^"?]+)', head):
        painted.append((folder / (name[0] or name[1])).read_bytes())
    waiting = [
        (folder / "notebooks" / name.partition("?")[0]).resolve().read_bytes()
        for name in re.findall(r'<script defer(?:="defer")? src="([^"]+)"', html)
    ]
    fonts = [
        (folder / "_static/mathjax/output/chtml/fonts/woff-v2" / f"MathJax_{name}.woff").read_bytes()
        for name in ("Main-Regular", "Math-Italic")
    ]
    size = sum(len(gzip.compress(part)) for part in (*painted, *waiting)) + sum(map(len, fonts))
    assert size / MEGABIT + TURNS < 3  # bytes, not a clock: a test asserts no time


def test_an_error_is_reported_with_section_and_cell(visit) -> None:
    page = visit().go("notebooks/vae.html")
    page.evaluate(
        """() => {
          const link = document.createElement("a");
          link.className = "unrolled-report";
          link.href = "https://example.org/issues/new?title=T&body=Page%3A+x%0A%0AWhat";
          link.addEventListener("click", (event) => event.preventDefault());
          document.body.append(link);
          document.querySelectorAll(".bd-article div.cell")[2].scrollIntoView();
          link.click();
          window.reported = link.href;
        }"""
    )
    body = parse_qs(urlsplit(page.evaluate("() => window.reported")).query)["body"][0]
    assert body.startswith("Page: x\nSection: ")
    assert "Code cell: 3 of " in body
    assert body.endswith("What")
