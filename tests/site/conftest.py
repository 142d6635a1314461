"""A small project whose book the tests build."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).parent))  # for the modules beside this one that the tests share


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with a small chapter in the place of the real one, ready to be built."""
    import nbformat
    import yaml
    from site_chapter import chapter

    root = tmp_path_factory.mktemp("project")
    for name in ("_config.yml", "CITATION.cff", "pyproject.toml", "README.md", "LICENSE", "LICENSE-PROSE"):
        shutil.copy(ROOT / name, root / name)
    contents = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    others = re.compile(r" +sections:\n( +- file: notebooks/(?!bn_lstm\n)\w+\n)+")
    (root / "_toc.yml").write_text(others.sub("", contents), encoding="utf-8")
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("book", "bib", "src", "tests/oracles"):
        shutil.copytree(ROOT / name, root / name, ignore=ignore)
    shutil.rmtree(root / "bib" / "evidence", ignore_errors=True)
    text = (root / "bib" / "entries" / "bn_lstm.yaml").read_text(encoding="utf-8")
    equations = {e["label"]: e["latex"] for e in yaml.safe_load(text)["equations"]}
    (root / "notebooks").mkdir()
    nbformat.write(chapter(equations), root / "notebooks" / "bn_lstm.ipynb")
    (root / "book" / "redirects.yml").write_text("pages: {}\nanchors: {}\n", encoding="utf-8")
    # the programming reference imports torch, which takes long and is not what these tests ask about
    for page in (root / "book").glob("api/*.md"):
        page.write_text("# Programming reference\n", encoding="utf-8")
    return root
