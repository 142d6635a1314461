"""Lower bounds of a log-likelihood: over the steps of sequences, and over many importance samples."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from unrolled.base.errors import UsageError


class SequenceBound(NamedTuple):
    """The evidence lower bound of each sequence, and its two terms, in nats."""

    bound: Float[Tensor, " batch"]
    log_likelihood: Float[Tensor, " batch"]
    kl: Float[Tensor, " batch"]


def sequence_bound(
    log_likelihood: Float[Tensor, "time batch"],
    kl: Float[Tensor, "time batch"],
    mask: Bool[Tensor, "time batch"] | None = None,
) -> SequenceBound:
    """The bound of each sequence: the sum over its own steps of log-likelihood minus divergence.

    *Paper*: chung2015recurrent, equation 11.

        sum_t ( log p(x_t | z_<=t, x_<t) - KL(q(z_t | x_<=t, z_<t) || p(z_t | x_<t, z_<t)) )

    *Shapes*: as annotated; ``mask`` is true where a sequence has a step. What stands at padded steps, a NaN
    too, changes neither values nor gradients.

    >>> one = torch.ones(2, 1)
    >>> sequence_bound(-one, one, mask=torch.tensor([[True], [False]])).bound
    tensor([-2.])
    """
    if mask is not None:
        zero = log_likelihood.new_zeros(())
        log_likelihood, kl = torch.where(mask, log_likelihood, zero), torch.where(mask, kl, zero)
    likelihoods, divergences = log_likelihood.sum(0), kl.sum(0)
    return SequenceBound(likelihoods - divergences, likelihoods, divergences)


def importance_bound(log_weights: Float[Tensor, "..."], dim: int = 0) -> Float[Tensor, "..."]:
    """The importance-weighted bound: the logarithm of the mean weight over the samples along ``dim``.

    With one sample it is the ordinary bound's estimate; with more it rises, on average, to log p(x).

    *Paper*: burda2016importance; chung2015recurrent, Table 1 (the values after the sign for "about").

        log (1/k) sum_i p(x, z_i) / q(z_i | x)

    *Shapes*: log-weights ``[k, ...]`` to ``[...]``; in log space throughout.

    >>> importance_bound(torch.tensor([-1000.0, -1000.0]))
    tensor(-1000.)
    """
    return torch.logsumexp(log_weights, dim) - math.log(log_weights.shape[dim])


def importance_bound_chunked(
    draw: Callable[[int], Float[Tensor, "..."]], samples: int, chunk: int
) -> Float[Tensor, "..."]:
    """The importance-weighted bound of any number of samples, with the memory of ``chunk`` of them.

    *Shapes*: ``draw(n)`` gives ``n`` new log-weights, ``[n, ...]``; the result is ``[...]``.

    *Raises*: `UsageError` where ``samples`` or ``chunk`` is below 1.

    >>> importance_bound_chunked(lambda n: torch.full((n, 2), -3.0), samples=5, chunk=2)
    tensor([-3., -3.])
    """
    if samples < 1 or chunk < 1:
        raise UsageError(f"samples is {samples} and chunk is {chunk}; both must be at least 1")
    total = None
    for done in range(0, samples, chunk):
        part = torch.logsumexp(draw(min(chunk, samples - done)), 0)
        total = part if total is None else torch.logaddexp(total, part)
    return total - math.log(samples)
