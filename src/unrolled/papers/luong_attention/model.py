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

from unrolled.base.errors import unknown
from unrolled.nn.attention import Attention, Memory, context_vector, masked_softmax
from unrolled.nn.cells import LSTM, LSTMState, lstm_gates
from unrolled.nn.scan import map_tensors, scan

START = 1
"""The symbol that the decoder reads before its first word, as `unrolled.data.vocabulary` numbers it."""

KINDS = ("global", "local-m", "local-p")
"""All positions; a window that moves on by one a step; a window whose place is predicted."""


class Stack(NamedTuple):
    """The state of a stack of LSTM layers."""

    h: Float[Tensor, "batch layers hidden"]
    c: Float[Tensor, "batch layers hidden"]


class State(NamedTuple):
    """What goes from one step of the decoder to the next."""

    stack: Stack
    attentional: Float[Tensor, "batch hidden"]  # h~ of the step before, which input feeding reads


class Given(NamedTuple):
    """What a step reads: the word's part of the first layer's gates, and the number of the step."""

    from_y: Float[Tensor, "batch four_hidden"]
    t: Int[Tensor, " one"]


class Glance(NamedTuple):
    """What a step gives out: the attentional vector and the weights that made it."""

    attentional: Float[Tensor, "batch hidden"]
    alpha: Float[Tensor, "source batch"]


class Decoded(NamedTuple):
    """A sentence read with its words given: log-odds of every word, and who looked where."""

    logits: Float[Tensor, "batch target words"]
    alpha: Float[Tensor, "batch target source"]


def predicted_position(
    h: Float[Tensor, "batch hidden"],
    lengths: Int[Tensor, " batch"],
    W_p: Float[Tensor, "units hidden"],
    v_p: Float[Tensor, " units"],
) -> Float[Tensor, " batch"]:
    """Where the window of local-p stands, somewhere between the source's ends.

    *Paper*: luong2015effective, equation 9.

        p_t = S sigmoid(v_p^T tanh(W_p h_t))

    *Shapes*: as annotated; ``lengths`` are S.

    >>> predicted_position(torch.zeros(1, 2), torch.tensor([6]), torch.zeros(3, 2), torch.zeros(3))
    tensor([3.])
    """
    return lengths * torch.sigmoid(torch.tanh(functional.linear(h, W_p)) @ v_p)


def outside_window(
    position: Float[Tensor, " batch"], padding: Bool[Tensor, "source batch"], D: int
) -> Bool[Tensor, "source batch"]:
    """True where a position is no word, or more than D words from the window's middle.

    *Paper*: luong2015effective, Section 3.2.

    *Departures*: unspecified: the position is a real number and the window has 2D + 1 words; its middle is
    the position without its fraction, as in the released code.

    >>> outside_window(torch.tensor([2.7]), torch.zeros(6, 1, dtype=torch.bool), D=1).T.int()
    tensor([[1, 0, 0, 0, 1, 1]], dtype=torch.int32)
    """
    s = torch.arange(len(padding), device=position.device)[:, None]
    return padding | ((s - position.detach().floor()).abs() > D)


def gaussian(position: Float[Tensor, " batch"], source: int, D: int) -> Float[Tensor, "source batch"]:
    """The factor by which local-p favours words near its position; it is not renormalised.

    *Paper*: luong2015effective, equation 10.

        exp(-(s - p_t)^2 / (2 sigma^2)),  sigma = D / 2

    >>> gaussian(torch.tensor([2.0]), source=5, D=2).T.round(decimals=4)
    tensor([[0.1353, 0.6065, 1.0000, 0.6065, 0.1353]])
    """
    s = torch.arange(source, device=position.device)[:, None]
    return torch.exp(-2 * (s - position).square() / D**2)


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


