"""The chapter's presets, and small runs of its tasks."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from unrolled.papers.bahdanau_attention.experiment import EXPERIMENT
from unrolled.training.fit import fit, fit_seeds
from unrolled.training.presets import preset
from unrolled.training.trainer import place

SMOKE = preset(EXPERIMENT, "smoke").config


def test_both_models_differ_in_the_context_alone():
    attending, fixed = (EXPERIMENT(replace(SMOKE, model=kind)).model() for kind in ("attention", "fixed"))
    names = {name for name, _ in attending.named_parameters()}
    assert {name for name in names if name.startswith("attention.")} == names - {
        name for name, _ in fixed.named_parameters()
    }


@pytest.mark.parametrize("model", ["attention", "fixed"])
def test_a_small_run_measures_everything(model):
    run = fit(EXPERIMENT(replace(SMOKE, model=model)), "smoke")
    expected = {"loss", "accuracy", "exact", "exact_long", "exact_1_2", "exact_13_14"}
    if model == "attention":
        expected |= {"alignment", "alignment_mass"}
    assert {f"valid_{name}" for name in expected} <= set(run.metrics)
    assert ("valid_alignment" in run.metrics) == (model == "attention")
    assert run.metrics["valid_loss"] < 4


def test_reversal_is_learned_by_seeds_trained_as_one():
    sizes = {"symbols": 3, "lengths": (2, 2), "sentences": 16, "held_out": 50, "updates": 120}
    config = replace(preset(EXPERIMENT, "reversal_attention").config, learning_rate=2e-2, **sizes)
    runs = fit_seeds([EXPERIMENT(config, seed) for seed in (0, 1)], "reversal_attention")
    for run in runs:
        assert run.metrics["valid_exact"] > 0.9
    assert not torch.equal(*(run.model().readout.weight for run in runs))


@pytest.fixture
def _real(monkeypatch):
    checkout = Path(__file__).resolve().parents[3]
    for candidate in (os.environ.get("UNROLLED_DATA_MIRROR"), checkout.parent / "shared" / "data"):
        if candidate and (Path(candidate) / "multi30k").is_dir():
            monkeypatch.setenv("UNROLLED_DATA_MIRROR", str(candidate))
            return
    pytest.skip("no real data: neither UNROLLED_DATA_MIRROR nor ../shared/data holds them")


@pytest.mark.slow
@pytest.mark.usefixtures("_real")
def test_captions_are_trained_on_and_scored():
    config = preset(EXPERIMENT, "multi30k_de").config
    experiment = EXPERIMENT(replace(config, subwords=300, embedding=8, hidden=8, alignment=8, maxout=8))
    splits = experiment.data()
    assert splits.train[0].shape[:2] == (29_000 // 64, 64)
    assert len(splits.test[0]) == 1_000
    model = experiment.model()
    batch = experiment.batch(tuple(part[:1] for part in splits.train), place(0, 0))
    experiment.loss(model, batch, place(0, 0)).backward()
    few = tuple(part[:4] for part in splits.test)
    metrics = experiment.test(model.eval(), few)
    groups = {f"bleu_beam_{group}" for group in ("9_10", "11_12", "13_15", "16_19")}  # four captions
    assert {"loss", "accuracy", "exact", "bleu", "bleu_beam", "bleu_beam_margin"} | groups == set(metrics)
    references = experiment.vocabularies[1].decode(few[2])
    assert references[0].startswith("Ein Mann mit einem orangefarbenen Hut")
