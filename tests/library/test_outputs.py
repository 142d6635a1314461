"""A stored output that was edited by hand, and a figure that nobody has looked at, are told by ``check``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from unrolled.cli import app
from unrolled.library import outputs
from unrolled.library.check import check

ALT = "A line that falls from one to zero over ten updates."
CAPTION = "The error of one seed falls."
CLAIM = "application/vnd.unrolled.claim+json"


def shown(**data: object) -> dict:
    return {"output_type": "display_data", "metadata": {}, "data": data}


def cell(name: str, *results: dict, **metadata: object) -> dict:
    return {
        "cell_type": "code",
        "id": name,
        "source": [f"{name}()\n", "1"],
        "metadata": metadata,
        "outputs": list(results),
        "execution_count": 1,
    }


def notebook() -> dict:
    words = {"figure": {"caption": CAPTION}, "image": {"alt": ALT}}
    svg = {"image/svg+xml": ["<svg>\n", '<path d="M 1 2"/></svg>'], "text/plain": "<Figure>"}
    claim = {"text/plain": "claim gain: holds", CLAIM: {"claim": "gain", "value": 0.25}}
    table = {"text/html": ["<table>\n", "<td>0.91</td></table>"], "text/plain": "0.91"}
    cells = [
        cell("train", {"output_type": "stream", "name": "stdout", "text": ["loss 1.125\n", "done\n"]}),
        cell("draw", shown(**svg), mystnb=words, tags=["nbval-ignore-output"]),
        cell("judge", shown(**claim)),
        cell(
            "tabulate", {"output_type": "execute_result", "metadata": {}, "data": table, "execution_count": 4}
        ),
        cell("count", shown(**{"text/plain": "5 of 5 seeds"}), tags=["nbval-ignore-output"]),
    ]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture
def chapter(project) -> Path:
    """A chapter as it is stored after its execution and a look at its figure."""
    made = notebook()
    made["metadata"]["unrolled"] = {"outputs": outputs.digests(made)}
    path = project / "notebooks" / "bn_lstm.ipynb"
    path.parent.mkdir()
    path.write_text(json.dumps(made, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    assert [figure.number for figure in outputs.confirm(path)] == [2]
    return path


def told(path: Path) -> list[tuple[int, str]]:
    return [(fault.line, fault.problem) for fault in check() if fault.file == path]


def test_a_chapter_as_it_was_stored_has_no_fault(chapter):
    assert told(chapter) == []


@pytest.mark.parametrize(
    ("old", "new", "number", "said"),
    [
        ("5 of 5 seeds", "4 of 5 seeds", 5, "shows another output than the execution wrote"),
        ("loss 1.125", "loss 1.126", 1, "shows another output than the execution wrote"),
        ('d=\\"M 1 2\\"', 'd=\\"M 1 3\\"', 2, "shows another output than the execution wrote"),
        ('"value": 0.25', '"value": 0.52', 3, "shows another output than the execution wrote"),
        ("<td>0.91</td>", "<td>0.99</td>", 4, "shows another output than the execution wrote"),
        ("falls from one to zero", "rises from zero to one", 2, "has changed, or its words have"),
        (CAPTION, "The error of five seeds falls.", 2, "has changed, or its words have"),
    ],
    ids=["printed number", "stream", "picture", "claim data", "table", "alt text", "caption"],
)
def test_a_hand_edit_is_told_at_its_cell(chapter, old, new, number, said):
    text = chapter.read_text(encoding="utf-8")
    assert text.count(old) == 1
    chapter.write_text(text.replace(old, new), encoding="utf-8")
    names = ["train", "draw", "judge", "tabulate", "count"]
    line = text.partition(f'"id": "{names[number - 1]}"')[0].count("\n") + 1
    found = told(chapter)
    assert any(problem.startswith(f"code cell {number} ") and said in problem for _, problem in found), found
    assert {where for where, _ in found} == {line}


def test_an_added_an_emptied_and_an_undigested_output_are_told(chapter):
    made = json.loads(chapter.read_text(encoding="utf-8"))

    def stored(edit) -> list[str]:
        edited = json.loads(json.dumps(made))
        edit(edited)
        chapter.write_text(json.dumps(edited), encoding="utf-8")
        return [problem for _, problem in told(chapter)]

    assert stored(lambda n: n["cells"][0]["outputs"].clear()) == [
        "code cell 1 shows another output than the execution wrote"
    ]
    assert stored(lambda n: n["cells"].pop(0)) == ["4 code cells, but digests for the outputs of 5"]
    assert stored(lambda n: n["metadata"].clear()) == ["its outputs carry no digests"]
    assert stored(lambda n: n["cells"][0].update(source="")) == [
        "4 code cells, but digests for the outputs of 5",
        "a cell without source shows an output",
    ]


def test_digests_do_not_hang_on_how_a_file_splits_its_text():
    made = notebook()
    joined = json.loads(json.dumps(made))
    joined["cells"][0]["outputs"][0]["text"] = "loss 1.125\ndone\n"
    joined["cells"][3]["outputs"][0]["execution_count"] = 9
    assert outputs.digests(joined) == outputs.digests(made)


@pytest.mark.parametrize(
    ("alt", "said"),
    [
        ("", "without alt text"),
        ("x", "fewer than 6 words"),
        ("a falling line", "fewer than 6 words"),
        ("figure 3", "is a name"),
        ("fig-bn-lstm-2.svg", "is a name"),
        ("../_images/0a1b.png", "is a name"),
        ("the error of one seed falls and falls", "only repeats its caption"),
    ],
)
def test_alt_text_has_to_say_what_the_figure_shows(alt, said):
    figure = outputs.Figure(
        1, (("image/svg+xml", "<svg/>"),), "The error of one seed falls and falls.", alt, None
    )
    assert any(said in problem for problem, _ in figure.problems())
    assert not list(outputs.Figure(1, figure.images, CAPTION, ALT, None).problems())


def test_a_changed_figure_asks_for_a_look_and_a_confirmed_one_does_not(chapter, project):
    made = json.loads(chapter.read_text(encoding="utf-8"))
    made["cells"][1]["outputs"][0]["data"]["image/svg+xml"] = ["<svg>another</svg>"]
    made["metadata"]["unrolled"] = {"outputs": outputs.digests(made)}  # as a new execution leaves it
    chapter.write_text(json.dumps(made, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    (line, problem), *others = told(chapter)
    assert not others
    assert problem == "code cell 2 shows a figure that has changed, or its words have, since it was looked at"

    answer = CliRunner().invoke(app, ["look", "bn_lstm"])
    assert answer.exit_code == 0
    assert ALT in answer.output
    assert CAPTION in answer.output
    assert (project / "_build" / "look" / "bn_lstm-02.svg").read_text() == "<svg>another</svg>"
    assert told(chapter) == [(line, problem)]

    answer = CliRunner().invoke(app, ["look", "bn_lstm", "--confirm", "--cell", "2"])
    assert answer.output == "bn_lstm, code cell 2: confirmed\n"
    assert told(chapter) == []
    assert outputs.confirm(chapter) == []


def test_wide_lines_of_cells_are_told_whether_they_are_folded_or_not(chapter):
    made = json.loads(chapter.read_text(encoding="utf-8"))
    made["cells"][2]["source"] = ["x = 1\n", "y = " + "1 + " * 18 + "1"]  # 77 characters
    made["cells"][3]["source"] = ["y = " + "1 + " * 17 + "1234"]  # 76
    made["cells"][4]["source"] = ["z = " + "1 + " * 20 + "1"]
    made["cells"][4]["metadata"]["tags"] = ["hide-input"]
    chapter.write_text(json.dumps(made, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    assert [problem.partition(":")[0] for _, problem in told(chapter)] == [
        "code cell 3 has a line of 77 characters",
        "code cell 5 has a line of 85 characters",
    ]


@pytest.mark.parametrize(
    ("svg", "said"),
    [
        ('<svg viewBox="0 0 358 100"><text style="font: 10px x"/></svg>', None),
        ('<svg viewBox="0 0 460 100"><text style="font: 10px x"/></svg>', "letters have 7.8 pixels"),
        ('<svg viewBox="0 0 300 100"><text style="font: italic 7px x"/></svg>', "letters have 7.0 pixels"),
        ('<svg viewBox="0 0 300 9"><text style="font: 10px x"/><text style="font-size: 7px"/></svg>', None),
        (
            '<svg viewBox="0 0 600 100"><text style="font-size: 10px"/>'
            '<view id="panel-1" viewBox="0 0 300 100"/><view id="panel-2" viewBox="300 0 300 100"/></svg>',
            None,
        ),
    ],
    ids=["fits", "wide", "small letters", "an index", "panels"],
)
def test_letters_too_small_for_a_phone_are_told(svg, said):
    made = notebook()
    made["cells"][1]["outputs"][0]["data"]["image/svg+xml"] = svg
    found = [problem for _, problem, _ in outputs.problems(made, "x") if "pixels" in problem]
    assert (said in found[0]) if said else not found


def test_look_confirms_one_chapter_and_cells_that_show_a_figure(chapter):
    from unrolled.base.errors import UsageError

    for arguments, said in (
        (["look", "--confirm"], "take one chapter"),
        (["look", "bn_lstm", "--confirm", "--cell", "3"], "code cell 3 of bn_lstm shows no figure"),
    ):
        error = CliRunner().invoke(app, arguments).exception
        assert isinstance(error, UsageError)
        assert said in str(error)


@pytest.mark.parametrize("words", [None, [], "text", {"image": []}, {"image": {"alt": 3}, "figure": "x"}])
def test_metadata_of_another_type_is_no_traceback(words):
    made = notebook()
    made["cells"][1]["metadata"] = {"mystnb": words, "unrolled": words}
    assert any("alt text" in problem for _, problem, _ in outputs.problems(made, "x"))
    made["metadata"] = {"unrolled": words}
    assert any("no digests" in problem for _, problem, _ in outputs.problems(made, "x"))
