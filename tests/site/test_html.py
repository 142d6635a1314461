"""HTML is made so that text stays text, and addresses stay addresses."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from unrolled.site.html import Place, code, element, join, link, math


class Reader(HTMLParser):
    """Reads HTML back into its text and tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags, self.attributes = "", [], {}
        self.feed(html)
        self.close()

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.update(attrs)


@given(
    st.text(st.characters(exclude_categories=("Cs", "Cc"))),
    st.text(st.characters(exclude_categories=("Cs", "Cc"))),
)
def test_any_text_and_attribute_reads_back_as_it_was(text: str, value: str) -> None:
    read = Reader(element("p", text, title=value))
    assert (read.text, read.attributes["title"], read.tags) == (text, value, ["p"])


def test_markup_is_not_escaped_twice() -> None:
    assert element("p", element("b", "&")) == "<p><b>&amp;</b></p>"
    assert join(["<", Markup("<br>")], ", ") == "&lt;, <br>"


def test_attributes_that_are_none_or_false_are_left_out() -> None:
    assert element("a", hidden=True, title=None, id=False) == "<a hidden></a>"


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "vbscript:x"]
)
def test_an_address_that_runs_code_is_shown_as_text(address: str) -> None:
    assert "href" not in link("here", address)


@pytest.mark.parametrize(
    "address", ["https://example.org/a?b=c:d", "../book/ledger.html#x", "#statement-a", "book/a.html?q=a:b"]
)
def test_an_ordinary_address_is_followed(address: str) -> None:
    assert Reader(link("here", address)).attributes["href"] == address


def test_formulas_and_names_are_escaped() -> None:
    assert "&lt;script&gt;" in math("<script>")
    assert "<script>" not in code("<script>")


def test_addresses_are_relative_to_the_page() -> None:
    assert Place("book/parts/cells").to("notebooks/bn_lstm", "a") == "../../notebooks/bn_lstm.html#a"
    assert Place("index").to("book/ledger") == "book/ledger.html"
    assert Place("book/ledger").file("_static/x.css") == "../_static/x.css"
