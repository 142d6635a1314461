"""A chapter's furniture in a real browser: pairs, boxes that scroll, figures on a phone, colours, icons."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

CHAPTER = "notebooks/bn_lstm.html"

CLIPPED = """() => {
  return [...document.querySelectorAll(".bd-article *:not(span.math, mjx-container *)")]
    .filter((e) => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 1)
    .filter((e) => getComputedStyle(e).overflowX !== "visible")
    .filter((e) => !(e.classList.contains("more-after") && e.tabIndex === 0
      && getComputedStyle(e).maskImage !== "none" && e.getAttribute("aria-label")))
    .map((e) => `${e.tagName}.${e.className}: ${e.scrollWidth} in ${e.clientWidth}`);
}"""

LETTERS = """async () => {
  const found = [];
  for (const image of document.querySelectorAll(".unrolled-picture img")) {
    if (!image.offsetParent) continue;
    const text = await (await fetch(image.src)).text();
    const svg = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
    const scale = image.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    const sizes = [...text.matchAll(/font(?:-size)?: ?(?:[\\w-]+ )*([\\d.]+)px/g)].map((m) => scale * m[1]);
    found.push([Math.min(...sizes), image.getBoundingClientRect().right]);
  }
  return found;
}"""


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("path", [CHAPTER, "notebooks/vae.html", "notebooks/ntm.html"])
def test_nothing_is_clipped_without_a_hint_that_the_keyboard_can_follow(visit, path: str, width: int) -> None:
    page = visit(width=width).go(path)
    for _ in range(25):  # boxes are measured once their formulas and pictures are there
        if not page.evaluate(CLIPPED):
            break
        page.wait_for_timeout(200)
    assert page.evaluate(CLIPPED) == []


def test_a_box_that_scrolls_fades_on_the_side_where_there_is_more(visit) -> None:
    page = visit(width=390).go(CHAPTER)
    box = page.locator("pre.more-after").first.element_handle()
    box.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("e => e.scrollLeft > 0 && e.classList.contains('more-before')", arg=box)
    box.evaluate("e => { e.scrollLeft = e.scrollWidth; }")
    page.wait_for_function("e => !e.classList.contains('more-after')", arg=box)


def test_panels_stand_in_a_row_on_a_desk_and_stack_on_a_phone_with_letters_that_can_be_read(visit) -> None:
    tops = """() => [...document.querySelectorAll(".unrolled-picture")]
      .map((row) => [...row.children].filter((i) => i.offsetParent).map((i) => Math.round(i.offsetTop)))
      .filter((row) => row.length > 1)"""
    desk = visit(width=1280).go(CHAPTER).evaluate(tops)
    assert desk
    assert all(len(set(row)) == 1 for row in desk)
    page = visit(width=390).go(CHAPTER)
    assert all(len(set(row)) == len(row) for row in page.evaluate(tops))
    for smallest, right in page.evaluate(LETTERS):
        assert smallest >= 9.95
        assert right <= 390


@pytest.mark.parametrize(("scheme", "shown"), [("light", "only-light"), ("dark", "only-dark")])
def test_each_theme_has_its_own_pictures(visit, scheme: str, shown: str) -> None:
    page = visit(scheme=scheme).go(CHAPTER)
    seen = page.evaluate(
        "() => [...document.querySelectorAll('.unrolled-picture img')].filter((i) => i.offsetParent)"
        ".map((i) => i.className)"
    )
    assert set(seen) == {shown}


@pytest.mark.parametrize(("scheme", "ground"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(20, 23, 26)")])
def test_without_scripts_the_colours_are_there(browser, address: str, scheme: str, ground: str) -> None:
    context = browser.new_context(java_script_enabled=False, color_scheme=scheme)
    page = context.new_page()
    page.goto(address + CHAPTER)
    colours = page.locator("body").evaluate(
        "e => [e, document.querySelector('.highlight .n')].map((x) => getComputedStyle(x))"
        ".map((s) => [s.backgroundColor, s.color])"
    )
    assert colours[0][0] == ground
    keyword = page.locator(".highlight .k, .highlight .kn").first
    assert keyword.evaluate("e => getComputedStyle(e).color") != colours[1][1]
    assert page.locator(".unrolled-picture img:visible").first.get_attribute("class") == f"only-{scheme}"
    context.close()


def test_icons_are_drawn_and_no_font_is_loaded_for_them(visit) -> None:
    page = visit().go(CHAPTER)
    page.wait_for_load_state("networkidle")
    fonts = page.evaluate("() => performance.getEntriesByType('resource').map((r) => r.name)")
    assert not [name for name in fonts if "fontawesome" in name or "fa-solid" in name]
    icon = page.locator(".primary-toggle .fa-bars").first
    masked = icon.evaluate("e => getComputedStyle(e, '::before').maskImage")
    assert masked.startswith("url(")


def test_what_is_folded_opens_from_the_keyboard(visit) -> None:
    page = visit().go(CHAPTER)
    summary = page.locator(".tag_solution summary").first
    assert summary.inner_text() == "Show solution"
    summary.focus()
    page.keyboard.press("Enter")
    assert summary.inner_text() == "Hide solution"
    assert page.locator(".tag_solution pre").first.is_visible()


def test_on_paper_a_dark_page_is_light_and_nothing_is_cut(visit) -> None:
    page = visit(scheme="dark").go(CHAPTER)
    page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.evaluate("() => document.documentElement.dataset.theme") == "light"
    wide = page.evaluate(
        "() => [...document.querySelectorAll('.bd-article pre')]"
        ".filter((e) => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1).length"
    )
    assert wide == 0
    page.evaluate("() => window.dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("() => document.documentElement.dataset.theme") == "dark"
