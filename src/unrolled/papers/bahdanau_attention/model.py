"""RNNsearch: a bidirectional encoder, a decoder that aligns while it translates, and a maxout output.

Everything that does not feed back stands outside the loop: keys, embeddings and their products, the deep
output and the projection on the vocabulary. Weights have torch's layout, rows of gates its order r, z, n.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from unrolled.nn.attention import Attention, Memory
from unrolled.nn.gru import GRU, Bidirectional, BiGRU, Recurrent, gru_update, recurrent
from unrolled.nn.gru_loop import gru_sequence
from unrolled.nn.scan import ShapeError, scan
from unrolled.papers.bahdanau_attention.loop import Looked, Weights, decoder_loop

START = 1
"""The symbol that the decoder reads before its first word, as `unrolled.data.vocabulary` numbers it."""


class Glance(NamedTuple):
    """What a step of the decoder gives beside its state: the context, and the weights that made it."""

    context: Float[Tensor, "batch two_hidden"]
    alpha: Float[Tensor, "source batch"]


class Decoded(NamedTuple):
    """A sentence read with its words given: log-odds of every word, and who looked where."""

    logits: Float[Tensor, "batch target words"]
    alpha: Float[Tensor, "batch target source"] | None
    context: Float[Tensor, "batch target two_hidden"]


def decoder_step(
    s: Float[Tensor, "batch hidden"],
    from_y: Float[Tensor, "batch three_hidden"],
    weights: Recurrent,
    weight_context: Float[Tensor, "three_hidden two_hidden"],
    look: Callable[[Tensor], Glance],
) -> tuple[Float[Tensor, "batch hidden"], Glance]:
    """One step of the decoder: look at the source with the old state, then move on.

    *Paper*: bahdanau2015neural, Section 3.1 and Appendix A.2.2.

        c_i = sum_j alpha_ij h_j                                     with alpha_i from s_{i-1}
        r_i = sigma(W_r E y_{i-1} + U_r s_{i-1} + C_r c_i)           z_i alike
        s~_i = tanh(W E y_{i-1} + U [r_i * s_{i-1}] + C c_i)
        s_i = (1 - z_i) * s_{i-1} + z_i * s~_i

    *Shapes*: as annotated, ``three_hidden`` = 3 ``hidden`` in the order r, z, n. ``from_y`` is W E y_{i-1}
    with the biases, made for all steps at once; ``look`` makes the context from a state.

    *Departures*: biases, which the paper leaves out in print, are kept.

    >>> glance = Glance(torch.zeros(1, 2), torch.ones(1, 1))
    >>> weights = recurrent(torch.zeros(3, 1)), torch.zeros(3, 2)
    >>> decoder_step(torch.ones(1, 1), torch.zeros(1, 3), *weights, lambda s: glance)[0]
    tensor([[0.5000]])
    """
    glance = look(s)
    given = torch.addmm(from_y, glance.context, weight_context.t())
    return gru_update(s, given, weights, reset="before", update="take"), glance


def maxout(total: Float[Tensor, "*batch two_units"]) -> Float[Tensor, "*batch units"]:
    """The larger of each two neighbours.

    *Paper*: bahdanau2015neural, Appendix A.2.2; goodfellow2013maxout.

        t_j = max(t~_{2j-1}, t~_{2j})

    *Shapes*: as annotated, ``two_units`` = 2 ``units``.

    >>> maxout(torch.tensor([1.0, 4.0, 3.0, 2.0]))
    tensor([4., 3.])
    """
    pairs = total.unflatten(-1, (-1, 2))
    return torch.maximum(pairs[..., 0], pairs[..., 1])


class Encoder(nn.Module):
    """Reads a source from both sides: the annotation of a word has seen what comes before and what after.

    *Paper*: bahdanau2015neural, Section 3.2, equation 7 and Appendix A.2.1.

    *Shapes*: words ``[batch, source]``, ``lengths`` ``[batch]``.

    >>> Encoder(words=9, embedding=3, hidden=4)(torch.tensor([[5, 6, 2]])).h.shape
    torch.Size([1, 3, 8])
    """

    def __init__(self, words: int, embedding: int, hidden: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, embedding)
        self.layer = BiGRU(embedding, hidden, reset="before", update="take")

    def forward(
        self,
        source: Int[Tensor, "batch source"],
        lengths: Int[Tensor, " batch"] | None = None,
        dropout: float = 0.0,
    ) -> Bidirectional:
        """The annotations h of all words, and the state at the end of each reading."""
        return self.layer(functional.dropout(self.embedding(source), dropout, self.training), lengths)


class RNNsearch(nn.Module):
    """The translation model with attention, and with ``fixed`` the one without it.

    *Paper*: bahdanau2015neural, Section 3 and Appendix A.

    *Options*: ``fixed``: the context of every step is the pair of the encoder's last states, [h_Tx from the
    left; h_1 from the right], and nothing is aligned. ``output_state``: which state the output layer reads,
    the "previous" one as in the appendix or the "current" one as in equation 4. ``dropout`` acts on both
    embeddings and on the maxout units; ``tied`` takes the target embedding as output weights.

    *Shapes*: words ``[batch, source]`` and ``[batch, target]``, ``lengths`` ``[batch]``.

    *Departures*: architecture: the paper has neither dropout nor tied weights. Its fixed-vector model reads
    forwards only; here it has the same encoder, so that only the context differs.

    *Raises*: `ShapeError` where tied weights do not fit.

    >>> model = RNNsearch(words=(9, 7), embedding=3, hidden=4)
    >>> model(torch.tensor([[5, 6, 2]]), torch.tensor([[4, 2]])).logits.shape
    torch.Size([1, 2, 7])
    """

    def __init__(
        self,
        words: tuple[int, int],
        *,
        embedding: int = 620,
        hidden: int = 1000,
        alignment: int | None = None,
        maxout: int | None = None,
        fixed: bool = False,
        output_state: Literal["previous", "current"] = "previous",
        dropout: float = 0.0,
        tied: bool = False,
        fast: bool = True,
    ) -> None:
        super().__init__()
        units = maxout or hidden // 2
        if tied and units != embedding:
            raise ShapeError(f"tied weights need as many maxout units as the embedding has, not {units}")
        self.fixed, self.output_state, self.dropout, self.fast = fixed, output_state, dropout, fast
        self.encoder = Encoder(words[0], embedding, hidden)
        self.attention = None
        if not fixed:
            self.attention = Attention(
                "additive",
                query_size=hidden,
                annotation_size=2 * hidden,
                alignment_size=alignment or hidden,
            )
        self.embedding = nn.Embedding(words[1], embedding)
        self.to_start = nn.Linear(hidden, hidden)  # W_s
        self.from_y = nn.Linear(embedding, 3 * hidden)  # W, W_z, W_r
        self.weight_hidden = nn.Parameter(GRU(1, hidden).W_h.detach().clone())  # U, U_z, U_r: orthogonal
        self.weight_context = nn.Parameter(_normal(3 * hidden, 2 * hidden))  # C, C_z, C_r
        self.output_y = nn.Linear(embedding, 2 * units)  # V_o
        self.output_state_weight = nn.Parameter(_normal(2 * units, hidden))  # U_o
        self.output_context = nn.Parameter(_normal(2 * units, 2 * hidden))  # C_o
        self.readout = nn.Linear(units, words[1])  # W_o
        if tied:
            nn.init.normal_(self.embedding.weight, std=embedding**-0.5)
            self.readout.weight = self.embedding.weight

    def encode(
        self, source: Int[Tensor, "batch source"], lengths: Int[Tensor, " batch"] | None = None
    ) -> tuple[Float[Tensor, "batch hidden"], Memory]:
        """The decoder's first state, s_0 = tanh(W_s h_1) of the backward reading, and what it may look at.

        Columns that are padding for every sentence are cut off first: they change nothing.
        """
        if lengths is not None and lengths.device.type == "cpu" and len(lengths):
            source = source[:, : int(lengths.max())]
        found = self.encoder(source, lengths, self.dropout)
        s_0 = torch.tanh(self.to_start(found.backward))
        if self.attention is not None:
            return s_0, self.attention.memory(found.h, lengths)
        both = torch.cat((found.forward, found.backward), 1).unsqueeze(0)
        return s_0, Memory(both, both, both.new_zeros(both.shape[:2], dtype=torch.bool))

    def look(self, s: Tensor, memory: Memory) -> Glance:
        """The context for a state: under the alignment, or the one fixed vector."""
        if self.attention is None:
            return Glance(memory.annotations[0], (~memory.padding).to(s.dtype))
        context, alpha, _ = self.attention(s, memory)
        return Glance(context, alpha)

    def output(self, s: Tensor, from_embedding: Tensor, context: Tensor) -> Tensor:
        """Log-odds of the words: the deep output with its maxout units, for one step or for all at once."""
        total = functional.linear(s, self.output_state_weight) + self.output_y(from_embedding)
        total = total + functional.linear(context, self.output_context)
        return self.readout(functional.dropout(maxout(total), self.dropout, self.training))

    def forward(
        self,
        source: Int[Tensor, "batch source"],
        target: Int[Tensor, "batch target"],
        lengths: Int[Tensor, " batch"] | None = None,
    ) -> Decoded:
        """Read a translation with its words given, ``target`` with the stop symbol at its end."""
        s_0, memory = self.encode(source, lengths)
        before = torch.cat((torch.full_like(target[:, :1], START), target[:, :-1]), 1)
        embedded = functional.dropout(self.embedding(before), self.dropout, self.training).transpose(0, 1)

        states, context, alpha = self.decode(self.from_y(embedded), s_0, memory)
        if self.output_state == "previous":
            states = torch.cat((s_0.unsqueeze(0), states[:-1]))
        logits = self.output(states, embedded, context)
        alpha = None if self.fixed else alpha.permute(2, 0, 1)
        return Decoded(logits.transpose(0, 1), alpha, context.transpose(0, 1))

    def decode(
        self,
        from_y: Float[Tensor, "target batch three_hidden"],
        s_0: Float[Tensor, "batch hidden"],
        memory: Memory,
    ) -> Looked:
        """States, contexts and weights of all steps.

        `decoder_step` again and again; while gradients are asked for, and with ``fast``, the same by the loop
        that has them written by hand. A fixed context needs nothing but a GRU.
        """
        weights = recurrent(self.weight_hidden)
        if not (self.fast and torch.is_grad_enabled() and len(from_y)):

            def look(s: Tensor) -> Glance:
                return self.look(s, memory)

            states, _, glances = scan(decoder_step, from_y, s_0, weights, self.weight_context, look)
            return Looked(states, *glances)
        if self.attention is not None:
            attention, gates = self.attention, weights[:2]
            own = Weights(attention.weight_query, attention.v_a, *gates, self.weight_context)
            return decoder_loop(from_y, s_0, own, *memory)
        context = memory.annotations[0].expand(len(from_y), -1, -1)
        given = from_y + functional.linear(memory.annotations[0], self.weight_context)
        states = gru_sequence(given, s_0, weights, before=True, take=True)
        return Looked(states, context, context.new_ones(len(from_y), 1, len(s_0)))

    def stepper(self, memory: Memory) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """The decoder as `unrolled.nn.decoding` takes it: from a state and the word before to the next."""

        def step(s: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
            embedded = self.embedding(words)
            weights = recurrent(self.weight_hidden), self.weight_context
            new, glance = decoder_step(s, self.from_y(embedded), *weights, lambda s: self.look(s, memory))
            read = s if self.output_state == "previous" else new
            return new, self.output(read, embedded, glance.context).log_softmax(1)

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
