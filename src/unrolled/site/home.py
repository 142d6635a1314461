"""The ways in: the papers' family as a picture, a card for each chapter, three starts, and the code."""

from __future__ import annotations

import posixpath
from dataclasses import replace

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from unrolled import MODELS
from unrolled.library.bookcite import book_reference, chapter_title
from unrolled.library.citing import render as printed
from unrolled.library.judged import Judged
from unrolled.library.models import Entry
from unrolled.site import addresses, diagrams, graph
from unrolled.site.citebox import STYLES, cite_box
from unrolled.site.html import Place, code, join, link, render
from unrolled.site.knowledge import PARTS, KnowledgeBase
from unrolled.site.lists import authors
from unrolled.site.outcomes import counted
from unrolled.site.statements import UNMEASURED, sentence
from unrolled.site.tables import Row, entry_link, table

ROW, HEAD, LEFT = 27, 26, 14
"""Heights of a row and of a part's name in the narrow picture, and where its dots stand."""


def ancestors(kb: KnowledgeBase) -> list[tuple[str, str]]:
    """Which paper of the book builds on which other, each pair once."""
    lines = (
        (entry.slug, target)
        for entry, relation, target in graph.edges(kb)
        if graph.MANNERS[relation.type][0] == "builds" and target in kb.entries and target != entry.slug
    )
    return list(dict.fromkeys(lines))


def family(kb: KnowledgeBase, place: Place) -> Markup:
    """Who builds on whom among the book's papers: a chart by year and part, on a phone a list with arcs."""
    every, columns = graph.nodes(kb, place)
    shift = sum(name.startswith("before") for name in columns)
    found = [replace(node, column=node.column - shift) for node in every if node.own]
    lines = ancestors(kb)
    said = "Papers of this book, and what each builds on"
    return render(
        "family",
        wide=graph.drawn(found, columns[shift:], [(*line, "builds") for line in lines], said, gap=96),
        narrow=_arcs(kb, found, lines, said),
    )


def _arcs(kb: KnowledgeBase, found: list[graph.Node], lines: list[tuple[str, str]], said: str) -> Markup:
    """One paper below the other, part by part; an arc leads from each to what it builds on."""
    names = list(PARTS.values())
    rows: list[tuple[graph.Node, float, str]] = []
    heads: list[tuple[str, float]] = []
    y = 0.0
    for lane in sorted({node.lane for node in found}):
        heads.append((names[lane], y + 17))
        y += HEAD
        for node in (n for n in found if n.lane == lane):
            rows.append((node, y, str(kb.entries[node.name].year)))
            y += ROW
        y += 6
    at = {node.name: top + ROW / 2 for node, top, _ in rows}
    arcs = []
    for source, target in lines:
        if source in at and target in at:
            y1, y2 = at[source], at[target]
            bend = 226 + min(100, 14 + abs(y2 - y1) * 0.3)
            arcs.append(
                (f"M226 {y1:.0f}C{bend:.0f} {y1:.0f} {bend:.0f} {y2:.0f} 230 {y2:.0f}", source, target)
            )
    return render("arcs", rows=rows, heads=heads, arcs=arcs, height=y, row=ROW, said=said)


def headline(kb: KnowledgeBase, slug: str) -> Judged | None:
    """The headline that a card shows: the first one that has an outcome, else one with a number, else any."""
    ranks = {outcome: rank for rank, outcome in enumerate(reversed(UNMEASURED), start=1)}
    return min(kb.headlines(slug), key=lambda item: ranks.get(item.outcome, 0), default=None)


def cards(kb: KnowledgeBase, place: Place) -> Markup:
    """A card for each chapter, in the book's order, and the papers whose chapter is still to come."""
    papers = [entry for entry in kb.ordered() if entry.kind != "reading"]
    return render(
        "cards",
        ready=[entry for entry in papers if entry.slug in kb.chapters],
        planned=[entry_link(kb, entry.slug, place) for entry in papers if entry.slug not in kb.chapters],
        parts=PARTS,
        title=lambda entry: chapter_title(entry.slug) or entry.title,
        address=lambda entry: place.to(*kb.home(entry.slug)),
        authors=lambda entry: authors(kb, entry),
        picture=lambda entry: diagrams.thumbnail(kb, entry.slug, place),
        headline=lambda entry: (item := headline(kb, entry.slug)) and sentence(item),
    )


