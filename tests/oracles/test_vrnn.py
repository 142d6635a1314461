"""Every equation of the paper: code against NumPy transcription, gradients against differences."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from unrolled.nn.bounds import sequence_bound
from unrolled.nn.cells import LSTMState, lstm_step
from unrolled.nn.distributions import DiagonalGaussian, gaussian_kl
from unrolled.papers.vrnn.baseline import OutputRNN
from unrolled.papers.vrnn.inference import (
    bound,
    joint_log_probability,
    posterior_log_probability,
    step_log_likelihood,
)
from unrolled.papers.vrnn.model import VRNN, StepInput, decode, posterior, prior, transition, vrnn_step

_spec = importlib.util.spec_from_file_location("oracle_vrnn", Path(__file__).with_name("vrnn.py"))
oracle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(oracle)

INPUT, HIDDEN, LATENT, FEATURES, BATCH, TIME = 2, 3, 2, 4, 2, 4
EXACT = {"rtol": 1e-10, "atol": 1e-10}


def array(tensor):
    return tensor.detach().numpy()


def arrays(layers):
    return [(array(W), array(b)) for W, b in layers]


@pytest.fixture
def draw():
    """Random float64 tensors that take gradients."""
    generator = torch.Generator().manual_seed(20151207)

    def normal(*shape, scale=1.0):
        return (scale * torch.randn(*shape, dtype=torch.float64, generator=generator)).requires_grad_()

    return normal


@pytest.fixture
def model():
    torch.manual_seed(3)
    made = VRNN(INPUT, hidden_size=HIDDEN, latent_size=LATENT, features=FEATURES).double()
    for parameter in made.parameters():  # biases and first states too
        parameter.data += 0.3 * torch.randn_like(parameter)
    return made


def plain(model):
    """A model's parameters, as the oracle takes them."""
    names = ("x_features", "z_features", "prior", "encoder", "decoder")
    found = {name: arrays(getattr(model, name).layers) for name in names}
    found |= {name: array(getattr(model, name)) for name in ("W_h", "b", "h_0", "c_0")}
    W_x, W_z = np.split(array(model.W_x), 2, axis=1)
    return found | {"W_x": W_x, "W_z": W_z}


def passes(model, x, noise):
    return [oracle.unrolled(plain(model), array(x)[n], array(noise)[n]) for n in range(len(x))]


def moments(q):
    return q.mean, q.deviation


def test_equation_1_recurrent_network(draw):
    h, c, x = draw(BATCH, HIDDEN), draw(BATCH, HIDDEN), draw(BATCH, INPUT)
    weights = draw(4 * HIDDEN, INPUT), draw(4 * HIDDEN, HIDDEN), draw(4 * HIDDEN)
    ours = lstm_step(LSTMState(h, c), x, *weights)
    for n in range(BATCH):
        h_t, c_t = oracle.equation_1([array(w) for w in weights], *(array(v)[n] for v in (x, h, c)))
        np.testing.assert_allclose(array(ours.h)[n], h_t, **EXACT)
        np.testing.assert_allclose(array(ours.c)[n], c_t, **EXACT)
    assert gradcheck(lambda h, c, x, *w: tuple(lstm_step(LSTMState(h, c), x, *w)), (h, c, x, *weights))


def test_equation_2_product_over_steps(draw):
    model, x = OutputRNN(INPUT, hidden_size=HIDDEN, features=FEATURES).double(), draw(BATCH, TIME, INPUT)
    inference = model(x)
    ours = bound(inference, x).bound
    steps = array(step_log_likelihood(inference, x))
    for n in range(BATCH):
        np.testing.assert_allclose(array(ours)[n], oracle.equation_2(steps[n]), **EXACT)
    assert gradcheck(lambda x: bound(model(x), x).bound, (x,))


def test_equation_3_output_of_a_recurrent_network(draw):
    model, x = OutputRNN(INPUT, hidden_size=HIDDEN, features=FEATURES).double(), draw(BATCH, TIME, INPUT)
    inference = model(x)
    h_0 = array(model.layer.h_0)
    for n in range(BATCH):
        for t in range(TIME):
            h = h_0 if t == 0 else array(inference.h)[n, t - 1]
            mean, deviation = oracle.equation_3(arrays(model.decoder.layers), h)
            np.testing.assert_allclose(array(inference.output.mean)[n, t], mean, **EXACT)
            np.testing.assert_allclose(array(inference.output.deviation)[n, t], deviation, **EXACT)
    assert gradcheck(lambda x: moments(model(x).output), (x,))


def test_equation_4_bound_of_one_step(draw, model):
    """A sequence of one step is a variational auto-encoder."""
    x, noise = draw(BATCH, 1, INPUT), draw(BATCH, 1, LATENT)
    ours = array(bound(model(x, noise=noise), x).bound)
    for n, (_, of_x, of_q, of_p) in enumerate(passes(model, x, noise)):
        likelihood = oracle.log_normal(array(x)[n, 0], *of_x[0])
        expected = oracle.equation_4(likelihood, oracle.divergence(*of_q[0], *of_p[0]))
        np.testing.assert_allclose(ours[n], expected, **EXACT)
    assert gradcheck(lambda a, b: sequence_bound(a, b).bound, (draw(1, BATCH), draw(1, BATCH)))


def test_equation_5_prior(draw, model):
    h = draw(BATCH, HIDDEN)
    p = prior(h, model.prior.layers)
    for n in range(BATCH):
        mean, deviation = oracle.equation_5(plain(model)["prior"], array(h)[n])
        np.testing.assert_allclose(array(p.mean)[n], mean, **EXACT)
        np.testing.assert_allclose(array(p.deviation)[n], deviation, **EXACT)
    assert gradcheck(lambda h: moments(prior(h, model.prior.layers)), (h,))


