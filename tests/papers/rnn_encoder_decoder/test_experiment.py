"""The phrase table of the experiment, its scores, its configurations, and seeds side by side."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from unrolled.base.errors import UsageError
from unrolled.papers.rnn_encoder_decoder.experiment import (
    EXPERIMENT,
    Config,
    _misplace,
    phrases,
    tokens,
)
from unrolled.papers.rnn_encoder_decoder.scoring import log_probs, permuted
from unrolled.papers.rnn_encoder_decoder.together import (
    Recaller,
    each,
    phrase_batches,
    phrase_loss,
    recall_batches,
    recall_loss,
    train_together,
)
from unrolled.training.experiment import variant_of
from unrolled.training.fit import fit

SMOKE = Config.smoke()


def test_every_distinct_pair_comes_once_an_epoch_however_often_it_was_counted():
    found, splits = phrases(SMOKE), EXPERIMENT.data(SMOKE)
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
    model = EXPERIMENT.model(SMOKE).eval()
    source, lengths, target, of_target = EXPERIMENT.data(SMOKE).valid
    together = log_probs(model, source, lengths, target)
    for row in range(5):
        alone = model.log_prob(source[row, : lengths[row]][None], target[row, : of_target[row]][None])
        torch.testing.assert_close(together[row], alone[0])


def test_a_small_run_measures_everything():
    run = fit(EXPERIMENT, SMOKE, seed=0, profile="smoke")
    expected = {"valid_loss", "valid_true_minus_shuffled", "test_loss", "test_true_minus_shuffled"}
    assert expected | {"test_order_wins", "test_order_change"} <= set(run.result["metrics"])


def test_variants_are_told_apart():
    for profile in ("smoke", "book", "paper"):
        for name, config in EXPERIMENT.variants(profile).items():
            assert variant_of(EXPERIMENT, profile, config) == name
    assert EXPERIMENT.datasets(EXPERIMENT.variants("paper")["phrases_fr"]) == ("multi30k",)
    with pytest.raises(UsageError):
        EXPERIMENT.variants("large")


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
    config = replace(
        EXPERIMENT.variants("paper")["sentences_de"], subwords=300, embedding=8, hidden=8, maxout=8
    )
    splits = EXPERIMENT.data(config)
    assert splits.train[0].shape[:2] == (29_000 // 64, 64)
    model = EXPERIMENT.model(config)
    EXPERIMENT.loss(model, tuple(part[:1] for part in splits.train)).backward()
    model.eval()
    metrics = EXPERIMENT.test(model, tuple(part[:4] for part in splits.test))
    assert {"loss", "exact", "bleu", "bleu_beam", "bleu_beam_margin"} == set(metrics)


def test_seeds_side_by_side_are_the_models_one_by_one():
    splits = EXPERIMENT.data(SMOKE)
    trained = train_together(
        lambda: EXPERIMENT.model(SMOKE),
        range(2),
        phrase_batches(splits.train),
        phrase_loss,
        updates=3,
        learning_rate=1e-2,
    )
    batch = phrase_batches(splits.train)(0)
    together = each(trained, lambda call: call(batch[0], batch[2], batch[1]).logits)
    for i in range(2):
        alone = trained.of_seed(i)(batch[0], batch[2], batch[1]).logits
        torch.testing.assert_close(together[i], alone, rtol=1e-4, atol=1e-5)
    assert not torch.equal(*trained.parameters["readout.weight"])


@pytest.mark.parametrize("unit", ["gated", "tanh"])
def test_recall_is_learned_over_a_short_lag(unit):
    trained = train_together(
        lambda: Recaller(unit, 3, 12, keep=1.0),
        range(2),
        recall_batches((2, 3), 3, 32),
        recall_loss,
        updates=150,
        learning_rate=2e-2,
    )
    batch = recall_batches((3, 3), 3, 200, seed=1)(0)
    with torch.no_grad():
        assert (each(trained, lambda call: recall_loss(call, batch)) < 0.3).all()
