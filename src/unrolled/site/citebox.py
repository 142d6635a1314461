"""The box from which a reader copies a reference: the very text that ``unrolled cite`` prints."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from unrolled.site.html import render

STYLES: dict[str, str] = {"bibtex": "BibTeX", "ris": "RIS", "csl-json": "CSL-JSON", "apa": "APA"}
"""The styles that the box offers, and their names."""


def cite_box(
    slug: str, texts: Mapping[str, str], all_references: str | None = None, *, command: str | None = None
) -> Markup:
    """All styles one below the other; the book's script turns them into tabs and adds the copy buttons.

    Args:
        all_references: the address of a file with everything that the chapter cites.
        command: what follows ``unrolled cite`` at a terminal, if it is not the slug.
    """
    values = {"texts": texts, "names": STYLES, "all_references": all_references}
    return render("citebox", slug=slug, command=command or slug, **values)


def cited(slug: str) -> dict[str, str]:
    """What ``unrolled cite`` prints for an entry, in every style."""
    from unrolled.library.citing import cite

    return {style: cite([slug], style) for style in STYLES}
