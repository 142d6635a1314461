"""Bounds of long sequences: windows and groups change nothing but the memory."""

import pytest
import torch

from unrolled.nn.cells import LSTMState
from unrolled.papers.vrnn.baseline import OutputRNN
from unrolled.papers.vrnn.inference import bound
from unrolled.papers.vrnn.model import VRNN
from unrolled.papers.vrnn.studies import importance_bounds, sample, sequence_bounds

SIZES = {"hidden_size": 6, "features": 5}


@pytest.fixture
def data():
    return torch.randn(5, 11, 3), torch.tensor([11, 4, 7, 0, 1])


@pytest.fixture
def model():
    return VRNN(3, latent_size=2, **SIZES)


def test_windows_and_groups_give_the_log_likelihood_of_the_whole(data):
    x, lengths = data
    plain = OutputRNN(3, **SIZES)
    expected = bound(plain(x, lengths), x, lengths).bound
    for window, rows in ((3, 2), (11, 5), (100, 1)):
        found = sequence_bounds(plain, x, lengths, window=window, rows=rows)
        torch.testing.assert_close(found.bound, expected)
        assert (found.kl == 0).all()
    torch.testing.assert_close(importance_bounds(plain, x, lengths, 3), expected)


def test_windows_carry_the_state_of_every_sample(data, model, monkeypatch):
    """Without noise all samples are one trajectory, and windows must follow it."""
    x, lengths = data
    monkeypatch.setattr(torch, "randn", lambda *shape, **_: torch.zeros(shape))
    whole, cut = (importance_bounds(model, x, lengths, 4, window=w, rows=r) for w, r in ((11, 40), (3, 4)))
    torch.testing.assert_close(cut, whole, rtol=1e-5, atol=1e-5)


def test_more_samples_give_higher_estimates(model):
    x, lengths = 2 * torch.randn(40, 6, 3), torch.full((40,), 6)
    means = []
    for samples in (1, 100):
        torch.manual_seed(0)
        means.append(importance_bounds(model, x, lengths, samples, rows=50).mean().item())
    assert means[1] > means[0]


def test_any_number_of_samples_in_the_memory_of_a_few(data, model, monkeypatch):
    x, lengths = data
    widths = []
    forward = VRNN.forward

    def watched(self, x, lengths=None, noise=None, initial=None):
        widths.append(len(x))
        return forward(self, x, lengths, noise, initial)

    monkeypatch.setattr(VRNN, "forward", watched)
    assert importance_bounds(model, x, lengths, 23, rows=4).isfinite().all()
    assert max(widths) <= 4


def test_samples_and_continuations_have_their_shapes(data, model):
    x, _ = data
    drawn, z = sample(model, 2, 6)
    assert drawn.shape == (2, 6, 3)
    assert z.shape == (2, 6, 2)
    state = LSTMState(*(part.expand(3, -1) for part in model(x[:1]).last))
    goes_on, _ = sample(model, 3, 4, state)
    assert goes_on.shape == (3, 4, 3)
    assert not torch.equal(goes_on[0], goes_on[1])
