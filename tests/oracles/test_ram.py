"""Every equation of the paper: code against NumPy transcription, gradients against differences."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from unrolled.papers.ram.learning import baseline_error, hybrid_loss, reinforce, rewards
from unrolled.papers.ram.model import Rollout, class_log_probs, location_log_prob, sample_location
from unrolled.papers.ram.parts import GlimpseWeights, core_step, glimpse_vector, what_and_where
from unrolled.papers.ram.retina import retina

_spec = importlib.util.spec_from_file_location("oracle_ram", Path(__file__).with_name("ram.py"))
oracle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(oracle)

BATCH, HIDDEN, CLASSES, STEPS = 5, 6, 4, 3
WHAT, WHERE, UNITS, GLIMPSE = 4, 3, 5, 7
SIGMA = 0.3
EXACT = {"rtol": 0, "atol": 1e-10}


@pytest.fixture
def draw():
    """Random float64 tensors that take gradients."""
    generator = torch.Generator().manual_seed(20140624)

    def normal(*shape):
        return torch.randn(*shape, dtype=torch.float64, generator=generator).requires_grad_()

    return normal


def arrays(*tensors):
    return tuple(t.detach().numpy() for t in tensors)


@pytest.fixture
def weights(draw):
    """Weights of the glimpse network."""
    return GlimpseWeights(
        draw(WHAT, GLIMPSE),
        draw(WHAT),
        draw(WHERE, 2),
        draw(WHERE),
        draw(UNITS, WHAT + WHERE),
        draw(UNITS),
    )


@pytest.fixture
def episodes(draw):
    """Log-densities, baselines and class probabilities of episodes, some of them rewarded."""
    log_prob, baseline = draw(STEPS, BATCH), draw(STEPS, BATCH)
    log_probs = torch.log_softmax(draw(BATCH, CLASSES), 1).detach().requires_grad_()
    labels = log_probs.argmax(1)
    labels[::2] = (labels[::2] + 1) % CLASSES
    return log_prob, baseline, log_probs, labels


@pytest.mark.parametrize(("size", "scales"), [(4, 1), (4, 3), (3, 2)])
def test_retina(draw, size, scales):
    x = draw(BATCH, 9, 11)
    location = torch.linspace(-1, 1, 2 * BATCH, dtype=torch.float64).view(BATCH, 2)
    ours = retina(x, location, size, scales, reach=5.0).detach().numpy()
    for i, (image, place) in enumerate(zip(*arrays(x, location), strict=True)):
        np.testing.assert_allclose(ours[i], oracle.retina(image, place, size, scales, 5.0), **EXACT)
    assert gradcheck(lambda x: retina(x, location, size, scales, reach=5.0), (x,))


def test_what_and_where(draw, weights):
    rho, location = draw(BATCH, GLIMPSE), draw(BATCH, 2)
    what, where = arrays(*what_and_where(rho, location, weights))
    W_rho, b_rho, W_l, b_l, _, _ = arrays(*weights)
    for i, (numbers, place) in enumerate(zip(*arrays(rho, location), strict=True)):
        h_g, h_l = oracle.glimpse_what_where(numbers, place, W_rho, b_rho, W_l, b_l)
        np.testing.assert_allclose(what[i], h_g, **EXACT)
        np.testing.assert_allclose(where[i], h_l, **EXACT)
    assert gradcheck(
        lambda r, p, *w: what_and_where(r, p, GlimpseWeights(*w, *weights[4:])), (rho, location, *weights[:4])
    )


def test_glimpse_vector(draw, weights):
    rho, location = draw(BATCH, GLIMPSE), draw(BATCH, 2)
    ours = glimpse_vector(rho, location, weights).detach().numpy()
    W_rho, b_rho, W_l, b_l, W_g, b_g = arrays(*weights)
    for i, (numbers, place) in enumerate(zip(*arrays(rho, location), strict=True)):
        features = oracle.glimpse_what_where(numbers, place, W_rho, b_rho, W_l, b_l)
        expected = oracle.glimpse(*features, W_g[:, :WHAT], W_g[:, WHAT:], b_g)
        np.testing.assert_allclose(ours[i], expected, **EXACT)
    assert gradcheck(lambda r, p, *w: glimpse_vector(r, p, GlimpseWeights(*w)), (rho, location, *weights))


def test_core(draw):
    h, g = draw(BATCH, HIDDEN), draw(BATCH, UNITS)
    parameters = draw(HIDDEN, HIDDEN), draw(HIDDEN, UNITS), draw(HIDDEN)
    ours = core_step(h, g, *parameters).detach().numpy()
    for i, pair in enumerate(zip(*arrays(h, g), strict=True)):
        np.testing.assert_allclose(ours[i], oracle.core(*pair, *arrays(*parameters)), **EXACT)
    assert gradcheck(core_step, (h, g, *parameters))


def test_location_is_drawn_around_the_mean(draw):
    h, W, b, noise = draw(BATCH, HIDDEN), draw(2, HIDDEN), draw(2), draw(BATCH, 2)
    sample = sample_location(torch.nn.functional.linear(h, W, b), SIGMA, noise)
    for i, pair in enumerate(zip(*arrays(h, noise), strict=True)):
        expected = oracle.location(pair[0], *arrays(W, b), SIGMA, pair[1])
        np.testing.assert_allclose(sample[i].numpy(), expected, **EXACT)
    assert not sample.requires_grad


def test_log_density_of_a_location(draw):
    sample, mean = draw(BATCH, 2), draw(BATCH, 2)
    ours = location_log_prob(sample, mean, SIGMA).detach().numpy()
    for i, pair in enumerate(zip(*arrays(sample, mean), strict=True)):
        np.testing.assert_allclose(ours[i], np.log(oracle.location_density(*pair, SIGMA)), **EXACT)
    assert gradcheck(lambda s, m: location_log_prob(s, m, SIGMA), (sample, mean))


def test_score_of_a_location(draw):
    sample, mean = draw(BATCH, 2), draw(BATCH, 2)
    (ours,) = torch.autograd.grad(location_log_prob(sample, mean, SIGMA).sum(), mean)
    np.testing.assert_allclose(ours.numpy(), oracle.score(*arrays(sample, mean), SIGMA), **EXACT)


def test_action(draw):
    h, W, b = draw(BATCH, HIDDEN), draw(CLASSES, HIDDEN), draw(CLASSES)
    ours = class_log_probs(h, W, b).exp().detach().numpy()
    for i, state in enumerate(h.detach().numpy()):
        np.testing.assert_allclose(ours[i], oracle.action(state, *arrays(W, b)), **EXACT)
    assert gradcheck(class_log_probs, (h, W, b))


def test_equation_1_reward_comes_at_the_last_step(episodes):
    _, _, log_probs, labels = episodes
    ours = rewards(log_probs, labels)
    right = log_probs.detach().numpy().argmax(1) == labels.numpy()
    by_step = np.zeros((BATCH, STEPS))
    by_step[:, -1] = right
    R, J = oracle.equation_1(by_step)
    np.testing.assert_allclose(ours.numpy(), R, **EXACT)
    assert ours.mean().item() == pytest.approx(J, abs=1e-10)
    assert 0 < J < 1


@pytest.mark.parametrize("with_baseline", [False, True], ids=["equation_2", "equation_3"])
def test_reinforce(draw, with_baseline):
    sample, mean = draw(STEPS, BATCH, 2), draw(2)
    reward = torch.tensor([1.0, 0.0, 0.0, 1.0, 1.0], dtype=torch.float64)
    baseline = draw(STEPS, BATCH)
    log_prob = location_log_prob(sample, mean.expand(STEPS, BATCH, 2), SIGMA)
    loss = reinforce(log_prob, reward, baseline if with_baseline else None)
    (ours,) = torch.autograd.grad(loss, mean)
    scores = oracle.score(sample.detach().numpy(), mean.detach().numpy(), SIGMA).swapaxes(0, 1)
    if with_baseline:
        expected = oracle.equation_3(scores, reward.numpy(), baseline.detach().numpy().T)
    else:
        expected = oracle.equation_2(scores, reward.numpy())
    np.testing.assert_allclose(-ours.numpy(), expected, **EXACT)


def test_baseline_error(draw):
    baseline = draw(STEPS, BATCH)
    reward = torch.tensor([1.0, 0.0, 0.0, 1.0, 1.0], dtype=torch.float64)
    expected = oracle.baseline_error(reward.numpy(), baseline.detach().numpy().T)
    assert baseline_error(baseline, reward).item() == pytest.approx(expected, abs=1e-10)
    assert gradcheck(lambda b: baseline_error(b, reward), (baseline,))


def test_hybrid_loss(episodes):
    log_prob, baseline, log_probs, labels = episodes
    locations, hidden = torch.zeros(STEPS, BATCH, 2), torch.zeros(STEPS, BATCH, HIDDEN)
    parts = hybrid_loss(Rollout(log_probs, locations, log_prob, baseline, hidden), labels)
    ours = (parts.classification + parts.baseline + 0.7 * parts.location).item()
    R = rewards(log_probs, labels).detach().numpy()
    p, log_pi, b = log_probs.detach().exp().numpy(), log_prob.detach().numpy().T, baseline.detach().numpy().T
    assert ours == pytest.approx(oracle.hybrid(p, labels.numpy(), log_pi, R, b, 0.7), abs=1e-10)


def test_advantage_is_a_constant_of_the_reward_term(episodes):
    log_prob, baseline, log_probs, labels = episodes
    reward = rewards(log_probs, labels)
    gradients = torch.autograd.grad(
        reinforce(log_prob, reward, baseline), (log_prob, baseline), allow_unused=True
    )
    assert gradients[1] is None
    expected = -(reward - baseline.detach()) / BATCH
    np.testing.assert_allclose(gradients[0].numpy(), expected.numpy(), **EXACT)
