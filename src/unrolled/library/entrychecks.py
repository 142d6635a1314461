"""What is checked of one entry against the rest: keys, relations, symbols, chapter, imports, evidence."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from unrolled.base import keys, paths
from unrolled.base.errors import UnrolledError
from unrolled.library import bibliography, symbols
from unrolled.library.chapters import Page, same_latex
from unrolled.library.comparisons import stale_comparison
from unrolled.library.evidence import evidence_file, load
from unrolled.library.faults import Fault, Faulty
from unrolled.library.measurements import Evidence
from unrolled.library.models import Concept, Entry
from unrolled.library.rechecking import problems
from unrolled.library.statements import Quantity
from unrolled.library.yamltext import Document


@dataclass
class Knowledge:
    """Everything that is checked against each other."""

    entries: dict[str, Entry]
    documents: dict[str, Document]
    concepts: dict[str, Concept]
    bib: bibliography.Bibliography
    pages: list[Page] = field(default_factory=list)

    def page(self, slug: str) -> Page | None:
        """The entry's chapter."""
        return next((page for page in self.pages if page.file.name == f"{slug}.ipynb"), None)


def entry_faults(knowledge: Knowledge, entry: Entry, notebook_key: str | None) -> Iterator[Fault]:
    yield from _keys(knowledge, entry)
    yield from _relations(knowledge, entry)
    yield from _equations(knowledge, entry)
    yield from _statements(knowledge, entry)
    yield from _imports(knowledge, entry)
    yield from _evidence(knowledge, entry, notebook_key)
    yield from _lacks(knowledge, entry)


def _keys(knowledge: Knowledge, entry: Entry) -> Iterator[Fault]:
    document, bib = knowledge.documents[entry.slug], knowledge.bib
    cited = [(("key",), entry.key), *((("also_cite", i), key) for i, key in enumerate(entry.also_cite))]
    for place, key in cited:
        if key not in bib.entries:
            why = "its block there is broken" if key in bib.broken else f"add it to {bib.file.name}"
            yield Fault(document.file, document.line(*place), f"key {key!r} is not in the bibliography", why)
    reference = bib.entries.get(entry.key)
    year = reference.get("year") if reference else ""
    if year.isdigit() and int(year) != entry.year:
        line = document.line("year")
        yield Fault(document.file, line, f"year {entry.year}, but {entry.key} says {year}", "make them equal")
    for index, concept in enumerate(entry.concepts):
        if concept not in knowledge.concepts:
            line = document.line("concepts", index)
            yield Fault(document.file, line, f"unknown concept {concept!r}", "add it to bib/concepts.yaml")


def _relations(knowledge: Knowledge, entry: Entry) -> Iterator[Fault]:
    document, seen = knowledge.documents[entry.slug], set()
    for index, relation in enumerate(entry.relations):
        line = document.line("relations", index, "target")
        if relation.target == entry.slug:
            yield Fault(document.file, line, "a relation of an entry to itself")
        elif relation.target not in knowledge.documents and relation.target not in knowledge.bib.entries:
            yield Fault(
                document.file,
                line,
                f"relation to {relation.target!r}, which is no entry and no key",
                "name an entry's slug, or a key of references.bib",
            )
        if (relation.type, relation.target) in seen:
            yield Fault(document.file, line, f"relation {relation.type} {relation.target} twice")
        seen.add((relation.type, relation.target))
        other = knowledge.entries.get(relation.target)
        back = (
            [r for r in other.relations if r.target == entry.slug and r.type == relation.type]
            if other
            else []
        )
        if back and relation.type not in ("contradicts",):
            problem = (
                f"{relation.type} {relation.target}, and {relation.target} says the same of {entry.slug}"
            )
            yield Fault(document.file, line, problem, "state a relation once; its inverse is derived")
    for field_name in ("builds_on", "chapters"):
        for index, slug in enumerate(getattr(entry, field_name)):
            if slug not in knowledge.documents:
                line = document.line(field_name, index)
                yield Fault(document.file, line, f"{field_name}: no entry {slug!r}")


