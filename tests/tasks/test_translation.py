"""What the three translation papers share: sentence pairs, random sequences, loss and metrics."""

from dataclasses import replace
from typing import NamedTuple

import pytest
import torch
from torch import nn
from torch.nn import functional

from unrolled.base.errors import UsageError
from unrolled.data import spelled
from unrolled.data.vocabulary import PAD, STOP
from unrolled.tasks import sequences
from unrolled.tasks.translating import read
from unrolled.tasks.translation import TranslationConfig, TranslationExperiment
from unrolled.training.trainer import place

SPELLED = TranslationConfig(
    task="spelled",
    sentences=8,
    numbers=300,
    held_out=60,
    updates=6,
    optimiser="adam",
    learning_rate=1e-3,
    evaluate_every=6,
    checkpoint_every=6,
)
REVERSAL = replace(SPELLED, task="reversal", symbols=6, lengths=(2, 4), held_out=5)


def test_batches_are_ready_and_alike_in_length():
    splits = TranslationExperiment(SPELLED).data()
    source, lengths, target, target_lengths = splits.train
    assert source.shape[:2] == target.shape[:2] == (300 // 8, 8)
    assert torch.equal((source != PAD).sum(2), lengths)
    assert torch.equal((target != PAD).sum(2), target_lengths)
    assert (lengths.amax(1) - lengths.amin(1)).float().mean() < 2.5
    assert len(splits.valid[0]) == 60


def test_a_batch_has_no_column_of_padding_alone():
    experiment = TranslationExperiment(SPELLED)
    whole = tuple(part[3:4] for part in experiment.data().train)
    source, target, lengths = experiment.batch(whole, place(0, 0))
    assert source.shape == (8, lengths.max())
    assert (source != PAD).any(0).all()
    assert (target != PAD).any(0).all()
    assert torch.equal(source, whole[0][0, :, : source.shape[1]])


def test_pairs_say_the_same_number():
    experiment = TranslationExperiment(SPELLED)
    source, _, target, _ = experiment.data().train
    train = set(spelled.split(300, 60, 0).train)
    texts = {(" ".join(spelled.words(n, "en")), " ".join(spelled.words(n, "fr"))) for n in train}
    sides = (side.decode(ids[0]) for side, ids in zip(experiment.vocabularies, (source, target), strict=True))
    assert set(zip(*sides, strict=True)) <= texts
    assert experiment.vocabulary_sizes == tuple(len(side) for side in experiment.vocabularies)


def test_the_length_split_trains_on_short_numbers_alone():
    splits = TranslationExperiment(replace(SPELLED, longest=5)).data()
    assert splits.train[1].max() == 6  # with the stop symbol
    assert splits.valid[1].max() > 12
    with pytest.raises(UsageError, match="no number is so short"):
        TranslationExperiment(replace(SPELLED, held_out=3, numbers=5, longest=1, sentences=1)).data()


@pytest.mark.parametrize("task", ["copy", "reversal"])
def test_random_sequences_are_new_in_every_update_and_alike_in_length_for_all_seeds(task):
    experiment = TranslationExperiment(replace(REVERSAL, task=task))
    arrays = experiment.data().train
    one, other = ([experiment.batch(arrays, place(seed, update)) for update in range(9)] for seed in (0, 1))
    for first, second in zip(one, other, strict=True):
        assert first[0].shape == second[0].shape
        assert not torch.equal(first[0], second[0])
    assert {source.shape for source, _ in one} == {(8, 2), (8, 3), (8, 4)}
    source, target = experiment.batch(arrays, place(1, 5))
    assert torch.equal(target, other[5][1])
    assert torch.equal(target[:, :-1], source if task == "copy" else source.flip(1))
    assert (target[:, -1] == STOP).all()
    assert int(source.min()) >= 4
    assert int(source.max()) < experiment.vocabulary_sizes[0] == 10


@pytest.mark.parametrize("task", ["copy", "reversal"])
def test_the_known_alignment_points_at_the_same_symbol(task):
    splits = TranslationExperiment(replace(REVERSAL, task=task)).data()
    assert splits.valid[0].shape[1] == 4
    assert splits.test[0].shape[1] == 8
    source, _, target, _, accepted = splits.valid
    rows, at, positions = accepted.nonzero(as_tuple=True)
    assert len(rows) == 5 * 4
    assert torch.equal(source[rows, positions], target[rows, at])
    assert torch.equal(accepted, sequences.accepted(task, 5, 4))


class Given(NamedTuple):
    logits: torch.Tensor
    alpha: torch.Tensor


class Sure(nn.Module):
    """Gives the right word a logit of 2 and all others 0; attends to the position of the word's number."""

    def forward(self, source, target, lengths=None):
        return Given(2.0 * functional.one_hot(target, 10), functional.one_hot(target % 4, 4).float())


def test_the_loss_is_per_word_and_padding_counts_nothing():
    target, lengths = torch.tensor([[5, 6, 2], [5, 2, 0]]), torch.tensor([4, 3])
    batch = torch.zeros(2, 4, dtype=torch.int64), target, lengths
    loss = TranslationExperiment(SPELLED).loss(Sure(), batch, place(0, 0))
    expected = -torch.log_softmax(torch.tensor([2.0] + [0.0] * 9), 0)[0]
    torch.testing.assert_close(loss, expected)
    smoothed = TranslationExperiment(replace(SPELLED, label_smoothing=0.5)).loss(Sure(), batch, place(0, 0))
    torch.testing.assert_close(smoothed, expected + 0.5 * 2.0 * 9 / 10)
    found = read(Sure(), batch[0], lengths, target)
    assert found.loss == pytest.approx(expected.item(), rel=1e-6)
    assert found.accuracy == 1.0
    assert not found.alpha[1, 2].any()
