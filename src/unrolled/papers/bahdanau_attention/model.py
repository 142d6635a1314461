"""RNNsearch: a bidirectional encoder, a decoder that aligns while it translates, and a maxout output.

Everything that does not feed back stands outside the loop: keys, embeddings and their products, the deep
output and the projection on the vocabulary. Weights have torch's layout, rows of gates its order r, z, n.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from unrolled.data.vocabulary import words_before
from unrolled.nn.attention import Attended, Attention, Memory
from unrolled.nn.checks import Lengths, ShapeError, check_indices, check_option
from unrolled.nn.gru import GRU, Bidirectional, BiGRU, Recurrent, gru_update, recurrent
from unrolled.nn.maxout import maxout

OutputState = Literal["previous", "current"]
"""Whether the output layer reads the decoder's state before the step or after it."""


class Decoded(NamedTuple):
    """A translation whose words are given: the logits of every word, the alignment and the contexts."""

    logits: Float[Tensor, "batch target vocabulary"]
    alpha: Float[Tensor, "batch target source"] | None  # None where the context is fixed
    context: Float[Tensor, "batch target two_hidden"]


def decoder_step(
    s: Float[Tensor, "batch hidden"],
    from_y: Float[Tensor, "batch three_hidden"],
    weights: Recurrent,
    weight_context: Float[Tensor, "three_hidden two_hidden"],
    attend: Callable[[Tensor], Attended],
) -> tuple[Float[Tensor, "batch hidden"], Attended]:
    """One step of the decoder: attend to the source with the old state, then move on.

    *Paper*: bahdanau2015neural, Section 3.1 and Appendix A.2.2.

        c_i = sum_j alpha_ij h_j                                     with alpha_i from s_{i-1}
        r_i = sigma(W_r E y_{i-1} + U_r s_{i-1} + C_r c_i)           z_i alike
        s~_i = tanh(W E y_{i-1} + U [r_i * s_{i-1}] + C c_i)
        s_i = (1 - z_i) * s_{i-1} + z_i * s~_i

    *Shapes*: as annotated, ``three_hidden`` = 3 ``hidden`` in the order r, z, n. ``from_y`` is W E y_{i-1}
    with the biases, made for all steps at once; ``attend`` makes the context from a state.

    *Departures*: biases, which the paper leaves out in print, are kept.

    >>> attended = Attended(torch.zeros(1, 2), torch.ones(1, 1), torch.zeros(1, 1))
    >>> weights = recurrent(torch.zeros(3, 1)), torch.zeros(3, 2)
    >>> decoder_step(torch.ones(1, 1), torch.zeros(1, 3), *weights, lambda s: attended)[0]
    tensor([[0.5000]])
    """
    attended = attend(s)
    given = torch.addmm(from_y, attended.context, weight_context.t())
    return gru_update(s, given, weights, reset="before", update="take"), attended


class Encoder(nn.Module):
    """Reads a source from both sides: the annotation of a word has seen what comes before and what after.

    *Paper*: bahdanau2015neural, Section 3.2, equation 7 and Appendix A.2.1.

    *Shapes*: words ``[batch, source]``, ``lengths`` ``[batch]`` of at least 1.

    >>> Encoder(9, embedding=3, hidden=4)(torch.tensor([[5, 6, 2]])).h.shape
    torch.Size([1, 3, 8])
    """

    def __init__(self, vocabulary_size: int, embedding: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, embedding)
        self.layer = BiGRU(embedding, hidden, reset="before", update="take")
        self.dropout = nn.Dropout(dropout)

    def forward(self, source: Int[Tensor, "batch source"], lengths: Lengths | None = None) -> Bidirectional:
        """The annotations h of all words, and the state at the end of each reading."""
        check_indices("source", source, self.embedding.num_embeddings)
        return self.layer(self.dropout(self.embedding(source)), lengths)


