"""Roles for prose: ``{claim}`` prints a measured number, ``{concept}`` leads to a word's explanation."""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

from unrolled.base.errors import UnrolledError, unknown
from unrolled.library.models import Verdict
from unrolled.site.claims import PARTS_OF_A_CLAIM, claim_link
from unrolled.site.html import Place, element
from unrolled.site.lineage import concept_link
from unrolled.site.numbers import number
from unrolled.site.shelf import Shelf

log = logging.getLogger(__name__)

TITLED = re.compile(r"^(?P<title>.+?)\s*<(?P<target>[^<>]+)>$", re.DOTALL)


def claim_html(shelf: Shelf, text: str, docname: str) -> str:
    """What ``{claim}`` prints for ``slug/claim-id``, ``slug/claim-id/part`` or ``slug:value-name``.

    Raises:
        UnrolledError: for an unknown entry, claim, part or value, and for a claim whose evidence is missing.
    """
    text = text.strip()
    if "/" not in text:
        slug, _, name = text.partition(":")
        evidence = shelf.evidence.get(slug)
        values = evidence.values if evidence else {}
        if name not in values:
            raise unknown("value in the evidence", text, [f"{slug}:{known}" for known in values])
        return element("span", number(values[name]), class_="unrolled-value")
    slug, identifier, *rest = text.split("/")
    part = rest[0] if rest else ""
    if slug not in shelf.entries:
        raise unknown("entry", slug, shelf.entries)
    finding = shelf.finding(slug, identifier)
    if finding is None:
        raise unknown("claim", identifier, [c.id for c in shelf.entries[slug].claims])
    if part not in PARTS_OF_A_CLAIM or len(rest) > 1:
        raise unknown("part of a claim", "/".join(rest), [p for p in PARTS_OF_A_CLAIM if p])
    if finding.measurement is None and not finding.claim.not_attempted and part not in ("verdict", "paper"):
        raise UnrolledError(
            f"claim {text} has no evidence", hint=f"unrolled run {slug}, or unrolled train {slug}"
        )
    if finding.verdict is Verdict.STALE:
        log.info("claim %s is stale", text)
    return claim_link(finding, part, shelf, Place(docname))


class ClaimRole(SphinxRole):
    """``{claim}`slug/claim-id``` and its parts."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        try:
            html = claim_html(self.env.app.unrolled_shelf, self.text, self.env.docname)
        except UnrolledError as error:
            log.warning("%s", error, location=self.get_location())
            return [nodes.inline(self.rawtext, "no evidence", classes=["unrolled-missing"])], []
        return [nodes.raw("", str(html), format="html")], []


class ConceptRole(SphinxRole):
    """``{concept}`lstm``` or ``{concept}`the LSTM <lstm>```."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        match = TITLED.match(self.text)
        title, slug = (match["title"], match["target"]) if match else (None, self.text.strip())
        shelf: Shelf = self.env.app.unrolled_shelf
        if slug not in shelf.concepts:
            log.warning("%s", unknown("concept", slug, shelf.concepts), location=self.get_location())
        html = concept_link(shelf, slug, Place(self.env.docname), title)
        return [nodes.raw("", str(html), format="html")], []


def register(app: Sphinx) -> None:
    """Make the roles known."""
    app.add_role("claim", ClaimRole())
    app.add_role("concept", ConceptRole())
