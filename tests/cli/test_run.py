"""`unrolled run` and `unrolled status`: what they print, and how they exit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from unrolled.base import keys as base_keys
from unrolled.base.errors import UnrolledError
from unrolled.cli import main
from unrolled.execution import keys, runner

CELL = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": 1}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two chapters: `fresh`, whose key is right, and `old`, which never ran."""
    for folder in ("bib/entries", "notebooks"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setenv("UNROLLED_PROJECT", str(tmp_path))
    for slug in ("fresh", "old"):
        parameters = {**CELL, "source": 'profile = "book"\nseed = 0', "metadata": {"tags": ["parameters"]}}
        stored = {"cells": [parameters], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        file = tmp_path / "notebooks" / f"{slug}.ipynb"
        file.write_text(json.dumps(stored))
        if slug == "fresh":
            found = keys.parts(file)
            record = {"profile": "book", "executed": "2026-11-22", "seconds": 1.5, "peak_memory_mb": 80.0}
            record |= {"versions": found["versions"], "parts": keys.compact(found)}
            stored["metadata"]["unrolled"] = record | {"key": base_keys.combine(found)}
            file.write_text(json.dumps(stored))
    return tmp_path


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """The calls of the runner, which runs nothing; chapter `old` fails where the profile is paper."""
    calls = []

    def run(slug, profile, parameters, limit, output, device, progress):
        calls.append((slug, profile, parameters, limit, output, device))
        if (slug, profile) == ("old", "paper"):
            raise UnrolledError("took too long", file="old.ipynb")
        file = Path("notebooks") / f"{slug}.ipynb"
        return runner.Result(slug, profile, file, file, 3, 2.5, 90.0, "k")

    monkeypatch.setattr(runner, "run", run)
    return calls


def exit_code(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    return caught.value.code or 0


def test_status_tells_fresh_from_stale_with_the_reason(project: Path, capsys) -> None:
    assert exit_code("status") == 1
    assert capsys.readouterr().out.splitlines() == [
        "fresh\tfresh\t2026-11-22\t1.5 s\t80 MB\t",
        "old\tstale\tnever\t\t\tnever executed by `unrolled run`",
    ]


def test_status_exits_zero_where_all_is_fresh(project: Path, capsys) -> None:
    (project / "notebooks/old.ipynb").unlink()
    assert exit_code("status", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["slug"], row["fresh"], row["why"], row["seconds"]) == ("fresh", True, None, 1.5)


def test_stale_runs_only_what_is_stale(project: Path, ran: list, capsys) -> None:
    assert exit_code("run", "--stale") == 0
    assert [call[0] for call in ran] == ["old"]
    assert capsys.readouterr().out == "old (book): 3 code cells in 2.5 s, 90 MB; wrote notebooks/old.ipynb\n"
    assert exit_code("run", "fresh", "--stale") == 0
    assert len(ran) == 1
    assert capsys.readouterr().out == "nothing to run: 1 chapter up to date\n"


def test_parameters_keep_their_types(project: Path, ran: list) -> None:
    exit_code("run", "old", "-p", "seed=1", "-p", "name=a b", "-p", "rate=1.0e-3", "-p", "fast=true")
    assert ran[0][2] == {"seed": 1, "name": "a b", "rate": 0.001, "fast": True}


def test_a_failed_chapter_is_told_the_others_run_and_the_exit_is_one(
    project: Path, ran: list, capsys
) -> None:
    assert exit_code("run", "--all", "--profile", "paper") == 1
    captured = capsys.readouterr()
    assert "fresh (paper): 3 code cells" in captured.out
    assert captured.err.splitlines() == [
        "unrolled: old.ipynb: took too long",
        "1 of 2 chapters failed: old",
    ]
    assert exit_code("run", "--all", "--profile", "paper", "--json") == 1
    results = json.loads(capsys.readouterr().out)
    assert [(result["slug"], result["ok"]) for result in results] == [("fresh", True), ("old", False)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name chapters, or give --all or --stale"),
        (("old", "--all"), "name chapters, or give --all or --stale"),
        (("odl",), "no chapter 'odl' (did you mean old?)"),
        (("--all", "--output", "x.ipynb"), "--output takes one chapter, not 2"),
        (("old", "-p", "seed"), "parameter 'seed' is not of the form name=value"),
        (("old", "-p", "seed=["), "parameter seed: '[' is not a value"),
    ],
)
def test_a_wrong_call_is_one_line_and_exits_two(
    project: Path, ran: list, capsys, arguments: tuple, message: str
) -> None:
    assert exit_code("run", *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("unrolled: ")
    assert message in error
    assert error.count("\n") == 1
    assert not ran
