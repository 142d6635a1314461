"""Global and local attention after the step, the attentional vector, and input feeding.

Weights have torch's layout, rows of an LSTM's gates its order i, f, g, o; source positions count from 0.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from unrolled.base.errors import UsageError
from unrolled.data.vocabulary import words_before
from unrolled.nn.attention import Attention, Memory, Score, context_vector, masked_softmax
from unrolled.nn.cells import LSTMState, lstm_gates
from unrolled.nn.checks import Lengths, ShapeError, check_indices, check_option
from unrolled.papers.luong_attention.encoder import Encoder, lstm
from unrolled.papers.luong_attention.windows import gaussian, outside_window, predicted_position

Kind = Literal["global", "local-m", "local-p", "none"]
"""All positions; a window that moves by one position per step, or is predicted; no attention."""


class State(NamedTuple):
    """What goes from one step of the decoder to the next."""

    h: Float[Tensor, "batch layers hidden"]
    c: Float[Tensor, "batch layers hidden"]
    attentional: Float[Tensor, "batch hidden"]  # h~ of the step before, which input feeding reads
    t: Int[Tensor, " batch"]  # words written so far, which local-m needs


class Decoded(NamedTuple):
    """A translation whose words are given: the logits of every word, and the alignment."""

    logits: Float[Tensor, "batch target vocabulary"]
    alpha: Float[Tensor, "batch target source"] | None  # None without attention


def attentional_vector(
    context: Float[Tensor, "batch size"], h: Float[Tensor, "batch hidden"], W_c: Float[Tensor, "hidden both"]
) -> Float[Tensor, "batch hidden"]:
    """What the prediction reads: context and state through one layer.

    *Paper*: luong2015effective, equation 5.

        h~_t = tanh(W_c [c_t; h_t])

    *Shapes*: as annotated, ``both`` = size + hidden.
    """
    return torch.tanh(functional.linear(torch.cat((context, h), 1), W_c))


def lstm_update(
    state: LSTMState, gates: Float[Tensor, "batch four_hidden"], W_h: Float[Tensor, "four_hidden hidden"]
) -> LSTMState:
    """The part of an LSTM step that feeds back: what does not read h stands in ``gates``.

    *Paper*: luong2015effective, equation 3, with the unit of hochreiter1997long. `torch.nn.LSTM` is the same
    for a whole sequence, and computes it where no attentional vector is fed back.
    """
    i, f, g, o = lstm_gates(torch.addmm(gates, state.h, W_h.t()))
    c = f * state.c + i * g
    return LSTMState(o * torch.tanh(c), c)


class LuongAttention(nn.Module):
    """The translation model with global or local attention, and with or without input feeding.

    *Paper*: luong2015effective, Section 3.

    *Options*: ``kind`` is one of `KINDS`, where "none" is the paper's base model; ``score`` that of
    `unrolled.nn.attention.Attention`, where "location" has ``positions`` places. ``window`` is D. ``feeding``
    gives each step the attentional vector of the one before. ``layers`` LSTM layers on both sides.
    ``bidirectional`` splits an encoder layer's units over two directions; ``reverse`` reads the source from
    its end, and weights then stand at the words' own places. An encoder layer has ``annotation`` units,
    ``hidden`` as in the paper where that is not given; where it has others, a layer makes the decoder's first
    states. ``dropout`` acts on what enters an LSTM layer and on what the output reads; ``tied`` takes the
    target embedding as W_s.

    *Shapes*: words ``[batch, source]`` and ``[batch, target]``, ``lengths`` ``[batch]`` of at least 1.

    *Departures*: architecture: the paper has four layers and reads in one direction; its weights are not
    tied. The last states of the encoder are the decoder's first ones.

    *Raises*: `UsageError` for an unknown option, or for feeding without attention; `ShapeError` for sizes or
    lengths that do not fit, and for words beyond the vocabulary; `UnrolledError` under `torch.func.vmap`:
    torch's fused LSTM has no batched form. With lengths it reads packed sequences, which cannot be exported.

    >>> model = LuongAttention((9, 7), embedding=3, hidden=4, kind="local-p", window=2)
    >>> model(torch.tensor([[5, 6, 2]]), torch.tensor([[4, 2]])).logits.shape
    torch.Size([1, 2, 7])
    """

    def __init__(
        self,
        vocabulary_sizes: tuple[int, int],
        *,
        embedding: int = 1000,
        hidden: int = 1000,
        annotation: int | None = None,
        kind: Kind = "global",
        score: Score = "general",
        window: int = 10,
        feeding: bool = True,
        layers: int = 1,
        bidirectional: bool = False,
        reverse: bool = False,
        positions: int | None = None,
        dropout: float = 0.0,
        tied: bool = False,
    ) -> None:
        super().__init__()
        check_option("kind", kind, Kind)
        check_option("score", score, Score)
        if kind == "none" and feeding:
            raise UsageError("without attention there is no attentional vector to feed")
        if tied and embedding != hidden:
            raise ShapeError(f"tied weights need an embedding of {hidden} values, not {embedding}")
        size = annotation or hidden
        self.kind, self.window, self.feeding = kind, window, feeding
        directions = {"bidirectional": bidirectional, "reverse": reverse}
        sizes = {"embedding": embedding, "units": size, "layers": layers, "dropout": dropout}
        self.encoder = Encoder(vocabulary_sizes[0], **sizes, **directions)
        self.to_start = None if size == hidden else nn.Linear(size, 2 * hidden)
        self.embedding = nn.Embedding(vocabulary_sizes[1], embedding)
        self.decoder = lstm(embedding, hidden_size=hidden, num_layers=layers, dropout=dropout)
        self.from_attentional = nn.Linear(hidden, 4 * hidden, bias=False).weight if feeding else None
        self.attention = self.W_c = self.W_p = self.v_p = None
        if kind != "none":
            sizes = {"query_size": hidden, "annotation_size": size}
            self.attention = Attention(score, **sizes, positions=positions)
            self.W_c = nn.Linear(size + hidden, hidden, bias=False).weight
        if kind == "local-p":
            self.W_p = nn.Linear(hidden, hidden, bias=False).weight
            self.v_p = nn.Parameter(nn.Linear(1, hidden, bias=False).weight.detach().squeeze(1))
        self.readout = nn.Linear(hidden, vocabulary_sizes[1], bias=False)  # W_s
        self.dropout = nn.Dropout(dropout)
        if tied:
            nn.init.normal_(self.embedding.weight, std=embedding**-0.5)
            self.readout.weight = self.embedding.weight

    def encode(
        self, source: Int[Tensor, "batch source"], lengths: Lengths | None = None
    ) -> tuple[State, Memory]:
        """The decoder's first state, and what it attends to."""
        annotations, (h, c) = self.encoder(source, lengths)
        if self.to_start is not None:
            h, c = self.to_start(h).chunk(2, 2)
            h = torch.tanh(h)
        state = State(h, c, torch.zeros_like(h[:, 0]), torch.zeros_like(source[:, 0]))
        if self.attention is not None:
            return state, self.attention.memory(annotations, lengths)
        annotations = annotations.transpose(0, 1)
        return state, Memory(annotations, annotations, torch.zeros_like(source.t(), dtype=torch.bool))

    def align(
        self,
        energy: Float[Tensor, "source batch"],
        h: Float[Tensor, "batch hidden"],
        t: Int[Tensor, " batch"],
        padding: Bool[Tensor, "source batch"],
    ) -> Float[Tensor, "source batch"]:
        """The weights for a state, by equations 7, 8 and 10."""
        if self.kind == "local-m":
            last = (~padding).sum(0) - 1  # beyond the end, the window stays at the last word
            position = torch.minimum(t, last).to(h.dtype)
        elif self.kind == "local-p":
            position = predicted_position(h, (~padding).sum(0), self.W_p, self.v_p)
        else:
            return masked_softmax(energy, padding)
        inside = masked_softmax(energy, outside_window(position, padding, self.window))
        return inside if self.kind == "local-m" else inside * gaussian(position, len(energy), self.window)

    def step(
        self, state: State, from_y: Float[Tensor, "batch four_hidden"], memory: Memory
    ) -> tuple[State, Float[Tensor, "source batch"] | None]:
        """One step: the LSTM layers, then attention with the new state, then the attentional vector."""
        gates, alpha = from_y, None
        if self.feeding:
            gates = torch.addmm(gates, state.attentional, self.from_attentional.t())  # [E y; h~]
        h, c = [], []
        for layer, before in enumerate(zip(state.h.unbind(1), state.c.unbind(1), strict=True)):
            if layer:
                gates = self.inputs(self.dropout(h[-1]), layer)
            new = lstm_update(LSTMState(*before), gates, getattr(self.decoder, f"weight_hh_l{layer}"))
            h.append(new.h)
            c.append(new.c)
        attentional = h[-1]
        if self.attention is not None:
            alpha = self.align(self.attention.energies(h[-1], memory), h[-1], state.t, memory.padding)
            attentional = attentional_vector(context_vector(alpha, memory.annotations), h[-1], self.W_c)
        return State(torch.stack(h, 1), torch.stack(c, 1), attentional, state.t + 1), alpha

    def inputs(self, x: Float[Tensor, "*batch input"], layer: int = 0) -> Float[Tensor, "*batch four_hidden"]:
        """What a layer of the decoder adds to its gates for an input: W x, with both of torch's biases."""
        W, *b = (getattr(self.decoder, f"{name}_l{layer}") for name in ("weight_ih", "bias_ih", "bias_hh"))
        return functional.linear(x, W, sum(b))

    def forward(
        self,
        source: Int[Tensor, "batch source"],
        target: Int[Tensor, "batch target"],
        lengths: Lengths | None = None,
    ) -> Decoded:
        """Read a translation whose words are given, ``target`` with the stop symbol at its end."""
        check_indices("target", target, self.embedding.num_embeddings)
        state, memory = self.encode(source, lengths)
        embedded = self.dropout(self.embedding(words_before(target)))
        if not self.feeding:
            attentional, alpha = self.without_feeding(embedded, state, memory)
        else:
            steps = []
            for from_y in self.inputs(embedded).unbind(1):
                state, alpha = self.step(state, from_y, memory)
                steps.append((state.attentional, alpha.t()))
            attentional, alpha = (torch.stack(part, 1) for part in zip(*steps, strict=True))
        return Decoded(self.readout(self.dropout(attentional)), alpha)

    def without_feeding(
        self, embedded: Float[Tensor, "batch target embedding"], state: State, memory: Memory
    ) -> tuple[Float[Tensor, "batch target hidden"], Float[Tensor, "batch target source"] | None]:
        """The same without input feeding: the LSTM does not wait for attention, which sees all its states at
        once, every target position of a sentence as a sentence of its own."""
        h, _ = self.decoder(embedded, tuple(part.transpose(0, 1).contiguous() for part in state[:2]))
        if self.attention is None:
            return h, None
        batch, time, _ = h.shape
        if self.attention.score in ("dot", "general"):
            energy = torch.bmm(memory.keys.transpose(0, 1), h.mT).transpose(0, 1).flatten(1)
        else:
            found = [self.attention.energies(query, memory) for query in h.unbind(1)]
            energy = torch.stack(found, 2).flatten(1)
        t, padding = torch.arange(time, device=h.device).repeat(batch), memory.padding
        alpha = self.align(energy, h.flatten(0, 1), t, padding.repeat_interleave(time, 1))
        alpha = alpha.t().unflatten(0, (batch, time))
        context = torch.bmm(alpha, memory.annotations.transpose(0, 1))
        return attentional_vector(context.flatten(0, 1), h.flatten(0, 1), self.W_c).view(h.shape), alpha

    def stepper(self, memory: Memory) -> Callable[[State, Tensor], tuple[State, Tensor]]:
        """The decoder as `unrolled.nn.decoding` takes it: from a state and the word before to the next."""

        def step(state: State, words: Tensor) -> tuple[State, Tensor]:
            new, _ = self.step(state, self.inputs(self.embedding(words)), memory)
            return new, self.readout(new.attentional).log_softmax(1)

        return step
