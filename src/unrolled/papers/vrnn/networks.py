"""The feed-forward parts of a VRNN: perceptrons, feature extractors, and the distributions of its output."""

from collections.abc import Callable
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution
from torch.nn import functional

from unrolled.nn.checks import check_option
from unrolled.nn.distributions import Bernoulli, DiagonalGaussian, GaussianMixture, Pen

Layers = tuple[tuple[Tensor, Tensor], ...]
"""Weight and bias of each layer of a perceptron, from the input to the output."""

Output = Literal["gaussian", "mixture", "bernoulli", "pen"]
"""The family of p(x_t | z_<=t, x_<t)."""

DEVIATION_BIAS = 0.6
"""Where the bias before softplus starts, so that a deviation starts near 1 (the released code's value)."""


class Family(NamedTuple):
    """How the numbers of a decoder become a distribution."""

    size: Callable[[int, int], int]
    """The numbers needed for ``d`` dimensions and ``K`` components."""
    make: Callable[[Tensor, int], Distribution]
    """The distribution of these numbers."""


FAMILIES: dict[str, Family] = {
    "gaussian": Family(lambda d, K: 2 * d, lambda outputs, K: DiagonalGaussian.from_outputs(outputs)),
    "mixture": Family(lambda d, K: K + 2 * K * d, GaussianMixture.from_outputs),
    "bernoulli": Family(lambda d, K: d, lambda outputs, K: Bernoulli.from_outputs(outputs)),
    "pen": Family(lambda d, K: 1 + 6 * K, Pen.from_outputs),
}


def family(output: str) -> Family:
    """The family by its name.

    *Raises*: `UsageError` for a name that there is not.
    """
    check_option("output", output, FAMILIES)
    return FAMILIES[output]


def perceptron(x: Float[Tensor, "*batch inputs"], layers: Layers) -> Float[Tensor, "*batch outputs"]:
    """Layers of rectified linear units, and a linear one at the end.

    *Paper*: chung2015recurrent, Section 4 (every network has rectified linear hidden layers).

    >>> one = (torch.tensor([[1.0], [-1.0]]), torch.zeros(2))
    >>> perceptron(torch.tensor([[3.0]]), (one, (torch.ones(1, 2), torch.zeros(1))))
    tensor([[3.]])
    """
    for W, b in layers[:-1]:
        x = functional.relu(functional.linear(x, W, b))
    return functional.linear(x, *layers[-1])


def features(x: Float[Tensor, "*batch inputs"], layers: Layers) -> Float[Tensor, "*batch features"]:
    """A feature extractor, phi^x or phi^z: rectified linear units to the end.

    *Paper*: chung2015recurrent, Section 3.1: found crucial for learning complex sequences.
    """
    return functional.relu(perceptron(x, layers))


class Perceptron(nn.Module):
    """The parameters of `perceptron`, of the given sizes from the input to the output.

    >>> [tuple(W.shape) for W, b in Perceptron(3, 8, 2).layers]
    [(8, 3), (2, 8)]
    """

    def __init__(self, *sizes: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(sizes))

    @property
    def layers(self) -> Layers:
        """The parameters, as the functions take them."""
        return tuple((part.weight, part.bias) for part in self.parts)

    def start_deviations(self, slices: slice) -> None:
        """Begin with deviations near 1 at the outputs that ``slices`` names, and with no bias elsewhere."""
        bias = self.parts[-1].bias.data.zero_()
        bias[slices] = DEVIATION_BIAS


def gaussian_network(inputs: int, hidden: tuple[int, ...], dimensions: int) -> Perceptron:
    """A perceptron that gives means and raw deviations of a Gaussian."""
    network = Perceptron(inputs, *hidden, 2 * dimensions)
    network.start_deviations(slice(dimensions, None))
    return network


def decoder_network(
    output: Output, inputs: int, hidden: tuple[int, ...], dimensions: int, components: int
) -> Perceptron:
    """A perceptron that gives the parameters of an output distribution."""
    network = Perceptron(inputs, *hidden, family(output).size(dimensions, components))
    if output == "gaussian":
        network.start_deviations(slice(dimensions, None))
    return network


@torch.no_grad()
def initialise(W_x: Tensor, W_h: Tensor, b: Tensor) -> None:
    """Set an LSTM's weights: uniform from the input, orthogonal by gates from the state, forget bias 1."""
    hidden = W_h.shape[1]
    nn.init.xavier_uniform_(W_x)
    for gate in W_h.chunk(4):
        nn.init.orthogonal_(gate)
    b.zero_()[hidden : 2 * hidden].fill_(1)