class LuongAttention(nn.Module):
    """The translation model with global or local attention, and with or without input feeding.

    *Paper*: luong2015effective, Section 3.

    *Options*: ``kind`` is one of `KINDS`; ``score`` that of `unrolled.nn.attention.Attention`, where
    "location" has ``positions`` places. ``window`` is D. ``feeding`` gives each step the attentional vector
    of the one before. ``layers`` LSTM layers on both sides; ``bidirectional`` splits an encoder layer's units
    over two directions. ``reverse`` reads the source from its end; weights then stand at the words' own
    places.

    *Shapes*: words ``[batch, source]`` and ``[batch, target]``, ``lengths`` ``[batch]``.

    *Departures*: architecture: the paper has four layers and reads in one direction; the last states of the
    encoder are the decoder's first ones in both.

    *Raises*: `UsageError` for an unknown kind.

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
        kind: str = "global",
        score: str = "general",
        window: int = 10,
        feeding: bool = True,
        layers: int = 1,
        bidirectional: bool = False,
        reverse: bool = False,
        positions: int | None = None,
    ) -> None:
        super().__init__()
        if kind not in KINDS:
            raise unknown("kind", kind, KINDS, listing=f"there are {', '.join(KINDS)}")
        self.kind, self.window, self.feeding = kind, window, feeding
        self.bidirectional, self.reverse = bidirectional, reverse
        self.source_embedding, self.embedding = (
            nn.Embedding(words[0], embedding),
            nn.Embedding(words[1], embedding),
        )
        half = hidden // 2 if bidirectional else hidden
        sizes = [embedding] + [hidden] * (layers - 1)
        self.left = nn.ModuleList([LSTM(size, half) for size in sizes])
        self.right = nn.ModuleList([LSTM(size, half) for size in sizes] if bidirectional else [])
        self.from_y = nn.Linear(embedding, 4 * hidden)
        self.from_attentional = nn.Parameter(_uniform(4 * hidden, hidden)) if feeding else None
        self.W_h = nn.ParameterList([_uniform(4 * hidden, hidden) for _ in range(layers)])
        self.W_x = nn.ParameterList([_uniform(4 * hidden, hidden) for _ in range(layers - 1)])
        self.b = nn.ParameterList([torch.zeros(4 * hidden) for _ in range(layers - 1)])
        self.attention = Attention(score, query_size=hidden, annotation_size=hidden, positions=positions)
        self.W_p = nn.Parameter(_uniform(hidden, hidden)) if kind == "local-p" else None
        self.v_p = nn.Parameter(_uniform(hidden, 1).squeeze(1)) if kind == "local-p" else None
        self.W_c = nn.Parameter(_uniform(hidden, 2 * hidden))
        self.readout = nn.Linear(hidden, words[1], bias=False)  # W_s

    def encode(
        self, source: Int[Tensor, "batch source"], lengths: Int[Tensor, " batch"] | None = None
    ) -> tuple[State, Memory, Int[Tensor, " batch"]]:
        """The decoder's first state, what it may look at, and how long each source is."""
        if lengths is None:
            lengths = source.new_full((len(source),), source.shape[1])
        if self.reverse:
            source = turned(source, lengths)
        x, h, c = self.source_embedding(source), [], []
        for index, layer in enumerate(self.left):
            states, last = layer(x, lengths)
            if self.bidirectional:
                back, other = self.right[index](turned(x, lengths), lengths)
                states = torch.cat((states, turned(back, lengths)), 2)
                last = map_tensors(lambda *pair: torch.cat(pair, 1), last, other)
            x = states
            h.append(last.h)
            c.append(last.c)
        if self.reverse:
            x = turned(x, lengths)
        state = State(Stack(torch.stack(h, 1), torch.stack(c, 1)), torch.zeros_like(h[0]))
        return state, self.attention.memory(x, lengths), lengths

    def attend(
        self, h: Tensor, memory: Memory, lengths: Tensor, t: Tensor
    ) -> tuple[Float[Tensor, "batch annotation"], Float[Tensor, "source batch"]]:
        """The context and the weights for a state, by equations 7, 8 and 10."""
        energy = self.attention.energies(h, memory)
        if self.kind == "global":
            alpha = masked_softmax(energy, memory.padding)
        elif self.kind == "local-m":
            position = torch.minimum(t.to(lengths), lengths - 1).to(h.dtype)  # beyond the end, the last word
            alpha = masked_softmax(energy, outside_window(position, memory.padding, self.window))
        else:
            position = predicted_position(h, lengths, self.W_p, self.v_p)
            inside = masked_softmax(energy, outside_window(position, memory.padding, self.window))
            alpha = inside * gaussian(position, len(energy), self.window)
        return context_vector(alpha, memory.annotations), alpha

    def step(self, state: State, given: Given, memory: Memory, lengths: Tensor) -> tuple[State, Glance]:
        """One step: the LSTM layers, then attention with the new state, then the attentional vector."""
        gates = given.from_y
        if self.from_attentional is not None:
            gates = torch.addmm(gates, state.attentional, self.from_attentional.t())  # [E y; h~]
        h, c = [], []
        for index, W_h in enumerate(self.W_h):
            if index:
                gates = functional.linear(h[-1], self.W_x[index - 1], self.b[index - 1])
            new = lstm_update(LSTMState(state.stack.h[:, index], state.stack.c[:, index]), gates, W_h)
            h.append(new.h)
            c.append(new.c)
        context, alpha = self.attend(h[-1], memory, lengths, given.t)
        attentional = attentional_vector(context, h[-1], self.W_c)
        return State(Stack(torch.stack(h, 1), torch.stack(c, 1)), attentional), Glance(attentional, alpha)

    def forward(
        self,
        source: Int[Tensor, "batch source"],
        target: Int[Tensor, "batch target"],
        lengths: Int[Tensor, " batch"] | None = None,
    ) -> Decoded:
        """Read a translation with its words given, ``target`` with the stop symbol at its end."""
        state, memory, lengths = self.encode(source, lengths)
        before = torch.cat((torch.full_like(target[:, :1], START), target[:, :-1]), 1).t()
        given = Given(self.from_y(self.embedding(before)), torch.arange(len(before))[:, None])
        glances = scan(self.step, given, state, memory, lengths).outputs
        return Decoded(self.readout(glances.attentional).transpose(0, 1), glances.alpha.permute(2, 0, 1))

    def stepper(
        self, memory: Memory, lengths: Tensor
    ) -> Callable[["Counted", Tensor], tuple["Counted", Tensor]]:
        """The decoder as `unrolled.nn.decoding` takes it; begin with ``Counted(state, zeros [batch])``."""

        def step(state: Counted, words: Tensor) -> tuple[Counted, Tensor]:
            given = Given(self.from_y(self.embedding(words)), state.t)
            new, glance = self.step(state.state, given, memory, lengths)
            return Counted(new, state.t + 1), self.readout(glance.attentional).log_softmax(1)

        return step


