"""The entries by year, with the works outside the book that they come from."""

from __future__ import annotations

from collections import Counter

from markupsafe import Markup

from unrolled.site.html import Place, element, join, link
from unrolled.site.lists import authors
from unrolled.site.shelf import PARTS, Shelf
from unrolled.site.tables import entry_link, nothing


def origins(shelf: Shelf) -> Counter[str]:
    """Works that are no entry of their own, by how many entries relate to them."""
    own = {entry.key for entry in shelf.entries.values()} | set(shelf.entries)
    return Counter(
        target
        for entry in shelf.ordered()
        for target in dict.fromkeys(relation.target for relation in entry.relations)
        if target not in own
    )


def timeline(shelf: Shelf, place: Place) -> Markup:
    """One list a year, the oldest first; works outside the book stand back."""
    years: dict[int, list[Markup]] = {}
    for target, count in origins(shelf).items():
        work = shelf.works.get(target)
        if work is None or not work.year.isdigit():
            continue
        who = link(work.short, place.to("book/bibliography", f"key-{target}"))
        used = "1 entry" if count == 1 else f"{count} entries"
        years.setdefault(int(work.year), []).append(
            element(
                "li", who, ": ", work.title, element("span", f" · {used}", class_="locus"), class_="other"
            )
        )
    for entry in shelf.ordered():
        years.setdefault(entry.year, []).append(
            element(
                "li",
                entry_link(shelf, entry.slug, place, element("strong", entry.short)),
                ": ",
                entry.title,
                element("span", f" · {' · '.join(_said(shelf, entry))}", class_="locus"),
                class_=f"own {entry.kind}",
            )
        )
    if not years:
        return nothing("The timeline is empty.")
    items = (
        element(
            "li",
            element("h2", element("time", str(year), datetime=f"{year:04d}"), id=f"year-{year}"),
            element("ul", join(years[year])),
        )
        for year in sorted(years)
    )
    return element("ol", *items, class_="unrolled-timeline")


def _said(shelf: Shelf, entry) -> list[str]:
    return [text for text in (authors(shelf, entry), PARTS[entry.part]) if text]
