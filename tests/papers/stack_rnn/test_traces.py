"""The traces that the chapter shows: of runs of the evidence, and of the kind that Table 3 prints."""

import pytest
import torch

from unrolled.library.evidence import load
from unrolled.papers.stack_rnn import traces
from unrolled.papers.stack_rnn.model import StackRNN


@pytest.fixture(scope="module")
def kept():
    return traces.read()


def test_kept_traces_are_of_the_seeds_that_validation_chooses(kept):
    runs = load("stack_rnn").runs.values()
    for language, trace in kept.items():
        of = {run.seed: run for run in runs if run.preset == language}
        assert len(of) == 10
        best = min(of.values(), key=lambda run: run.metrics["valid_loss_rounded"])
        assert (trace["seed"], trace["key"]) == (best.seed, best.key)


def test_a_stack_counts_the_first_letters_down_before_another_counts_on(kept):
    """On a⁶b¹² some stack grows over the a's and is empty after six b's; some other one only then shrinks."""
    push = torch.tensor(kept["anb2n"]["rounded"]["push"]) > 0.5
    grows, first, second = push[1:6].all(0), push[6:12], push[13:18]
    assert (grows & ~first.any(0)).any()
    assert (first.all(0) & ~second[:4].any(0)).any()


def test_rounded_actions_are_whole_and_foresee_what_can_be_foreseen(kept):
    for language, trace in kept.items():
        push = torch.tensor(trace["rounded"]["push"])
        assert set(push.unique().tolist()) == {0.0, 1.0}
        after = trace["text"].rindex(trace["text"][-2]) - traces.SIZE + 2
        assert min(trace["rounded"]["chance"][after:-1]) > 0.5, language


def test_a_trace_has_a_row_for_every_symbol_but_the_last():
    found = traces.traced(StackRNN(2, hidden_size=4, stacks=3), "anbn")
    assert found["text"] == "aaaaaabbbbbba"
    for name in ("soft", "rounded"):
        assert torch.tensor(found[name]["push"]).shape == (12, 3)
        assert len(found[name]["chance"]) == 12