class Counted(NamedTuple):
    """A decoder's state, and how many words it has written: local-m needs to know."""

    state: State
    t: Int[Tensor, " batch"]


def lstm_update(
    state: LSTMState, gates: Float[Tensor, "batch four_hidden"], W_h: Float[Tensor, "four_hidden hidden"]
) -> LSTMState:
    """The part of an LSTM step that feeds back: what does not read h stands in ``gates``.

    *Paper*: luong2015effective, equation 3, with the unit of hochreiter1997long.
    """
    i, f, g, o = lstm_gates(torch.addmm(gates, state.h, W_h.t()))
    c = f * state.c + i * g
    return LSTMState(o * torch.tanh(c), c)


def turned(x: Tensor, lengths: Int[Tensor, " batch"]) -> Tensor:
    """Each sequence of ``[batch, time, ...]`` from its own end to its beginning; padding stays last.

    >>> turned(torch.tensor([[1, 2, 3], [4, 5, 0]]), torch.tensor([3, 2]))
    tensor([[3, 2, 1],
            [5, 4, 0]])
    """
    at = torch.arange(x.shape[1], device=x.device).expand(len(x), -1)
    index = torch.where(at < lengths[:, None], lengths[:, None] - 1 - at, at)
    return x[torch.arange(len(x), device=x.device)[:, None], index]


def _uniform(rows: int, columns: int) -> Tensor:
    """Values as those of `torch.nn.Linear`."""
    return torch.empty(rows, columns).uniform_(-(columns**-0.5), columns**-0.5)
