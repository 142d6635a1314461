"""``unrolled new``: what it lays out fails the checks until it is filled; it overwrites nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.library import arxiv, authoring, bibliography
from unrolled.library.check import check
from unrolled.library.entries import load_entry
from unrolled.library.faults import Faulty
from unrolled.library.yamlformat import formatted

ROOT = Path(__file__).resolve().parents[2]
PAPER = r"""@inproceedings{neil2016phased,
  author = {Neil, Daniel and Pfeiffer, Michael and Liu, Shih-Chii},
  title = {Phased {LSTM}: Accelerating Recurrent Network Training for Long or Event-based Sequences},
  booktitle = {Advances in Neural Information Processing Systems 29 ({NIPS} 2016)},
  year = {2016}, eprint = {1610.09513}, archivePrefix = {arXiv}
}
"""


@pytest.fixture
def copy(tmp_path, monkeypatch) -> Path:
    """A copy of the whole project."""
    root = tmp_path / "project"
    root.mkdir()
    for name in ("_toc.yml", "pyproject.toml", "CITATION.cff"):
        shutil.copy(ROOT / name, root)
    for name in ("bib", "src", "book", "notebooks", "tests"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    monkeypatch.setenv("UNROLLED_PROJECT", str(root))
    return root


def snapshot(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@pytest.mark.slow
def test_a_new_chapter_lacks_nothing_but_what_is_to_be_written(copy):
    before = snapshot(copy)
    written = {str(path.relative_to(copy)) for path in authoring.new("phased_lstm", PAPER, "cells")}
    after = snapshot(copy)
    assert {name for name in after if after[name] != before.get(name)} == written
    assert set(before) <= set(after)
    faults = [fault for fault in check("phased_lstm") if fault.level == "fault"]
    assert {fault.problem.partition(":")[0] for fault in faults} == {"still to be written"}
    stubs = {str(fault.file.relative_to(copy)) for fault in faults}
    assert (
        {
            "bib/entries/phased_lstm.yaml",
            "book/demos/phased_lstm.js",
            "book/diagrams/phased_lstm.py",
            "notebooks/phased_lstm.ipynb",
            "src/unrolled/papers/phased_lstm/demo.py",
            "src/unrolled/papers/phased_lstm/model.py",
            "tests/checks/test_phased_lstm.py",
        }
        <= stubs
        <= written
    )
    lacking = {fault.problem for fault in check("phased_lstm") if fault.level == "lacks"}
    assert "draft: no drawing (book/diagrams/phased_lstm.svg)" in lacking
    entry = load_entry("phased_lstm")
    assert (entry.status, entry.year, entry.key) == ("draft", 2016, "neil2016phased")
    assert entry.title.startswith("Phased LSTM: Accelerating")
    assert (
        formatted(copy / "bib" / "entries" / "phased_lstm.yaml").encode()
        == after["bib/entries/phased_lstm.yaml"]
    )
    notebook = nbformat.reads(after["notebooks/phased_lstm.ipynb"].decode(), as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].metadata.tags == ["parameters"]
    toc = after["_toc.yml"].decode()
    assert (
        toc.index("book/parts/cells") < toc.index("notebooks/phased_lstm") < toc.index("book/parts/encoder")
    )


@pytest.mark.slow
def test_new_code_passes_lint_floors_and_its_own_oracle(copy):
    authoring.new("phased_lstm", PAPER, "memory")
    made = [p for p in copy.rglob("*phased_lstm*") if p.suffix == ".py"]
    made += sorted((copy / "src" / "unrolled" / "papers" / "phased_lstm").glob("*.py"))
    environment = os.environ | {"PYTHONPATH": str(copy / "src"), "OMP_NUM_THREADS": "1"}
    tools = Path(sys.executable).parent
    test = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--noconftest"]
    for command in (
        [tools / "ruff", "check", "--no-cache", *made],
        [tools / "ruff", "format", "--check", "--no-cache", *made],
        [tools / "lint-imports", "--no-cache"],
        [*test, "--doctest-modules", copy / "tests/oracles/test_phased_lstm.py", *made[-3:]],
    ):
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("part", authoring.PARTS)
def test_every_part_of_the_book_takes_a_chapter(copy, part):
    import yaml

    authoring.new("phased_lstm", PAPER, part)
    contents = yaml.safe_load((copy / "_toc.yml").read_text(encoding="utf-8"))
    (page,) = (c for p in contents["parts"] for c in p["chapters"] if c["file"] == f"book/parts/{part}")
    assert page["sections"][-1] == {"file": "notebooks/phased_lstm"}


def test_what_is_there_is_not_overwritten(copy):
    authoring.new("phased_lstm", PAPER, "cells")
    before = snapshot(copy)
    with pytest.raises(UsageError, match="exists already"):
        authoring.new("phased_lstm", PAPER, "cells")
    with pytest.raises(UsageError, match="with other fields"):
        authoring.new("phased_again", PAPER.replace("2016}", "2017}"), "cells")
    assert snapshot(copy) == before


def test_a_write_that_fails_leaves_everything_as_it_was(copy, monkeypatch):
    before = snapshot(copy)
    real, calls = authoring.atomic_write, []

    def failing(path, content):
        calls.append(path)
        if Path(path).name == "references.bib" and calls.count(path) == 1:  # putting it back succeeds
            raise OSError(28, "No space left on device")
        return real(path, content)

    monkeypatch.setattr(authoring, "atomic_write", failing)
    with pytest.raises((UnrolledError, OSError)):
        authoring.new("phased_lstm", PAPER, "cells")
    assert snapshot(copy) == before
    assert not (copy / "src" / "unrolled" / "papers" / "phased_lstm").exists()


@pytest.mark.parametrize(
    ("slug", "text", "part", "said"),
    [
        ("Phased", PAPER, "cells", "no slug"),
        ("../x", PAPER, "cells", "no slug"),
        ("class", PAPER, "cells", "no slug"),
        ("x" * 41, PAPER, "cells", "no slug"),
        ("phased", PAPER, "cell", "did you mean cells"),
        ("phased", "", "cells", "0 BibTeX entries"),
        ("phased", PAPER + PAPER.replace("neil2016", "neil2017"), "cells", "2 BibTeX entries"),
        ("phased", PAPER.replace("year = {2016}, ", ""), "cells", "has no year"),
        ("phased", PAPER.replace("{2016}", "{soon}"), "cells", "no year"),
    ],
)
def test_bad_input_is_wrong_use_and_writes_nothing(project, slug, text, part, said):
    before = snapshot(project)
    with pytest.raises(UsageError, match=said):
        authoring.new(slug, text, part)
    assert snapshot(project) == before


def test_broken_bibtex_is_told_with_its_line(project):
    with pytest.raises(Faulty, match=r"paper\.bib:1"):
        authoring.new("phased", PAPER[:-4], "cells", "paper.bib")


ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><entry>
<title>Phased LSTM: A   {Test}
 of 50% &amp; more</title><published>2016-10-29T00:00:00Z</published>
<author><name>Daniel Neil</name></author><author><name>Shih-Chii Liu</name></author></entry></feed>"""


