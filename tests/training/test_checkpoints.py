"""Checkpoints come back as they were, or not at all."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.base.errors import UnrolledError
from unrolled.training import checkpoints
from unrolled.training.checkpoints import Checkpoint, read_tensors, write_tensors


def example(update=3):
    shared = torch.arange(6.0).reshape(2, 3)
    return Checkpoint(
        {"weight": shared, "tied": shared, "count": torch.tensor(4), "mask": torch.tensor([True, False])},
        {"state": {0: {"step": torch.tensor(3.0), "average": torch.rand(2, 3), "mu": 0.5, "none": None}}},
        {"cpu": torch.get_rng_state()},
        {"update": update, "best": 0.1 + 0.2, "best_update": None},
    )


def test_everything_comes_back(tmp_path):
    saved = example()
    path = checkpoints.save(tmp_path, saved)
    loaded = checkpoints.load(path)
    assert loaded.facts == saved.facts
    assert all(torch.equal(loaded.model[name], value) for name, value in saved.model.items())
    state = loaded.optimiser["state"][0]
    assert torch.equal(state["average"], saved.optimiser["state"][0]["average"])
    assert (state["step"], state["mu"]) == (torch.tensor(3.0), 0.5)
    assert "none" not in state
    assert torch.equal(loaded.generators["cpu"], saved.generators["cpu"])


def test_newest_by_number_not_by_name(tmp_path):
    for update in (9, 10, 100):
        checkpoints.save(tmp_path, example(update))
    assert checkpoints.latest(tmp_path).update == 100
    assert len(list(tmp_path.glob("checkpoint-*"))) == 2


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """The bytes of a small file, and where to put altered ones."""
    folder = tmp_path_factory.mktemp("bytes")
    path = write_tensors(folder / "whole", {"a": torch.arange(5.0), "b": torch.ones(2, 2)}, {"update": 7})
    return path.read_bytes(), folder / "altered"


@settings(deadline=None)
@given(data=st.data())
def test_every_truncation_is_found(content, data):
    whole, path = content
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(UnrolledError, match="damaged"):
        read_tensors(path)


@settings(deadline=None)
@given(data=st.data())
def test_no_altered_byte_changes_what_is_read(content, data):
    whole, path = content
    place = data.draw(st.integers(0, len(whole) - 1))
    flipped = whole[place] ^ data.draw(st.integers(1, 255))
    path.write_bytes(whole[:place] + bytes([flipped]) + whole[place + 1 :])
    try:
        tensors, facts = read_tensors(path)
    except UnrolledError:
        return
    # A byte that carries nothing (blank in the header) may change; what is read may not.
    assert facts == {"update": 7}
    assert torch.equal(tensors["a"], torch.arange(5.0))
    assert torch.equal(tensors["b"], torch.ones(2, 2))
