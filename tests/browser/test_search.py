"""The search by section in a real browser: what it finds, and by keyboard, phone, strict policy and file."""

from __future__ import annotations

import functools
import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_pages import serious

pytestmark = pytest.mark.browser

DIALOG = "#pst-search-dialog"
SEARCHES = {
    "how does NTM address memory": r"notebooks/ntm\.html",
    "BLEU Multi30k": r"notebooks/(bahdanau|luong)_attention\.html",
    "gamma 0.1": r"notebooks/bn_lstm\.html#(a-batch-of-three|why-the-scale-must-be-small)",
    "attention": r"concepts\.html#concept-attention$|notebooks/bahdanau_attention\.html",
    "pytorch GRU reset gate": r"notebooks/rnn_encoder_decoder\.html#which-gru",
    "LSTM forget gate bias": r"concepts\.html#concept-forget_gate|lstm_odyssey\.html#pitfalls",
    "alpha_tj": r"symbols\.html#symbol-|notebooks/(bahdanau|luong)_attention\.html#",
    "posterior collapse": r"notebooks/vae\.html#",
    "where fifty latents go": r"notebooks/vae\.html#where-fifty-latents-go",
    "bn_lstm_step": r"api/papers\.html#unrolled\.papers\.bn_lstm\.model\.bn_lstm_step",
    "KL annealing": r"concepts\.html#concept-kl_annealing",
}
"""Searches, and where the first or the second result must lead."""


def ask(page: Any, query: str) -> list[str]:
    """Type a query into the dialog, and wait for what it lists."""
    if not page.locator(DIALOG).evaluate("dialog => dialog.open"):
        page.keyboard.press("Control+k")
    page.locator(f"{DIALOG} input").fill(query)
    page.wait_for_function(
        "query => document.querySelector('#unrolled-found')?.dataset.query === query", arg=query
    )
    return [link.get_attribute("href") for link in page.locator("#unrolled-found a").all()]


@pytest.fixture
def page(visit, book) -> Any:
    if not (Path(book.folder) / "pagefind").is_dir():
        pytest.skip("this book was built without Pagefind")
    return visit().go("book/how-to-read.html")


@pytest.mark.parametrize(("query", "place"), SEARCHES.items())
def test_the_right_section_is_first_or_second(page, query: str, place: str) -> None:
    found = ask(page, query)
    assert any(re.search(place, address) for address in found[:2]), found[:4]


@pytest.mark.parametrize(
    ("typed", "meant", "place"),
    [("posterier colapse", "collapse", "posterior_collapse"), ("atention", "attention", "attention")],
)
def test_a_typing_error_is_forgiven_and_said(page, typed: str, meant: str, place: str) -> None:
    assert place in ask(page, typed)[0]
    assert f"“{meant}”" in page.locator(f"{DIALOG} .status").inner_text()


def test_what_is_nowhere_is_said(page) -> None:
    assert ask(page, "xyzzy") == []
    assert "Nothing found" in page.locator(f"{DIALOG} .status").inner_text()


def test_a_result_is_chosen_and_opened_from_the_keyboard(page) -> None:
    found = ask(page, "reset gate")
    field = page.locator(f"{DIALOG} input")
    page.keyboard.press("ArrowDown")
    assert field.get_attribute("aria-activedescendant") == "unrolled-found-1"
    assert page.locator("#unrolled-found-1").get_attribute("aria-selected") == "true"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert field.get_attribute("aria-activedescendant") == f"unrolled-found-{len(found) - 1}"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(found[1])
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    assert not page.locator(DIALOG).evaluate("dialog => dialog.open")


def test_markup_in_a_query_is_text(page) -> None:
    ask(page, "<img src=x onerror=alert(1)> gate")
    assert page.locator(f"{DIALOG} img").count() == 0


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_dialog_is_open_to_everyone_and_fits(visit, axe, book, width: int, scheme: str) -> None:
    seen = visit(width=width, scheme=scheme)
    page = seen.go("book/how-to-read.html")
    ask(page, "posterior collapse")
    box = page.locator(DIALOG).bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert serious(page, axe) == []
    assert seen.outside == []


def test_the_search_page_lists_sections(visit) -> None:
    page = visit().go("search.html?q=posterior+collapse")
    page.locator("#search-results .unrolled-found a").first.wait_for(timeout=20_000)
    links = [a.get_attribute("href") for a in page.locator("#search-results a").all()]
    assert any("vae.html#" in link for link in links[:3])


@pytest.fixture
def strict(book) -> Iterator[str]:
    """The book below a folder, on a server that allows its own scripts and WebAssembly and no others."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def end_headers(self) -> None:
            policy = (
                "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'"
            )
            self.send_header("Content-Security-Policy", policy)
            super().end_headers()

        def translate_path(self, path: str) -> str:
            return super().translate_path(path.removeprefix("/a/b"))

        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Handler, directory=str(book.folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/a/b/"
    server.shutdown()
    server.server_close()


def test_the_search_works_under_a_strict_policy_and_below_a_folder(browser, strict: str) -> None:
    page = browser.new_page()
    page.goto(f"{strict}book/how-to-read.html")
    assert ask(page, "posterior collapse")[0].startswith(f"{strict}book/concepts.html#")
    page.close()


def test_from_a_folder_the_plain_search_stays(browser, book) -> None:
    page = browser.new_page()
    page.goto((Path(book.folder) / "book" / "ledger.html").as_uri())
    page.keyboard.press("Control+k")
    page.locator(f"{DIALOG} input").fill("normalization")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=normalization")
    page.locator("#search-results li a").first.wait_for(timeout=20_000)
    page.close()
