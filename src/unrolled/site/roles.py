"""Roles for prose: numbers of statements and of chapters, and words of the field with their explanations."""

from __future__ import annotations

import re
from collections.abc import Callable

from docutils import nodes
from markupsafe import Markup
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

from unrolled.base.errors import UnrolledError, UsageError, unknown
from unrolled.library.judged import Judged
from unrolled.library.measurements import Part
from unrolled.library.statements import Outcome
from unrolled.site.html import Place, element, join, link
from unrolled.site.knowledge import KnowledgeBase
from unrolled.site.lineage import concept_link
from unrolled.site.numbers import number, with_spread
from unrolled.site.statements import bounds, interval_words, paper_words, statement_place

log = logging.getLogger(__name__)

TITLED = re.compile(r"^(?P<title>.+?)\s*<(?P<target>[^<>]+)>$", re.DOTALL)


PARTS_OF_A_STATEMENT = ("value", "ours", "against", "n", "outcome", "scale", "interval", "paper")


def words(item: Judged, part: str = "", row: str = "") -> str:
    """What the role ``{statement}`` prints: the value with its spread and unit, or one part of it.

    Args:
        row: the name of one row, where the statement has several; else the one that decides.

    Raises:
        UnrolledError: if there is no such row or number.
    """
    rows = {found.ours.name: found for found in item.parts}
    if row and row not in rows:
        raise unknown(f"row of {item.id}", row, rows)
    found = rows.get(row, item.part)
    if part == "outcome":
        outcome = found.outcome if row else item.outcome
        return outcome.value if outcome else "finding"
    if item.outcome is Outcome.NOT_ATTEMPTED and part != "paper":
        if getattr(item.of, "not_attempted", None):
            return Outcome.NOT_ATTEMPTED.value
        raise UnrolledError(f"{item.id} has no evidence", hint="run it, then: unrolled evidence collect")
    texts = {"paper": paper_words(item, found)} | (_texts(found, item) if found else _archived(item))
    text = texts.get(part)
    if text is None:
        raise UnrolledError(f"{item.id} has no {part!r}", hint="parts: " + ", ".join(PARTS_OF_A_STATEMENT))
    return text if part in ("n", "scale", "interval") or not item.of.unit else f"{text} {item.of.unit}"


def _texts(part: Part, item: Judged) -> dict[str, str | None]:
    log, found = item.of.metric_scale == "log", bounds(item, part)
    compared = part.against is not None
    value = number(part.mean, *([1.0 if log else 0.0] if compared else found))
    ours, against = (
        side and with_spread(side.mean, side.spread, log=log) for side in (part.ours, part.against)
    )
    return {
        "": value if compared or getattr(item.of, "best_of", None) else ours,
        "value": value,
        "ours": ours,
        "against": against,
        "n": str(part.ours.n),
        "scale": str(item.scale) if item.scale else None,
        "interval": interval_words(item, part),
    }


def _archived(item: Judged) -> dict[str, str | None]:
    old = item.archived
    if old is None:
        return {}
    ours, value = with_spread(old.value, old.spread), number(old.value)
    return {"": ours, "value": value, "ours": ours, "n": str(old.n), "scale": old.scale or None}


def statement_link(kb: KnowledgeBase, text: str, place: Place) -> Markup:
    """What the role prints for ``slug/id``, ``slug/id/part`` or ``slug/id/part/row``, linked to its row.

    Raises:
        UnrolledError: for an unknown entry, statement, finding or part, and where there is no such number.
    """
    slug, identifier, part, row = [*text.strip().split("/", 3), "", "", ""][:4]
    if slug not in kb.entries:
        raise unknown("entry", slug, kb.entries)
    judged = kb.judgements[slug]
    known = [item.id for item in (*kb.entries[slug].statements, *kb.entries[slug].findings)]
    if identifier not in known:
        became = {old.claim: old.statement for old in judged.evidence.archived}.get(identifier)
        error = unknown(f"statement or finding of {slug}", identifier, known)
        raise UsageError(error.problem, hint=f"it is {became!r} now") if became else error
    if part not in ("", "outcome", *PARTS_OF_A_STATEMENT):
        raise unknown("part of a statement", part, PARTS_OF_A_STATEMENT)
    found = judged.finding if kb.entries[slug].finding(identifier) else judged.statement
    item = found(identifier)
    made = link(
        words(item, part, row),
        place.to(*statement_place(kb, slug, identifier)),
        class_="unrolled-value",
        title=item.of.metric,
    )
    if not item.archived or part in ("paper", "outcome"):
        return made
    said = "measured by version 0.1"
    return join(
        (made, element("sup", "0.1", class_="archived-mark", title=said, aria_label=said, role="note"))
    )


def value(kb: KnowledgeBase, text: str, place: Place) -> Markup:
    """What ``{value}`` prints for ``slug:name``: a number that the chapter's last execution left.

    Raises:
        UsageError: if the chapter left no such value.
    """
    known = {
        f"{slug}:{name}": x for slug, chapter in kb.executed.items() for name, x in chapter.values.items()
    }
    if text.strip() not in known:
        raise unknown("value of a chapter", text.strip(), known)
    return element("span", number(known[text.strip()]), class_="unrolled-value")


def concept(kb: KnowledgeBase, text: str, place: Place) -> Markup:
    """What ``{concept}`` prints for ``lstm`` or ``the LSTM <lstm>``.

    Raises:
        UsageError: if there is no such concept.
    """
    match = TITLED.match(text)
    title, slug = (match["title"], match["target"]) if match else (None, text.strip())
    if slug not in kb.concepts:
        raise unknown("concept", slug, kb.concepts)
    return concept_link(kb, slug, place, title)


ROLES: dict[str, Callable[[KnowledgeBase, str, Place], Markup]] = {
    "statement": statement_link,
    "value": value,
    "concept": concept,
}


class Role(SphinxRole):
    """Prints what one of ``ROLES`` makes of the text; what is unknown is a warning, and so a failed build."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        try:
            html = ROLES[self.name](self.env.app.unrolled_knowledge, self.text, Place(self.env.docname))
        except UnrolledError as error:
            log.warning("%s", error, location=self.get_location())
            return [nodes.inline(self.rawtext, "no evidence", classes=["unrolled-missing"])], []
        return [nodes.raw("", str(html), format="html")], []


def register(app: Sphinx) -> None:
    """Make the roles known."""
    for name in ROLES:
        app.add_role(name, Role())
