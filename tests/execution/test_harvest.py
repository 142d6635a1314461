"""What a chapter measured is merged into its evidence; what training runs measured stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from execution_cells import code, notebook

from unrolled.base.errors import UnrolledError
from unrolled.execution.harvest import write_evidence
from unrolled.execution.mime import CLAIM, VALUE
from unrolled.library.models import Evidence, Measurement

RECORD = {
    "key": "k1",
    "profile": "book",
    "seconds": 1.5,
    "peak_memory_mb": 100.0,
    "executed": "2026-11-22",
    "versions": {"torch": "2.13.0"},
}


def output(mime: str, data: dict) -> dict:
    return {"output_type": "display_data", "metadata": {}, "data": {"text/plain": "…", mime: data}}


def claim(name: str, value: float = 1.0) -> dict:
    data = {"claim": name, "value": value, "spread": 0.1, "per_seed": {"0": value}, "n": 1, "unit": ""}
    return output(CLAIM, data | {"holds": True, "profile": "book"})


def value(name: str, number: float) -> dict:
    return output(VALUE, {"name": name, "value": number})


def ran(*outputs: dict) -> dict:
    return notebook(code("1", outputs=list(outputs)))


def stored(project: Path) -> Evidence:
    return Evidence.model_validate_json((project / "bib/evidence/tiny.json").read_text())


def paper_run() -> Measurement:
    return Measurement(
        claim="gain-at-scale",
        value=5.0,
        n=5,
        profile="paper",
        device="one GPU",
        seconds=3600,
        command="unrolled train tiny",
        key="k0",
        collected="2026-11-01",
    )


def test_a_second_run_replaces_the_chapter_s_own_and_keeps_what_training_measured(project: Path) -> None:
    first = ran(claim("gain"), claim("old"), value("a", 1), value("b", 2))
    write_evidence("tiny", first, RECORD, previous=ran())
    before = stored(project)
    merged = before.model_copy(
        update={
            "measurements": (*before.measurements, paper_run()),
            "values": before.values | {"trained": 9.0},
        }
    )
    (project / "bib/evidence/tiny.json").write_text(merged.model_dump_json())

    second = ran(claim("gain", 2.0), value("b", 3))
    write_evidence("tiny", second, RECORD | {"key": "k2"}, previous=first)
    after = stored(project)
    assert {m.claim: (m.value, m.key) for m in after.measurements} == {
        "gain-at-scale": (5.0, "k0"),
        "gain": (2.0, "k2"),
    }
    assert after.values == {"b": 3.0, "trained": 9.0}
    assert len(after.costs) == 1


def test_equal_runs_give_equal_files(project: Path) -> None:
    path = write_evidence("tiny", ran(claim("gain")), RECORD, previous=ran())
    text = path.read_text()
    write_evidence("tiny", ran(claim("gain")), RECORD, previous=ran(claim("gain")))
    assert path.read_text() == text
    assert text.endswith("}\n")
    assert json.loads(text)["slug"] == "tiny"


def test_a_claim_that_is_measured_twice_is_refused(project: Path) -> None:
    with pytest.raises(UnrolledError, match="claim gain is measured twice"):
        write_evidence("tiny", ran(claim("gain"), claim("gain")), RECORD, previous=ran())
    assert not (project / "bib/evidence").exists()


@pytest.mark.parametrize("text", ["{", "{}", '{"slug": "tiny", "costs": [{"profile": "book"}]}'])
def test_a_damaged_evidence_file_is_named_and_left(project: Path, text: str) -> None:
    file = project / "bib/evidence/tiny.json"
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(UnrolledError) as caught:
        write_evidence("tiny", ran(claim("gain")), RECORD, previous=ran())
    assert "bib/evidence/tiny.json" in str(caught.value)
    assert file.read_text() == text
