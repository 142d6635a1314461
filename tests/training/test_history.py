"""The history survives a cut at any byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.base.errors import UnrolledError
from unrolled.training import history

RECORDS = [{"update": u, "loss": 1.0 / u} for u in range(1, 9)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a history, and where to put cut ones."""
    path = tmp_path_factory.mktemp("history") / "metrics.jsonl"
    history.append(path, RECORDS)
    return path.read_bytes(), path.with_name("cut.jsonl")


@given(data=st.data())
def test_a_cut_loses_at_most_the_line_it_tears(whole, data):
    content, path = whole
    cut = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:cut])
    assert history.read(path) == RECORDS[: content[:cut].count(b"\n")]


def test_trim_forgets_what_will_be_done_again(tmp_path):
    path = tmp_path / "metrics.jsonl"
    history.append(path, RECORDS)
    assert history.trim(path, 5) == RECORDS[:5]
    history.append(path, RECORDS[5:])
    assert history.read(path) == RECORDS


def test_missing_history_is_empty(tmp_path):
    assert history.read(tmp_path / "none.jsonl") == []


def test_damaged_line_in_the_middle_is_told(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"update": 1}\n{"upd\n{"update": 3}\n')
    with pytest.raises(UnrolledError, match=r"metrics.jsonl:2: no record of an update"):
        history.read(path)
