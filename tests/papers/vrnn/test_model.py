"""The VRNN: lengths, samples, what prior and posterior may see, its variants, and sampling."""

import pytest
import torch
from torch import nn
from torch.autograd import grad

from unrolled.base.errors import UsageError
from unrolled.nn.scan import ShapeError
from unrolled.papers.vrnn.baseline import OutputRNN
from unrolled.papers.vrnn.inference import bound
from unrolled.papers.vrnn.model import VRNN
from unrolled.papers.vrnn.networks import family

CLOSE = {"rtol": 1e-10, "atol": 1e-10}
SIZES = {"hidden_size": 6, "features": 5}


def vrnn(**options):
    torch.manual_seed(1)
    return VRNN(3, latent_size=2, **SIZES, **options).double()


def rnn(**options):
    torch.manual_seed(1)
    return OutputRNN(3, **SIZES, **options).double()


def sequences(batch=4, time=7):
    return torch.randn(batch, time, 3, dtype=torch.float64), torch.randn(batch, time, 2, dtype=torch.float64)


def values_for(output, batch=4, time=7):
    x = sequences(batch, time)[0]
    if output == "bernoulli":
        return (x > 0).double()
    if output == "pen":
        return torch.cat(((x[..., :1] > 0).double(), x[..., 1:]), -1)
    return x


@pytest.mark.parametrize("output", ["gaussian", "mixture", "bernoulli", "pen"])
@pytest.mark.parametrize("make", [vrnn, rnn])
def test_every_output_gives_bounds_gradients_and_samples(make, output):
    model, x = make(output=output, components=3), values_for(output)
    loss = -bound(model(x), x).bound.mean()
    loss.backward()
    assert loss.isfinite()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters() if parameter.requires_grad)
    _, x_t, _ = model.draw(model.initial(2))
    assert x_t.shape == (2, 3)
    assert model(x_t.unsqueeze(1)).output.log_prob(x_t.unsqueeze(1)).isfinite().all()


@pytest.mark.parametrize("make", [vrnn, rnn])
def test_a_shorter_sequence_is_the_same_as_one_with_padding(make):
    model, (x, noise) = make(), sequences()
    lengths = torch.tensor([7, 3, 1, 5])
    x_padded = x.clone()
    for row, length in enumerate(lengths):
        x_padded[row, length:] = float("nan")
    given = {"noise": noise} if make is vrnn else {}
    inference = model(x_padded, lengths, **given)
    found = bound(inference, x_padded, lengths)
    found.bound.sum().backward()
    padded_gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    assert all(g.isfinite().all() for g in padded_gradients)
    model.zero_grad()
    for row, length in enumerate(lengths):
        given = {"noise": noise[row : row + 1, :length]} if make is vrnn else {}
        one = x[row : row + 1, :length]
        alone = model(one, **given)
        torch.testing.assert_close(bound(alone, one).bound, found.bound[row : row + 1], **CLOSE)
        if make is vrnn:
            torch.testing.assert_close(alone.last.h[0], inference.last.h[row], **CLOSE)
            torch.testing.assert_close(alone.last.c[0], inference.last.c[row], **CLOSE)
        bound(alone, one).bound.sum().backward()
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    for mine, theirs in zip(gradients, padded_gradients, strict=True):
        torch.testing.assert_close(mine, theirs, **CLOSE)


def test_a_sequence_of_no_steps_keeps_its_first_state_and_counts_nothing():
    model, (x, noise) = vrnn(), sequences()
    lengths = torch.tensor([7, 0, 2, 7])
    inference = model(x, lengths, noise)
    assert bound(inference, x, lengths).bound[1] == 0
    torch.testing.assert_close(inference.last.h[1], model.h_0.expand(6))


@pytest.mark.parametrize("make", [vrnn, rnn])
def test_a_state_carries_a_sequence_over_two_calls(make):
    model, (x, noise) = make(), sequences()
    given = [{"noise": noise}, {"noise": noise[:, :4]}, {"noise": noise[:, 4:]}]
    whole, first = (
        model(part, **(g if make is vrnn else {})) for part, g in zip((x, x[:, :4]), given[:2], strict=True)
    )
    second = model(x[:, 4:], initial=first.last, **(given[2] if make is vrnn else {}))
    torch.testing.assert_close(torch.cat((first.h, second.h), 1), whole.h, **CLOSE)
    torch.testing.assert_close(second.last.c, whole.last.c, **CLOSE)


def test_the_prior_of_a_step_sees_what_was_before_it_and_nothing_else():
    model, (x, noise) = vrnn(), sequences(batch=1)
    x.requires_grad_()
    p = model(x, noise=noise).prior
    for t in range(7):
        derivative = grad((p.mean + p.deviation)[0, t].sum(), x, retain_graph=True, allow_unused=True)[0]
        assert (derivative[0, t:] == 0).all()
        assert (derivative[0, :t].abs().amax(-1) > 0).all()


