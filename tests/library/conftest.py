"""A small project of its own for each test, so that nothing depends on the book's state."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A copy of the project's ``bib/`` and of the sources that its entry names, with paths set to it."""
    root = tmp_path / "project"
    (root / "bib" / "entries").mkdir(parents=True)
    shutil.copy(ROOT / "bib" / "entries" / "bn_lstm.yaml", root / "bib" / "entries")
    for name in ("references.bib", "concepts.yaml"):
        shutil.copy(ROOT / "bib" / name, root / "bib")
    monkeypatch.setenv("UNROLLED_PROJECT", str(root))
    monkeypatch.setenv("UNROLLED_RUNS", str(root / "runs"))
    return root


@pytest.fixture
def edit(project):
    """Replace text in a file of the project; the text must be there."""

    def replace(name: str, old: str, new: str, count: int = 1) -> Path:
        path = project / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, count), encoding="utf-8")
        return path

    return replace
