"""The bibliography's extras: an anchor a key, and from each work the way back to the pages that cite it."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx

from unrolled.site.html import Place, find, letters, safe
from unrolled.site.lineage import citing_pages

PAGE = "book/bibliography"


def finish(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Give each citation of the bibliography the anchor ``key-…`` and the list of pages that cite it."""
    if docname != PAGE or app.builder.format != "html":
        return
    domain = app.env.domains.get("cite")
    if domain is None:
        return
    keys = {citation.citation_id: citation.key for citation in domain.citations}  # type: ignore[attr-defined]
    cited: dict[str, dict[str, str]] = {}
    for reference in domain.citation_refs:  # type: ignore[attr-defined]
        for key in getattr(reference, "keys", None) or [target.key for target in reference.targets]:
            title = app.env.titles.get(reference.docname)
            if reference.docname != PAGE and title is not None:
                cited.setdefault(key, {})[reference.docname] = title.astext()
    place = Place(docname)
    _lettered(doctree)
    for citation in doctree.findall(nodes.citation):
        key = next((keys[i] for i in citation["ids"] if i in keys), None)
        if key is None:
            continue
        citation["backrefs"] = []  # the list of citing pages replaces unexplained numbers
        citation["ids"].append(f"key-{key}")
        back = citing_pages(app.unrolled_knowledge, key, cited.get(key, {}), place)  # type: ignore[attr-defined]
        if back:
            citation += nodes.raw("", f"<p>{back}</p>", format="html")


def _lettered(doctree: nodes.document) -> None:
    """Put a bar of letters and a filter before the list, and an anchor at the first work of each letter."""
    first: dict[str, nodes.citation] = {}
    for citation in doctree.findall(nodes.citation):
        first.setdefault(citation.astext().lstrip("[")[:1].upper(), citation)
    for letter, citation in first.items():
        citation["ids"].append(f"letter-{letter.lower()}")
    if first:
        head = next(iter(first.values()))
        box = find("div.citation", "Filter the bibliography", "author, title, year")
        made = nodes.raw("", str(box) + str(letters(first)), format="html")
        head.parent.insert(head.parent.index(head), made)


def refuse_addresses(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Show an address as text where following it would run something: the bibliography's come from a file."""
    for reference in list(doctree.findall(nodes.reference)):
        if not safe(reference.get("refuri", "")) and not reference["refuri"].lower().startswith("mailto:"):
            reference.replace_self(nodes.inline("", "", *reference.children))
