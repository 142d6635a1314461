"""What a link leads to, told beside it: cards for entries, citations, equations, concepts and symbols.

Each page carries the cards of its own links as templates, so nothing is fetched. The book's script shows them
by pointer and by keyboard; without it a page is as complete as before.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from html import unescape
from typing import Any

from markupsafe import Markup
from sphinx.application import Sphinx

from unrolled.site import bibliography
from unrolled.site.equations import display, number_of
from unrolled.site.html import element, math, render
from unrolled.site.indexes import symbol_uses
from unrolled.site.knowledge import PARTS, KnowledgeBase
from unrolled.site.tables import sure, symbol_anchor

LINK = re.compile(r'<a\b(?=[^>]*\shref="([^"]+)")[^>]*>')

WITHOUT = frozenset(
    {f"book/{name}" for name in ("equations", "symbols", "concepts", "bibliography", "ledger", "history")}
)
"""Pages that say it all themselves, or have so many links that the cards would outweigh the text."""

WITHOUT_CARD = re.compile(r'class="(?:headerlink|tile)"')
"""Links that are no words of the text: the sign at a heading, and a whole card, which says it all itself."""

Card = Callable[[], Markup]


def known(kb: KnowledgeBase) -> dict[str, Card]:
    """What can be told, by "page#anchor"; each card is made when a page asks for it."""
    found: dict[str, Card] = {}
    for slug, entry in kb.entries.items():
        home, work = kb.home(slug)[0], kb.works.get(entry.key)
        who = f"{work.short if work else entry.year} · {PARTS[entry.part]}"
        found[f"{home}#"] = partial(_card, entry.title, who, entry.summary)
        for q in entry.equations:
            named = f"{entry.short}, {number_of(q)}"
            found[f"{home}#equation-{q.label}"] = partial(
                _card, q.name, named, mark=sure(q.source.value), body=display(q.latex)
            )
    for concept in kb.concepts.values():
        found[f"book/concepts#concept-{concept.slug}"] = partial(_card, concept.name, text=concept.definition)
    for key, work in kb.works.items():
        venue = ", ".join(text for text in (work.venue, work.year) if text)
        found[f"{bibliography.PAGE}#key-{key}"] = partial(_card, work.title, venue, work.names)
    for latex, uses in symbol_uses(kb).items():
        found[f"book/symbols#{symbol_anchor(latex)}"] = partial(_card, math(latex), uses=uses)
    return found


def _card(
    title: object, quiet: str = "", text: str = "", mark: object = None, body: str = "", uses: Sequence = ()
) -> Markup:
    return render("hover", title=title, quiet=quiet, text=text, mark=mark or "", body=body, uses=uses)


def add(html: str, docname: str, cards: Mapping[str, Card], also: Mapping[str, str] | None = None) -> str:
    """The page with a template for each card that its links ask for; ``also`` gives anchors other names."""
    templates: dict[str, Markup] = {}

    def mark(match: re.Match[str]) -> str:
        name = target(unescape(match[1]), docname)
        name = (also or {}).get(name, name)
        if name not in cards or "data-card=" in match[0] or WITHOUT_CARD.search(match[0]):
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
