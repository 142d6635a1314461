"""Chips: from an equation to its function, the test that checks it and the claims it carries."""

from __future__ import annotations

from markupsafe import Markup

from unrolled.library.models import Entry, Equation
from unrolled.site.html import Place, element, join
from unrolled.site.shelf import Shelf, symbol_of


def chips(shelf: Shelf, entry: Entry, equation: Equation, place: Place) -> Markup:
    """The chips of one equation. What cannot be found is told by ``missing`` and shown without a link."""
    items: list[Markup] = []
    if equation.implementation:
        name = symbol_of(equation.implementation)
        items.append(
            _chip(
                join((element("span", "ƒ", class_="sign"), " ", name)),
                f"source of {name}",
                shelf,
                equation.implementation,
                place,
            )
        )
    if equation.oracle:
        items.append(
            _chip(
                "oracle ✓",
                f"test that compares the code with equation {equation.number}",
                shelf,
                equation.oracle,
                place,
            )
        )
    numbers = {claim.id: position for position, claim in enumerate(entry.claims, start=1)}
    for identifier in equation.claims:
        label = f"claim {numbers[identifier]}"
        claim = entry.claim(identifier)
        items.append(
            element(
                "a",
                label,
                href=f"#claim-{identifier}",
                class_="chip",
                title=claim.statement if claim else None,
            )
        )
    if not items:
        return Markup("")
    return element(
        "div",
        *items,
        class_="unrolled-chips",
        role="group",
        aria_label=f"Equation {equation.number}: code, test and claims",
    )


def recalled(equation: Equation) -> Markup:
    """An equation once more, beside its source; its number leads to where it is introduced."""
    formula = element("div", rf"\[{equation.latex}\]", class_="math notranslate nohighlight")
    named = equation.number.startswith("unnumbered")
    address = element(
        "a",
        equation.name if named else f"({equation.number})",
        href=f"#equation-{equation.label}",
        title=equation.name,
        class_="named" if named else None,
    )
    return element("div", formula, address, class_="unrolled-recall")


def missing(shelf: Shelf, equation: Equation) -> list[str]:
    """The symbols of an equation that have no source on the site."""
    return [
        name for name in (equation.implementation, equation.oracle) if name and shelf.source(name) is None
    ]


def _chip(label: object, title: str, shelf: Shelf, name: str, place: Place) -> Markup:
    found = shelf.source(name)
    if found is None:
        return element("span", label, class_="chip", title=f"{title}: not found")
    return element("a", label, href=place.to(*found), class_="chip", title=title)
