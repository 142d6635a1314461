"""Equations with their chips: to the function, the test that checks it, its statements and its checks."""

from __future__ import annotations

from markupsafe import Markup

from unrolled.library.models import Entry, Equation
from unrolled.site.html import Place, element, join, link, render
from unrolled.site.knowledge import KnowledgeBase, symbol_of
from unrolled.site.tables import nothing, sure


def numbered(equation: Equation) -> bool:
    """Whether the paper prints a number."""
    return not equation.number.startswith("unnumbered")


def number_of(equation: Equation) -> str:
    """How an equation is named in running text: "(6)" or, where the paper prints no number, its name."""
    return f"({equation.number})" if numbered(equation) else equation.name


def chips(
    kb: KnowledgeBase, entry: Entry, equation: Equation, place: Place, *, number: bool = False
) -> Markup:
    """The chips of one equation. What cannot be found is told by ``missing`` and shown without a link.

    Args:
        number: begin with the paper's number, which is the equation's own address.
    """
    items: list[tuple[object, str, str | None]] = []  # label, title, address
    if number:
        items.append((number_of(equation), equation.name, f"#equation-{equation.label}"))

    def add(label: object, title: str, name: str) -> None:
        found = kb.source(name)
        items.append((label, title if found else f"{title}: not found", place.to(*found) if found else None))

    if equation.implementation:
        name = symbol_of(equation.implementation)
        sign = element("span", "ƒ", class_="sign")
        add(join((sign, " ", name)), f"source of {name}", equation.implementation)
    if equation.oracle:
        add("oracle ✓", f"test that compares the code with equation {equation.number}", equation.oracle)
    for check in entry.checks:
        if check.id in equation.checks:
            add("check ✓", check.says, check.tests[0])
    for position, item in enumerate(kb.statements[entry.slug], start=1):
        if item.id in equation.statements:
            items.append((f"statement {position}", item.of.says, f"#statement-{item.id}"))
    made = [
        element("a" if address else "span", label, href=address, class_="chip", title=title)
        for label, title, address in items
    ]
    said = f"Equation {equation.number}: code, tests and statements"
    return (
        element("div", *made, class_="unrolled-chips", role="group", aria_label=said) if made else Markup("")
    )


def recalled(equation: Equation) -> Markup:
    """An equation once more, beside its source; its number leads to where it is introduced."""
    formula = element("div", rf"\[{equation.latex}\]", class_="math notranslate nohighlight")
    address = element(
        "a",
        number_of(equation),
        href=f"#equation-{equation.label}",
        title=equation.name,
        class_=None if numbered(equation) else "named",
    )
    return element("div", formula, address, class_="unrolled-recall")


def missing(kb: KnowledgeBase, equation: Equation) -> list[str]:
    """The symbols of an equation that have no source on the site."""
    return [name for name in (equation.implementation, equation.oracle) if name and kb.source(name) is None]


def display(latex: str) -> Markup:
    r"""Display mathematics for MathJax, in its own box.

    >>> str(display("a < b"))
    '<div class="math notranslate nohighlight">\n\\[a &lt; b\\]</div>'
    """
    text = latex.strip()
    if r"\\" in text and r"\begin" not in text:  # lines of their own need something that aligns them
        text = rf"\begin{{split}}{text}\end{{split}}"
    return element("div", "\n", rf"\[{text}\]", class_="math notranslate nohighlight")


def formulas(kb: KnowledgeBase, entry: Entry, place: Place) -> Markup:
    """Every equation of an entry where no chapter prints them, in the paper's order, with its chips."""
    if not entry.equations:
        return nothing("No equation is recorded for this entry.")
    return render(
        "formulas",
        equations=[(q, number_of(q), chips(kb, entry, q, place)) for q in entry.equations],
        numbered=numbered,
        display=display,
        sure=sure,
    )


def equation_link(kb: KnowledgeBase, entry: Entry, equation: Equation, place: Place) -> Markup:
    """A link to where an equation stands: in its chapter, or on its entry's page."""
    address = place.to(kb.home(entry.slug)[0], f"equation-{equation.label}")
    return link(number_of(equation), address, title=equation.name if numbered(equation) else None)