class RNNsearch(nn.Module):
    """The translation model with attention, and with ``fixed`` the one without it.

    *Paper*: bahdanau2015neural, Section 3 and Appendix A.

    *Options*: ``fixed``: the context of every step is the pair of the encoder's last states, [h_Tx from the
    left; h_1 from the right], and nothing is aligned. ``output_state``: which state the output layer reads,
    the "previous" one as in the appendix or the "current" one as in equation 4. ``dropout`` acts on both
    embeddings and on the maxout units; ``tied`` takes the target embedding as output weights.

    *Shapes*: words ``[batch, source]`` and ``[batch, target]``, ``lengths`` ``[batch]`` of at least 1.

    *Departures*: architecture: the paper has neither dropout nor tied weights. Its fixed-vector model reads
    forwards only; here it has the same encoder, so that only the context differs.

    *Raises*: `ShapeError` where tied weights do not fit, for lengths that are not between 1 and the size of
    the source, and for words beyond the vocabulary; `UsageError` for an unknown ``output_state``.

    >>> model = RNNsearch((9, 7), embedding=3, hidden=4)
    >>> model(torch.tensor([[5, 6, 2]]), torch.tensor([[4, 2]])).logits.shape
    torch.Size([1, 2, 7])
    """

    def __init__(
        self,
        vocabulary_sizes: tuple[int, int],
        *,
        embedding: int = 620,
        hidden: int = 1000,
        alignment: int | None = None,
        maxout: int | None = None,
        fixed: bool = False,
        output_state: OutputState = "previous",
        dropout: float = 0.0,
        tied: bool = False,
    ) -> None:
        super().__init__()
        units = maxout or hidden // 2
        if tied and units != embedding:
            raise ShapeError(f"tied weights need as many maxout units as the embedding has, not {units}")
        check_option("output_state", output_state, OutputState)
        self.output_state = output_state
        self.encoder = Encoder(vocabulary_sizes[0], embedding, hidden, dropout)
        sizes = {"query_size": hidden, "annotation_size": 2 * hidden, "alignment_size": alignment or hidden}
        self.attention = None if fixed else Attention("additive", **sizes)
        self.embedding = nn.Embedding(vocabulary_sizes[1], embedding)
        self.to_start = nn.Linear(hidden, hidden)  # W_s
        self.from_y = nn.Linear(embedding, 3 * hidden)  # W_r, W_z, W
        self.weight_hidden = nn.Parameter(GRU(1, hidden).W_h.detach().clone())  # U_r, U_z, U: orthogonal
        self.weight_context = nn.Parameter(_normal(3 * hidden, 2 * hidden))  # C_r, C_z, C
        self.output_y = nn.Linear(embedding, 2 * units)  # V_o
        self.output_state_weight = nn.Parameter(_normal(2 * units, hidden))  # U_o
        self.output_context = nn.Parameter(_normal(2 * units, 2 * hidden))  # C_o
        self.readout = nn.Linear(units, vocabulary_sizes[1])  # W_o
        self.dropout = nn.Dropout(dropout)
        if tied:
            nn.init.normal_(self.embedding.weight, std=embedding**-0.5)
            self.readout.weight = self.embedding.weight

    def encode(
        self, source: Int[Tensor, "batch source"], lengths: Lengths | None = None
    ) -> tuple[Float[Tensor, "batch hidden"], Memory]:
        """The decoder's first state, s_0 = tanh(W_s h_1) of the backward reading, and what it attends to."""
        read = self.encoder(source, lengths)
        s_0 = torch.tanh(self.to_start(read.backward))
        if self.attention is not None:
            return s_0, self.attention.memory(read.h, lengths)
        both = torch.cat((read.forward, read.backward), 1).unsqueeze(0)
        return s_0, Memory(both, both, both.new_zeros(both.shape[:2], dtype=torch.bool))

    def attend(self, s: Float[Tensor, "batch hidden"], memory: Memory) -> Attended:
        """The context for a state: by the alignment, or the one fixed vector."""
        if self.attention is not None:
            return self.attention(s, memory)
        everything = torch.ones_like(memory.padding, dtype=s.dtype)
        return Attended(memory.annotations[0], everything, everything)

    def output(
        self,
        s: Float[Tensor, "*time batch hidden"],
        embedded: Float[Tensor, "*time batch embedding"],
        context: Float[Tensor, "*time batch two_hidden"],
    ) -> Float[Tensor, "*time batch vocabulary"]:
        """The logits of the words: the deep output with its maxout units, for one step or for all at once."""
        total = functional.linear(s, self.output_state_weight) + self.output_y(embedded)
        total = total + functional.linear(context, self.output_context)
        return self.readout(self.dropout(maxout(total)))

    def forward(
        self,
        source: Int[Tensor, "batch source"],
        target: Int[Tensor, "batch target"],
        lengths: Lengths | None = None,
    ) -> Decoded:
        """Read a translation whose words are given, ``target`` with the stop symbol at its end."""
        check_indices("target", target, self.embedding.num_embeddings)
        s, memory = self.encode(source, lengths)
        embedded = self.dropout(self.embedding(words_before(target))).transpose(0, 1)
        weights, attend = recurrent(self.weight_hidden), partial(self.attend, memory=memory)
        states, contexts, alphas = [s], [], []
        for from_y in self.from_y(embedded).unbind(0):
            s, (context, alpha, _) = decoder_step(s, from_y, weights, self.weight_context, attend)
            states.append(s)
            contexts.append(context)
            alphas.append(alpha)
        context, read = torch.stack(contexts), states[:-1] if self.output_state == "previous" else states[1:]
        logits = self.output(torch.stack(read), embedded, context)
        alpha = None if self.attention is None else torch.stack(alphas).permute(2, 0, 1)
        return Decoded(logits.transpose(0, 1), alpha, context.transpose(0, 1))

    def stepper(self, memory: Memory) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """The decoder as `unrolled.nn.decoding` takes it: from a state and the word before to the next."""
        weights, attend = recurrent(self.weight_hidden), partial(self.attend, memory=memory)

        def step(s: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
            embedded = self.embedding(words)
            new, (context, *_) = decoder_step(s, self.from_y(embedded), weights, self.weight_context, attend)
            read = s if self.output_state == "previous" else new
            return new, self.output(read, embedded, context).log_softmax(1)

        return step


@torch.no_grad()
def initialise_as_the_paper(model: RNNsearch) -> RNNsearch:
    """Set the initial values that the paper gives: orthogonal recurrent matrices; W_a and U_a Gaussian with
    standard deviation 0.001; v_a and all biases 0; everything else Gaussian with 0.01.

    *Paper*: bahdanau2015neural, Appendix B.1.
    """
    for name, parameter in model.named_parameters():
        if name.endswith(("W_h", "weight_hidden")):
            for block in parameter.chunk(3):
                block.copy_(nn.init.orthogonal_(torch.empty_like(block)))
        elif name in ("attention.weight_query", "attention.weight_key"):
            nn.init.normal_(parameter, std=0.001)
        elif parameter.ndim == 1:
            nn.init.zeros_(parameter)
        else:
            nn.init.normal_(parameter, std=0.01)
    return model


def _normal(rows: int, columns: int) -> Tensor:
    return columns**-0.5 * torch.randn(rows, columns)
