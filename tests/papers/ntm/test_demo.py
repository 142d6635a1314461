"""What the prompts of the demo say holds for the weights that it runs."""

import functools

import pytest
import torch

from unrolled import load
from unrolled.demos import Graph
from unrolled.papers.ntm import demo as subject

READ, WRITE = 0, 1


@functools.cache
def machine():
    """The step, and the state before the first one."""
    model = load("ntm/copy")
    state = {name: part.detach() for name, part in model.initial(1)._asdict().items()}
    return Graph(subject.Step(model), {"x": torch.zeros(1, subject.BITS + 1), **state}), state


def run(vectors):
    """Every output of the machine over a sequence, and how many bits it got wrong."""
    step, state = machine()
    x = subject.episode(tuple(vectors))
    found, n = step.unrolled(state, x=x), len(vectors)
    return found, int(((found["output"][n + 1 :] > 0.5) != (x[:n, : subject.BITS] > 0.5)).sum())


def drawn(count, seed=0):
    return torch.randint(256, (count,), generator=torch.Generator().manual_seed(seed)).tolist()


def test_the_step_is_the_model_that_was_trained():
    x = subject.episode(subject.VECTORS)
    found, _ = run(subject.VECTORS)
    logits, trace = load("ntm/copy").trace(x.unsqueeze(0))
    torch.testing.assert_close(found["output"], logits[0].sigmoid(), rtol=0, atol=1e-6)
    torch.testing.assert_close(found["weighting"], trace.stages.weighting[0], rtol=0, atol=1e-6)


def test_prompt_1_the_read_head_visits_the_rows_that_the_write_head_went_along():
    found, wrong = run(subject.VECTORS)
    n, rows = len(subject.VECTORS), found["weighting"].shape[-1]
    read, write = found["weighting"].argmax(-1).unbind(1)
    moves = write.diff() % rows
    forward = int(moves[-1])
    assert wrong == 0
    assert forward in (1, rows - 1)
    assert set(moves.tolist()) <= {0, forward}  # it may wait at the start, and never goes back
    assert (moves == forward).sum() >= 2 * n - 3
    assert ((read[n + 1 :].diff() % rows) == forward).all()
    assert {min(row, rows - row) for row in read[: n + 1].tolist()} <= {0, 1}  # it waits
    assert set(read[n + 1 :].tolist()) <= set(write.tolist())


@pytest.mark.parametrize("count", [20, 60])
def test_prompts_2_and_3_every_bit_is_right_within_and_beyond_the_trained_length(count):
    assert run(drawn(count))[1] == 0


def test_prompt_4_blank_vectors_are_not_all_right():
    found, wrong = run((0,) * 16)
    read, write = found["weighting"][:16].argmax(-1).unbind(1)
    assert 0 < wrong < 16
    assert (read != read[0]).any()  # it does not wait, as it does for other vectors
    assert ((write - read).abs() % 127 <= 2).float().mean() > 0.8


def test_prompt_5_beyond_the_rows_the_answer_is_lost_and_at_120_it_mostly_is_not():
    assert run(drawn(130))[1] > 0.24 * 130 * subject.BITS
    assert sum(run(drawn(120, seed))[1] == 0 for seed in range(6)) >= 5


def test_rows_in_use_are_one_stretch_of_the_ring():
    weighting = torch.zeros(2, 1, 8)
    weighting[0, 0, 7] = weighting[1, 0, 1] = 1.0
    assert subject.rows_in_use(weighting) == [7, 0, 1]
    weighting[1, 0, 4] = 1.0
    assert subject.rows_in_use(weighting) == [4, 5, 6, 7, 0, 1]
    assert subject.rows_in_use(torch.ones(1, 1, 4)) == [0, 1, 2, 3]
