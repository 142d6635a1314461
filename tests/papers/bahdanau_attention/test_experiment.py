"""The experiment's data, its configurations, and small runs of both tasks."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from unrolled.base.errors import UsageError
from unrolled.data import spelled
from unrolled.data.vocabulary import PAD
from unrolled.papers.bahdanau_attention.experiment import EXPERIMENT, Config, corpus
from unrolled.papers.bahdanau_attention.model import RNNsearch
from unrolled.papers.bahdanau_attention.reversal import (
    mirrored,
    read,
    reversed_right,
    sequences,
    train_together,
    written,
)
from unrolled.training.experiment import variant_of
from unrolled.training.fit import fit

SMOKE = Config.smoke()


def test_batches_are_ready_and_alike_in_length():
    splits = EXPERIMENT.data(SMOKE)
    source, lengths, target, target_lengths = splits.train
    assert source.shape[:2] == target.shape[:2] == (300 // 8, 8)
    assert torch.equal((source != PAD).sum(2), lengths)
    assert torch.equal((target != PAD).sum(2), target_lengths)
    assert (lengths.amax(1) - lengths.amin(1)).float().mean() < 2.5
    assert len(splits.valid[0]) == 60


def test_pairs_say_the_same_number():
    vocabularies = corpus(SMOKE).vocabularies
    source, _, target, _ = EXPERIMENT.data(SMOKE).train
    train = set(spelled.split(300, 60, 0).train)
    texts = {(" ".join(spelled.words(n, "en")), " ".join(spelled.words(n, "fr"))) for n in train}
    pairs = zip(vocabularies[0].decode(source[0]), vocabularies[1].decode(target[0]), strict=True)
    assert set(pairs) <= texts


def test_the_length_split_trains_on_short_numbers_alone():
    splits = EXPERIMENT.data(replace(SMOKE, longest=5))
    assert splits.train[1].max() == 6  # with the stop symbol
    assert splits.valid[1].max() > 12
    with pytest.raises(UsageError, match="no number is so short"):
        EXPERIMENT.data(replace(SMOKE, held_out=3, numbers=5, longest=1, sentences=1))


def test_both_models_differ_in_the_context_alone():
    attending, fixed = (EXPERIMENT.model(replace(SMOKE, model=kind)) for kind in ("attention", "fixed"))
    names = {name for name, _ in attending.named_parameters()}
    assert {name for name in names if name.startswith("attention.")} == names - {
        name for name, _ in fixed.named_parameters()
    }


@pytest.mark.parametrize("variant", ["attention_de", "fixed_fr"])
def test_a_small_run_measures_everything(variant):
    run = fit(EXPERIMENT, EXPERIMENT.variants("smoke")[variant], seed=0, profile="smoke")
    metrics = run.result["metrics"]
    expected = {"loss", "exact", "exact_long"}
    if variant.startswith("attention"):
        expected |= {"alignment", "alignment_mass"}
    assert {f"valid_{name}" for name in expected} <= set(metrics)
    assert metrics["valid_loss"] < 4


def test_variants_are_told_apart():
    for profile in ("smoke", "book", "paper"):
        variants = EXPERIMENT.variants(profile)
        for name, config in variants.items():
            assert variant_of(EXPERIMENT, profile, config) == name
    assert EXPERIMENT.datasets(EXPERIMENT.variants("paper")["fixed_de"]) == ("multi30k",)
    with pytest.raises(UsageError):
        EXPERIMENT.variants("large")


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
    config = replace(
        EXPERIMENT.variants("paper")["attention_de"],
        subwords=300,
        embedding=8,
        hidden=8,
        alignment=8,
        maxout=8,
    )
    splits = EXPERIMENT.data(config)
    assert splits.train[0].shape[:2] == (29_000 // 64, 64)
    assert len(splits.test[0]) == 1_000
    model = EXPERIMENT.model(config)
    EXPERIMENT.loss(model, tuple(part[:1] for part in splits.train)).backward()
    few = tuple(part[:4] for part in splits.test)
    model.eval()
    metrics = EXPERIMENT.test(model, few)
    assert {"loss", "exact", "bleu", "bleu_beam", "bleu_beam_margin"} == set(metrics)
    references = model.vocabularies[1].decode(few[2])
    assert references[0].startswith("Ein Mann mit einem orangefarbenen Hut")


def small(fixed=False):
    return RNNsearch((9, 9), embedding=4, hidden=6, alignment=5, maxout=4, fixed=fixed)


@pytest.mark.parametrize("fixed", [False, True])
def test_seeds_side_by_side_are_the_models_one_by_one(fixed):
    options = {"symbols": 5, "lengths": (2, 4), "updates": 3, "batch_size": 6, "learning_rate": 1e-2}
    trained = train_together(lambda: small(fixed), range(3), **options)
    source, target = sequences(4, 3, 5, torch.Generator().manual_seed(5))
    logits, _ = read(trained, source, target)
    for i in range(3):
        alone = small(fixed)
        alone.load_state_dict({name: value[i] for name, value in trained.parameters.items()})
        torch.testing.assert_close(logits[i], alone(source, target).logits, rtol=1e-4, atol=1e-5)
        s, memory = alone.encode(source)
        step, words = alone.stepper(memory), torch.full((4,), 1)
        for t in range(4):
            s, log_probs = step(s, words)
            words = log_probs.argmax(1)
            assert torch.equal(written(trained, source, 4)[i, :, t], words)


def test_training_side_by_side_learns_and_seeds_differ():
    options = {"symbols": 3, "lengths": (2, 2), "batch_size": 16, "learning_rate": 2e-2}
    trained = train_together(small, range(2), updates=120, **options)
    assert (reversed_right(trained, 2, 50, 3) > 0.9).all()
    assert mirrored(trained, 2, 50, 3).shape == (2,)
    assert not torch.equal(*trained.parameters["readout.weight"])