def _equations(knowledge: Knowledge, entry: Entry) -> Iterator[Fault]:
    document = knowledge.documents[entry.slug]
    page = knowledge.page(entry.slug)
    shown = {equation.label: equation for equation in page.equations} if page else {}
    for index, equation in enumerate(entry.equations):
        for role in ("implementation", "oracle"):
            what = f"equation {equation.label}: {role}"
            yield from _named(document, getattr(equation, role), what, "equations", index, role)
        if equation.runs:
            for role in ("symbol", "test"):
                what = f"equation {equation.label}: what runs in its place, {role}"
                yield from _named(
                    document, getattr(equation.runs, role), what, "equations", index, "runs", role
                )
        there = shown.get(equation.label)
        if there and not same_latex(there.latex, equation.latex):
            problem = f"equation {equation.label} differs from the one in {document.file.name}"
            yield Fault(
                page.file, there.line, problem, f"line {document.line('equations', index, 'latex')} there"
            )
        elif page and not there and entry.status != "planned":
            line = document.line("equations", index, "label")
            problem = f"equation {equation.label} is not in the chapter"
            yield Fault(document.file, line, problem, f"label it in {page.file.name}")
    known = {equation.label for equation in entry.equations}
    for label, there in shown.items():
        if label not in known and label.startswith(entry.slug.replace("_", "-") + "-"):
            yield Fault(
                page.file, there.line, f"equation {label} is not in {document.file.name}", "add it there"
            )


def _named(document: Document, name: str | None, what: str, *place: str | int) -> Iterator[Fault]:
    """A symbol or test that is not there."""
    if name is None:
        return
    try:
        symbols.resolve(name)
    except UnrolledError as error:
        problem = f"{what} not found: {error.problem}"
        yield Fault(document.file, document.line(*place), problem, error.hint)


def _statements(knowledge: Knowledge, entry: Entry) -> Iterator[Fault]:
    document = knowledge.documents[entry.slug]
    for index, check in enumerate(entry.checks):
        for place, test in enumerate(check.tests):
            yield from _named(document, test, f"check {check.id}: test", "checks", index, "tests", place)
    groups: tuple[tuple[str, tuple[Quantity, ...]], ...] = (
        ("statements", entry.statements),
        ("findings", entry.findings),
    )
    for group, quantities in groups:
        for index, quantity in enumerate(quantities):
            line = document.line(group, index, "id")
            if quantity.runs and entry.setting(quantity) is None:
                problem = f"{quantity.id} has runs, and 'paper' has no setting to tell their scale by"
                yield Fault(document.file, line, problem, "add one")
            known = _presets(entry.slug) if quantity.runs else None
            for preset in quantity.presets if known else ():
                if preset not in known:
                    problem = f"{quantity.id} names preset {preset!r}, which is not in the paper's runs.toml"
                    yield Fault(document.file, document.line(group, index, "runs"), problem, "add it there")
            if not (quantity.runs or quantity.value or getattr(quantity, "not_attempted", None)):
                problem = f"{quantity.id} can neither be measured nor says why not"
                level = "lacks" if entry.status == "planned" else "fault"
                yield Fault(document.file, line, problem, "give 'runs', 'value' or 'not_attempted'", level)
    if entry.statements and not any(item.headline for item in entry.statements):
        yield Fault(
            document.file, document.line("statements"), "no statement is a headline", "mark one to three"
        )
    for page in knowledge.pages:
        for text, line in page.statements:
            slug, _, rest = text.strip().partition(":")[0].partition("/")
            name = rest.partition("/")[0]
            if slug == entry.slug and name and not (entry.statement(name) or entry.finding(name)):
                yield Fault(page.file, line, f"no statement or finding {name!r} of {slug}")


def _presets(slug: str) -> set[str]:
    """The names of a paper's presets, from the text of its ``runs.toml``; none where it has no such file."""
    path = paths.sources() / "papers" / slug / "runs.toml"
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # training tells what is wrong with it
        return set()
    names: set[str] = set()
    for title, table in tables.items():
        each = table.get("each", {}) if isinstance(table, dict) else {}
        choices = [{name: value} for name, values in each.items() for value in values] or [{}]
        names.update(title.format(**choice) for choice in choices)
    return names


