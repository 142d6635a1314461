"""How entries hang together: what to read before, what a paper extends, and what came of it."""

from __future__ import annotations

from itertools import groupby

from markupsafe import Markup

from unrolled.library.models import INVERSES
from unrolled.site.html import Place, element, join, letters, link, render
from unrolled.site.knowledge import KnowledgeBase
from unrolled.site.tables import entry_link, nothing


def target_link(kb: KnowledgeBase, target: str, place: Place) -> Markup:
    """A link to another entry, or to a work in the bibliography where it is no entry of its own."""
    if target in kb.entries:
        return entry_link(kb, target, place)
    work = kb.works.get(target)
    return link(
        work.short if work else target,
        place.to("book/bibliography", f"key-{target}"),
        title=work.title if work else None,
    )


def relations(kb: KnowledgeBase, slug: str, place: Place) -> Markup:
    """The arrows to and from an entry, each with the place that says so."""
    entry = kb.entries[slug]
    arrows = [
        (relation.type.replace("-", " "), target_link(kb, relation.target, place), relation.evidence)
        for relation in entry.relations
    ]
    arrows += [
        (INVERSES[relation.type], entry_link(kb, other.slug, place), relation.evidence)
        for name in dict.fromkeys((slug, entry.key))
        for other, relation in kb.arrows_to.get(name, ())
        if other.slug != slug
    ]
    first = [entry_link(kb, s, place) for s in entry.builds_on if s in kb.entries]
    readings = [(entry_link(kb, r.slug, place, r.title), r.teaches) for r in kb.readings_of.get(slug, [])]
    concepts = [concept_link(kb, c, place) for c in entry.concepts]
    if not (arrows or first or readings or concepts):
        return nothing("No relation is recorded yet.")
    return render("relations", first=first, arrows=arrows, readings=readings, concepts=concepts)


def concept_link(kb: KnowledgeBase, slug: str, place: Place, text: str | None = None) -> Markup:
    """A concept, linked to its line in the index of concepts where it is explained."""
    concept = kb.concepts.get(slug)
    words = text or (concept.name if concept else slug.replace("_", " "))
    if concept is None:
        return element("span", words, class_="unrolled-concept")
    address = place.to("book/concepts", f"concept-{slug}")
    return link(words, address, class_="unrolled-concept", title=concept.definition)


def concepts(kb: KnowledgeBase, place: Place) -> Markup:
    """Every concept with its definition, where it is introduced and who else uses it."""
    if not kb.concepts:
        return nothing("The index of concepts is still to come.")
    ordered = sorted(kb.concepts.values(), key=lambda c: c.name.lower())
    groups = [(letter, list(group)) for letter, group in groupby(ordered, key=lambda c: c.name[0].upper())]
    return render(
        "concepts",
        groups=groups,
        letters=letters(letter for letter, _ in groups),
        introduced=lambda c: entry_link(kb, c.entry, place) if c.entry in kb.entries else None,
        users=lambda c: [entry_link(kb, e.slug, place) for e in kb.ordered() if c.slug in e.concepts],
        also=lambda c: [concept_link(kb, s, place) for s in c.also if s in kb.concepts],
    )


def citing_pages(kb: KnowledgeBase, key: str, chapters: dict[str, str], place: Place) -> Markup | None:
    """Who cites a work: entries that name its key, and pages (docname → title) that cite it in their text."""
    links = {
        kb.home(e.slug)[0] if e.slug in kb.chapters else e.slug: entry_link(kb, e.slug, place)
        for e in kb.ordered()
        if key in (e.key, *e.also_cite, *(relation.target for relation in e.relations))
    }
    for docname, title in chapters.items():
        links.setdefault(docname, link(title, place.to(docname)))
    return (
        element("span", "Cited in ", join(links.values(), ", "), ".", class_="backlinks") if links else None
    )
