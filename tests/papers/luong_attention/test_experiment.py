"""The chapter's presets, and small runs of its tasks."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from unrolled.nn.scan import ShapeError
from unrolled.papers.luong_attention.experiment import EXPERIMENT
from unrolled.training.fit import fit
from unrolled.training.presets import preset, presets
from unrolled.training.trainer import place

SMOKE = preset(EXPERIMENT, "smoke").config


@pytest.mark.parametrize("options", [{}, {"kind": "none", "feeding": False}, {"encoder": "bidirectional"}])
def test_a_small_run_measures_everything(options):
    metrics = fit(EXPERIMENT(replace(SMOKE, **options)), "smoke").metrics
    expected = {"loss", "accuracy", "exact", "exact_long", "exact_1_2", "exact_13_14"}
    if options.get("kind") != "none":
        expected |= {"alignment", "alignment_mass"}
    assert {f"valid_{name}" for name in expected} <= set(metrics)
    assert ("valid_alignment" in metrics) == (options.get("kind") != "none")
    assert metrics["valid_loss"] < 4


def test_every_preset_can_be_trained():
    for name, found in presets(EXPERIMENT).items():
        assert EXPERIMENT(found.config).datasets() == (("multi30k",) if name.startswith("multi30k") else ())
        size = 8 if found.config.annotation == found.config.hidden else 16
        sizes = {"embedding": 8, "hidden": 8, "annotation": size, "numbers": 60, "held_out": 20}
        task = "spelled" if found.config.task == "multi30k" else found.config.task
        experiment = EXPERIMENT(replace(found.config, task=task, sentences=4, **sizes))
        model = experiment.model()
        batch = experiment.batch(tuple(part[:1] for part in experiment.data().train), place(0, 0))
        experiment.loss(model, batch, place(0, 0)).backward()
        assert all(parameter.grad is not None for parameter in model.parameters())


def test_copying_is_learned():
    config = replace(preset(EXPERIMENT, "live_copy_local_m").config, symbols=3, lengths=(2, 3))
    assert fit(EXPERIMENT(config), "custom").metrics["valid_accuracy"] > 0.9


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
    sizes = {"subwords": 300, "embedding": 8, "hidden": 8, "annotation": 16, "positions": 400}
    experiment = EXPERIMENT(replace(preset(EXPERIMENT, "multi30k_de").config, tied=True, **sizes))
    model, splits = experiment.model(), experiment.data()
    batch = experiment.batch(tuple(part[:1] for part in splits.train), place(0, 0))
    experiment.loss(model, batch, place(0, 0)).backward()
    metrics = experiment.test(model.eval(), tuple(part[:4] for part in splits.test))
    groups = {f"bleu_beam_{group}" for group in ("9_10", "11_12", "13_15", "16_19")}  # four captions
    assert {"loss", "accuracy", "exact", "bleu", "bleu_beam", "bleu_beam_margin"} | groups == set(metrics)


def test_the_base_model_has_no_weights_of_attention():
    attending, base = (
        EXPERIMENT(replace(SMOKE, **options)).model()
        for options in ({"feeding": False}, {"kind": "none", "feeding": False})
    )
    names = {name for name, _ in attending.named_parameters()}
    missing = names - {name for name, _ in base.named_parameters()}
    assert missing == {"W_c", "attention.weight_key"}


def test_scores_of_places_end_at_the_longest_source():
    experiment = EXPERIMENT(replace(SMOKE, score="location", positions=3))
    model, train = experiment.model(), experiment.data().train
    longest = train[1].amax(1).argmax()
    batch = experiment.batch(tuple(part[longest : longest + 1] for part in train), place(0, 0))
    with pytest.raises(ShapeError, match="3 positions"):
        experiment.loss(model, batch, place(0, 0))
    assert torch.isfinite(experiment.loss(EXPERIMENT(SMOKE).model(), batch, place(0, 0)))