def test_output_and_posterior_of_a_step_see_the_observation_through_z_alone():
    """The decoder reads h_{t-1}, never h_t, which knows x_t."""
    model, (x, noise) = vrnn(), sequences(batch=1)
    for part in model.encoder.parts:
        nn.init.zeros_(part.weight)  # the posterior no longer sees x
    x.requires_grad_()
    output = model(x, noise=noise).output
    for t in range(7):
        derivative = grad(output.mean[0, t].sum(), x, retain_graph=True, allow_unused=True)[0]
        assert (derivative[0, t:] == 0).all()


def test_a_prior_network_that_gives_zero_and_one_is_the_independent_prior():
    learned, independent, (x, noise) = vrnn(), vrnn(learned_prior=False), sequences()
    independent.load_state_dict(learned.state_dict(), strict=False)
    last = learned.prior.parts[-1]
    nn.init.zeros_(last.weight)
    last.bias.data[:2], last.bias.data[2:] = 0.0, torch.log(torch.expm1(torch.tensor(1 - 1e-4)))
    ours, theirs = bound(learned(x, noise=noise), x), bound(independent(x, noise=noise), x)
    torch.testing.assert_close(ours.bound, theirs.bound, rtol=0, atol=1e-6)
    assert ours.kl.min() > 0.01


def test_without_the_latents_influence_it_is_the_network_without_latents():
    model, plain, (x, _) = vrnn(), rnn(), sequences()
    with torch.no_grad():
        model.W_x[:, 5:].zero_()
        (W, b), *rest = model.decoder.layers
        W[:, :5].zero_()
        for part in (*model.encoder.parts, *model.prior.parts):
            part.weight.zero_()  # posterior and prior are what their equal biases say
        plain.x_features.load_state_dict(model.x_features.state_dict())
        for mine, theirs in zip(plain.layer.weights, (model.W_x[:, :5], model.W_h, model.b), strict=True):
            mine.copy_(theirs)
        for mine, theirs in zip(plain.decoder.layers, ((W[:, 5:], b), *rest), strict=True):
            mine[0].copy_(theirs[0])
            mine[1].copy_(theirs[1])
    latent, without = bound(model(x), x), bound(plain(x), x)
    assert (latent.kl == 0).all()
    torch.testing.assert_close(latent.bound, without.bound, rtol=0, atol=1e-10)


def test_the_fused_layer_is_the_step_that_is_shown():
    stepwise, (x, _) = rnn(), sequences()
    fused = rnn(fused=True)
    fused.load_state_dict(stepwise.state_dict())
    gradients = []
    for model in (stepwise, fused):
        bound(model(x), x).bound.sum().backward()
        gradients.append([p.grad for p in model.parameters() if p.grad is not None])
    torch.testing.assert_close(stepwise(x).output.mean, fused(x).output.mean, **CLOSE)
    for mine, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, theirs, **CLOSE)


def test_a_draw_has_the_distribution_that_inference_gives():
    """Sampling and inference compute prior, output and next state alike."""
    model = vrnn()
    state = model.initial(3)
    new, x_t, z = model.draw(state)
    inference = model(x_t.unsqueeze(1), noise=torch.zeros(3, 1, 2, dtype=torch.float64), initial=state)
    noise = (z.unsqueeze(1) - inference.posterior.mean) / inference.posterior.deviation
    again = model(x_t.unsqueeze(1), noise=noise, initial=state)
    torch.testing.assert_close(again.last.h, new.h, **CLOSE)
    torch.testing.assert_close(again.last.c, new.c, **CLOSE)


@pytest.mark.parametrize("layers", [1, 3])
def test_depth_of_the_networks(layers):
    model, (x, _) = vrnn(layers=layers), sequences()
    assert len(model.prior.parts) == layers + 1
    assert len(model.x_features.parts) == layers
    assert bound(model(x), x).bound.isfinite().all()


def test_deviations_start_near_one():
    model, (x, noise) = vrnn(), sequences()
    inference = model(x, noise=noise)
    for distribution in (inference.output, inference.posterior, inference.prior):
        assert 0.5 < distribution.deviation.mean() < 2


def test_bad_input_is_told():
    model, (x, noise) = vrnn(), sequences()
    with pytest.raises(ShapeError, match="3 features"):
        model(x[..., :2])
    with pytest.raises(ShapeError, match="at least one step"):
        model(x[:, :0])
    with pytest.raises(ShapeError, match="latent = 2"):
        model(x, noise=noise[..., :1])
    with pytest.raises(UsageError, match="bernoulli"):
        family("bernouli")
