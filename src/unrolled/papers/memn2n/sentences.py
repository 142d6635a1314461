"""How a sentence becomes a vector: bag of words, position encoding as printed and as released, time.

Both position encodings are a constant plus a product of a function of the place and one of the embedding
index. So a sentence is a weighted sum of rows of a matrix and of the same matrix times that function: a bag
of words, whatever the encoding. `sentence_bags` makes the weights once a sentence, for all of training.
"""

from typing import Any, Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

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


class Bags(NamedTuple):
    """Sentences as weighted lists of rows of a matrix; padding has weight 0."""

    rows: Int[Tensor, "sentence entry"]
    weights: Float[Tensor, "sentence entry"]

    def pick(self, sentences: Int[Tensor, " chosen"]) -> "Bags":
        """Some of the sentences."""
        return Bags(self.rows.index_select(0, sentences), self.weights.index_select(0, sentences))


def sentence_bags(
    sentences: Int[Tensor, "sentence word"],
    vocabulary: int,
    encoding: Encoding,
    longest: int,
    dtype: torch.dtype = torch.float32,
) -> Bags:
    """The bag of words of each sentence, and with a position encoding a second one, weighted by places.

    The second bag's rows stand ``vocabulary`` further down: see `embed`.

    >>> sentence_bags(torch.tensor([[2, 2, 0]]), 3, "bag", 3)
    Bags(rows=tensor([[2, 2, 0]]), weights=tensor([[1., 1., 0.]]))
    """
    real = (sentences != 0).to(dtype)
    if encoding == "bag":
        return Bags(sentences, real)
    weighted = torch.zeros_like(real)
    for row, words in enumerate(real.sum(1).long().tolist()):
        weighted[row, :words] = places(encoding, words, longest, dtype)
    return Bags(torch.cat((sentences, sentences + vocabulary), 1), torch.cat((real, weighted), 1))


def stacked(
    matrix: Float[Tensor, "vocabulary *columns embedding"], slope: Slope, encoding: Encoding
) -> Float[Tensor, "rows *columns embedding"]:
    """The rows that a bag chooses from: a matrix times the constant, and times the slope below it."""
    if encoding == "bag":
        return matrix
    return torch.cat((slope.constant * matrix, slope.index * matrix))


class _BagProduct(torch.autograd.Function):
    """Weighted sums of rows. The gradient of the rows is such a sum again, over the transposed lists."""

    generate_vmap_rule = True

    @staticmethod
    def forward(matrix: Tensor, rows: Tensor, weights: Tensor) -> Tensor:
        return functional.embedding_bag(rows, matrix, mode="sum", per_sample_weights=weights)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        ctx.save_for_backward(*inputs[1:])
        ctx.count = len(inputs[0])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _TransposedProduct.apply(gradient, *ctx.saved_tensors, ctx.count), None, None


class _TransposedProduct(torch.autograd.Function):
    """The gradient of a `_BagProduct`, whose own gradient is a `_BagProduct`."""

    generate_vmap_rule = True

    @staticmethod
    def forward(gradient: Tensor, rows: Tensor, weights: Tensor, count: int) -> Tensor:
        sorted_rows, order = rows.flatten().sort()
        starts = torch.searchsorted(sorted_rows, torch.arange(count, device=rows.device))
        return functional.embedding_bag(
            order // rows.shape[1],
            gradient.contiguous(),
            starts,
            mode="sum",
            per_sample_weights=weights.flatten()[order],
        )

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        ctx.save_for_backward(*inputs[1:3])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        return _BagProduct.apply(gradient, *ctx.saved_tensors), None, None, None


def embed(
    bags: Bags, rows: Float[Tensor, "rows *columns embedding"]
) -> Float[Tensor, "sentence *columns embedding"]:
    """Sentences as vectors under several matrices at once: `bag_of_words` and `position_encoding`, faster.

    ``rows`` is what `stacked` makes. No word's vector is ever copied, and the gradient is as cheap as the
    sum: the built-in one takes several times as long.

    >>> bags = sentence_bags(torch.tensor([[1, 2, 0]]), 3, "bag", 3)
    >>> embed(bags, torch.tensor([[9.0], [1.0], [2.0]]))
    tensor([[3.]])
    """
    product = _BagProduct.apply(rows.flatten(1), bags.rows, bags.weights)
    return product.view(bags.rows.shape[0], *rows.shape[1:])


def time_scale(
    encoding: Encoding, embedding: int, longest: int, dtype: torch.dtype = torch.float32
) -> Float[Tensor, " embedding"]:
    """What a time vector is multiplied by: 1; in the released code the position weights of its own slot."""
    if encoding != "code":
        return torch.ones(embedding, dtype=dtype)
    return position_weights_code(longest, embedding, dtype)[-1]
