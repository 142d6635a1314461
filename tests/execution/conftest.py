"""A small project in a temporary folder, and notebooks for it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

# Test modules are imported by path; what they share is found beside them.
sys.path.insert(0, str(Path(__file__).parent))

from execution_cells import DEFAULTS, ENTRY, Write, notebook


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one entry and no chapter; the package's own source."""
    root = tmp_path / "project"
    for folder in ("bib/entries", "notebooks"):
        (root / folder).mkdir(parents=True)
    (root / "bib/entries/tiny.yaml").write_text(ENTRY)
    monkeypatch.setenv("UNROLLED_PROJECT", str(root))
    monkeypatch.delenv("UNROLLED_RUNS", raising=False)
    monkeypatch.setenv("UNROLLED_TIME_FACTOR", "10")
    return root


@pytest.fixture
def write(project: Path) -> Write:
    """Writes a chapter from cells: `write(code(...), slug=..., parameters=...)`."""

    def written(*cells: dict[str, Any], slug: str = "tiny", parameters: str | None = DEFAULTS) -> Path:
        file = project / "notebooks" / f"{slug}.ipynb"
        file.write_text(json.dumps(notebook(*cells, parameters=parameters)))
        return file

    return written
