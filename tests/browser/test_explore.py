"""Filters, the graph and the cards over links in a real browser, by pointer and by keyboard."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from unrolled.site.filters import NAMES

pytestmark = pytest.mark.browser

ENTRY = "entries/depth_gated_lstm.html"
LIST = "book/reading-list.html"
GRAPH = "book/lineage.html"
SHOWN = "() => document.querySelectorAll('.reading-list tbody tr:not([hidden])').length"
CARD = "#unrolled-hover"


def test_filters_narrow_the_list_and_the_address_keeps_them(visit) -> None:
    seen = visit()
    page = seen.go(LIST)
    everything = page.evaluate(SHOWN)
    assert everything >= 36
    for name in NAMES:  # every choice of every filter fits the number of rows that it promises
        wrong = page.evaluate(
            """name => {
              const select = document.querySelector(`select[name=${name}]`);
              const wrong = [];
              for (const option of [...select.options].slice(1)) {
                select.value = option.value;
                select.dispatchEvent(new Event("change", { bubbles: true }));
                const shown = document.querySelectorAll(".reading-list tbody tr:not([hidden])").length;
                if (!option.textContent.endsWith(`(${shown})`)) wrong.push(option.textContent);
              }
              select.value = "";
              select.dispatchEvent(new Event("change", { bubbles: true }));
              return wrong;
            }""",
            name,
        )
        assert wrong == [], name
    page.get_by_label("Part").select_option("Memory")
    page.get_by_label("Year").select_option("2014")
    assert page.evaluate(SHOWN) == 1
    assert page.locator(".reading-list tbody tr:visible").inner_text().startswith("Neural Turing Machines")
    assert "1 of" in page.get_by_role("status").inner_text()
    assert page.url.endswith("#year=2014&part=Memory")
    page.reload()
    assert page.evaluate(SHOWN) == 1
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function("() => !location.hash")
    assert page.evaluate(SHOWN) == everything


def test_filters_work_from_the_keyboard(visit) -> None:
    page = visit().go(LIST)
    page.get_by_label("Concept").focus()
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.name") == "data"
    page.keyboard.type("babi")
    page.keyboard.press("Enter")
    assert page.get_by_label("Data set").input_value() == "babi"
    assert 0 < page.evaluate(SHOWN) < 36


def test_without_scripts_the_list_is_a_plain_table_and_links_need_no_card(browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + LIST)
    assert page.locator(".reading-list tbody tr:visible").count() >= 36
    assert not page.locator(".unrolled-filters").is_visible()
    page.goto(address + ENTRY)
    assert page.locator("template").first.is_hidden()
    assert page.locator("a[data-card]").first.get_attribute("href")
    page.goto(address + GRAPH)
    assert page.locator(".unrolled-graph .node").count() >= 23
    context.close()


def test_the_graph_can_be_walked_and_followed_from_the_keyboard(visit) -> None:
    page = visit(width=390).go(GRAPH)
    page.locator(".unrolled-graph").focus()
    page.keyboard.press("Tab")
    first = page.evaluate("() => document.activeElement.getAttribute('aria-label')")
    assert first
    seen = {first}
    for _ in range(page.locator(".unrolled-graph .node").count() - 1):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("() => document.activeElement.getAttribute('aria-label')"))
    assert len(seen) == page.locator(".unrolled-graph .node").count()
    node = page.locator(".node[data-node=depth_gated_lstm]")
    node.focus()
    assert page.locator(".unrolled-graph.lit").count() == 1
    box = node.bounding_box()
    assert 0 <= box["x"] <= 390  # what has the focus is scrolled into sight
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{ENTRY}")


def test_the_graph_and_its_table_hold_the_same_relations(visit) -> None:
    page = visit().go(GRAPH)
    rows = page.locator("table.relations tbody tr").count()
    nodes = page.locator(".unrolled-graph .node").count()
    lines = page.locator(".unrolled-graph .edges path").count()
    assert nodes >= 23
    assert 0 < lines <= rows
    page.locator(".node[data-node=vrnn]").hover()
    lit = page.locator(".edges path.lit").count()
    assert lit == page.locator(".edges path[data-from=vrnn], .edges path[data-to=vrnn]").count() > 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_card_opens_under_the_pointer_and_stays_while_it_is_read(visit, scheme: str) -> None:
    seen = visit(scheme=scheme)
    page = seen.go(ENTRY)
    link = page.locator("#relations a[href*='concept-lstm']").first
    link.hover()
    card = page.locator(CARD)
    card.wait_for(state="visible")
    assert "recurrent cell" in card.inner_text()
    colours = card.evaluate("e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]")
    assert colours[0] != colours[1]
    assert "0, 0, 0, 0" not in colours[1]
    card.hover()
    page.wait_for_timeout(400)
    assert card.is_visible()
    page.mouse.move(2, 2)
    card.wait_for(state="hidden")
    assert seen.outside == []


def test_a_card_opens_by_keyboard_and_escape_closes_it(visit) -> None:
    page = visit().go(ENTRY)
    page.keyboard.press("Tab")
    link = page.locator("#relations a[data-card]").first
    link.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    card = page.locator(CARD)
    assert card.is_visible()
    assert link.get_attribute("aria-describedby") == "unrolled-hover"
    page.keyboard.press("Escape")
    assert not card.is_visible()
    assert link.get_attribute("aria-describedby") is None
    assert link.evaluate("e => e === document.activeElement")


def test_cards_tell_of_symbols_equations_and_citations(visit) -> None:
    page = visit().go(ENTRY)
    told = {
        "symbol": "a[href*='symbols.html#symbol-']",
        "work": "#relations a[href*='bibliography.html#']",
    }
    card = page.locator(CARD)
    page.evaluate("() => document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    for what, where in told.items():
        page.locator(where).first.hover()
        card.wait_for(state="visible")
        assert card.inner_text().strip(), what
        page.keyboard.press("Escape")
        page.mouse.move(2, 2)
    page = visit().go("notebooks/bn_lstm.html")
    equation = page.locator("a[data-card][href*='#equation-']").first
    if equation.count():
        equation.hover()
        page.locator(f"{CARD} mjx-container").first.wait_for()


def test_a_card_fits_a_phone(visit) -> None:
    page = visit(width=390).go(ENTRY)
    page.keyboard.press("Tab")
    for link in page.locator("#relations a[data-card]").all()[:6]:
        link.hover()
        card = page.locator(CARD)
        card.wait_for(state="visible")
        box = card.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        page.keyboard.press("Escape")
        page.mouse.move(2, 2)


def test_a_link_to_a_folded_check_unfolds_it(visit) -> None:
    page = visit().go("book/ledger.html#dkt-check-cell-never-negative")
    row = page.locator("[id='dkt-check-cell-never-negative']")
    row.wait_for(state="visible")
    assert "never" in row.inner_text()


def test_search_finds_an_entry_without_a_chapter(visit, book) -> None:
    index = (Path(book.folder) / "searchindex.js").read_text(encoding="utf-8")
    names = json.loads(index.removeprefix("Search.setIndex(").rstrip().rstrip(")"))["docnames"]
    assert ENTRY.removesuffix(".html") in names
    page = visit().go("search.html?q=depth+gate+lower+memory+cell")
    hit = page.locator(f"#search-results li a[href*='{ENTRY}']").first
    hit.wait_for(timeout=20_000)
