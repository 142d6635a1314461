"""What the chapter on the VRNN says of its mathematics and of its live runs, measured."""

import pytest
import torch

from unrolled.data import waves
from unrolled.nn.distributions import DiagonalGaussian, gaussian_kl
from unrolled.papers.vrnn.experiment import EXPERIMENT, STEPS, WAVES
from unrolled.papers.vrnn.inference import bound, step_kl
from unrolled.papers.vrnn.studies import importance_bounds
from unrolled.training.fit import fit
from unrolled.training.presets import preset


def random_pair(seed, pairs=1):
    wide = {"generator": torch.Generator().manual_seed(seed), "dtype": torch.float64}
    means = torch.randn(2, pairs, 3, **wide)
    deviations = torch.exp(0.5 * torch.randn(2, pairs, 3, **wide))
    return [DiagonalGaussian(m, d) for m, d in zip(means, deviations, strict=True)]


@pytest.mark.parametrize("seed", range(3))
def test_divergence_in_closed_form_agrees_with_samples(seed):
    q, p = random_pair(seed)
    noise = torch.randn(1_000_000, 3, generator=torch.Generator().manual_seed(seed + 100)).double()
    z = q.from_noise(noise)
    assert (q.log_prob(z) - p.log_prob(z)).mean().item() == pytest.approx(gaussian_kl(q, p).item(), rel=0.01)


def test_divergence_is_never_negative():
    assert gaussian_kl(*random_pair(0, 10_000)).min() >= 0


@pytest.fixture(scope="module")
def live():
    def train(name):
        return fit(EXPERIMENT(preset(EXPERIMENT, name).config, 0), name)

    return train


@pytest.mark.slow
def test_divergence_peaks_where_the_regime_changes_and_estimates_lie_above_bounds(live):
    model = live("live").model()
    task = waves.regime_waves(WAVES["valid"], STEPS, 1)  # the validation sequences of seed 0
    torch.manual_seed(0)
    with torch.no_grad():
        inference = model(task.x)
        kl = step_kl(inference)
        plain = bound(inference, task.x).bound
    assert kl[task.switches].mean() > 1.5 * kl[~task.switches].mean()
    estimates = importance_bounds(model, task.x, torch.full((len(task.x),), STEPS), 40)
    assert estimates.mean() >= plain.mean()


@pytest.mark.slow
def test_with_a_latent_a_gaussian_output_passes_the_limit_of_one_gaussian(live):
    assert live("live_bimodal").metrics["last_valid_bound"] > waves.bimodal_limits().gaussian + 0.1
