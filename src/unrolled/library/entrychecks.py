"""What is checked of one entry against the rest: keys, relations, symbols, chapter, imports, evidence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from unrolled.base import keys, paths
from unrolled.library.chapters import same_latex
from unrolled.library.faults import Fault
from unrolled.library.gate import gate_faults
from unrolled.library.measurements import Evidence
from unrolled.library.models import Entry
from unrolled.library.statementchecks import (
    Knowledge,
    evidence_faults,
    named_faults,
    readable,
    statement_faults,
)
from unrolled.library.stubs import lacking_parts, stub_faults


def entry_faults(knowledge: Knowledge, entry: Entry, notebook_key: str | None) -> Iterator[Fault]:
    yield from _keys(knowledge, entry)
    yield from _relations(knowledge, entry)
    yield from _equations(knowledge, entry)
    yield from statement_faults(knowledge, entry)
    yield from _imports(knowledge, entry)
    yield from evidence_faults(knowledge, entry, notebook_key)
    yield from _lacks(knowledge, entry)
    yield from gate_faults(knowledge, entry)
    yield from stub_faults(entry)


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
    for field_name in ("builds_on", "chapters", "read_first", "read_next"):
        for index, slug in enumerate(getattr(entry, field_name)):
            if slug not in knowledge.documents or (slug == entry.slug and field_name.startswith("read")):
                line = document.line(field_name, index)
                yield Fault(document.file, line, f"{field_name}: no other entry {slug!r}")


def _equations(knowledge: Knowledge, entry: Entry) -> Iterator[Fault]:
    document = knowledge.documents[entry.slug]
    page = knowledge.page(entry.slug)
    shown = {equation.label: equation for equation in page.equations} if page else {}
    for index, equation in enumerate(entry.equations):
        for role in ("implementation", "oracle"):
            what = f"equation {equation.label}: {role}"
            yield from named_faults(document, getattr(equation, role), what, "equations", index, role)
        if equation.runs:
            for role in ("symbol", "test"):
                what = f"equation {equation.label}: what runs in its place, {role}"
                yield from named_faults(
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
        try:
            names = keys.imports_of(file, module.removesuffix(".__init__"))
        except SyntaxError as error:
            yield Fault(file, error.lineno or 1, f"not Python: {error.msg}")
            continue
        for name in names:
            parts = name.split(".")
            if parts[:2] == ["unrolled", "papers"] and len(parts) > 2 and parts[2] != entry.slug:
                lines = enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
                at = next((n for n, line in lines if f"papers.{parts[2]}" in line), 1)
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
        lacking += [((), what) for what in lacking_parts(entry.slug)]
        evidence = readable(entry.slug) or Evidence(slug=entry.slug)
        for group in ("statements", "findings"):
            for index, item in enumerate(getattr(entry, group)):
                attempted = getattr(item, "not_attempted", None) is None
                if attempted and not (evidence.measured(item.id) or evidence.archive(item.id)):
                    lacking.append(((group, index), f"{item.id} has no evidence"))
    level = "fault" if entry.status == "verified" else "lacks"
    for place, what in lacking:
        hint = "or set status to draft" if level == "fault" else "before it can be verified"
        yield Fault(document.file, document.line(*place), f"{entry.status}: {what}", hint, level)
