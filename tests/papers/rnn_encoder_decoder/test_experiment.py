"""The phrase table of the experiment, its scores, its presets, and recall over a lag."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from unrolled.base.errors import UsageError
from unrolled.papers.rnn_encoder_decoder.experiment import EXPERIMENT
from unrolled.papers.rnn_encoder_decoder.phrases import _misplace, phrases, tokens
from unrolled.papers.rnn_encoder_decoder.scoring import log_probs, permuted
from unrolled.training.fit import fit, fit_seeds
from unrolled.training.presets import preset
from unrolled.training.trainer import place

SMOKE = preset(EXPERIMENT, "smoke").config


def test_every_distinct_pair_comes_once_per_epoch_however_often_it_was_counted():
    found, splits = phrases(SMOKE), EXPERIMENT(SMOKE).data()
    lines = list(zip(found.vocabularies[0].decode(splits.train[0].flatten(0, 1)), strict=False))
    assert len(lines) == (len(found.split["train"]) // SMOKE.sentences) * SMOKE.sentences
    pairs = [
        (row[0].tolist(), row[1].tolist())
        for row in zip(splits.train[0].flatten(0, 1), splits.train[2].flatten(0, 1), strict=True)
    ]
    assert len({str(pair) for pair in pairs}) == len(pairs)
    assert max(pair.count for pair in found.table) > 5


def test_parts_of_the_table_share_no_line():
    split = phrases(SMOKE).split
    every = torch.cat(list(split.values()))
    assert sorted(every.tolist()) == list(range(len(phrases(SMOKE).table)))
    with pytest.raises(UsageError, match="held out"):
        phrases(replace(SMOKE, held_out_pairs=10_000))


def test_so_many_sentences_are_misplaced_and_none_is_lost():
    clean = [[f"word{n}"] for n in range(50)]
    mixed = [list(sentence) for sentence in clean]
    _misplace(mixed, 0.2, seed=3)
    assert sorted(mixed) == sorted(clean)
    assert sum(a != b for a, b in zip(mixed, clean, strict=True)) == 10


def test_permuted_sources_keep_their_words_and_their_end():
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(2, 7, (50,), generator=generator)
    source = torch.randint(4, 20, (50, 6), generator=generator)
    at = torch.arange(6)
    source = torch.where(at == lengths[:, None] - 1, 2, source).masked_fill(at >= lengths[:, None], 0)
    other = permuted(source, lengths)
    assert torch.equal(other.sort(1).values, source.sort(1).values)
    assert torch.equal(other[at >= lengths[:, None] - 1], source[at >= lengths[:, None] - 1])
    several = torch.tensor(
        [len(set(row[: n - 1])) > 1 for row, n in zip(source.tolist(), lengths.tolist(), strict=True)]
    )
    assert torch.equal((other != source).any(1), several)


def test_scores_of_many_are_those_of_each():
    experiment = EXPERIMENT(SMOKE)
    model = experiment.model().eval()
    source, lengths, target, of_target = experiment.data().valid
    together = log_probs(model, source, lengths, target)
    for row in range(5):
        alone = model.log_prob(source[row, : lengths[row]][None], target[row, : of_target[row]][None])
        torch.testing.assert_close(together[row], alone[0])


def test_a_small_run_measures_everything():
    run = fit(EXPERIMENT(SMOKE), "smoke")
    expected = {"valid_loss", "valid_true_minus_shuffled", "test_loss", "test_true_minus_shuffled"}
    assert expected | {"test_order_wins", "test_order_change"} <= set(run.metrics)


def test_captions_are_cut_into_words_and_marks():
    assert tokens("L'homme, aux 2 chiens.") == ["l'", "homme", ",", "aux", "2", "chiens", "."]


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
def test_captions_are_trained_on_as_sentences():
    config = preset(EXPERIMENT, "multi30k_de").config
    experiment = EXPERIMENT(replace(config, subwords=300, embedding=8, hidden=8, maxout=8))
    splits = experiment.data()
    assert splits.train[0].shape[:2] == (29_000 // 64, 64)
    model = experiment.model()
    batch = experiment.batch(tuple(part[:1] for part in splits.train), place(0, 0))
    experiment.loss(model, batch, place(0, 0)).backward()
    metrics = experiment.test(model.eval(), tuple(part[:4] for part in splits.test))
    groups = {f"bleu_beam_{group}" for group in ("9_10", "11_12", "13_15", "16_19")}  # four captions
    assert {"loss", "accuracy", "exact", "bleu", "bleu_beam", "bleu_beam_margin"} | groups == set(metrics)


@pytest.mark.parametrize("name", ["recall_keeping", "recall_tanh"])
def test_recall_is_learned_over_a_short_lag_by_seeds_trained_as_one(name):
    sizes = {"symbols": 3, "lengths": (2, 3), "hidden": 12, "updates": 150, "warmup": 15}
    config = replace(preset(EXPERIMENT, name).config, learning_rate=2e-2, **sizes)
    for run in fit_seeds([EXPERIMENT(config, seed) for seed in (0, 1)], name):
        assert run.metrics["valid_loss"] < 0.3
        assert run.metrics["valid_accuracy"] > 0.9
