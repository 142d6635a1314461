"""What Sphinx and the theme write into a page as it stands is escaped before; addresses run nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from docutils import nodes
from docutils.utils import new_document
from markupsafe import escape
from site_samples import entry_with, knowledge_with

from unrolled.site import bibliography, entrypages
from unrolled.site.pairs import EquationChips

NASTY = "<img src=x onerror=alert(1)>"


def equations_of(number: str, **changes: str) -> tuple[nodes.math_block, dict[str, Any]]:
    """An equation of a page after the transform, and what cross-references print."""
    kb = knowledge_with("text", number=number)
    entry = kb.entries["bn_lstm"]
    equation = entry.equations[0].model_copy(update=changes)
    kb.entries["bn_lstm"] = entry.model_copy(update={"equations": (equation,)})
    document = new_document("page")
    block = nodes.math_block("", "x", label=equation.label, number=1)
    document += block
    domain = SimpleNamespace(equations={})
    app = SimpleNamespace(unrolled_knowledge=kb)
    document.settings.env = SimpleNamespace(app=app, docname="page", get_domain=lambda name: domain)
    EquationChips(document).apply()
    return block, domain.equations


@pytest.mark.parametrize(
    ("number", "changes"), [(NASTY, {}), ("unnumbered: appendix", {"name": NASTY})], ids=["number", "name"]
)
def test_an_equation_s_number_and_name_are_escaped_where_sphinx_does_not(number, changes) -> None:
    block, equations = equations_of(number, **changes)
    assert block["number"] is None  # it stands with the labels
    chips = next(iter(block.parent.findall(nodes.raw))).astext()
    assert str(escape(NASTY)) in chips
    assert NASTY not in chips
    assert equations[block["label"]] == ("page", NASTY)  # a reference's text, which docutils escapes


class Indexer:
    """What the pages use of Sphinx's search."""

    def __init__(self) -> None:
        self.fed: list[tuple] = []

    def feed(self, *arguments: object) -> None:
        self.fed.append(arguments)

    def prune(self, names: object) -> None:
        pass

    def freeze(self) -> dict[str, Any]:
        return {"titles": ["A &lt;b&gt;"], "alltitles": {NASTY: [(0, "x")]}}


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    monkeypatch.setattr(entrypages, "cited", lambda slug: {"bibtex": slug})
    kb = knowledge_with("text", chapter=False)
    first, second = entry_with("text", slug="one"), entry_with("text", slug="two")
    change = {"short": NASTY, "title": NASTY, "part": "cells", "year": 2000, "chapters": (), "relations": ()}
    for entry in (first, second):
        kb.entries[entry.slug] = entry.model_copy(update=change)
    domain = SimpleNamespace(data={"has_equations": {}})
    env = SimpleNamespace(get_domain=lambda name: domain)
    return SimpleNamespace(unrolled_knowledge=kb, env=env, builder=SimpleNamespace(indexer=Indexer()))


def test_titles_of_neighbouring_pages_and_of_the_search_are_escaped(app: SimpleNamespace) -> None:
    made = {name: context for name, context, _ in entrypages.pages(app)}
    assert made["entries/one"]["next"]["title"] == escape(NASTY)
    assert made["entries/two"]["prev"]["title"] == escape(NASTY)
    assert made["entries/one"]["title"] == escape(NASTY)
    titles = {docname: title for docname, _, title, _ in app.builder.indexer.fed}
    assert titles["entries/one"] == str(escape(NASTY))


def test_headings_in_the_search_index_are_escaped(app: SimpleNamespace) -> None:
    assert list(entrypages.escape_titles(app)) == []
    assert app.builder.indexer.freeze() == {
        "titles": ["A &lt;b&gt;"],
        "alltitles": {str(escape(NASTY)): [(0, "x")]},
    }


@pytest.mark.parametrize(
    ("address", "followed"),
    [
        ("https://example.org/a:b", True),
        ("mailto:someone@example.org", True),
        ("../book/ledger.html#x", True),
        ("javascript:alert(1)", False),
        ("JavaScript:alert(1)", False),
        (" javascript:alert(1)", False),
        ("data:text/html,x", False),
    ],
)
def test_an_address_of_a_page_that_runs_code_is_text(address: str, followed: bool) -> None:
    document = new_document("page")
    document += nodes.paragraph("", "", nodes.reference("", "here", refuri=address))
    bibliography.refuse_addresses(None, document, "page")
    assert bool(list(document.findall(nodes.reference))) == followed
    assert document.astext() == "here"
