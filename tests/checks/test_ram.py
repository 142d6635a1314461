"""Properties of the glimpses and of the location policy's score, whatever an image shows."""

import pytest
import torch

from unrolled.papers.ram.model import location_log_prob, sample_location
from unrolled.papers.ram.retina import retina

DRAWS = 100_000
STD = 0.2


def test_what_is_read_does_not_depend_on_the_images_width():
    read = {
        size: retina(torch.rand(2, size, size), torch.zeros(2, 2), 12, 3).shape[1] for size in (28, 60, 100)
    }
    assert set(read.values()) == {3 * 12**2}
    assert 8 * read[60] == 3456 < 60**2


@pytest.mark.parametrize("seed", range(3))
def test_the_score_of_a_location_has_mean_zero_and_holds_steins_identity(seed):
    generator = torch.Generator().manual_seed(seed)
    mean = torch.tensor([0.3, -0.5], dtype=torch.float64).expand(DRAWS, 2).clone().requires_grad_()
    drawn = sample_location(mean, STD, torch.randn(DRAWS, 2, generator=generator, dtype=torch.float64))
    (score,) = torch.autograd.grad(location_log_prob(drawn, mean, STD).sum(), mean)
    assert _errors(score) <= 4.5
    # Stein: the score times a smooth reward has the mean of the reward's derivative.
    assert _errors(score * drawn.sin() - drawn.cos()) <= 4.5


def _errors(values):
    """The largest mean of a column, in its standard errors."""
    return (values.mean(0).abs() / (values.std(0) / len(values) ** 0.5)).max().item()
