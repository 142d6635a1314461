"""Scores of phrase pairs: of many at once, against other targets, and with the source's words permuted."""

from __future__ import annotations

import torch
from torch import Tensor

from unrolled.papers.rnn_encoder_decoder.model import RNNEncoderDecoder

CHUNK = 500
"""Pairs that are scored at once."""


@torch.no_grad()
def log_probs(model: RNNEncoderDecoder, source: Tensor, lengths: Tensor, target: Tensor) -> Tensor:
    """log p(target | source) of every pair, ``[pairs]``, in nats.

    *Shapes*: ``source`` ``[pairs, source]``, ``lengths`` ``[pairs]``, ``target`` ``[pairs, target]``.
    """
    found = source.new_zeros(len(source), dtype=model.readout.weight.dtype)
    of_target = (target != 0).sum(1)
    for rows in (1000 * of_target + lengths).argsort(stable=True).split(CHUNK):
        words = target[rows, : int(of_target[rows].max())]
        found[rows] = model.log_prob(source[rows], words, lengths[rows])
    return found


def true_minus_shuffled(
    model: RNNEncoderDecoder, source: Tensor, lengths: Tensor, target: Tensor, scores: Tensor
) -> float:
    """The mean score of pairs less that of the same sources with the next pair's target."""
    return (scores - log_probs(model, source, lengths, target.roll(1, 0))).mean().item()


def permuted(source: Tensor, lengths: Tensor, seed: int = 0) -> Tensor:
    """Each source with its words in another order, drawn at random; its stop symbol stays last.

    A phrase that has no other order, of one word or of the same word again and again, stays as it is.

    >>> permuted(torch.tensor([[7, 8, 2, 0], [7, 7, 2, 0]]), torch.tensor([3, 3])).tolist()
    [[8, 7, 2, 0], [7, 7, 2, 0]]
    """
    generator = torch.Generator().manual_seed(seed)
    found, rows = source.clone(), torch.arange(len(source))
    at = torch.arange(source.shape[1])
    for _ in range(20):  # until nearly all that can differ do
        keys = torch.rand(len(rows), source.shape[1], generator=generator)
        keys = torch.where(at < lengths[rows, None] - 1, keys, 1.0 + at)
        found[rows] = source[rows].gather(1, keys.argsort(dim=1, stable=True))
        rows = (found == source).all(1).nonzero().squeeze(1)
        if not len(rows):
            break
    return found


def order_counts(gains: Tensor) -> tuple[float, float]:
    """The percentage of gains above zero, and the smallest absolute one."""
    return 100 * (gains > 0).float().mean().item(), gains.abs().min().item()
