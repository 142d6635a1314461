"""The runs of the chapter: curriculum, streams, and how strings are judged."""

import math
from dataclasses import replace

import pytest
import torch

from unrolled.data.counting import ALPHABETS
from unrolled.papers.stack_rnn import experiment as module
from unrolled.papers.stack_rnn.experiment import EXPERIMENT
from unrolled.training.fit import fit, fit_seeds
from unrolled.training.presets import preset, presets
from unrolled.training.trainer import place


def tiny(**options):
    return replace(preset(EXPERIMENT, "smoke").config, updates=2, evaluate_every=1, **options)


@pytest.fixture
def short(monkeypatch):
    """Tests of sizes up to 11 alone."""
    monkeypatch.setattr(module, "BEYOND", 12)
    monkeypatch.setattr(module, "SHOWN", (5, 10))


class Oracle(torch.nn.Module):
    """Knows the language: counts letters, and foresees what can be foreseen of aⁿbⁿ."""

    def __init__(self, fails_at=math.inf):
        super().__init__()
        self.fails_at = fails_at

    def forward(self, x, **_):
        logits = torch.zeros(*x.shape, 2)
        for row, symbols in enumerate(x.tolist()):
            left = 0
            a = 0
            for t, symbol in enumerate(symbols):
                if symbol == 0:
                    a = a + 1
                    left = a if a < self.fails_at else a - 1
                elif left:
                    left, a = left - 1, 0
                logits[row, t, 1 if symbol == 1 and left else 0] = 1
        return logits


@pytest.mark.parametrize("model", ["stack", "list", "rnn", "lstm"])
@pytest.mark.parametrize("language", ALPHABETS)
def test_every_language_trains_and_is_measured(language, model, short):
    metrics = fit(EXPERIMENT(tiny(language=language, model=model))).metrics
    assert all(math.isfinite(value) for value in metrics.values())
    assert ("test_solved_rounded" in metrics) == (model in ("stack", "list"))
    assert {"test_right_5", "test_right_10"} <= set(metrics)


def test_a_program_that_counts_solves_every_length():
    found = EXPERIMENT(tiny(tested=2)).test(Oracle(), (torch.arange(2, 60),))
    assert found["solved"] == found["right"] == 1


def test_a_program_that_counts_to_twenty_solves_the_lengths_of_training():
    found = EXPERIMENT(tiny(tested=2)).test(Oracle(fails_at=20), (torch.arange(2, 60),))
    assert found["solved"] == pytest.approx(18 / 58)
    assert found["right_15"] == 1
    assert found["right_20"] == 0


def test_strings_grow_with_the_updates():
    experiment = EXPERIMENT(replace(preset(EXPERIMENT, "anbn").config, grow=10))
    assert [experiment.longest_at(update) for update in (0, 9, 10, 159, 160, 10_000)] == [3, 3, 4, 18, 19, 19]
    early, late = (experiment.batch((torch.arange(4),), place(0, update))[0] for update in (0, 200))
    assert early.shape[0] == late.shape[0] == 4
    assert early.shape[1] < late.shape[1]


def test_seeds_trained_as_one_program_do_what_each_does_alone(short):
    config = tiny()
    together = fit_seeds([EXPERIMENT(config, seed) for seed in (0, 1)])
    for seed, run in zip((0, 1), together, strict=True):
        alone = fit(EXPERIMENT(config, seed))
        assert run.metrics["test_loss"] == pytest.approx(alone.metrics["test_loss"], rel=1e-4)


def test_table_2_has_a_run_of_every_network_and_language():
    known = presets(EXPERIMENT)
    for language in ("anbn", "anbncn", "anbncndn", "anb2n", "anbmcnm"):
        for kind in ("", "_list", "_rnn", "_lstm"):
            assert known[language + kind].config.language == language
            assert known[language + kind].config.longest == 19
    assert {(c.hidden, c.stacks, c.depth) for c in (known["anbn"].config,)} == {(40, 10, 2)}
