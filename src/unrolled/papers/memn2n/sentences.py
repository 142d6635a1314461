"""How a sentence becomes a vector: bag of words, position encoding as printed and as released, time."""

from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import embedding as rows

from unrolled.base.errors import unknown

Encoding = Literal["bag", "printed", "code"]
"""Words without order; the position encoding as the paper prints it; as the released code has it."""


def bag_of_words(
    words: Int[Tensor, "*sentences word"], embedding: Float[Tensor, "vocabulary *matrices embedding"]
) -> Float[Tensor, "... embedding"]:
    """The sum of a sentence's word vectors; word 0 is padding and adds nothing.

    *Paper*: sukhbaatar2015end, sentence representation.

        m_i = sum_j A x_ij

    *Shapes*: as annotated; a matrix has one row per word, or several side by side have.

    >>> bag_of_words(torch.tensor([[1, 2, 0]]), torch.tensor([[9.0], [1.0], [2.0]]))
    tensor([[3.]])
    """
    real = (words != 0).to(embedding.dtype).unsqueeze(-1)
    return position_encoding(words, embedding, real.expand(*words.shape, embedding.shape[-1]))


def position_encoding(
    words: Int[Tensor, "*sentences word"],
    embedding: Float[Tensor, "vocabulary *matrices embedding"],
    weights: Float[Tensor, "*#sentences word embedding"],
) -> Float[Tensor, "... embedding"]:
    """The sum of a sentence's word vectors, each multiplied by the weights of its position.

    *Paper*: sukhbaatar2015end, sentence representation, position encoding.

        m_i = sum_j l_j * A x_ij

    *Shapes*: as annotated; ``weights`` may be the same for all sentences. Word 0 is padding.

    >>> position_encoding(torch.tensor([1, 1]), torch.ones(2, 2), position_weights(2, 2))
    tensor([1.0000, 1.5000])
    """
    weights = (weights * (words != 0).unsqueeze(-1)).unsqueeze(-2)
    vectors = rows(words, embedding.flatten(1)).unflatten(-1, (-1, embedding.shape[-1]))
    return (vectors * weights).sum(-3).reshape(*words.shape[:-1], *embedding.shape[1:])


def position_weights(
    words: int, embedding: int, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "word embedding"]:
    """The printed position encoding l, row j - 1 for word j.

    *Paper*: sukhbaatar2015end, sentence representation, position encoding.

        l_kj = (1 - j/J) - (k/d) (1 - 2j/J) = 1/2 + 2 (k/d - 1/2) (j/J - 1/2)

    >>> position_weights(2, 2)
    tensor([[0.5000, 0.5000],
            [0.5000, 1.0000]])
    """
    j = torch.arange(1, words + 1, dtype=dtype).unsqueeze(1) / words
    k = torch.arange(1, embedding + 1, dtype=dtype) / embedding
    return (1 - j) - k * (1 - 2 * j)


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


def weights_by_length(
    encoding: Encoding, words: int, embedding: int, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "length word embedding"]:
    """The position weights of sentences of 0 to ``words`` words, zero behind their ends.

    The printed encoding takes each sentence's own length for J. That of the released code has the same J
    for all, and what it gives to the slot of the time word is `time_weights`.

    Raises:
        UsageError: for an unknown encoding.
    """
    if encoding not in ("bag", "printed", "code"):
        raise unknown("encoding", encoding, ("bag", "printed", "code"))
    found = torch.zeros(words + 1, words, embedding, dtype=dtype)
    for length in range(1, words + 1):
        found[length, :length] = {
            "bag": lambda n: torch.ones(n, embedding, dtype=dtype),
            "printed": lambda n: position_weights(n, embedding, dtype),
            "code": lambda n: position_weights_code(words + 1, embedding, dtype)[:n],
        }[encoding](length)
    return found