def test_bibtex_from_arxiv_reads_in_our_own_reader(served):
    text = arxiv.bibtex("1610.09513v1", served({"/api": (200, ATOM)}) + "/api")
    found = bibliography.parse(text)
    assert found.faults == []
    reference = found.entries["neil2016phased"]
    assert reference["author"] == "Daniel Neil and Shih-Chii Liu"
    assert reference["title"] == r"Phased LSTM: A Test of 50\% \& more"
    assert reference["eprint"] == "1610.09513"


@pytest.mark.parametrize(
    "body", ["", "<feed", "<!DOCTYPE x><feed/>", "<feed xmlns='http://www.w3.org/2005/Atom'/>"]
)
def test_an_answer_of_arxiv_that_is_no_paper_is_told(served, body):
    with pytest.raises(UnrolledError, match="arXiv"):
        arxiv.bibtex("1610.09513", served({"/api": (200, body)}) + "/api")


def test_without_internet_arxiv_is_one_clear_line():
    with pytest.raises(UnrolledError, match=r"cannot ask arXiv: .* --bibtex FILE needs none") as caught:
        arxiv.bibtex("1610.09513", "http://127.0.0.1:9/api")
    assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="no arXiv number"):
        arxiv.bibtex("file:///etc/passwd")


def test_the_notebook_holds_no_outputs(copy):
    authoring.new("phased_lstm", PAPER, "cells")
    cells = json.loads((copy / "notebooks" / "phased_lstm.ipynb").read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") for cell in cells)
