"""What a link leads to, told beside it: cards for entries, citations, equations, concepts and symbols.

Each page carries the cards of its own links as templates, so nothing is fetched. The book's script shows them
by pointer and by keyboard; without it a page is as complete as before.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from html import unescape
from typing import Any

from markupsafe import Markup
from sphinx.application import Sphinx

from unrolled.site import bibliography
from unrolled.site.equations import display, number_of
from unrolled.site.html import element, join, math
from unrolled.site.indexes import symbol_uses
from unrolled.site.knowledge import PARTS, KnowledgeBase
from unrolled.site.tables import sure, symbol_anchor

LINK = re.compile(r'<a\b(?=[^>]*\shref="([^"]+)")[^>]*>')

WITHOUT = frozenset(
    {f"book/{name}" for name in ("equations", "symbols", "concepts", "bibliography", "ledger", "history")}
)
"""Pages that say it all themselves, or have so many links that the cards would outweigh the text."""

Card = Callable[[], Markup]


def known(kb: KnowledgeBase) -> dict[str, Card]:
    """What can be told, by "page#anchor"; each card is made when a page asks for it."""
    found: dict[str, Card] = {}
    for slug, entry in kb.entries.items():
        home = kb.home(slug)[0]
        found[f"{home}#"] = lambda e=entry: _entry(kb, e)
        for equation in entry.equations:
            found[f"{home}#equation-{equation.label}"] = lambda e=entry, q=equation: _equation(e, q)
    for concept in kb.concepts.values():
        found[f"book/concepts#concept-{concept.slug}"] = lambda c=concept: _concept(c)
    for key, work in kb.works.items():
        found[f"{bibliography.PAGE}#key-{key}"] = lambda w=work: _work(w)
    for latex, uses in symbol_uses(kb).items():
        found[f"book/symbols#{symbol_anchor(latex)}"] = lambda x=latex, u=uses: _symbol(x, u)
    return found


def _title(*content: object) -> Markup:
    return element("p", *content, class_="hover-title")


def _quiet(*content: object) -> Markup:
    return element("p", *content, class_="hover-quiet")


def _entry(kb: KnowledgeBase, entry: Any) -> Markup:
    work = kb.works.get(entry.key)
    who = work.short if work else str(entry.year)
    return join((_title(entry.title), _quiet(f"{who} · {PARTS[entry.part]}"), element("p", entry.summary)))


def _equation(entry: Any, equation: Any) -> Markup:
    mark = sure(equation.source.value)
    return join(
        (
            _title(equation.name),
            _quiet(join((f"{entry.short}, {number_of(equation)}", mark), " ")),
            display(equation.latex),
        )
    )


def _concept(concept: Any) -> Markup:
    return join((_title(concept.name), element("p", concept.definition)))


def _work(work: Any) -> Markup:
    venue = ", ".join(text for text in (work.venue, work.year) if text)
    return join((_title(work.title), element("p", work.names) if work.names else None, _quiet(venue)))


def _symbol(latex: str, uses: Any) -> Markup:
    items = (element("li", symbol.name, " · ", entry.short) for entry, symbol in uses[:6])
    more = _quiet(f"and {len(uses) - 6} more") if len(uses) > 6 else None
    return join((_title(math(latex)), element("ul", *items), more))


def add(html: str, docname: str, cards: Mapping[str, Card], also: Mapping[str, str] | None = None) -> str:
    """The page with a template for each card that its links ask for; ``also`` gives anchors other names."""
    templates: dict[str, Markup] = {}

    def mark(match: re.Match[str]) -> str:
        name = target(unescape(match[1]), docname)
        name = (also or {}).get(name, name)
        if name not in cards or "data-card=" in match[0] or 'class="headerlink"' in match[0]:
            return match[0]
        page = name.partition("#")[0]
        if page == docname and name.endswith("#"):
            return match[0]
        if name not in templates:
            identifier = f"card-{len(templates) + 1}"
            templates[name] = element("template", cards[name](), id=identifier)
        identifier = f"card-{list(templates).index(name) + 1}"
        return f'{match[0][:-1]} data-card="{identifier}">'

    marked = LINK.sub(mark, html)
    return marked + "".join(templates.values())


def target(href: str, docname: str) -> str:
    """The page and anchor of a link, seen from the book's root.

    >>> target("../book/concepts.html#concept-lstm", "notebooks/bn_lstm")
    'book/concepts#concept-lstm'
    """
    if "://" in href:
        return ""
    path, _, anchor = href.partition("#")
    page = posixpath.normpath(posixpath.join(posixpath.dirname(docname), path)) if path else f"{docname}.html"
    return f"{page.removesuffix('.html')}#{anchor}"


def put(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Add the cards to a page that is about to be written; formulas in them need MathJax."""
    body = context.get("body")
    if not body or pagename in WITHOUT or pagename.startswith("source/"):
        return
    if not hasattr(app, "unrolled_cards"):
        app.unrolled_cards = known(app.unrolled_knowledge)  # type: ignore[attr-defined]
        app.unrolled_citations = citations(app)  # type: ignore[attr-defined]
    html = add(body, pagename, app.unrolled_cards, app.unrolled_citations)  # type: ignore[attr-defined]
    context["body"] = html
    if 'class="math' in html[len(body) :]:
        app.env.get_domain("math").data["has_equations"][pagename] = True


def citations(app: Sphinx) -> dict[str, str]:
    """The anchors that the bibliography itself gives to its works, as anchors by key."""
    domain = app.env.domains.get("cite")
    found = domain.citations if domain is not None else ()  # type: ignore[attr-defined]
    return {f"{bibliography.PAGE}#{c.citation_id}": f"{bibliography.PAGE}#key-{c.key}" for c in found}