def steps(kb: KnowledgeBase) -> list[tuple[Entry, list[str]]]:
    """The chapters in an order in which each comes after what it builds on, with these."""
    before: dict[str, list[str]] = {entry.slug: list(entry.builds_on) for entry in kb.ordered()}
    for source, target in ancestors(kb):
        before[source].append(target)
    done: list[str] = []

    def visit(slug: str) -> None:
        if slug in kb.chapters and slug not in done:
            for other in before[slug]:
                visit(other)
            done.append(slug)

    for entry in sorted(kb.ordered(), key=lambda e: (list(PARTS).index(e.part), e.year)):
        visit(entry.slug)
    return [
        (kb.entries[slug], [other for other in dict.fromkeys(before[slug]) if other in kb.chapters])
        for slug in done
    ]


def tracks(kb: KnowledgeBase) -> tuple[list[list[Entry]], list[Entry]]:
    """The chapters as paths of a reader: those that build on one another, and those that stand alone."""
    order = steps(kb)
    groups: list[list[Entry]] = []
    for entry, before in order:
        joined = [group for group in groups if any(e.slug in before for e in group)]
        groups = [group for group in groups if group not in joined]
        groups.append([*(e for group in joined for e in group), entry])
    found = sorted((group for group in groups if len(group) > 1), key=len, reverse=True)
    return found, [group[0] for group in groups if len(group) == 1]


SAMPLE = """import unrolled
from unrolled import NTM

model = unrolled.load("ntm/copy")
print(unrolled.cite(NTM))
"""


def starts(kb: KnowledgeBase, place: Place) -> Markup:
    """Three ways to begin: to learn, to use a model, to see what holds."""
    papers = [entry for entry in kb.ordered() if entry.kind != "reading"]
    headlines = [item for entry in papers for item in kb.headlines(entry.slug)]
    paths, alone = tracks(kb)
    return render(
        "starts",
        paths=[[entry_link(kb, entry.slug, place) for entry in path] for path in paths],
        alone=[entry_link(kb, entry.slug, place) for entry in alone],
        sample=highlighted(SAMPLE),
        models=[model_link(name, slug, place) for name, slug in MODELS.items() if slug in kb.entries],
        headlines=len(headlines),
        statements=sum(len(kb.statements[entry.slug]) for entry in papers),
        measured=sum(counted(headlines).values()),
        place=place,
    )


def highlighted(text: str) -> Markup:
    """Python with its colours, as in the cells of a chapter."""
    return Markup(highlight(text, PythonLexer(), HtmlFormatter(nowrap=True)))


def model_link(name: str, slug: str, place: Place) -> Markup:
    """A model by its name in the package, linked to its place in the programming reference."""
    return link(code(name), place.to("book/api/papers", f"unrolled.papers.{slug}.model.{name}"))


def models(kb: KnowledgeBase, place: Place) -> Markup:
    """What can be imported: each paper's model and its stored weights."""
    rows = []
    for name, slug in MODELS.items():
        if slug in kb.entries:
            files = sorted((kb.root / "bib" / "weights" / slug).glob("*.safetensors"))
            weights = join((code(f'load("{slug}/{file.stem}")') for file in files), ", ") or None
            rows.append(Row((model_link(name, slug, place), entry_link(kb, slug, place), weights)))
    heads = ("Model", "Paper", "Trained weights")
    return table(heads, rows, class_="models", caption=f"{len(rows)} models of the package unrolled")


def clone(kb: KnowledgeBase, place: Place) -> Markup:
    """How to get the code and build the book; the repository's address is the build's, or is left out."""
    repository = addresses.repository()
    lines = (
        [f"git clone {repository}", f"cd {posixpath.basename(repository).removesuffix('.git')}"]
        if repository
        else []
    )
    text = "\n".join([*lines, "make book", "make serve"]) + "\n"
    return render("clone", repository=repository, text=text)


def cite_book(kb: KnowledgeBase, place: Place) -> Markup:
    """The box from which a reader copies the reference of the book itself."""
    reference = book_reference(addresses.site() or "")
    return cite_box("book", {style: printed([reference], style) for style in STYLES}, command="--book")
