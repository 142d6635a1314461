"""Models side by side: what they are, what differs in words and in equations, and what was found.

Which models, which questions and which equations belong together is told by ``bib/side_by_side.yaml``.
"""

from __future__ import annotations

import re
from pathlib import Path

from markupsafe import Markup, escape
from pydantic import Field, ValidationError, model_validator

from unrolled.base.errors import UnrolledError, unknown
from unrolled.library.fields import Label, Model, Slug, Text
from unrolled.library.judged import Judged
from unrolled.library.yamltext import read_yaml
from unrolled.site import diagrams
from unrolled.site.equations import display, equation_link
from unrolled.site.html import Place, element, join, link, math, render
from unrolled.site.knowledge import KnowledgeBase
from unrolled.site.lists import authors
from unrolled.site.statements import sentence, statement_place
from unrolled.site.tables import Row, entry_link, sure, table

FILE = "bib/side_by_side.yaml"


class Group(Model):
    """Equations that compute the same thing."""

    what: Text
    labels: tuple[Label, ...] = Field(min_length=1)


class Comparison(Model):
    """Models to be set side by side."""

    slug: Slug
    entries: tuple[Slug, ...] = Field(min_length=2, max_length=3)
    names: dict[Slug, Text] = Field(default_factory=dict)  # where the model is known by another name
    differences: tuple[dict[str, Text], ...] = Field(min_length=1)
    equations: tuple[Group, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _answered(self) -> Comparison:
        for row in self.differences:
            if set(row) != {"ask", *self.entries}:
                raise ValueError(f"{row.get('ask', 'a question')!r} needs one answer for each entry")
        return self


def comparisons(root: Path) -> dict[str, Comparison]:
    """The comparisons of the project at ``root``, by slug.

    Raises:
        UnrolledError: if the file is missing or its form is wrong.
    """
    file = root / FILE
    document = read_yaml(file)
    try:
        found = [Comparison.model_validate(item) for item in document.data or ()]
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UnrolledError(f"{place}: {first['msg']}", file=file) from error
    if document.faults:
        raise UnrolledError(document.faults[0].problem, file=file, line=document.faults[0].line)
    return {comparison.slug: comparison for comparison in found}


def with_math(text: str) -> Markup:
    r"""Text in which ``$...$`` is mathematics.

    >>> str(with_math("a < $b$"))
    'a &lt; <span class="math notranslate nohighlight">\\(b\\)</span>'
    """
    parts = re.split(r"\$([^$]+)\$", text)
    return join(math(part) if at % 2 else escape(part) for at, part in enumerate(parts))


def side_by_side(kb: KnowledgeBase, slug: str, place: Place) -> Markup:
    """One comparison.

    Raises:
        UnrolledError: if there is no such comparison, or it names an entry or equation that does not exist.
    """
    known = comparisons(kb.root)
    if slug not in known:
        raise unknown("comparison", slug, known)
    comparison = known[slug]
    for name in comparison.entries:
        if name not in kb.entries:
            raise unknown("entry", name, kb.entries)
    entries = [kb.entries[name] for name in comparison.entries]
    names = {entry.slug: comparison.names.get(entry.slug, entry.short) for entry in entries}
    heads = ("Question", *names.values())
    rows = [Row((row["ask"], *(with_math(row[e.slug]) for e in entries))) for row in comparison.differences]
    return render(
        "side-by-side",
        models=[
            {
                "name": names[entry.slug],
                "title": entry_link(kb, entry.slug, place, entry.title),
                "authors": authors(kb, entry),
                "drawing": diagrams.drawing(kb, entry.slug),
                "summary": entry.summary,
            }
            for entry in entries
        ],
        differences=table(heads, rows, class_="differences", caption="Where they differ"),
        groups=[(group.what, _formulas(kb, group, names, place)) for group in comparison.equations],
        found=[
            (names[entry.slug], [_found(kb, entry.slug, item, place) for item in kb.headlines(entry.slug)])
            for entry in entries
        ],
        relations=_relations(kb, comparison, place),
    )


def _formulas(
    kb: KnowledgeBase, group: Group, names: dict[str, str], place: Place
) -> list[tuple[str, list[tuple[Markup, Markup, Markup | str]]]]:
    """The equations of a group, by model: number, formula, and how sure it is."""
    found: dict[str, list[tuple[Markup, Markup, Markup | str]]] = {slug: [] for slug in names}
    for label in group.labels:
        if label not in kb.equations:
            raise unknown("equation", label, kb.equations)
        entry, equation = kb.equations[label]
        if entry.slug not in found:
            raise UnrolledError(f"{label} is an equation of {entry.slug}", file=kb.root / FILE)
        number = equation_link(kb, entry, equation, place)
        found[entry.slug].append((number, display(equation.latex), sure(equation.source.value) or ""))
    return [(names[slug], formulas) for slug, formulas in found.items()]


def _found(kb: KnowledgeBase, slug: str, item: Judged, place: Place) -> Markup:
    """A headline with its outcome, linked to its row."""
    return link(sentence(item), place.to(*statement_place(kb, slug, item.id)))


def _relations(kb: KnowledgeBase, comparison: Comparison, place: Place) -> list[tuple[object, ...]]:
    """What the compared papers say of each other."""
    return [
        (
            entry_link(kb, slug, place),
            relation.type.replace("-", " "),
            entry_link(kb, relation.target, place),
            relation.evidence,
        )
        for slug in comparison.entries
        for relation in kb.entries[slug].relations
        if relation.target in comparison.entries
    ]


def listing(kb: KnowledgeBase, place: Place) -> Markup:
    """The comparisons, by the title of their page."""
    items = []
    for slug, comparison in comparisons(kb.root).items():
        page = kb.root / "book" / "side-by-side" / f"{slug}.md"
        title = re.search(r"^# (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        known = [name for name in comparison.entries if name in kb.entries]
        said = ", ".join(comparison.names.get(name, kb.entries[name].short) for name in known)
        address = place.to(f"book/side-by-side/{slug}")
        items.append(
            element(
                "li", link(title[1] if title else slug, address), " ", element("span", said, class_="locus")
            )
        )
    return element("ul", *items)