def test_equation_6_output(draw, model):
    z_features, h = draw(BATCH, FEATURES), draw(BATCH, HIDDEN)
    output = decode(z_features, h, model.decoder.layers)
    for n in range(BATCH):
        expected = oracle.equation_6(plain(model)["decoder"], array(z_features)[n], array(h)[n])
        np.testing.assert_allclose(array(output.mean)[n], expected[0], **EXACT)
        np.testing.assert_allclose(array(output.deviation)[n], expected[1], **EXACT)
    assert gradcheck(lambda *inputs: moments(decode(*inputs, model.decoder.layers)), (z_features, h))


def test_equation_7_recurrence(draw, model):
    x_features, z_features = draw(BATCH, FEATURES), draw(BATCH, FEATURES)
    h, c = draw(BATCH, HIDDEN), draw(BATCH, HIDDEN)

    def ours(x_features, z_features, h, c):
        return tuple(transition(LSTMState(h, c), x_features, z_features, model.W_x, model.W_h, model.b))

    p, new = plain(model), ours(x_features, z_features, h, c)
    for n in range(BATCH):
        inputs = (array(v)[n] for v in (x_features, z_features, h, c))
        expected = oracle.equation_7(p["W_x"], p["W_z"], p["W_h"], p["b"], *inputs)
        for mine, theirs in zip(new, expected, strict=True):
            np.testing.assert_allclose(array(mine)[n], theirs, **EXACT)
    assert gradcheck(ours, (x_features, z_features, h, c))


def test_equations_7_and_9_in_one_step(draw, model):
    """The step that runs against the two equations by themselves."""
    x_features, noise = draw(BATCH, FEATURES), draw(BATCH, LATENT)
    h, c = draw(BATCH, HIDDEN), draw(BATCH, HIDDEN)

    def ours(h, c, x_features, noise):
        state, latent = vrnn_step(LSTMState(h, c), StepInput(x_features, noise), model.weights)
        return *state, latent.mean, latent.deviation

    p, found = plain(model), ours(h, c, x_features, noise)
    for n in range(BATCH):
        h_n, c_n, f_n, e_n = (array(v)[n] for v in (h, c, x_features, noise))
        mean, deviation = oracle.equation_9(p["encoder"], f_n, h_n)
        z_features = np.maximum(oracle.network(p["z_features"], mean + deviation * e_n), 0)
        state = oracle.equation_7(p["W_x"], p["W_z"], p["W_h"], p["b"], f_n, z_features, h_n, c_n)
        for mine, theirs in zip(found, (*state, mean, deviation), strict=True):
            np.testing.assert_allclose(array(mine)[n], theirs, **EXACT)
    assert gradcheck(ours, (h, c, x_features, noise))


def test_equation_8_joint_probability(draw, model):
    x, noise = draw(BATCH, TIME, INPUT), draw(BATCH, TIME, LATENT)
    ours = array(joint_log_probability(model(x, noise=noise), x))
    for n, (z, of_x, _, of_p) in enumerate(passes(model, x, noise)):
        np.testing.assert_allclose(ours[n], oracle.equation_8(array(x)[n], z, of_x, of_p), **EXACT)
    assert gradcheck(lambda x, e: joint_log_probability(model(x, noise=e), x), (x, noise))


def test_equation_9_posterior(draw, model):
    x_features, h = draw(BATCH, FEATURES), draw(BATCH, HIDDEN)

    def ours(x_features, h):
        return posterior(x_features, h, model.encoder.layers)

    found = ours(x_features, h)
    for n in range(BATCH):
        expected = oracle.equation_9(plain(model)["encoder"], array(x_features)[n], array(h)[n])
        for mine, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(array(mine)[n], theirs, **EXACT)
    assert gradcheck(ours, (x_features, h))


def test_equation_10_posterior_of_a_sequence(draw, model):
    x, noise = draw(BATCH, TIME, INPUT), draw(BATCH, TIME, LATENT)
    ours = array(posterior_log_probability(model(x, noise=noise)))
    for n, (z, _, of_q, _) in enumerate(passes(model, x, noise)):
        np.testing.assert_allclose(ours[n], oracle.equation_10(z, of_q), **EXACT)
    assert gradcheck(lambda x, e: posterior_log_probability(model(x, noise=e)), (x, noise))


def test_equation_11_bound(draw, model):
    x, noise = draw(BATCH, TIME, INPUT), draw(BATCH, TIME, LATENT)
    ours = array(bound(model(x, noise=noise), x).bound)
    for n, (_, of_x, of_q, of_p) in enumerate(passes(model, x, noise)):
        np.testing.assert_allclose(ours[n], oracle.equation_11(array(x)[n], of_x, of_q, of_p), **EXACT)
    assert gradcheck(lambda x, e: bound(model(x, noise=e), x).bound, (x, noise))


def test_divergence_of_two_gaussians(draw):
    means, raw = draw(2, BATCH, LATENT), draw(2, BATCH, LATENT)

    def ours(means, raw):
        deviations = torch.nn.functional.softplus(raw) + 1e-4
        q, p = (DiagonalGaussian(*pair) for pair in zip(means, deviations, strict=True))
        return gaussian_kl(q, p)

    found, deviations = array(ours(means, raw)), oracle.softplus(array(raw)) + 1e-4
    for n in range(BATCH):
        (mu_z, mu_0), (sigma_z, sigma_0) = array(means)[:, n], deviations[:, n]
        np.testing.assert_allclose(found[n], oracle.divergence(mu_z, sigma_z, mu_0, sigma_0), **EXACT)
    assert gradcheck(ours, (means, raw))
