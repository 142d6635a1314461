"""What an executed chapter left is merged into its evidence; what training runs measured stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from execution_cells import code, notebook

from unrolled.base.errors import UnrolledError
from unrolled.execution.harvest import write_evidence
from unrolled.library.chapters import VALUE
from unrolled.library.evidence import load, save
from unrolled.library.measurements import Archived
from unrolled.library.statements import Outcome

RECORD = {
    "key": "k1",
    "profile": "book",
    "seconds": 1.5,
    "peak_memory_mb": 100.0,
    "device": "CPU",
    "executed": "2026-11-22",
    "versions": {"torch": "2.13.0"},
}


def ran(**values: float) -> dict:
    outputs = [
        {"output_type": "display_data", "metadata": {}, "data": {VALUE: {"name": name, "value": number}}}
        for name, number in values.items()
    ]
    return notebook(code("1", outputs=outputs))


def test_a_second_run_replaces_the_chapter_s_own_and_keeps_the_rest(project: Path) -> None:
    write_evidence("tiny", ran(width=3.0, old=1), RECORD)
    first = load("tiny")
    assert (first.chapter.values, first.measured("width").outcome) == (
        {"width": 3.0, "old": 1.0},
        Outcome.HOLDS,
    )
    save(first.model_copy(update={"archived": (Archived(claim="gain", value=1, n=1),)}))

    write_evidence("tiny", ran(width=4.0), RECORD | {"key": "k2"})
    second = load("tiny")
    assert (second.chapter.values, second.chapter.key) == ({"width": 4.0}, "k2")
    assert second.measured("width").outcome == Outcome.DIFFERS
    assert len(second.archived) == 1


def test_equal_runs_give_equal_files(project: Path) -> None:
    path = write_evidence("tiny", ran(width=3.0), RECORD)
    text = path.read_text()
    write_evidence("tiny", ran(width=3.0), RECORD)
    assert path.read_text() == text
    assert text.endswith("}\n")
    assert json.loads(text)["slug"] == "tiny"


def test_a_value_that_is_left_twice_is_refused(project: Path) -> None:
    twice = ran(width=3.0)
    twice["cells"].append(twice["cells"][-1])
    with pytest.raises(UnrolledError, match="value width is left twice"):
        write_evidence("tiny", twice, RECORD)
    assert not (project / "bib/evidence").exists()


@pytest.mark.parametrize(
    "text", ["{", "{}", '{"slug": "tiny", "chapter": {"key": "book"}}', '{"slug": "tiny"}']
)
def test_a_damaged_or_edited_evidence_file_is_named_and_left(project: Path, text: str) -> None:
    file = project / "bib/evidence/tiny.json"
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(UnrolledError) as caught:
        write_evidence("tiny", ran(width=3.0), RECORD)
    assert "bib/evidence/tiny.json" in str(caught.value)
    assert file.read_text() == text
