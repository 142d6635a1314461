"""A recurrent network with stacks: actions, the memory they move, and the network that runs them."""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from unrolled.base.errors import UsageError
from unrolled.nn.checks import check_indices, check_option
from unrolled.nn.compiled import compiled_step, first_derivative, first_state, transformed
from unrolled.nn.scan import map_tensors, scan
from unrolled.papers.stack_rnn.memory import EMPTY, list_update, rounded_actions, stack_update

Memory = Literal["stack", "list"]
Backend = Literal["reference", "compiled"]


class StackState(NamedTuple):
    """The state of a Stack RNN. Of a stack, cell 0 is the top; of a list, the middle cell is HEAD."""

    h: Float[Tensor, "batch hidden"]
    stacks: Float[Tensor, "batch stacks cells"]


class StackWeights(NamedTuple):
    """The parameters of a step. There are no biases."""

    R: Float[Tensor, "hidden hidden"] | None
    P: Float[Tensor, "hidden stacks_times_depth"]
    A: Float[Tensor, "stacks actions hidden"]
    D: Float[Tensor, "stacks hidden"]


class StackOptions(NamedTuple):
    """How a step moves its memory: its kind, how many cells are read, whether actions are rounded."""

    memory: Memory
    depth: int
    rounded: bool


class Step(NamedTuple):
    """What happened in a step. Actions are PUSH, POP (and NO-OP), or LEFT, RIGHT, INSERT."""

    logits: Float[Tensor, "batch symbols"]
    actions: Float[Tensor, "batch stacks actions"]
    pushed: Float[Tensor, "batch stacks"]
    stacks: Float[Tensor, "batch stacks cells"]


def hidden_layer(
    x_term: Float[Tensor, "*batch hidden"],
    h: Float[Tensor, "*batch hidden"],
    tops: Float[Tensor, "*batch stacks_times_depth"],
    R: Float[Tensor, "hidden hidden"] | None,
    P: Float[Tensor, "hidden stacks_times_depth"],
) -> Float[Tensor, "*batch hidden"]:
    """The hidden units, which see the symbol, themselves (with R) and the tops of the stacks.

    *Paper*: joulin2015inferring, equations 1 (no stacks) and 6.

        h_t = σ(U x_t + R h_{t-1} + P s_{t-1}^k)

    *Shapes*: ``x_term`` is U x_t, ``tops`` the first k cells of every stack side by side.
    """
    a = x_term + functional.linear(tops, P)
    return torch.sigmoid(a if R is None else a + functional.linear(h, R))


def prediction(h: Float[Tensor, "*batch hidden"], V: Float[Tensor, "symbols hidden"]) -> Tensor:
    """The probabilities of the next symbol.

    *Paper*: joulin2015inferring, equation 2.

        y_t = f(V h_t)

    *Shapes*: the result is ``[*batch, symbols]``.
    """
    return functional.linear(h, V).softmax(-1)


def stack_actions(
    h: Float[Tensor, "*batch hidden"], A: Float[Tensor, "stacks actions hidden"]
) -> Float[Tensor, "*batch stacks actions"]:
    """What is done to every stack, as shares that add up to one.

    *Paper*: joulin2015inferring, equation 3.

        a_t = f(A h_t)

    *Shapes*: as annotated.
    """
    return functional.linear(h, A.flatten(0, 1)).unflatten(-1, A.shape[:2]).softmax(-1)


def traced_step(
    state: StackState, x_term: Float[Tensor, "batch hidden"], weights: StackWeights, options: StackOptions
) -> tuple[StackState, tuple[Tensor, Tensor, Tensor]]:
    """One step, and what it did: hidden units, actions, the memory moved by them.

    *Paper*: joulin2015inferring, equations 3 to 6. The hidden units see the memory as the last step left it.

    *Shapes*: as annotated; given out are ``h``, the actions and the pushed values.
    """
    first = 0 if options.memory == "stack" else state.stacks.shape[-1] // 2
    tops = state.stacks[..., first : first + options.depth].flatten(-2)
    h = hidden_layer(x_term, state.h, tops, weights.R, weights.P)  # (6)
    actions = stack_actions(h, weights.A)  # (3)
    if options.rounded:
        actions = rounded_actions(actions)
    pushed = torch.sigmoid(functional.linear(h, weights.D))
    update = stack_update if options.memory == "stack" else list_update
    return StackState(h, update(state.stacks, actions, pushed)), (h, actions, pushed)  # (4), (5)


def stack_rnn_step(
    state: StackState, x_term: Float[Tensor, "batch hidden"], weights: StackWeights, options: StackOptions
) -> tuple[StackState, Float[Tensor, "batch hidden"]]:
    """The step of `traced_step`, with its hidden units alone.

    *Shapes*: those of `traced_step`.
    """
    new, (h, _, _) = traced_step(state, x_term, weights, options)
    return new, h


