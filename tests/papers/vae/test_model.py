"""The networks, the estimators and wake-sleep: what holds whatever the weights are."""

import pytest
import torch

from unrolled.nn.distributions import DiagonalGaussian, kl_per_dimension
from unrolled.papers.vae.linear_gaussian import LinearGaussian
from unrolled.papers.vae.model import SMALLEST_LOG_VARIANCE, VAE, first_estimator, gaussian_bound
from unrolled.papers.vae.wake_sleep import wake_sleep


@pytest.fixture(params=["bernoulli", "gaussian"])
def network(request):
    torch.manual_seed(0)
    return VAE(12, 3, (8, 6), activation="relu", likelihood=request.param)


def test_decoder_has_the_encoders_layers_in_reverse(network):
    sizes = [(layer.in_features, layer.out_features) for layer in network.encoder]
    assert sizes == [(12, 8), (8, 6), (6, 6)]
    back = [(layer.in_features, layer.out_features) for layer in network.decoder]
    assert back[:2] == [(3, 6), (6, 8)]


def test_wake_moves_the_decoder_alone_and_sleep_the_encoder_alone(network):
    torch.manual_seed(2)
    x = torch.rand(4, 12).round()
    noise, dream, pixels = torch.randn(4, 3), torch.randn(4, 3), torch.rand(4, 12)
    wake, sleep = wake_sleep(network, x, noise, dream, pixels)
    moved = []
    for loss in (wake, sleep):
        network.zero_grad()
        loss.mean().backward()
        moved.append({name.split(".")[0] for name, p in network.named_parameters() if p.grad is not None})
    assert moved == [{"decoder"}, {"encoder"}]


def test_wake_sees_data_with_inferred_latents_and_sleep_sees_dreams(network):
    torch.manual_seed(3)
    x = torch.rand(4, 12).round()
    noise, dream, pixels = torch.randn(4, 3), torch.randn(4, 3), torch.rand(4, 12)
    wake, sleep = wake_sleep(network, x, noise, dream, pixels)
    z = network.encode(x).from_noise(noise)
    log_joint = network.log_prior(z) + network.decode(z).log_prob(x)
    assert torch.allclose(wake, -log_joint)
    dreamt = network.decode(dream).from_noise(pixels)
    assert torch.allclose(sleep, -network.encode(dreamt).log_prob(dream))


def test_sleep_is_least_at_the_exact_posterior():
    # The encoder sees pairs of the model itself, so no other encoder can do better on average.
    truth = LinearGaussian.random(6, 2, seed=0, orthogonal=True)
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(20_000, 2, dtype=torch.float64, generator=generator)
    x = truth.decode(z).from_noise(torch.randn(20_000, 6, dtype=torch.float64, generator=generator))
    exact = truth.posterior(x)
    mean, deviation = exact.mean, exact.variance.sqrt()
    losses = [
        -DiagonalGaussian(mean + shift, deviation * scale).log_prob(z).mean()
        for shift, scale in ((0.0, 1.0), (0.1, 1.0), (0.0, 1.2), (0.0, 0.8))
    ]
    assert min(losses) == losses[0]


def test_paper_initialisation_draws_every_parameter():
    torch.manual_seed(0)
    network = VAE(100, 20, deviation=0.01)
    everything = torch.cat([parameter.flatten() for parameter in network.parameters()])
    assert everything.std().item() == pytest.approx(0.01, rel=0.02)
    assert (everything != 0).all()


def test_log_variance_of_a_gaussian_decoder_stops_at_its_smallest():
    network = VAE(4, 2, (3,), likelihood="gaussian")
    with torch.no_grad():
        network.decoder[-1].bias.fill_(-1e4)
    smallest = torch.tensor(0.5 * SMALLEST_LOG_VARIANCE).exp()
    assert torch.allclose(network.decode(torch.randn(5, 2)).deviation, smallest)
    assert network.decode(torch.randn(5, 2)).mean.abs().max() == 0


def test_decoded_means_of_grey_pixels_lie_between_0_and_1():
    likelihood = VAE(40, 2, (8,), likelihood="gaussian").decode(50 * torch.randn(4, 2))
    assert likelihood.mean.min() >= 0
    assert likelihood.mean.max() <= 1


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_bound_is_finite_for_extreme_pictures(network, scale):
    x = scale * torch.ones(3, 12)
    bound = network.bound(x if network.likelihood == "gaussian" else x.clamp(max=1), torch.randn(2, 3, 3))
    assert bound.isfinite().all()


class TestLinearGaussian:
    """Both sides of equation 1, each by itself."""

    @pytest.fixture
    def setting(self):
        model = LinearGaussian.random(5, 2, seed=3)
        generator = torch.Generator().manual_seed(4)
        x = torch.randn(50, 5, dtype=torch.float64, generator=generator)
        mean, raw = torch.randn(2, 50, 2, dtype=torch.float64, generator=generator)
        return model, x, DiagonalGaussian(mean, raw.exp())

    def test_gap_is_the_divergence_from_the_posterior(self, setting):
        model, x, q = setting
        gap = model.log_evidence(x) - model.bound(x, q)
        assert torch.allclose(gap, model.divergence(x, q), atol=1e-9)

    def test_bound_never_exceeds_the_evidence(self, setting):
        model, x, q = setting
        assert (model.bound(x, q) <= model.log_evidence(x) + 1e-9).all()

    def test_joint_is_evidence_times_posterior(self, setting):
        model, x, q = setting
        posterior = model.posterior(x).log_prob(q.mean)
        assert torch.allclose(model.log_joint(x, q.mean), model.log_evidence(x) + posterior)

    def test_first_estimator_is_constant_at_the_exact_posterior_and_the_second_is_not(self):
        model = LinearGaussian.random(5, 3, seed=0, orthogonal=True)
        x = torch.randn(4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
        exact = model.posterior(x)
        q = DiagonalGaussian(exact.mean, exact.variance.sqrt())
        noise = torch.randn(1, 1000, 4, 3, dtype=torch.float64)
        q = DiagonalGaussian(q.mean.expand(1000, 4, 3), q.deviation.expand(1000, 4, 3))
        a = first_estimator(lambda z: model.log_joint(x, z), q, noise)
        b = gaussian_bound(lambda z: model.decode(z).log_prob(x), q, noise)
        assert a.var(0).max() < 1e-20
        assert b.var(0).min() > 0.1
        assert torch.allclose(a[0], model.log_evidence(x))


def test_divergence_is_per_latent():
    q = DiagonalGaussian(torch.tensor([[0.0, 2.0]]), torch.ones(1, 2))
    assert torch.equal(kl_per_dimension(q), torch.tensor([[0.0, 2.0]]))
