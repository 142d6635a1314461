"""A chapter in a real browser: its chips, its buttons, its citing box, and the search that finds it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = "notebooks/bn_lstm.html"


def test_chips_lead_to_the_function_and_to_its_test(visit) -> None:
    seen = visit()
    page = seen.go(CHAPTER)
    chips = page.locator(".unrolled-chips").filter(has_text="bn_lstm_step").first
    chips.get_by_text("bn_lstm_step").click()
    page.wait_for_url("**/source/unrolled/papers/bn_lstm/model.html#bn_lstm_step")
    assert page.locator("[id='bn_lstm_step']").inner_text().find("def bn_lstm_step") >= 0
    page.go_back()
    page.locator(".unrolled-chips").filter(has_text="bn_lstm_step").first.get_by_text("oracle").click()
    page.wait_for_url("**/source/tests/oracles/**")
    anchor = page.url.partition("#")[2]
    assert f"def {anchor}" in page.locator(f"[id='{anchor}']").inner_text()
    assert page.locator(f"[id='{anchor}']").is_visible()


def test_a_statement_chip_leads_to_its_row(visit) -> None:
    page = visit().go("notebooks/dkt.html")
    page.locator(".unrolled-chips a", has_text="statement").first.click()
    anchor = page.url.partition("#")[2]
    assert anchor.startswith("statement-")
    assert page.locator(f"[id='{anchor}']").is_visible()


def test_the_notebook_button_downloads_the_chapter(visit) -> None:
    page = visit().go(CHAPTER)
    with page.expect_download() as waiting:
        page.locator(".unrolled-card .button", has_text="Notebook").click()
    notebook = json.loads(Path(waiting.value.path()).read_text(encoding="utf-8"))
    assert waiting.value.suggested_filename == "bn_lstm.ipynb"
    assert notebook["nbformat"] == 4


@pytest.mark.parametrize(
    ("tab", "style"), [("BibTeX", "bibtex"), ("RIS", "ris"), ("CSL-JSON", "csl-json"), ("APA", "apa")]
)
def test_the_copy_button_copies_what_the_command_prints(visit, tab: str, style: str) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "unrolled", "cite", "bn_lstm", "--style", style],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=os.environ | {"UNROLLED_PROJECT": str(ROOT), "PYTHONIOENCODING": "utf-8"},
    ).stdout
    page = visit().go(CHAPTER)
    box = page.locator(".unrolled-cite")
    box.get_by_role("tab", name=tab, exact=True).click()
    box.locator("button.copy").click()
    box.get_by_text("Copied").wait_for()
    assert page.evaluate("() => navigator.clipboard.readText()") == printed


def test_the_cite_box_works_from_the_keyboard(visit) -> None:
    page = visit().go(CHAPTER)
    box = page.locator(".unrolled-cite")
    box.get_by_role("tab", name="BibTeX").focus()
    page.keyboard.press("ArrowRight")
    assert box.get_by_role("tab", name="RIS").get_attribute("aria-selected") == "true"
    assert box.locator(".panel:visible pre").inner_text().startswith("TY")


def test_without_scripts_every_style_can_be_read(browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + CHAPTER)
    assert page.locator(".unrolled-cite .panel:visible").count() == 4
    assert page.locator(".unrolled-cite .panel pre").first.inner_text().startswith("@inproceedings")
    context.close()


def test_search_finds_the_chapter(visit) -> None:
    page = visit().go("search.html?q=recurrent+batch+normalization")
    results = page.locator("#search-results li a")
    results.first.wait_for(timeout=20_000)
    page.wait_for_function("() => !document.querySelector('#search-progress')?.textContent.includes('...')")
    assert any(CHAPTER in (link.get_attribute("href") or "") for link in results.all())


def test_an_equation_and_its_source_stand_side_by_side_on_a_wide_screen(visit) -> None:
    sides = """() => {
      const pair = document.querySelector(".unrolled-pair");
      if (!pair) return null;
      const [left, right] = [...pair.children].map((e) => e.getBoundingClientRect());
      return { beside: right.left >= left.right - 1, below: right.top >= left.bottom - 1, end: right.right };
    }"""
    wide = visit(width=1280).go(CHAPTER).evaluate(sides)
    if wide is None:
        pytest.skip("the chapter shows no source right after an equation")
    assert wide["beside"]
    assert wide["end"] <= 1280
    assert visit(width=768).go(CHAPTER).evaluate(sides)["below"]


def test_the_card_fits_one_phone_screen(visit) -> None:
    page = visit(width=390).go(CHAPTER)
    assert page.locator(".unrolled-card").bounding_box()["height"] <= 844


def test_buttons_show_where_the_keyboard_is(visit) -> None:
    page = visit().go(CHAPTER)
    page.keyboard.press("Tab")  # so that the browser takes the focus for the keyboard's
    button = page.locator(".unrolled-card .button").first
    button.focus()
    assert button.evaluate("e => getComputedStyle(e).outlineStyle") != "none"
