"""Everything the pages are made from, read once a build: entries, evidence, concepts, source text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from unrolled.library.models import Claim, Concept, Entry, Equation, Evidence, Measurement, Relation, Verdict
from unrolled.site.sources import SourceText, read_source
from unrolled.site.works import Work, from_csl

PARTS: dict[str, str] = {
    "cells": "Cells",
    "encoder_decoder": "Encoder–decoder and attention",
    "looking": "Looking",
    "memory": "Memory",
    "latent": "Latent variables",
    "learners": "Learners",
    "reading": "Further reading",
}
"""The parts of the book, in its order."""

ORDER: tuple[Verdict, ...] = (
    Verdict.REPRODUCED,
    Verdict.BETTER,
    Verdict.TREND_ONLY,
    Verdict.NOT_REPRODUCED,
    Verdict.STALE,
    Verdict.NOT_ATTEMPTED,
)
"""Verdicts from the best to the least."""


@dataclass(frozen=True)
class Finding:
    """A claim with what was measured for it."""

    entry: Entry
    claim: Claim
    number: int  # its place among the entry's claims, from 1
    measurement: Measurement | None
    verdict: Verdict


@dataclass(frozen=True)
class Shelf:
    """The knowledge base as the pages see it. ``chapters`` are the slugs that have a notebook in the book."""

    root: Path
    entries: Mapping[str, Entry]
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    concepts: Mapping[str, Concept] = field(default_factory=dict)
    works: Mapping[str, Work] = field(default_factory=dict)  # by key
    chapters: frozenset[str] = frozenset()
    stale: Mapping[tuple[str, str], str] = field(
        default_factory=dict
    )  # (slug, claim) -> why its evidence is stale

    def ordered(self) -> list[Entry]:
        """All entries in the book's order: by part, then by year, then by name."""
        return list(self._ordered)

    @cached_property
    def _ordered(self) -> tuple[Entry, ...]:
        parts = list(PARTS)
        return tuple(sorted(self.entries.values(), key=lambda e: (parts.index(e.part), e.year, e.slug)))

    @cached_property
    def arrows_to(self) -> dict[str, list[tuple[Entry, Relation]]]:
        """Relations by the slug or key that they lead to, in the book's order."""
        found: dict[str, list[tuple[Entry, Relation]]] = {}
        for entry in self._ordered:
            for relation in entry.relations:
                found.setdefault(relation.target, []).append((entry, relation))
        return found

    @cached_property
    def readings_of(self) -> dict[str, list[Entry]]:
        """The further readings that go with each entry."""
        found: dict[str, list[Entry]] = {}
        for entry in self._ordered:
            if entry.kind == "reading":
                for slug in dict.fromkeys(entry.chapters):
                    found.setdefault(slug, []).append(entry)
        return found

    def measurement(self, slug: str, claim: str) -> Measurement | None:
        """What was measured for a claim, if anything."""
        evidence = self.evidence.get(slug)
        return next((m for m in evidence.measurements if m.claim == claim), None) if evidence else None

    def findings(self, entry: Entry) -> list[Finding]:
        """Every claim of an entry with its measurement and verdict."""
        from unrolled.library.evidence import judge

        found = []
        for position, claim in enumerate(entry.claims, start=1):
            measurement = self.measurement(entry.slug, claim.id)
            verdict = judge(claim, measurement, (entry.slug, claim.id) in self.stale)
            found.append(Finding(entry, claim, position, measurement, verdict))
        return found

    def finding(self, slug: str, claim: str) -> Finding | None:
        """One claim with its measurement and verdict, or None where there is no such claim."""
        entry = self.entries.get(slug)
        return next((f for f in self.findings(entry) if f.claim.id == claim), None) if entry else None

    def verdicts(self, entry: Entry) -> list[tuple[Verdict, int]]:
        """How many of an entry's claims have each verdict, the best first, without noughts."""
        counts = Counter(f.verdict for f in self.findings(entry))
        return [(verdict, counts[verdict]) for verdict in ORDER if counts[verdict]]

    def home(self, slug: str) -> tuple[str, str]:
        """The page and anchor where an entry is at home: its chapter, or the page made from its entry."""
        return f"{'notebooks' if slug in self.chapters else 'entries'}/{slug}", ""

    def measured(self, entry: Entry) -> bool:
        """Whether any claim of an entry has been measured."""
        return any(finding.measurement is not None for finding in self.findings(entry))

    @cached_property
    def equations(self) -> dict[str, tuple[Entry, Equation]]:
        """Every equation by its label."""
        return {q.label: (entry, q) for entry in self.entries.values() for q in entry.equations}

    @cached_property
    def texts(self) -> dict[str, SourceText]:
        """The files that get a page of source: what equations name, the papers' folders and the oracles."""
        files: set[str] = set()
        for entry in self.entries.values():
            for equation in entry.equations:
                for name in (equation.implementation, equation.oracle):
                    if name and (file := file_of(name)):
                        files.add(file)
            folder = self.root / "src" / "unrolled" / "papers" / entry.slug
            files.update(str(p.relative_to(self.root)) for p in folder.glob("[!_]*.py"))
        files.update(
            str(p.relative_to(self.root)) for p in (self.root / "tests" / "oracles").glob("[!_]*.py")
        )
        return {f: text for f in sorted(files) if (text := read_source(self.root, f)) is not None}

    def source(self, name: str) -> tuple[str, str] | None:
        """The page and anchor of ``module:symbol`` or ``tests/file.py::test``; None where there is none."""
        file, symbol = file_of(name), symbol_of(name)
        text = self.texts.get(file or "")
        if text is None or (symbol and symbol not in text.symbols):
            return None
        return text.docname, symbol

    def users(self, file: str) -> Iterator[tuple[Entry, Equation, str]]:
        """The equations that a file computes or tests, each with the symbol that does."""
        for entry, equation in self.equations.values():
            for name in (equation.implementation, equation.oracle):
                if name and file_of(name) == file:
                    yield entry, equation, symbol_of(name)


