"""What is still to be written is a fault wherever it stands; a chapter without drawing or demo lacks them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from unrolled.library import stubs

ENTRY = SimpleNamespace(slug="gru_x")


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("UNROLLED_PROJECT", str(tmp_path))
    monkeypatch.setattr(stubs.paths, "project", lambda: tmp_path)
    for name in ("book/diagrams/gru_x.py", "book/demos/gru_x.js", "notebooks/gru_x.ipynb"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("whole\n", encoding="utf-8")
    return tmp_path


def test_a_filled_chapter_has_no_stub_but_lacks_its_drawing(project):
    assert list(stubs.stub_faults(ENTRY)) == []
    assert stubs.lacking_parts("gru_x") == ["no drawing (book/diagrams/gru_x.svg)"]


@pytest.mark.parametrize("name", ["book/diagrams/gru_x.py", "book/demos/gru_x.js", "notebooks/gru_x.ipynb"])
def test_a_stub_is_told_with_its_line(project, name):
    (project / name).write_text('one\n "To be written: the idea.\\n",\n', encoding="utf-8")
    (fault,) = stubs.stub_faults(ENTRY)
    assert (fault.file, fault.line, fault.level) == (project / name, 2, "fault")
    assert fault.problem == "still to be written: the idea"


def test_the_words_alone_are_no_stub(project):
    (project / "notebooks/gru_x.ipynb").write_text(
        "alike is what has to be written alike\n", encoding="utf-8"
    )
    assert list(stubs.stub_faults(ENTRY)) == []
