"""Properties that the memory and the estimator must have, whatever a controller sets."""

import pytest
import torch

from unrolled.data.ngrams import dynamic_ngrams, ngram_counts, optimal_estimate
from unrolled.nn.memory import (
    Head,
    address,
    circular_shift,
    content_weighting,
    interpolate,
    read,
    sharpen,
    write,
)

ROWS, COLUMNS = 128, 20
SEEDS = pytest.mark.parametrize("seed", range(5))


def normal(*shape, seed=0, peak=1.0):
    return peak * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(params=range(5))
def stages(request):
    """Weightings of 64 machines with four heads, after each stage of addressing."""
    seed, many = request.param, (64, 4)
    head = Head(
        normal(*many, COLUMNS, seed=seed + 10),
        normal(*many, seed=seed + 20, peak=3.0).exp(),
        normal(*many, seed=seed + 30, peak=3.0).sigmoid(),
        normal(*many, 3, seed=seed + 40, peak=3.0).softmax(-1),
        1 + normal(*many, seed=seed + 50, peak=2.0).exp(),
    )
    before = normal(*many, ROWS, seed=seed + 60, peak=5.0).softmax(-1)
    return address(head, before, normal(64, ROWS, COLUMNS, seed=seed))


def test_no_entry_of_a_weighting_is_negative(stages):
    assert all(stage.min() >= 0 for stage in stages)


def test_a_weighting_sums_to_one(stages):
    for stage in stages:
        assert (stage.sum(-1) - 1).abs().max() <= 1e-6


@SEEDS
def test_a_closed_gate_without_shift_and_sharpening_keeps_the_place_exactly(seed):
    # Half of the weight on one row, the rest in units of 1/1024: sums have no rounding.
    others = 1 + torch.randint(ROWS - 1, (512,), generator=torch.Generator().manual_seed(seed))
    before = torch.bincount(others, minlength=ROWS).float().unsqueeze(0) / 1024
    before[0, 0] = 0.5
    gated = interpolate(normal(1, ROWS).softmax(-1), before, torch.zeros(1))
    assert torch.equal(sharpen(circular_shift(gated, torch.eye(3)[1:2]), torch.ones(1)), before)


@SEEDS
def test_a_shift_of_one_rolls_the_weighting_by_one_row_exactly(seed):
    before = normal(1, ROWS, seed=seed).softmax(-1)
    gated = interpolate(normal(1, ROWS).softmax(-1), before, torch.zeros(1))
    assert torch.equal(circular_shift(gated, torch.eye(3)[2:]), before.roll(1, -1))


def test_without_strength_all_rows_have_the_same_weight():
    found = content_weighting(torch.eye(COLUMNS)[:1], torch.zeros(1), normal(ROWS, COLUMNS))
    assert (found - 1 / ROWS).abs().max() <= 1e-6


@SEEDS
def test_with_much_strength_a_small_lead_of_the_cosine_takes_nearly_all_weight(seed):
    """One row has a cosine of 0.90 with the key, 127 have 0.89."""
    sideways = normal(ROWS, COLUMNS, seed=seed)
    sideways[:, 0] = 0
    cosine = torch.full((ROWS, 1), 0.89)
    cosine[17] = 0.90
    key = torch.eye(COLUMNS)[:1]
    memory = cosine * key + (1 - cosine**2).sqrt() * sideways / sideways.norm(dim=1, keepdim=True)
    assert content_weighting(key, torch.tensor([2000.0]), memory)[0, 17] > 0.999


@SEEDS
def test_a_larger_exponent_never_raises_the_entropy(seed):
    w = normal(1, ROWS, seed=seed, peak=2.0).double().softmax(-1)
    exponents = torch.linspace(1, 50, 200, dtype=torch.float64).unsqueeze(1)
    sharp = sharpen(w.expand(200, 1, ROWS), exponents)
    entropy = -torch.special.xlogy(sharp, sharp).sum(-1)
    assert entropy.diff(dim=0).max() <= 1e-9


@SEEDS
def test_a_head_at_one_row_replaces_it_leaves_the_others_and_reads_it_back(seed):
    memory, vector = normal(ROWS, COLUMNS, seed=seed), normal(1, COLUMNS, seed=seed + 9)
    here = torch.eye(ROWS)[17:18]
    written = write(memory, here, torch.ones(1, COLUMNS), vector)
    assert torch.equal(written[17], vector[0])
    assert torch.equal(read(here, written), vector)
    others = torch.arange(ROWS) != 17
    assert torch.equal(written[others], memory[others])


@SEEDS
@pytest.mark.parametrize("other", ["add one", "frequency"])
def test_the_estimator_has_a_lower_loss_than_other_guesses(seed, other):
    """On 2,000 sequences; raw frequencies between 0.01 and 0.99, since one certain error costs all."""
    episodes = dynamic_ngrams(2000, generator=torch.Generator().manual_seed(seed)).episodes
    counts = ngram_counts(episodes)

    def loss(guess):
        right = torch.where(episodes.targets[..., 0] > 0, guess, 1 - guess)
        return -(right.log2() * episodes.counts).sum(1).mean()

    guess = optimal_estimate(*counts, pseudocount=1.0 if other == "add one" else 0.0)
    assert loss(optimal_estimate(*counts)) < loss(guess.clamp(0.01, 0.99))