def file_of(name: str) -> str | None:
    """The file that a symbol's name points to, from the project's root.

    >>> file_of("unrolled.nn.cells:lstm_step"), file_of("tests/oracles/test_x.py::test_y")
    ('src/unrolled/nn/cells.py', 'tests/oracles/test_x.py')
    """
    if "::" in name:
        file = name.partition("::")[0]
        return file if re.fullmatch(r"tests/[\w/]+\.py", file) else None
    module = name.partition(":")[0]
    return f"src/{module.replace('.', '/')}.py" if re.fullmatch(r"unrolled(\.\w+)+", module) else None


def symbol_of(name: str) -> str:
    """The symbol inside its file.

    >>> symbol_of("unrolled.nn.cells:LSTM.forward"), symbol_of("tests/oracles/test_x.py::TestY::test_z")
    ('LSTM.forward', 'TestY.test_z')
    """
    return name.partition("::")[2].replace("::", ".") if "::" in name else name.partition(":")[2]


def load_shelf(root: Path, chapters: frozenset[str]) -> Shelf:
    """Read the knowledge base of the project at ``root``.

    Raises:
        UnrolledError: with every fault of every entry, file and line.
    """
    import json

    from unrolled.library import bibliography
    from unrolled.library.citing import render
    from unrolled.library.entries import load_all, load_concepts
    from unrolled.library.evidence import load, stale_claims

    entries = load_all()
    evidence = {slug: found for slug in entries if (found := load(slug)) is not None}
    references = bibliography.load().entries.values()
    works = {item["id"]: from_csl(item) for item in json.loads(render(references, "csl-json"))}
    concepts = load_concepts() if (root / "bib" / "concepts.yaml").is_file() else {}
    stale = {
        (slug, claim): reason
        for slug, found in evidence.items()
        for claim, reason in stale_claims(found, entries[slug].datasets, notebook_key(root, slug)).items()
    }
    return Shelf(root, entries, evidence, concepts, works, chapters, stale)


def notebook_key(root: Path, slug: str) -> str | None:
    """The key under which a chapter was last executed, as its file says; None where it says none."""
    import json

    file = root / "notebooks" / f"{slug}.ipynb"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))["metadata"]["unrolled"]["key"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None
