"""How entries hang together: what to read before, what a paper extends, and what came of it."""

from __future__ import annotations

from markupsafe import Markup

from unrolled.library.models import INVERSES, Entry
from unrolled.site.html import Place, element, join, link
from unrolled.site.shelf import Shelf
from unrolled.site.tables import entry_link, nothing


def target_link(shelf: Shelf, target: str, place: Place) -> Markup:
    """A link to another entry, or to a work in the bibliography where it is no entry of its own."""
    if target in shelf.entries:
        return entry_link(shelf, target, place)
    work = shelf.works.get(target)
    return link(
        work.short if work else target,
        place.to("book/bibliography", f"key-{target}"),
        title=work.title if work else None,
    )


def relations(shelf: Shelf, slug: str, place: Place) -> Markup:
    """The arrows to and from an entry, each with the place that says so."""
    entry = shelf.entries[slug]
    forward = [
        (relation.type.replace("-", " "), target_link(shelf, relation.target, place), relation.evidence)
        for relation in entry.relations
    ]
    backward = [
        (INVERSES[relation.type], entry_link(shelf, other.slug, place), relation.evidence)
        for name in dict.fromkeys((slug, entry.key))
        for other, relation in shelf.arrows_to.get(name, ())
        if other.slug != slug
    ]
    readings = shelf.readings_of.get(slug, [])
    parts: list[Markup] = []
    if entry.builds_on:
        names = join((entry_link(shelf, s, place) for s in entry.builds_on if s in shelf.entries), ", ")
        parts.append(element("p", "Read first: ", names, "; the code builds on it.", class_="first"))
    if forward or backward:
        items = [
            element(
                "li",
                element("span", verb, class_="verb"),
                " ",
                who,
                " ",
                element("span", why, class_="locus"),
            )
            for verb, who, why in forward + backward
        ]
        parts.append(element("ul", *items, class_="unrolled-relations"))
    if readings:
        items = [element("li", entry_link(shelf, r.slug, place, r.title), ": ", r.teaches) for r in readings]
        parts.append(element("p", "Read along", class_="unrolled-rubric"))
        parts.append(element("ul", *items, class_="unrolled-readings"))
    if entry.concepts:
        names = join((concept_link(shelf, c, place) for c in entry.concepts), " · ")
        parts.append(element("p", "Concepts: ", names, class_="unrolled-concepts"))
    return (
        element("div", *parts, class_="unrolled-lineage")
        if parts
        else nothing("No relation is recorded yet.")
    )


def concept_link(shelf: Shelf, slug: str, place: Place, text: str | None = None) -> Markup:
    """A concept, linked to its line in the index of concepts where it is explained."""
    concept = shelf.concepts.get(slug)
    words = text or (concept.name if concept else slug.replace("_", " "))
    if concept is None:
        return element("span", words, class_="unrolled-concept")
    return link(
        words,
        place.to("book/concepts", f"concept-{slug}"),
        class_="unrolled-concept",
        title=concept.definition,
    )


def concepts(shelf: Shelf, place: Place) -> Markup:
    """Every concept with its definition, where it is introduced and who else uses it."""
    if not shelf.concepts:
        return nothing("The index of concepts is still to come.")
    items: list[Markup] = []
    for concept in sorted(shelf.concepts.values(), key=lambda c: c.name.lower()):
        users = [e for e in shelf.ordered() if concept.slug in e.concepts]
        also = [s for s in concept.also if s in shelf.concepts]
        notes = [
            join(("Introduced in ", entry_link(shelf, concept.entry, place), "."))
            if concept.entry in shelf.entries and concept.entry
            else None,
            join(("Used in ", join((entry_link(shelf, e.slug, place) for e in users), ", "), "."))
            if users
            else None,
            join(("See also ", join((concept_link(shelf, s, place) for s in also), ", "), "."))
            if also
            else None,
        ]
        items.append(element("dt", concept.name, id=f"concept-{concept.slug}"))
        items.append(
            element(
                "dd",
                concept.definition,
                " ",
                element("span", join((n for n in notes if n), " "), class_="locus"),
            )
        )
    return element("dl", *items, class_="unrolled-glossary")


def citing_pages(shelf: Shelf, key: str, chapters: dict[str, str], place: Place) -> Markup | None:
    """Who cites a work: entries that name its key, and pages (docname → title) that cite it in their text."""
    entries: list[Entry] = [
        e
        for e in shelf.ordered()
        if key == e.key or key in e.also_cite or any(key in (r.target,) for r in e.relations)
    ]
    links = {
        shelf.home(e.slug)[0] if e.slug in shelf.chapters else e.slug: entry_link(shelf, e.slug, place)
        for e in entries
    }
    for docname, title in chapters.items():
        links.setdefault(docname, link(title, place.to(docname)))
    if not links:
        return None
    return element("span", "Cited in ", join(links.values(), ", "), ".", class_="backlinks")
