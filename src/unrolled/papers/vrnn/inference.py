"""What a pass over observed sequences gives, and the probabilities and the bound that follow from it."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution

from unrolled.nn.bounds import SequenceBound, sequence_bound
from unrolled.nn.cells import LSTMState
from unrolled.nn.checks import Lengths, ShapeError, check_features, check_lengths, length_mask
from unrolled.nn.distributions import DiagonalGaussian, gaussian_kl
from unrolled.nn.scan import map_tensors


class Inference(NamedTuple):
    """What a pass over observed sequences gives: every tensor ``[batch, time, ...]``.

    A network without latents has None for ``z``, ``posterior`` and ``prior``; a prior N(0, I) is None too.
    """

    output: Distribution
    z: Tensor | None
    posterior: DiagonalGaussian | None
    prior: DiagonalGaussian | None
    h: Tensor  # the states after each step
    last: LSTMState | None  # the state after each sequence's own last step


def step_log_likelihood(inference: Inference, x: Float[Tensor, "batch time input"]) -> Tensor:
    """log p(x_t | z_<=t, x_<t) of every step, ``[batch, time]``."""
    return inference.output.log_prob(x)


def step_kl(inference: Inference) -> Tensor:
    """The divergence of posterior from prior at every step, in nats; zero without latents.

    *Paper*: chung2015recurrent, Section 3.1, equation 11; Figure 2 draws it along a waveform.
    """
    if inference.posterior is None:
        return inference.h.new_zeros(inference.h.shape[:-1])
    return gaussian_kl(inference.posterior, inference.prior)


def bound(
    inference: Inference,
    x: Float[Tensor, "batch time input"],
    lengths: Lengths | None = None,
) -> SequenceBound:
    """The lower bound of each sequence's log-likelihood, and its two terms; exact without latents.

    *Paper*: chung2015recurrent, Section 3.1, equation 11, with one sample of z a step.

    *Shapes*: as annotated; results ``[batch]``, sums over each sequence's own steps, in nats.
    """
    mask = None if lengths is None else length_mask(lengths, x.shape[1])
    likelihoods = step_log_likelihood(inference, without_padding(x, lengths))
    return sequence_bound(likelihoods.T, step_kl(inference).T, mask)


def joint_log_probability(
    inference: Inference,
    x: Float[Tensor, "batch time input"],
    lengths: Lengths | None = None,
) -> Tensor:
    """log p(x_<=T, z_<=T) at the drawn latents, ``[batch]``.

    *Paper*: chung2015recurrent, Section 3.1, equation 8.

        p(x_<=T, z_<=T) = prod_t p(x_t | z_<=t, x_<t) p(z_t | x_<t, z_<t)
    """
    steps = step_log_likelihood(inference, without_padding(x, lengths))
    if inference.z is not None:
        p = inference.prior or standard_normal(inference.z)
        steps = steps + p.log_prob(inference.z)
    return _over_time(steps, lengths)


def posterior_log_probability(inference: Inference, lengths: Lengths | None = None) -> Tensor:
    """log q(z_<=T | x_<=T) at the drawn latents, ``[batch]``; zero without latents.

    *Paper*: chung2015recurrent, Section 3.1, equation 10.

        q(z_<=T | x_<=T) = prod_t q(z_t | x_<=t, z_<t)
    """
    if inference.z is None:
        return inference.h.new_zeros(inference.h.shape[0])
    return _over_time(inference.posterior.log_prob(inference.z), lengths)


def standard_normal(z: Tensor) -> DiagonalGaussian:
    """N(0, I) over latents of the shape of ``z``: the prior of VRNN-I."""
    return DiagonalGaussian(torch.zeros_like(z), torch.ones_like(z))


def _over_time(steps: Tensor, lengths: Lengths | None) -> Tensor:
    """The sum over each sequence's own steps."""
    if lengths is not None:
        steps = torch.where(length_mask(lengths, steps.shape[1]).T, steps, steps.new_zeros(()))
    return steps.sum(1)


def without_padding(x: Tensor, lengths: Lengths | None) -> Tensor:
    """Zeros in place of padding: a NaN there would reach the gradients even through a mask.

    *Raises*: `ShapeError` where there is not one length a sequence.
    """
    if lengths is None:
        return x
    lengths = check_lengths(lengths, *x.shape[:2], like=x)
    return torch.where(length_mask(lengths, x.shape[1]).T.unsqueeze(-1), x, x.new_zeros(()))


def observed(x: Tensor, lengths: Lengths | None, size: int) -> Tensor:
    """The input without its padding, after a look at its shape."""
    check_features(x, size)
    if not x.shape[1]:
        raise ShapeError(f"x needs at least one step; it is {list(x.shape)}")
    return without_padding(x, lengths)


def last_states(states: LSTMState, initial: LSTMState, lengths: Lengths | None) -> LSTMState:
    """The state after each sequence's own last step; padding stands after it and cannot reach it."""
    if lengths is None:
        return map_tensors(lambda part: part[:, -1], states)
    lengths = check_lengths(lengths, *states.h.shape[:2], like=states.h)
    rows = torch.arange(len(lengths), device=lengths.device)
    ended = (lengths > 0).unsqueeze(-1)

    def pick(part: Tensor, first: Tensor) -> Tensor:
        return torch.where(ended, part[rows, (lengths - 1).clamp(min=0)], first)

    return map_tensors(pick, states, initial)