def _imports(knowledge: Knowledge, entry: Entry) -> Iterator[Fault]:
    """The import arrows between papers are the lineage that the entry states."""
    document = knowledge.documents[entry.slug]
    folder = paths.sources() / "papers" / entry.slug
    if not folder.is_dir():
        if entry.builds_on and entry.status != "planned":
            yield Fault(document.file, document.line("builds_on"), "builds on papers, but has no code")
        return
    arrows: dict[str, tuple[Path, int]] = {}
    for file in sorted(folder.rglob("*.py")):
        module = ".".join(("unrolled", *file.relative_to(paths.sources()).with_suffix("").parts))
        text = file.read_text(encoding="utf-8")
        try:
            names = keys.imports(text, module.removesuffix(".__init__"), file.name == "__init__.py")
        except SyntaxError as error:
            yield Fault(file, error.lineno or 1, f"not Python: {error.msg}")
            continue
        for name in names:
            parts = name.split(".")
            if parts[:2] == ["unrolled", "papers"] and len(parts) > 2 and parts[2] != entry.slug:
                at = next(
                    (n for n, line in enumerate(text.splitlines(), 1) if f"papers.{parts[2]}" in line), 1
                )
                arrows.setdefault(parts[2], (file, at))
    for slug in sorted(set(arrows) - set(entry.builds_on)):
        file, line = arrows[slug]
        yield Fault(
            file, line, f"imports {slug}, which builds_on of {entry.slug} does not name", "add it there"
        )
    for index, slug in enumerate(entry.builds_on):
        if slug not in arrows:
            line = document.line("builds_on", index)
            yield Fault(document.file, line, f"builds on {slug}, but imports nothing of it", "remove it")


def _evidence(knowledge: Knowledge, entry: Entry, notebook_key: str | None) -> Iterator[Fault]:
    file = evidence_file(entry.slug)
    try:
        evidence = load(entry.slug, sealed=False)
    except Faulty as error:
        yield from error.faults
        return
    if evidence is None:
        return
    text = file.read_text(encoding="utf-8")

    def line(name: str) -> int:
        return text.count("\n", 0, max(text.find(f'"{name}"'), 0)) + 1

    for name, problem, hint in problems(entry, evidence, notebook_key):
        yield Fault(file, line(name), problem, hint)
    document = knowledge.documents[entry.slug]
    for index, statement in enumerate(entry.statements):
        if statement.not_attempted is not None and evidence.measured(statement.id):
            at = document.line("statements", index, "not_attempted")
            yield Fault(document.file, at, f"{statement.id} is said not to be attempted, but was measured")
    for comparison in evidence.comparisons:
        names = [system.name for system in comparison.systems]
        unknown = [system.slug for system in comparison.systems if system.slug not in knowledge.documents]
        others = {system.slug: _readable(system.slug) for system in comparison.systems}
        reason = f"no entry {unknown[0]!r}" if unknown else stale_comparison(comparison, others)
        if reason:
            problem = f"the comparison of {', '.join(names)} is stale: {reason}"
            yield Fault(file, line("comparisons"), problem, comparison.command)


def _readable(slug: str) -> Evidence | None:
    """An entry's evidence, or None where there is none or it has faults, which are told of that entry."""
    try:
        return load(slug, sealed=False)
    except Faulty:
        return None


def _lacks(knowledge: Knowledge, entry: Entry) -> Iterator[Fault]:
    """What an entry still needs to be verified. For an entry that says it is verified, these are faults."""
    document = knowledge.documents[entry.slug]
    if entry.kind == "reading":
        return
    lacking: list[tuple[tuple, str]] = []
    for name in (
        "problem",
        "contribution",
        "notation",
        "equations",
        "statements",
        "departures",
        "links",
        "concepts",
    ):
        if not getattr(entry, name):
            lacking.append(((), f"no {name}"))
    for index, equation in enumerate(entry.equations):
        for role in ("implementation", "oracle"):
            if getattr(equation, role) is None:
                lacking.append((("equations", index), f"equation {equation.label} has no {role}"))
    if knowledge.page(entry.slug) is None:
        lacking.append(((), "no chapter"))
    else:
        evidence = _readable(entry.slug) or Evidence(slug=entry.slug)
        for group in ("statements", "findings"):
            for index, item in enumerate(getattr(entry, group)):
                attempted = getattr(item, "not_attempted", None) is None
                if attempted and not (evidence.measured(item.id) or evidence.archive(item.id)):
                    lacking.append(((group, index), f"{item.id} has no evidence"))
    level = "fault" if entry.status == "verified" else "lacks"
    for place, what in lacking:
        hint = "or set status to draft" if level == "fault" else "before it can be verified"
        yield Fault(document.file, document.line(*place), f"{entry.status}: {what}", hint, level)
