"""Global and local attention after the step, the attentional vector, and input feeding.

Weights have torch's layout, one row a unit; rows of an LSTM's gates are in torch's order i, f, g, o. Source
positions are counted from 0 and are the first axis.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from unrolled.base.errors import UsageError, unknown
from unrolled.nn.attention import Attention, Memory, context_vector, masked_softmax
from unrolled.nn.cells import LSTMState, lstm_gates
from unrolled.nn.lstm import lstm_states
from unrolled.nn.scan import ShapeError
from unrolled.papers.luong_attention.encoder import Encoder, orthogonal
from unrolled.papers.luong_attention.feeding import fed_sentence
from unrolled.papers.luong_attention.windows import gaussian, outside_window, predicted_position

START = 1
"""The symbol that the decoder reads before its first word, as `unrolled.data.vocabulary` numbers it."""

KINDS = ("global", "local-m", "local-p", "none")
"""All positions; a window that moves on by one a step; a window whose place is predicted; no attention."""


class State(NamedTuple):
    """What goes from one step of the decoder to the next."""

    h: Float[Tensor, "batch layers hidden"]
    c: Float[Tensor, "batch layers hidden"]
    attentional: Float[Tensor, "batch hidden"]  # h~ of the step before, which input feeding reads
    t: Int[Tensor, " batch"]  # words written so far, which local-m needs


class Decoded(NamedTuple):
    """A sentence read with its words given: log-odds of every word, and who looked where."""

    logits: Float[Tensor, "batch target words"]
    alpha: Float[Tensor, "batch target source"] | None


def attentional_vector(
    context: Float[Tensor, "batch annotation"],
    h: Float[Tensor, "batch hidden"],
    W_c: Float[Tensor, "hidden both"],
) -> Float[Tensor, "batch hidden"]:
    """What the prediction reads: context and state through one layer.

    *Paper*: luong2015effective, equation 5.

        h~_t = tanh(W_c [c_t; h_t])

    *Shapes*: as annotated, ``both`` = annotation + hidden.
    """
    return torch.tanh(functional.linear(torch.cat((context, h), 1), W_c))


def lstm_update(
    state: LSTMState, gates: Float[Tensor, "batch four_hidden"], W_h: Float[Tensor, "four_hidden hidden"]
) -> LSTMState:
    """The part of an LSTM step that feeds back: what does not read h stands in ``gates``.

    *Paper*: luong2015effective, equation 3, with the unit of hochreiter1997long.
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
    target embedding as W_s. ``fused`` runs a decoder with input feeding as one function where it can.

    *Shapes*: words ``[batch, source]`` and ``[batch, target]``, ``lengths`` ``[batch]``.

    *Departures*: architecture: the paper has four layers and reads in one direction; its weights are not
    tied. The last states of the encoder are the decoder's first ones.

    *Raises*: `UsageError` for an unknown kind, or for feeding without attention; `ShapeError` for sizes that
    do not fit.

    >>> model = LuongAttention((9, 7), embedding=3, hidden=4, kind="local-p", window=2)
    >>> model(torch.tensor([[5, 6, 2]]), torch.tensor([[4, 2]])).logits.shape
    torch.Size([1, 2, 7])
    """

    def __init__(
        self,
        words: tuple[int, int],
        *,
        embedding: int = 1000,
        hidden: int = 1000,
        annotation: int | None = None,
        kind: str = "global",
        score: str = "general",
        window: int = 10,
        feeding: bool = True,
        layers: int = 1,
        bidirectional: bool = False,
        reverse: bool = False,
        positions: int | None = None,
        dropout: float = 0.0,
        tied: bool = False,
        fused: bool = True,
    ) -> None:
        super().__init__()
        if kind not in KINDS:
            raise unknown("kind", kind, KINDS, listing=f"there are {', '.join(KINDS)}")
        if kind == "none" and feeding:
            raise UsageError("without attention there is no attentional vector to feed")
        if tied and embedding != hidden:
            raise ShapeError(f"tied weights need an embedding of {hidden} values, not {embedding}")
        size = annotation or hidden
        self.kind, self.window, self.feeding = kind, window, feeding
        self.dropout, self.fused = dropout, fused
        self.encoder = Encoder(
            words[0],
            embedding=embedding,
            units=size,
            layers=layers,
            bidirectional=bidirectional,
            reverse=reverse,
        )
        self.to_start = None if size == hidden else nn.Linear(size, 2 * hidden)
        self.embedding = nn.Embedding(words[1], embedding)
        self.from_y = nn.Linear(embedding, 4 * hidden)
        nn.init.zeros_(self.from_y.bias)
        self.from_attentional = nn.Parameter(_uniform(4 * hidden, hidden)) if feeding else None
        self.W_h = nn.ParameterList([orthogonal(hidden) for _ in range(layers)])
        self.W_x = nn.ParameterList([_uniform(4 * hidden, hidden) for _ in range(layers - 1)])
        self.b = nn.ParameterList([torch.zeros(4 * hidden) for _ in range(layers - 1)])
        self.attention = self.W_c = self.W_p = self.v_p = None
        if kind != "none":
            sizes = {"query_size": hidden, "annotation_size": size}
            self.attention = Attention(score, **sizes, positions=positions)
            self.W_c = nn.Parameter(_uniform(hidden, size + hidden))
        if kind == "local-p":
            self.W_p = nn.Parameter(_uniform(hidden, hidden))
            self.v_p = nn.Parameter(_uniform(hidden, 1).squeeze(1))
        self.readout = nn.Linear(hidden, words[1], bias=False)  # W_s
        if tied:
            nn.init.normal_(self.embedding.weight, std=embedding**-0.5)
            self.readout.weight = self.embedding.weight

    def encode(
        self, source: Int[Tensor, "batch source"], lengths: Int[Tensor, " batch"] | None = None
    ) -> tuple[State, Memory]:
        """The decoder's first state, and what it may look at.

        Columns that are padding for every sentence are cut off first: they change nothing.
        """
        if lengths is not None and lengths.device.type == "cpu" and len(lengths):
            source = source[:, : int(lengths.max())]
        read = self.encoder(source, lengths, self.dropout)
        h, c = read.last
        if self.to_start is not None:
            h, c = self.to_start(h).chunk(2, 2)
            h = torch.tanh(h)
        state = State(h, c, torch.zeros_like(h[:, 0]), torch.zeros_like(source[:, 0]))
        if self.attention is not None:
            return state, self.attention.memory(read.annotations, lengths)
        annotations = read.annotations.transpose(0, 1)
        return state, Memory(annotations, annotations, torch.zeros_like(source.t(), dtype=torch.bool))

    def outside(
        self, t: Int[Tensor, " batch"], padding: Bool[Tensor, "source batch"]
    ) -> Bool[Tensor, "source batch"]:
        """Where global attention and local-m may not look at a step."""
        if self.kind != "local-m":
            return padding
        last = (~padding).sum(0) - 1  # beyond the end, the window stays at the last word
        return outside_window(torch.minimum(t, last).to(self.W_c.dtype), padding, self.window)

    def align(
        self,
        energy: Float[Tensor, "source batch"],
        h: Float[Tensor, "batch hidden"],
        t: Int[Tensor, " batch"],
        padding: Bool[Tensor, "source batch"],
    ) -> Float[Tensor, "source batch"]:
        """The weights for a state, by equations 7, 8 and 10."""
        if self.kind != "local-p":
            return masked_softmax(energy, self.outside(t, padding))
        position = predicted_position(h, (~padding).sum(0), self.W_p, self.v_p)
        inside = masked_softmax(energy, outside_window(position, padding, self.window))
        return inside * gaussian(position, len(energy), self.window)

    def step(
        self, state: State, from_y: Float[Tensor, "batch four_hidden"], memory: Memory
    ) -> tuple[State, Float[Tensor, "source batch"] | None]:
        """One step: the LSTM layers, then attention with the new state, then the attentional vector."""
        gates, alpha = from_y, None
        if self.from_attentional is not None:
            gates = torch.addmm(gates, state.attentional, self.from_attentional.t())  # [E y; h~]
        h, c = [], []
        for index, W_h in enumerate(self.W_h):
            if index:
                below = functional.dropout(h[-1], self.dropout, self.training)
                gates = functional.linear(below, self.W_x[index - 1], self.b[index - 1])
            new = lstm_update(LSTMState(state.h[:, index], state.c[:, index]), gates, W_h)
            h.append(new.h)
            c.append(new.c)
        attentional = h[-1]
        if self.attention is not None:
            alpha = self.align(self.attention.energies(h[-1], memory), h[-1], state.t, memory.padding)
            context = context_vector(alpha, memory.annotations)
            attentional = attentional_vector(context, h[-1], self.W_c)
        return State(torch.stack(h, 1), torch.stack(c, 1), attentional, state.t + 1), alpha

    def forward(
        self,
        source: Int[Tensor, "batch source"],
        target: Int[Tensor, "batch target"],
        lengths: Int[Tensor, " batch"] | None = None,
    ) -> Decoded:
        """Read a translation with its words given, ``target`` with the stop symbol at its end."""
        state, memory = self.encode(source, lengths)
        before = torch.cat((torch.full_like(target[:, :1], START), target[:, :-1]), 1).t()
        embedded = functional.dropout(self.embedding(before), self.dropout, self.training)
        if not self.feeding:
            attentional, alpha = self._free(embedded, state, memory)
        elif self._fits():
            steps = torch.arange(len(before) if self.kind == "local-m" else 1, device=before.device)
            outside = torch.stack([self.outside(t.expand(len(source)), memory.padding) for t in steps])
            weights = torch.cat((self.from_attentional, self.W_h[0]), 1)
            initial = LSTMState(state.h[:, 0], state.c[:, 0])
            attentional, alpha = fed_sentence(
                self.from_y(embedded), initial, weights, self.W_c, memory, outside
            )
        else:
            found = []
            for from_y in self.from_y(embedded).unbind(0):
                state, alpha = self.step(state, from_y, memory)
                found.append((state.attentional, alpha))
            attentional, alpha = (torch.stack(part) for part in zip(*found, strict=True))
        attentional = functional.dropout(attentional.transpose(0, 1), self.dropout, self.training)
        return Decoded(self.readout(attentional), None if alpha is None else alpha.permute(2, 0, 1))

    def _fits(self) -> bool:
        """Whether `fed_sentence` covers this model; `step` covers all."""
        covered = len(self.W_h) == 1 and self.kind != "local-p" and self.attention.score in ("dot", "general")
        return covered and self.fused and not torch._C._are_functorch_transforms_active()

    def _free(self, x: Tensor, state: State, memory: Memory) -> tuple[Tensor, Tensor | None]:
        """Without input feeding only the LSTMs are a loop; attention sees all their states at once."""
        inputs = [(self.from_y.weight, self.from_y.bias), *zip(self.W_x, self.b, strict=True)]
        for index, ((W_x, b), W_h) in enumerate(zip(inputs, self.W_h, strict=True)):
            if index:
                x = functional.dropout(x, self.dropout, self.training)
            initial = LSTMState(state.h[:, index].unsqueeze(0), state.c[:, index].unsqueeze(0))
            weights = (part.unsqueeze(0) for part in (W_x, W_h, b))
            x = lstm_states(x.unsqueeze(1), initial, *weights).h[:, 0]
        if self.attention is None:
            return x, None
        flat, time = x.flatten(0, 1), len(x)
        if self.attention.score in ("dot", "general"):
            energy = torch.bmm(memory.keys.transpose(0, 1), x.permute(1, 2, 0)).permute(1, 2, 0).flatten(1)
        else:
            energy = torch.cat([self.attention.energies(h, memory) for h in x.unbind(0)], 1)
        t = torch.arange(time, device=x.device).repeat_interleave(x.shape[1])
        alpha = self.align(energy, flat, t, memory.padding.repeat(1, time)).unflatten(1, (time, -1))
        context = torch.bmm(alpha.permute(2, 1, 0), memory.annotations.transpose(0, 1)).transpose(0, 1)
        attentional = attentional_vector(context.flatten(0, 1), flat, self.W_c)
        return attentional.unflatten(0, (time, -1)), alpha.transpose(0, 1)

    def stepper(self, memory: Memory) -> Callable[[State, Tensor], tuple[State, Tensor]]:
        """The decoder as `unrolled.nn.decoding` takes it: from a state and the word before to the next."""

        def step(state: State, words: Tensor) -> tuple[State, Tensor]:
            new, _ = self.step(state, self.from_y(self.embedding(words)), memory)
            return new, self.readout(new.attentional).log_softmax(1)

        return step


def _uniform(rows: int, columns: int) -> Tensor:
    """Values as those of `torch.nn.Linear`."""
    return torch.empty(rows, columns).uniform_(-(columns**-0.5), columns**-0.5)
