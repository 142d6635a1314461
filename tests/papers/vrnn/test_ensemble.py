"""Networks side by side: the bounds and gradients of each are those that it has alone."""

import pytest
import torch

from unrolled.papers.vrnn.baseline import OutputRNN
from unrolled.papers.vrnn.ensemble import Ensemble
from unrolled.papers.vrnn.inference import bound
from unrolled.papers.vrnn.model import VRNN

SIZES = {"hidden_size": 5, "features": 4, "layers": 2}
CLOSE = {"rtol": 1e-10, "atol": 1e-10}


@pytest.mark.parametrize("kind", ["vrnn", "vrnn_i", "rnn"])
def test_each_network_has_its_own_bound_and_gradient(kind):
    def make():
        if kind == "rnn":
            return OutputRNN(2, **SIZES)
        return VRNN(2, latent_size=3, learned_prior=kind == "vrnn", **SIZES)

    together = Ensemble([make() for _ in range(3)]).double()
    x, noise = torch.randn(4, 3, 6, 2).double(), torch.randn(3, 6, 4, 3).double()
    found = together.bounds(x, None if kind == "rnn" else noise)
    found.bound.sum().backward()
    gradients = [p.grad.clone() for p in together.parameters() if p.grad is not None]
    together.zero_grad()
    for copy, member in enumerate(together.members):
        own = {} if kind == "rnn" else {"noise": noise[copy].transpose(0, 1)}
        alone = bound(member(x[:, copy], **own), x[:, copy])
        torch.testing.assert_close(torch.stack(alone), torch.stack([part[copy] for part in found]), **CLOSE)
        alone.bound.sum().backward()
    expected = [p.grad for p in together.parameters() if p.grad is not None]
    assert len(gradients) == len(expected) > 0
    for mine, theirs in zip(gradients, expected, strict=True):
        torch.testing.assert_close(mine, theirs, **CLOSE)


def test_the_divergences_weight_rises_to_one_over_the_warm_up():
    together = Ensemble([VRNN(1, hidden_size=4, latent_size=2, features=4) for _ in range(2)], warm_up=4)
    x = torch.randn(3, 2, 5, 1)
    shares = []
    for _ in range(6):
        torch.manual_seed(7)
        parts = together.bounds(x)
        torch.manual_seed(7)
        objective = together.objective(x)
        shares.append(((parts.log_likelihood - objective).sum() / parts.kl.sum()).item())
    assert shares == pytest.approx([0, 0.25, 0.5, 0.75, 1, 1], abs=1e-4)
    assert torch.equal(Ensemble(list(together.members)).objective(x).isfinite(), torch.ones(2, 3).bool())


def test_evaluation_does_not_count_as_an_update():
    together = Ensemble([VRNN(1, hidden_size=4, latent_size=2, features=4)], warm_up=4).eval()
    together.objective(torch.randn(3, 1, 5, 1))
    assert together.updates == 0
