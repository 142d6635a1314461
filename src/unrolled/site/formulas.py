"""An entry's equations where no chapter prints them: set by MathJax, under the paper's own numbers."""

from __future__ import annotations

from markupsafe import Markup

from unrolled.library.models import Entry, Equation
from unrolled.site.equations import chips
from unrolled.site.html import Place, element, join, link
from unrolled.site.shelf import Shelf
from unrolled.site.tables import nothing, sure


def number_of(equation: Equation) -> str:
    """How an equation is named in running text: "(6)" or, where the paper prints no number, its name."""
    return equation.name if equation.number.startswith("unnumbered") else f"({equation.number})"


def display(latex: str) -> Markup:
    r"""Display mathematics for MathJax, in its own box.

    >>> str(display("a < b"))
    '<div class="math notranslate nohighlight">\n\\[a &lt; b\\]</div>'
    """
    text = latex.strip()
    if r"\\" in text and r"\begin" not in text:  # lines of their own need something that aligns them
        text = rf"\begin{{split}}{text}\end{{split}}"
    return element("div", "\n", rf"\[{text}\]", class_="math notranslate nohighlight")


def formula(shelf: Shelf, entry: Entry, equation: Equation, place: Place) -> Markup:
    """One equation: name and number, the formula, how sure it is, what is to be known of it, its chips."""
    numbered = not equation.number.startswith("unnumbered")
    head = (
        element("span", equation.name, class_="formula-name"),
        element("span", f"({equation.number})" if numbered else equation.number, class_="locus"),
        sure(equation.source.value),
    )
    return element(
        "div",
        element("p", join(head, " "), class_="formula-head"),
        display(equation.latex),
        element("p", equation.note, class_="formula-note") if equation.note else None,
        chips(shelf, entry, equation, place),
        id=f"equation-{equation.label}",
        class_="unrolled-equation unrolled-formula",
    )


def formulas(shelf: Shelf, entry: Entry, place: Place) -> Markup:
    """Every equation of an entry, in the paper's order."""
    if not entry.equations:
        return nothing("No equation is recorded for this entry.")
    return join(formula(shelf, entry, equation, place) for equation in entry.equations)


def equation_link(shelf: Shelf, entry: Entry, equation: Equation, place: Place) -> Markup:
    """A link to where an equation stands: in its chapter, or on its entry's page."""
    home = shelf.home(entry.slug)[0]
    return link(number_of(equation), place.to(home, f"equation-{equation.label}"))
