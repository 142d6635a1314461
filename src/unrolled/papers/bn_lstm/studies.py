"""What the paper computes to explain the scale: the simple network of its Figure 1a, and its gradients."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from unrolled.papers.bn_lstm.model import batch_norm


def bn_rnn_step(
    h: Float[Tensor, "batch hidden"],
    x_t: Float[Tensor, "batch input"],
    W_x: Float[Tensor, "hidden input"],
    W_h: Float[Tensor, "hidden hidden"],
    b: Float[Tensor, " hidden"],
    gamma: Float[Tensor, " hidden"],
    epsilon: float = 1e-5,
) -> Float[Tensor, "batch hidden"]:
    """One step of a batch-normalised simple recurrent network: why gamma has to start at 0.1.

    *Paper*: cooijmans2017recurrent, Section 4, Figure 1a; equation 1 with the normalisation of equation 6.

        h_t = tanh(BN(W_h h_{t-1}; gamma, 0) + BN(W_x x_t; gamma, 0) + b)

    *Shapes*: as annotated.

    *Departures*: unspecified: the paper does not print this network; both terms are normalised as in (6).

    >>> h = torch.tensor([[-1.0], [1.0]])
    >>> bn_rnn_step(h, h, torch.ones(1, 1), torch.ones(1, 1), torch.zeros(1), torch.tensor([0.1]))
    tensor([[-0.1974],
            [ 0.1974]])
    """
    return torch.tanh(
        batch_norm(functional.linear(h, W_h), gamma, None, None, epsilon)
        + batch_norm(functional.linear(x_t, W_x), gamma, None, None, epsilon)
        + b
    )


class Carried(NamedTuple):
    """What becomes of a gradient on its way back through a batch-normalised network."""

    norms: Tensor  # of the loss's gradient by every state, from h_0 to h_T, [steps + 1]
    gain: float  # gamma / sigma, the mean over units and all steps but the first ten
    slope: float  # the derivative of tanh, the mean likewise

    @property
    def factor(self) -> float:
        """By how much a step multiplies the gradient's norm, on geometric average."""
        return float((self.norms[0] / self.norms[-1]) ** (1 / (len(self.norms) - 1)))


def carry(
    gamma: float,
    seed: int,
    *,
    steps: int = 200,
    units: int = 100,
    batch: int = 64,
    recurrent: Literal["identity", "orthogonal"] = "identity",
    inputs: Literal["constant", "noise"] = "constant",
) -> Carried:
    """Run the network of Figure 1a and send a random gradient back from its last state.

    *Paper*: cooijmans2017recurrent, Section 4, Figure 1a; there the weights are near the identity and the
    input hardly varies.

    *Departures*: unspecified: sizes, and the loss, here a random direction of the last state.
    """
    torch.manual_seed(seed)
    wide = {"dtype": torch.float64}  # norms fall below what 32 bits can square
    W_h = torch.eye(units, **wide)
    if recurrent == "orthogonal":
        nn.init.orthogonal_(W_h)
    W_x = nn.init.orthogonal_(torch.empty(units, 1, **wide))
    direction = torch.randn(batch, units, **wide)
    x = torch.zeros(steps, batch, 1, **wide)
    if inputs == "noise":
        x.normal_()
    h = (0.1 * torch.randn(batch, units, **wide)).requires_grad_()
    b, scale = torch.zeros(units, **wide), torch.full((units,), gamma, **wide)
    states, gains, slopes = [h], [], []
    for x_t in x:
        sigma = (h.detach() @ W_h.T).std(0, correction=0)
        h = bn_rnn_step(h, x_t, W_x, W_h, b, scale)
        gains.append((gamma / sigma).mean().item())
        slopes.append((1 - h.detach().square()).mean().item())
        states.append(h)
    gradients = torch.autograd.grad((h * direction).sum(), states)
    norms = torch.stack([g.norm(dim=1).mean() for g in gradients])
    settled = slice(min(10, steps - 1), None)
    gain, slope = (sum(part[settled]) / len(part[settled]) for part in (gains, slopes))
    return Carried(norms, gain, slope)
