"""What is computed with trained networks: how much hashing saves, and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from unrolled.papers.memory_networks.hashing import candidates, cluster_buckets, word_buckets
from unrolled.papers.memory_networks.model import MemoryNetwork
from unrolled.papers.memory_networks.words import Y

if TYPE_CHECKING:
    from unrolled.papers.memory_networks.experiment import MemoryNetworkExperiment
    from unrolled.training.experiment import Arrays

FREQUENT = 0.1
"""Words that are in more than this share of all memories are in no bucket: nothing would be saved."""

CLUSTERS = (5, 15, 30)
"""Numbers of clusters that are tried."""


class Hashed(NamedTuple):
    """What a hash does."""

    accuracy: float
    looked_at: float
    """The share of all memories that are looked at, a mean over questions and hops."""


def hashes(model: MemoryNetwork, frequency: Tensor) -> dict[str, Tensor]:
    """Buckets by name: all words, rare words, and rare words in clusters of their vectors."""
    rare = word_buckets(frequency, FREQUENT)
    clusters = {f"clusters_{k}": cluster_buckets(model.O.U[Y].float(), k) for k in CLUSTERS}
    return {
        "all_words": word_buckets(frequency),
        "words": rare,
        **{name: rare.sum(1, keepdim=True) * buckets for name, buckets in clusters.items()},
    }


@torch.no_grad()
def hashed(
    experiment: MemoryNetworkExperiment, model: MemoryNetwork, arrays: Arrays, buckets: Tensor
) -> Hashed:
    """The accuracy of a network that looks at the memories of a query's buckets alone."""
    story, query, _, answer, _ = arrays
    buckets = buckets.to(model.O.U)
    trace = experiment.answers(model, arrays, buckets)
    looked_at, sentences = [], experiment.prepared.sentences
    for rows in torch.arange(len(query)).split(500):
        m = model.remember(sentences, story[rows])
        known = [m.at(slot) for slot in trace.chosen[rows].T]
        for hop in range(model.hops):
            before = torch.stack(known, 1)[:, :hop]
            found = model.G(candidates(m.sentences[query[rows]], before, m.sentences, buckets), m.story)
            found = found[:, 1:] & m.filled[:, 1:]
            needed = torch.ones_like(rows) if hop == 0 else trace.chosen[rows, hop - 1] > 0
            share = found.double().sum(1) / m.filled[:, 1:].sum(1)
            looked_at.append(share[needed > 0])
    right = trace.answer.argmax(-1) == answer
    return Hashed(right.double().mean().item(), torch.cat(looked_at).mean().item())


def frequencies(experiment: MemoryNetworkExperiment) -> Tensor:
    """In which share of the memories of the training stories each word is."""
    found = experiment.prepared
    last = found.splits["train"].story[:, 1:]
    counts = torch.bincount(last.flatten(), minlength=len(found.sentences)).double()
    counts[0] = 0
    words = torch.zeros(len(found.sentences), len(found.vocabulary), dtype=torch.double)
    words.scatter_(1, found.sentences, 1.0)
    words[:, 0] = 0
    return (counts @ words / counts.sum()).float()
