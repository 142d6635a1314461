"""``unrolled check``: every fault of the knowledge base, with file, line and hint; what entries lack."""

from __future__ import annotations

from collections.abc import Iterator

from unrolled.base import paths
from unrolled.library import bibliography
from unrolled.library.biblatex import unread
from unrolled.library.chapters import pages
from unrolled.library.entries import read_all, read_concepts
from unrolled.library.entrychecks import entry_faults
from unrolled.library.faults import Fault
from unrolled.library.gate import book_faults
from unrolled.library.statementchecks import Knowledge
from unrolled.library.yamltext import Document


def check(slug: str | None = None, notebook_keys: dict[str, str] | None = None) -> list[Fault]:
    """Every fault, and at level ``lacks`` what entries still need to be verified; sorted by file and line.

    Args:
        slug: only what concerns this entry.
        notebook_keys: the present keys of chapters, which tell stale measurements from notebooks.
    """
    entries, documents = read_all()
    concepts_file = paths.project() / "bib" / "concepts.yaml"
    concepts, concept_document = read_concepts(concepts_file) if concepts_file.is_file() else ({}, None)
    faults = [fault for document in documents.values() for fault in document.faults]
    bib_file = paths.bibliography()
    if bib_file.is_file():
        bib = bibliography.load(bib_file)
        faults += bib.faults
    else:
        bib = bibliography.Bibliography(bib_file)
        faults.append(Fault(bib_file, 1, "missing", "every entry's key is looked up here"))
    knowledge = Knowledge(entries, documents, concepts, bib, list(pages(paths.project())))
    if concept_document:
        faults += concept_document.faults
        faults += _concepts(knowledge, concept_document)
    faults += [fault for page in knowledge.pages for fault in page.faults]
    faults += _bibliography(knowledge)
    faults += _labels(knowledge)
    faults += _evidence_without_entry(knowledge)
    faults += book_faults(knowledge)
    for name, entry in entries.items():
        found = list(entry_faults(knowledge, entry, (notebook_keys or {}).get(name)))
        faults += [Fault(f.file, f.line, f.problem, f.hint, f.level, name) for f in found]
    if slug is not None:
        mine = {f"{slug}.yaml", f"{slug}.json", f"{slug}.ipynb"}
        faults = [fault for fault in faults if fault.slug == slug or fault.file.name in mine]
    return sorted(set(faults), key=lambda fault: (fault.level, *fault.order()))


def _bibliography(knowledge: Knowledge) -> Iterator[Fault]:
    """Every key is cited by an entry or a page, and what a page cites is there."""
    cited = {key for entry in knowledge.entries.values() for key in (entry.key, *entry.also_cite)}
    cited |= {relation.target for entry in knowledge.entries.values() for relation in entry.relations}
    for page in knowledge.pages:
        for key, line in page.citations:
            cited.add(key)
            if key not in knowledge.bib.entries:
                yield Fault(
                    page.file, line, f"cites {key!r}, which is not in the bibliography", "add it there"
                )
    broken = any(document.faults for document in knowledge.documents.values())
    for key, reference in knowledge.bib.entries.items():
        for said in unread(reference):  # the book's pages print what is understood, and nothing else
            yield Fault(knowledge.bib.file, reference.line, f"{key!r}: {said}")
        if key not in cited and not broken:  # an entry that cannot be read may cite it
            problem = f"{key!r} is cited by no entry and no page"
            yield Fault(knowledge.bib.file, reference.line, problem, "cite it, or remove it")
        for name in ("title", "year") if reference.type != "misc" else ("title",):
            if not reference.get(name):
                yield Fault(knowledge.bib.file, reference.line, f"{key!r} has no {name}")
        if not reference.get("author") and not reference.get("editor") and not reference.get("organization"):
            yield Fault(knowledge.bib.file, reference.line, f"{key!r} has no author")


def _labels(knowledge: Knowledge) -> Iterator[Fault]:
    """An equation's label is unique in the book."""
    owners: dict[str, str] = {}
    for slug, entry in knowledge.entries.items():
        document = knowledge.documents[slug]
        for index, equation in enumerate(entry.equations):
            other = owners.setdefault(equation.label, slug)
            if other != slug:
                line = document.line("equations", index, "label")
                yield Fault(document.file, line, f"equation label {equation.label!r} is {other}'s too")


def _concepts(knowledge: Knowledge, document: Document) -> Iterator[Fault]:
    for index, concept in enumerate(knowledge.concepts.values()):
        if concept.entry is not None and concept.entry not in knowledge.documents:
            yield Fault(document.file, document.line(index, "entry"), f"no entry {concept.entry!r}")
        for place, other in enumerate(concept.also):
            if other not in knowledge.concepts:
                yield Fault(document.file, document.line(index, "also", place), f"unknown concept {other!r}")


def _evidence_without_entry(knowledge: Knowledge) -> Iterator[Fault]:
    for file in sorted(paths.evidence().glob("*.json")):
        if file.stem not in knowledge.documents:
            yield Fault(file, 1, f"evidence without an entry {file.stem!r}", "remove it, or write the entry")
