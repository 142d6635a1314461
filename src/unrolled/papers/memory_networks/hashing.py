"""Hashing: a large memory is only looked at where a bucket holds something that the query has too."""

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.cluster.vq import kmeans2
from torch import Tensor


def word_buckets(
    frequency: Float[Tensor, " vocabulary"], most: float = 1.0
) -> Float[Tensor, "vocabulary bucket"]:
    """One bucket for every word that is in at most this share of all memories; others have none.

    *Paper*: weston2015memory, Section 3.3; it does not say what is done with words like "the".

    >>> word_buckets(torch.tensor([0.0, 1.0, 0.1]), most=0.5).diagonal()
    tensor([0., 0., 1.])
    """
    return torch.diag(((frequency > 0) & (frequency <= most)) * 1.0)


def cluster_buckets(
    embedding: Float[Tensor, "vocabulary embedding"],
    clusters: int,
    seed: int = 0,
) -> Float[Tensor, "vocabulary bucket"]:
    """One bucket for every cluster of word vectors, by K-means over the columns of U_O; word 0 has none.

    *Paper*: weston2015memory, Section 3.3.

    >>> cluster_buckets(torch.tensor([[9.0], [0.0], [5.0], [5.1]]), clusters=2).sum(0).sort().values
    tensor([1., 2.])
    """
    vectors = embedding[1:].detach().double().numpy()
    draw = np.random.RandomState(seed)
    _, label = kmeans2(vectors, clusters, minit="++", seed=draw, iter=50)
    buckets = torch.zeros(len(embedding), clusters)
    words = torch.arange(1, len(embedding))
    buckets[words, torch.from_numpy(label).long()] = 1.0
    return buckets


def candidates(
    question: Float[Tensor, "batch vocabulary"],
    chosen: Float[Tensor, "batch hop vocabulary"],
    memory: Float[Tensor, "sentence vocabulary"],
    buckets: Float[Tensor, "vocabulary bucket"],
) -> Bool[Tensor, "batch sentence"]:
    """The sentences that share a bucket with the question or with what was chosen.

    *Paper*: weston2015memory, Section 3.3.

    >>> candidates(torch.tensor([[0.0, 0.0, 1.0]]), torch.zeros(1, 0, 3), torch.eye(3), torch.eye(3))
    tensor([[False, False,  True]])
    """
    wanted = (question + chosen.sum(1)) @ buckets
    return wanted @ (memory @ buckets).T > 0
