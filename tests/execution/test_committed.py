"""Each fault of a stored chapter is found, and a good one has none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from execution_cells import Write, code

from unrolled.base.keys import combine
from unrolled.execution import keys
from unrolled.execution.committed import faults
from unrolled.library import outputs
from unrolled.library.chapters import VALUE

Edit = Callable[[dict[str, Any]], object]

LEFT = {"text/plain": "width: 3", VALUE: {"name": "width", "value": 3.0}}


def shown(data: dict[str, Any]) -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": {}, "data": data}


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": [text]}


@pytest.fixture
def chapter(write: Write) -> Callable[[Edit], Path]:
    """A good chapter, with one edit of its last cell before its outputs were stored."""

    def made(edit: Edit = lambda cell: None) -> Path:
        file = write(code("work()", outputs=[stream("done in 3 steps\n"), shown(LEFT)]))
        stored = json.loads(file.read_text())
        for count, cell in enumerate(stored["cells"], 1):
            cell["execution_count"] = count
        found = keys.parts(file)
        stored["metadata"]["unrolled"] = {
            "key": combine(found),
            "profile": "book",
            "versions": found["versions"],
            "parts": keys.compact(found),
        }
        edit(stored["cells"][-1])
        stored["metadata"]["unrolled"]["outputs"] = outputs.digests(stored)
        file.write_text(json.dumps(stored))
        outputs.confirm(file)
        return file

    return made


def adds(*outputs: dict[str, Any]) -> Edit:
    return lambda cell: cell["outputs"].extend(outputs)


SVG = shown({"image/svg+xml": ["<svg/>"], "text/plain": "<Figure>"})


def test_a_good_chapter_has_no_fault(chapter: Callable) -> None:
    assert faults(chapter()) == []


def test_a_figure_with_alt_text_is_no_fault(chapter: Callable) -> None:
    def edit(cell: dict) -> None:
        cell["metadata"]["mystnb"] = {"image": {"alt": "A line that falls from one to zero."}}
        cell["outputs"].append(SVG)

    assert faults(chapter(edit)) == []


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (lambda cell: cell.update(execution_count=None), "code cell 2 was not executed"),
        (lambda cell: cell.update(source="play()"), "stale: code cell 2 changed (play())"),
        (lambda cell: cell.update(outputs=[]), "leaves no value 'width', which width rests on"),
        (
            adds({"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": []}),
            "code cell 2 holds an error: ValueError: no",
        ),
        (adds(SVG), "code cell 2 shows a figure without alt text"),
        (adds(shown({"image/png": "A" * 150_000})), "code cell 2 holds a figure of 112 kB"),
        (adds(stream("50%|█████     | 5/10 [00:01<00:01]")), "code cell 2 holds a progress bar"),
        (adds(stream("loss 1.2, 31.4it/s")), "code cell 2 holds a progress bar"),
        (adds(stream("wrote /home/me/runs/x.json")), "holds a path of one machine: /home/me/runs/x.json"),
        (adds(stream("a warning", "stderr")), "code cell 2 printed on standard error: 'a warning'"),
        (
            lambda cell: cell.update(source="chapter.run(E, 'lstm')"),
            "code cell 2 prints what follows from a training: tag it nbval-ignore-output",
        ),
        (adds(stream(r"wrote C:\Users\me")), "holds a path of one machine"),
    ],
)
def test_a_fault_is_found_and_placed(chapter: Callable, edit: Edit, fault: str) -> None:
    found = faults(chapter(edit))
    assert any(fault in line for line in found), found


def test_an_output_edited_by_hand_and_a_figure_that_was_not_looked_at_are_faults(chapter: Callable) -> None:
    file = chapter(adds(stream("loss 1.2\n")))
    file.write_text(file.read_text().replace("loss 1.2", "loss 1.1"))
    assert faults(file) == [
        "code cell 2 shows another output than the execution wrote; run `unrolled run tiny`"
    ]
    file = chapter(adds(SVG))
    stored = json.loads(file.read_text())
    stored["cells"][-1]["metadata"]["mystnb"] = {"image": {"alt": "A line that falls from one to zero."}}
    file.write_text(json.dumps(stored))
    assert faults(file) == [
        "code cell 2 shows a figure that has changed, or its words have, since it was looked at; "
        "look at it and confirm: `unrolled look tiny`"
    ]


@pytest.mark.parametrize(
    "text", ["see https://example.org/a/b", "1/2/3 of n/a", "and/or/not", "</g></svg>", "a 50 % share"]
)
def test_what_only_looks_like_a_path_or_a_bar_is_no_fault(chapter: Callable, text: str) -> None:
    assert faults(chapter(adds(stream(text)))) == []


def test_what_follows_from_a_training_may_be_shown_in_a_cell_that_is_tagged(chapter: Callable) -> None:
    def edit(cell: dict) -> None:
        cell["metadata"]["tags"] = ["nbval-ignore-output"]
        cell["source"] = "print(chapter.train('live'))"

    assert not any("training" in line for line in faults(chapter(edit)))


def test_a_picture_of_a_training_needs_no_tag(chapter: Callable) -> None:
    def edit(cell: dict) -> None:
        cell["outputs"] = [SVG]
        cell["source"] = "plot(chapter.train('live'))"

    assert not any("training" in line for line in faults(chapter(edit)))


def test_missing_parameters_and_a_missing_entry_are_faults(write: Write) -> None:
    found = faults(write(code("1", count=1), slug="other", parameters=None))
    assert any("no parameters cell" in line for line in found)
    assert "has no entry bib/entries/other.yaml" in found
    assert any(line.startswith("stale: never executed") for line in found)


def test_a_file_that_is_no_notebook_is_one_fault(project: Path) -> None:
    file = project / "notebooks/tiny.ipynb"
    file.write_text("{")
    (fault,) = faults(file)
    assert "not a notebook" in fault


def test_the_letters_of_an_embedded_sound_are_no_path(chapter: Callable[..., Path]) -> None:
    sound = '<audio src="data:audio/wav;base64,UklG/wb/lP5x/p7TX8b/vo=="></audio>'
    assert faults(chapter(adds(shown({"text/html": sound, "text/plain": "<Audio>"})))) == []
    beside = shown({"text/html": f"{sound} /home/someone/file.wav", "text/plain": "<Audio>"})
    assert any("/home/someone/file.wav" in fault for fault in faults(chapter(adds(beside))))
