"""What is checked of statements, findings and evidence: what they name is there, and nothing was edited."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field

from unrolled.base import paths
from unrolled.base.errors import UnrolledError
from unrolled.library import bibliography, symbols
from unrolled.library.chapters import Page
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


def named_faults(document: Document, name: str | None, what: str, *place: str | int) -> Iterator[Fault]:
    """A symbol or test that is not there."""
    if name is None:
        return
    try:
        symbols.resolve(name)
    except UnrolledError as error:
        problem = f"{what} not found: {error.problem}"
        yield Fault(document.file, document.line(*place), problem, error.hint)


def statement_faults(knowledge: Knowledge, entry: Entry) -> Iterator[Fault]:
    document = knowledge.documents[entry.slug]
    for index, check in enumerate(entry.checks):
        for place, test in enumerate(check.tests):
            yield from named_faults(
                document, test, f"check {check.id}: test", "checks", index, "tests", place
            )
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
    if entry.kind != "reading" and entry.statements and not any(item.headline for item in entry.statements):
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


def evidence_faults(knowledge: Knowledge, entry: Entry, notebook_key: str | None) -> Iterator[Fault]:
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
        others = {system.slug: readable(system.slug) for system in comparison.systems}
        reason = f"no entry {unknown[0]!r}" if unknown else stale_comparison(comparison, others)
        if reason:
            problem = f"the comparison of {', '.join(names)} is stale: {reason}"
            yield Fault(file, line("comparisons"), problem, comparison.command)


def readable(slug: str) -> Evidence | None:
    """An entry's evidence, or None where there is none or it has faults, which are told of that entry."""
    try:
        return load(slug, sealed=False)
    except Faulty:
        return None
