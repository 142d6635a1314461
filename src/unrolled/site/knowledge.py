"""Everything the pages are made from, read once a build: entries, evidence, concepts, source text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from unrolled.library import bibliography
from unrolled.library.chapters import chapter_of
from unrolled.library.entries import load_all, load_concepts
from unrolled.library.evidence import load
from unrolled.library.judged import Judged, Judgements
from unrolled.library.measurements import Chapter, Evidence
from unrolled.library.models import Concept, Entry, Equation, Relation
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


@dataclass(frozen=True)
class KnowledgeBase:
    """The knowledge base as the pages see it. ``chapters`` are the slugs that have a notebook in the book."""

    root: Path
    entries: Mapping[str, Entry]
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    concepts: Mapping[str, Concept] = field(default_factory=dict)
    works: Mapping[str, Work] = field(default_factory=dict)  # by key
    chapters: frozenset[str] = frozenset()
    executed: Mapping[str, Chapter] = field(default_factory=dict)  # what the notebooks' last execution left
    numbers: Mapping[str, int] = field(default_factory=dict)  # of the chapters, in the book's order
    images: Path | None = None  # where the build keeps its pictures

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

    @cached_property
    def judgements(self) -> dict[str, Judgements]:
        """Every entry against its evidence."""
        return {
            slug: Judgements(
                entry,
                self.evidence.get(slug) or Evidence(slug=slug),
                self.executed[slug].key if slug in self.executed else None,
            )
            for slug, entry in self.entries.items()
        }

    @cached_property
    def statements(self) -> dict[str, list[Judged]]:
        """The statements of each entry, judged; headlines first."""
        return {slug: judgements.statements() for slug, judgements in self.judgements.items()}

    def headlines(self, slug: str) -> list[Judged]:
        """The statements for which a paper is cited, judged."""
        return [item for item in self.statements[slug] if item.of.headline]

    def home(self, slug: str) -> tuple[str, str]:
        """The page and anchor where an entry is at home: its chapter, or the page made from its entry."""
        return f"{'notebooks' if slug in self.chapters else 'entries'}/{slug}", ""

    @cached_property
    def equations(self) -> dict[str, tuple[Entry, Equation]]:
        """Every equation by its label."""
        return {q.label: (entry, q) for entry in self.entries.values() for q in entry.equations}

    @cached_property
    def texts(self) -> dict[str, SourceText]:
        """The files that get a page: what equations and checks name, the papers' folders, the oracles."""
        named = [
            name
            for entry in self.entries.values()
            for name in (
                *(q.implementation for q in entry.equations),
                *(q.oracle for q in entry.equations),
                *(test for check in entry.checks for test in check.tests),
            )
        ]
        files = {file for name in named if name and (file := file_of(name))}
        folders = [f"src/unrolled/papers/{slug}" for slug in self.entries]
        for folder in (*folders, "tests/oracles"):
            files.update(str(p.relative_to(self.root)) for p in (self.root / folder).glob("[!_]*.py"))
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

    >>> symbol_of("unrolled.nn.cells:LSTM.forward"), symbol_of("tests/oracles/test_x.py::TestY::test_z[a]")
    ('LSTM.forward', 'TestY.test_z')
    """
    symbol = name.partition("::")[2].replace("::", ".") if "::" in name else name.partition(":")[2]
    return symbol.partition("[")[0]


def load_knowledge_base(root: Path, chapters: frozenset[str]) -> KnowledgeBase:
    """Read the knowledge base of the project at ``root``.

    Raises:
        UnrolledError: with every fault of every entry, file and line.
    """
    from unrolled.library.citing import render

    entries = load_all()
    evidence = {slug: found for slug in entries if (found := load(slug)) is not None}
    references = bibliography.load().entries.values()
    works = {item["id"]: from_csl(item) for item in json.loads(render(references, "csl-json"))}
    concepts = load_concepts() if (root / "bib" / "concepts.yaml").is_file() else {}
    executed = {
        slug: found
        for slug in chapters
        if (found := chapter_of(root / "notebooks" / f"{slug}.ipynb")) is not None
    }
    return KnowledgeBase(root, entries, evidence, concepts, works, chapters, executed)
