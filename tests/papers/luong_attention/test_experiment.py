"""The experiment's configurations, and small runs of both tasks."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from unrolled.base.errors import UsageError
from unrolled.papers.luong_attention.experiment import EXPERIMENT, Config
from unrolled.training.experiment import variant_of
from unrolled.training.fit import fit

SMOKE = Config.smoke()


@pytest.mark.parametrize("variant", ["general_feeding_de", "base_fr", "reversed_fr", "local_p_fr"])
def test_a_small_run_measures_everything(variant):
    run = fit(EXPERIMENT, EXPERIMENT.variants("smoke")[variant], seed=0, profile="smoke")
    metrics = run.result["metrics"]
    expected = {"loss", "exact", "exact_long", "exact_1_2", "exact_13_14"}
    if variant != "base_fr":
        expected |= {"alignment", "alignment_mass"}
    assert {f"valid_{name}" for name in expected} <= set(metrics)
    assert ("valid_alignment" in metrics) == (variant != "base_fr")
    assert metrics["valid_loss"] < 4


def test_variants_are_told_apart():
    for profile in ("smoke", "book", "paper"):
        for name, config in EXPERIMENT.variants(profile).items():
            assert variant_of(EXPERIMENT, profile, config) == name
    assert EXPERIMENT.datasets(EXPERIMENT.variants("paper")["base_de"]) == ("multi30k",)
    with pytest.raises(UsageError):
        EXPERIMENT.variants("large")


def test_every_variant_of_the_paper_can_be_made():
    small = {"task": "spelled", "numbers": 60, "held_out": 20, "embedding": 8, "hidden": 8, "sentences": 4}
    for config in EXPERIMENT.variants("paper").values():
        annotation = 8 if config.annotation == config.hidden else 16
        config = replace(config, annotation=annotation, **small)
        model = EXPERIMENT.model(config)
        batch = tuple(part[:1] for part in EXPERIMENT.data(config).train)
        EXPERIMENT.loss(model, batch).backward()
        assert all(p.grad is not None for p in model.parameters())


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
    config = replace(EXPERIMENT.variants("paper")["general_feeding_de"], **sizes)
    model = EXPERIMENT.model(config)
    splits = EXPERIMENT.data(config)
    EXPERIMENT.loss(model, tuple(part[:1] for part in splits.train)).backward()
    metrics = EXPERIMENT.test(model.eval(), tuple(part[:4] for part in splits.test))
    assert {"loss", "exact", "bleu", "bleu_beam", "bleu_beam_margin"} == set(metrics)


def test_the_base_model_has_no_weights_of_attention():
    attending, base = (
        EXPERIMENT.model(replace(SMOKE, **options))
        for options in ({"feeding": False}, {"kind": "none", "feeding": False})
    )
    names = {name for name, _ in attending.named_parameters()}
    missing = names - {name for name, _ in base.named_parameters()}
    assert missing == {"W_c", "attention.weight_key"}


def test_scores_of_places_end_at_the_longest_source():
    config = replace(SMOKE, score="location", positions=3)
    model, batch = EXPERIMENT.model(config), EXPERIMENT.data(config).train
    longest = batch[1].amax(1).argmax()
    with pytest.raises(Exception, match="3 positions"):
        EXPERIMENT.loss(model, tuple(part[longest : longest + 1] for part in batch))
    assert torch.isfinite(EXPERIMENT.loss(EXPERIMENT.model(SMOKE), tuple(part[:1] for part in batch)))
