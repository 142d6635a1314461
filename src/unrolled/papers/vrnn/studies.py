"""What is computed with trained networks: samples, and bounds of long sequences in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from unrolled.nn.bounds import SequenceBound, importance_bound_chunked
from unrolled.nn.cells import LSTMState
from unrolled.papers.vrnn.inference import (
    Inference,
    joint_log_probability,
    posterior_log_probability,
    step_kl,
    step_log_likelihood,
)

ROWS = 400
"""Sequences, or samples of sequences, that run side by side."""

WINDOW = 200
"""Steps whose states and outputs are kept at once."""


class Group(NamedTuple):
    """Sequences of similar length: their rows, and how many steps they have."""

    rows: Tensor
    lengths: Tensor


def grouped(lengths: Tensor, size: int) -> Iterator[Group]:
    """Rows by falling length, so many at a time; sequences without a step are left out.

    >>> [group.rows.tolist() for group in grouped(torch.tensor([3, 9, 0, 5]), 2)]
    [[1, 3], [0]]
    """
    order = torch.argsort(lengths, descending=True, stable=True)
    for rows in order[lengths[order] > 0].split(size):
        yield Group(rows, lengths[rows])


def windows(
    model: nn.Module, x: Tensor, lengths: Tensor, window: int = WINDOW
) -> Iterator[tuple[Inference, Tensor, Tensor]]:
    """Run over sequences window by window; each comes with its part of ``x`` and of ``lengths``.

    Rows are those of ``x``, ``[batch, time, input]``, to the end: a row whose sequence has ended has
    length 0 from there on.
    """
    state: LSTMState | None = None
    for start in range(0, int(lengths.max()), window):
        part = x[:, start : start + window].float()
        # Without lengths: what stands behind a sequence's end reaches no step before it, and is not counted.
        inference = model(part, initial=state)
        state = inference.last
        yield inference, part, (lengths - start).clamp(0, part.shape[1])


@torch.no_grad()
def sequence_bounds(
    model: nn.Module, x: Tensor, lengths: Tensor, *, rows: int = ROWS, window: int = WINDOW
) -> SequenceBound:
    """The bound of every sequence and its two terms, ``[batch]``, with one sample of z (equation 11)."""
    likelihoods, divergences = torch.zeros(len(x), device=x.device), torch.zeros(len(x), device=x.device)
    for group in grouped(lengths, rows):
        longest = int(group.lengths.max())
        for inference, part, own in windows(model, x[group.rows, :longest], group.lengths, window):
            mask = torch.arange(part.shape[1], device=x.device) < own[:, None]
            likelihoods[group.rows] += (step_log_likelihood(inference, part) * mask).sum(1)
            divergences[group.rows] += (step_kl(inference) * mask).sum(1)
    return SequenceBound(likelihoods - divergences, likelihoods, divergences)


@torch.no_grad()
def importance_bounds(
    model: nn.Module, x: Tensor, lengths: Tensor, samples: int, *, rows: int = ROWS, window: int = WINDOW
) -> Tensor:
    """The importance-weighted estimate of every sequence's log-likelihood, ``[batch]``, any ``samples``.

    A sample is one trajectory of z over the whole sequence; its weight is p(x, z) / q(z | x), equations 8
    and 10. Where there are no latents it is the log-likelihood itself.
    """
    if not hasattr(model, "latent_size"):
        return sequence_bounds(model, x, lengths, rows=rows, window=window).bound
    estimates, chunk = torch.zeros(len(x), device=x.device), min(samples, rows)
    for group in grouped(lengths, max(1, rows // chunk)):
        part = x[group.rows, : int(group.lengths.max())]

        def log_weights(n: int, part: Tensor = part, lengths: Tensor = group.lengths) -> Tensor:
            repeated, own = part.repeat_interleave(n, 0), lengths.repeat_interleave(n)
            total = torch.zeros(len(repeated), device=part.device)
            for inference, x_window, inside in windows(model, repeated, own, window):
                total += joint_log_probability(inference, x_window, inside)
                total -= posterior_log_probability(inference, inside)
            return total.view(-1, n).T

        estimates[group.rows] = importance_bound_chunked(log_weights, samples, chunk)
    return estimates


@torch.no_grad()
def sample(
    model: nn.Module, batch: int, steps: int, initial: LSTMState | None = None
) -> tuple[Tensor, Tensor | None]:
    """Sequences ``[batch, steps, input]`` from the model, and their latents, with torch's global noise.

    ``initial`` is the state to go on from (an `Inference`'s ``last`` for a continuation).
    """
    state = model.initial(batch) if initial is None else initial
    xs, zs = [], []
    for _ in range(steps):
        state, x_t, z_t = model.draw(state)
        xs.append(x_t)
        zs.append(z_t)
    return torch.stack(xs, 1), None if zs[0] is None else torch.stack(zs, 1)
