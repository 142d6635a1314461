"""The box from which a reader copies a reference: the very text that ``unrolled cite`` prints."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from unrolled.site.html import element

STYLES: dict[str, str] = {"bibtex": "BibTeX", "ris": "RIS", "csl-json": "CSL-JSON", "apa": "APA"}
"""The styles that the box offers, and their names."""


def cite_box(slug: str, texts: Mapping[str, str], all_references: str | None = None) -> Markup:
    """All styles one below the other; the book's script turns them into tabs and adds the copy buttons.

    ``all_references`` is the address of a file with everything that the chapter cites.
    """
    panels = []
    for style, text in texts.items():
        identifier = f"cite-{slug}-{style}"
        panels.append(
            element(
                "div",
                element("p", STYLES.get(style, style), class_="style", id=f"{identifier}-name"),
                # a line feed right after <pre> is dropped by browsers, so that the text itself stays whole
                element("pre", Markup("\n"), text, tabindex="0", aria_labelledby=f"{identifier}-name"),
                class_="panel",
                id=identifier,
                data_style=style,
            )
        )
    hint = element("p", "At a terminal: ", element("code", f"unrolled cite {slug}"), class_="hint")
    download = (
        element("p", element("a", "All that this chapter cites (BibTeX)", href=all_references, download=True))
        if all_references
        else None
    )
    return element(
        "div",
        *panels,
        hint,
        download,
        class_="unrolled-cite",
        id=f"cite-{slug}",
        role="group",
        aria_label="Cite this paper",
    )
