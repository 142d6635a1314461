"""A small project of its own for tests: one entry, its references and concepts."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml
from statement_samples import RUNS, with_samples

ROOT = Path(__file__).resolve().parents[2]


def make_project(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same in a folder of its own, for tests of a module that share one."""
    (root / "bib" / "entries").mkdir(parents=True)
    text = (ROOT / "bib" / "entries" / "bn_lstm.yaml").read_text(encoding="utf-8")
    text = re.sub(r"(?m)^read_(first|next): .*\n", "", text)  # they lead to other entries
    (root / "bib" / "entries" / "bn_lstm.yaml").write_text(with_samples(text), encoding="utf-8")
    entry = yaml.safe_load((ROOT / "bib" / "entries" / "bn_lstm.yaml").read_text(encoding="utf-8"))
    keys = {entry["key"], *entry["also_cite"]}
    blocks = re.split(r"(?m)^(?=@)", (ROOT / "bib" / "references.bib").read_text(encoding="utf-8"))
    wanted = [block for block in blocks[1:] if re.match(r"@\w+\{([^,]+)", block)[1] in keys]
    (root / "bib" / "references.bib").write_text("".join(wanted).rstrip() + "\n", encoding="utf-8")
    (root / "bib" / "concepts.yaml").write_text(_concepts(entry["concepts"]), encoding="utf-8")
    monkeypatch.setenv("UNROLLED_PROJECT", str(root))
    monkeypatch.setenv("UNROLLED_RUNS", str(root / "runs"))
    return root


def copy_code(root: Path, *sources: str) -> None:
    """The code and tests that the entry's equations name, with the presets that its statements name."""
    ignore = shutil.ignore_patterns("__pycache__")
    for name in (*sources, "tests/oracles"):
        shutil.copytree(ROOT / name, root / name, ignore=ignore)
    (root / "tests" / "nn").mkdir()
    shutil.copy(ROOT / "tests" / "nn" / "test_cells.py", root / "tests" / "nn")
    (root / "src" / "unrolled" / "papers" / "bn_lstm" / "runs.toml").write_text(RUNS, encoding="utf-8")


def _concepts(slugs: list[str]) -> str:
    """The concepts of one entry, without what leads to other entries."""
    concepts = {c["slug"]: c for c in yaml.safe_load((ROOT / "bib" / "concepts.yaml").read_text("utf-8"))}
    lines = ["# The concepts of one entry."]
    for slug in slugs:
        concept = concepts[slug]
        lines += [f"- slug: {slug}", f"  name: {concept['name']}", f"  definition: {concept['definition']!r}"]
        lines += [f"  entry: {concept['entry']}"] if concept.get("entry") == "bn_lstm" else []
        also = [other for other in concept.get("also", ()) if other in slugs]
        lines += [f"  also: [{', '.join(also)}]"] if also else []
    return "\n".join(lines) + "\n"