class StackRNN(nn.Module):
    """A recurrent network with stacks (or lists) that gives logits of the next symbol at every step.

    *Paper*: joulin2015inferring, Section 3; without stacks it is the simple network of equations 1, 2.

    *Shapes*: ``x``, ``[batch, time]``, are whole numbers below ``symbols``.

    *Options*: ``depth`` cells of every stack are read. ``noop`` adds that action; ``recurrent`` adds the
    matrix R. ``memory="list"`` has lists. ``rounded``, in a call, rounds the actions. ``backend="compiled"``
    compiles the step; gradients of gradients are then refused, and under `torch.func` the reference runs.

    ``cells``, in a call, is how deep stacks are (the authors' code: 200); None means that none overflows.

    *Departures*: unspecified: a list is read from HEAD on.

    *Raises*: `ShapeError` for symbols out of range, `UsageError` for an option that there is not.

    >>> StackRNN(3, hidden_size=8, stacks=2)(torch.tensor([[0, 0, 1, 1, 2, 2]])).shape
    torch.Size([1, 6, 3])
    """

    def __init__(
        self,
        symbols: int,
        *,
        hidden_size: int = 40,
        stacks: int = 10,
        depth: int = 2,
        memory: Memory = "stack",
        noop: bool = False,
        recurrent: bool = False,
        backend: Backend = "reference",
    ) -> None:
        super().__init__()
        check_option("memory", memory, Memory)
        check_option("backend", backend, Backend)
        if memory == "list" and noop:
            raise UsageError("a list has no NO-OP")
        self.symbols, self.hidden_size, self.backend = symbols, hidden_size, backend
        self.options = StackOptions(memory, depth, rounded=False)
        self.U = nn.Parameter(torch.empty(hidden_size, symbols))
        self.R = nn.Parameter(torch.empty(hidden_size, hidden_size)) if recurrent else None
        self.V = nn.Parameter(torch.empty(symbols, hidden_size))
        self.A = nn.Parameter(torch.empty(stacks, 3 if noop or memory == "list" else 2, hidden_size))
        self.D = nn.Parameter(torch.empty(stacks, hidden_size))
        self.P = nn.Parameter(torch.empty(hidden_size, stacks, depth))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw all weights anew: each is a sum of three draws from U(-0.1, 0.1), as in the authors' code."""
        for parameter in self.parameters():
            parameter.copy_(torch.empty(3, *parameter.shape).uniform_(-0.1, 0.1).sum(0))

    @property
    def weights(self) -> StackWeights:
        """The parameters as a step takes them."""
        return StackWeights(self.R, self.P.flatten(1), self.A, self.D)

    def initial(self, batch: int, steps: int, cells: int | None = None) -> StackState:
        """Hidden units at 0 and empty memory: ``cells`` cells (of a list, on either side of HEAD) or, where
        that is less, as many as ``steps`` steps can fill and come back to, so that none is missed."""
        reach = steps // 2 + self.options.depth + 1
        reach = reach if cells is None else min(cells, reach)
        cells = reach if self.options.memory == "stack" else 2 * reach + 1
        stacks = self.D.new_full((batch, self.D.shape[0], cells), EMPTY)
        return StackState(self.D.new_zeros(batch, self.hidden_size), stacks)

    def forward(
        self, x: Int[Tensor, "batch time"], *, rounded: bool = False, cells: int | None = None
    ) -> Float[Tensor, "batch time symbols"]:
        """The logits of every step, from empty stacks."""
        initial, options = self.initial(*x.shape, cells), self.options._replace(rounded=rounded)
        if not x.shape[1]:
            return x.new_zeros((*x.shape, self.symbols), dtype=self.V.dtype)
        if self.backend == "reference" or transformed(x, self.U):
            step, wrap = stack_rnn_step, lambda h: h
        else:
            step, initial, wrap = compiled_step(stack_rnn_step), first_state(initial), first_derivative
        h = scan(step, self._terms(x), initial, self.weights, options, keep="last").outputs
        return wrap(functional.linear(h.transpose(0, 1), self.V))

    def step(
        self, state: StackState, x: Int[Tensor, " batch"], *, rounded: bool = False
    ) -> tuple[StackState, Step]:
        """The state after one more symbol of every sequence, and what the step did."""
        options = self.options._replace(rounded=rounded)
        new, (h, actions, pushed) = traced_step(state, self._terms(x[:, None])[0], self.weights, options)
        return new, Step(functional.linear(h, self.V), actions, pushed, new.stacks)

    @torch.no_grad()
    def trace(self, x: Int[Tensor, "batch time"], *, rounded: bool = False) -> Step:
        """What every step did (``[batch, time, ...]``)."""
        state, steps = self.initial(*x.shape), []
        for t in range(x.shape[1]):
            state, done = self.step(state, x[:, t], rounded=rounded)
            steps.append(done)
        return map_tensors(lambda *parts: torch.stack(parts, 1), *steps)

    def _terms(self, x: Tensor) -> Tensor:
        check_indices("symbols", x, self.symbols)
        return functional.embedding(x.t(), self.U.t())
