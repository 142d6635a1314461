"""How a sentence becomes a vector: bag of words, position encoding as printed and as released, time.

Both position encodings are a constant plus a product of a function of the place and one of the embedding
index. So a sentence needs no more than two bags of words: its words counted, and its words weighted by their
places. `sentence_bags` makes them once a sentence, for every embedding matrix and all of training.
"""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from unrolled.base.errors import unknown

Encoding = Literal["bag", "printed", "code"]
"""Words without order; the position encoding as the paper prints it; as the released code has it."""


class Slope(NamedTuple):
    """A position encoding l = constant + place * index: what of it depends on the embedding index."""

    constant: float
    index: Float[Tensor, " embedding"]


def bag_of_words(
    words: Int[Tensor, "*sentences word"], embedding: Float[Tensor, "vocabulary embedding"]
) -> Float[Tensor, "*sentences embedding"]:
    """The sum of a sentence's word vectors; word 0 is padding and adds nothing.

    *Paper*: sukhbaatar2015end, sentence representation.

        m_i = sum_j A x_ij

    *Shapes*: as annotated; a matrix has one row a word.

    >>> bag_of_words(torch.tensor([[1, 2, 0]]), torch.tensor([[9.0], [1.0], [2.0]]))
    tensor([[3.]])
    """
    return ((words != 0).unsqueeze(-1) * embedding[words]).sum(-2)


def position_weights(
    words: int, embedding: int, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "word embedding"]:
    """The printed position encoding l, row j - 1 for word j.

    *Paper*: sukhbaatar2015end, sentence representation, position encoding.

        l_kj = (1 - j/J) - (k/d) (1 - 2j/J)

    >>> position_weights(2, 2)
    tensor([[0.5000, 0.5000],
            [0.5000, 1.0000]])
    """
    j = torch.arange(1, words + 1, dtype=dtype).unsqueeze(1) / words
    k = torch.arange(1, embedding + 1, dtype=dtype) / embedding
    return (1 - j) - k * (1 - 2 * j)


def position_product(
    words: int, embedding: int, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "word embedding"]:
    """The same numbers as a constant plus a product, which is how they are computed here.

        l_kj = 1/2 + 2 (k/d - 1/2) (j/J - 1/2)

    >>> bool((position_product(5, 4) - position_weights(5, 4)).abs().max() < 1e-6)
    True
    """
    slope = slope_of("printed", embedding, dtype)
    return slope.constant + places("printed", words, words, dtype).unsqueeze(1) * slope.index


def position_weights_code(
    words: int, embedding: int, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "word embedding"]:
    """The position encoding of the released code, about twice the printed one.

    *Paper*: none; build_model.m of facebook/MemNN.

        1 + 4 (k - (d+1)/2) (j - (J+1)/2) / (d J)

    There J is the longest sentence of the data, and one more for the word that tells the time.

    >>> position_weights_code(2, 2)
    tensor([[1.2500, 0.7500],
            [0.7500, 1.2500]])
    """
    j = torch.arange(1, words + 1, dtype=dtype).unsqueeze(1) - (words + 1) / 2
    k = torch.arange(1, embedding + 1, dtype=dtype) - (embedding + 1) / 2
    return 1 + 4 * k * j / (embedding * words)


def position_encoding(
    words: Int[Tensor, "*sentences word"],
    embedding: Float[Tensor, "vocabulary embedding"],
    weights: Float[Tensor, "word embedding"],
) -> Float[Tensor, "*sentences embedding"]:
    """The sum of a sentence's word vectors, each weighted by its place.

    *Paper*: sukhbaatar2015end, sentence representation, position encoding.

        m_i = sum_j l_j * A x_ij

    *Shapes*: as annotated; all sentences of a call have the J of ``weights``.

    >>> position_encoding(torch.tensor([1, 1]), torch.ones(2, 2), position_weights(2, 2))
    tensor([1.0000, 1.5000])
    """
    return ((words != 0).unsqueeze(-1) * embedding[words] * weights).sum(-2)


def with_time(
    memory: Float[Tensor, "*batch slot embedding"], time: Float[Tensor, "slots embedding"]
) -> Float[Tensor, "*batch slot embedding"]:
    """Memories with their time added; slot 0 is the sentence right before the question.

    *Paper*: sukhbaatar2015end, temporal encoding.

        m_i = sum_j A x_ij + T_A(i),    c_i = sum_j C x_ij + T_C(i)

    >>> with_time(torch.zeros(1, 2, 1), torch.tensor([[1.0], [2.0], [3.0]])).flatten()
    tensor([1., 2.])
    """
    return memory + time[: memory.shape[-2]]


def slope_of(encoding: Encoding, embedding: int, dtype: torch.dtype = torch.float32) -> Slope:
    """The constant of an encoding, and its function of the embedding index.

    Raises:
        UsageError: for an unknown encoding.
    """
    k = torch.arange(1, embedding + 1, dtype=dtype)
    if encoding == "bag":
        return Slope(1.0, torch.zeros(embedding, dtype=dtype))
    if encoding == "printed":
        return Slope(0.5, 2 * (k / embedding - 0.5))
    if encoding == "code":
        return Slope(1.0, 4 * (k - (embedding + 1) / 2) / embedding)
    raise unknown("encoding", encoding, ("bag", "printed", "code"))


def places(
    encoding: Encoding, words: int, longest: int, dtype: torch.dtype = torch.float32
) -> Float[Tensor, " word"]:
    """An encoding's function of the place, for the first ``words`` places.

    Args:
        encoding: which.
        words: of the sentence.
        longest: J of the released code; the printed encoding takes each sentence's own length.
        dtype: of the result.
    """
    j = torch.arange(1, words + 1, dtype=dtype)
    return j / words - 0.5 if encoding == "printed" else (j - (longest + 1) / 2) / longest


def sentence_bags(
    sentences: Int[Tensor, "sentence word"],
    vocabulary: int,
    encoding: Encoding,
    longest: int,
    dtype: torch.dtype = torch.float32,
) -> Float[Tensor, "sentence features"]:
    """The two bags of words of each sentence side by side: counts, and counts weighted by places.

    A bag of words alone has no second half. Padding leaves a bag as it is, to the last bit.

    *Shapes*: ``features`` is ``vocabulary``, or twice that with a position encoding.

    >>> sentence_bags(torch.tensor([[2, 2, 0]]), 3, "bag", 3)
    tensor([[0., 0., 2.]])
    """
    real = sentences != 0
    counts = torch.zeros(len(sentences), vocabulary, dtype=dtype)
    counts.scatter_add_(1, sentences, real.to(dtype))
    if encoding == "bag":
        return counts
    weighted = torch.zeros_like(counts)
    for words in real.sum(1).unique().tolist():
        rows = (real.sum(1) == words).nonzero()[:, 0]
        place = places(encoding, words, longest, dtype).expand(len(rows), words)
        weighted[rows] = weighted[rows].scatter_add(1, sentences[rows, :words], place)
    return torch.cat((counts, weighted), dim=1)


def time_scale(
    encoding: Encoding, embedding: int, longest: int, dtype: torch.dtype = torch.float32
) -> Float[Tensor, " embedding"]:
    """What a time vector is multiplied by: 1; in the released code the position weights of its own slot."""
    if encoding != "code":
        return torch.ones(embedding, dtype=dtype)
    return position_weights_code(longest, embedding, dtype)[-1]


def filled(story: Int[Tensor, "batch slot"]) -> Bool[Tensor, "batch slot"]:
    """Which slots hold a sentence."""
    return story != 0
