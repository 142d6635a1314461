"""A neural Turing machine: one step of controller, heads and memory, and the network that runs it.

Equations 1 to 9, which belong to the memory alone, are in `unrolled.nn.memory`.
"""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from unrolled.base.errors import UsageError
from unrolled.nn.checks import Lengths, check_features, check_lengths, check_option, length_mask
from unrolled.nn.memory import Addressing, address, read, write
from unrolled.nn.scan import map_tensors, scan
from unrolled.papers.ntm.controller import NTMState, NTMWeights, controller_step, linear
from unrolled.papers.ntm.heads import Asked, Layout, ask
from unrolled.papers.ntm.loop import machine_loop

Controller = Literal["lstm", "feedforward"]
Start = Literal["constant", "random", "learned"]

SMALL = 1e-6
"""What every entry of a constant memory starts at."""


class NTMOutput(NamedTuple):
    """What a step gives out: the controller's output and what was read."""

    h: Float[Tensor, "*batch hidden"]
    reads: Float[Tensor, "*batch reads"]


class Trace(NamedTuple):
    """What happened in the memory, for pictures; every part begins with the axes of the batch, then time."""

    asked: Asked
    stages: Addressing
    memory: Tensor


def ntm_step(
    state: NTMState, x_term: Float[Tensor, "*batch outputs"], weights: NTMWeights, layout: Layout
) -> tuple[NTMState, NTMOutput]:
    """One step of a neural Turing machine: controller, addressing, write, read.

    *Paper*: graves2014neural, Section 3. All heads address the memory as it was before the step; reading
    comes after writing, as equation 2 prints it.

    *Shapes*: as annotated. ``x_term`` is W_x x_t + b of the controller's first layer.
    """
    new, output, _ = traced_step(state, x_term, weights, layout)
    return new, output


def traced_step(
    state: NTMState, x_term: Float[Tensor, "*batch outputs"], weights: NTMWeights, layout: Layout
) -> tuple[NTMState, NTMOutput, Trace]:
    """The step of `ntm_step`, and all that happened in it.

    *Shapes*: those of `ntm_step`.
    """
    output, h, c = controller_step(state, x_term, weights)
    asked = ask(linear(output, weights.heads, weights.heads_bias), layout)
    stages = address(asked.head, state.weighting, state.memory)  # (5) to (9)
    reading, writing = stages.weighting.split((layout.readers, layout.writers), -2)
    memory = write(state.memory, writing, asked.erase, asked.add)  # (3), (4)
    reads = read(reading, memory).flatten(-2)  # (2)
    new = NTMState(h, c, reads, stages.weighting, memory)
    return new, NTMOutput(output, reads), Trace(asked, stages, memory)


class NTM(nn.Module):
    """A neural Turing machine that gives logits of its output bits at every step.

    *Paper*: graves2014neural, Section 3.

    *Options*: ``memory`` says how the memory starts: every entry `SMALL` ("constant"), normal draws that stay
    as they are ("random"), or parameters that start so ("learned", the paper's way). ``layers`` are those of
    an LSTM controller. ``fast`` compiles the step.

    *Shapes*: ``x`` is ``[batch, time, input]``. Where the parameters begin with an axis of copies (stacked
    modules, called through `torch.func.functional_call`), so does ``x``: each copy runs on its own sequences.

    *Departures*: unspecified: every head looks at row 0 before the first step; outputs are computed from the
    controller's output and the new reads. Initial reads and controller state are learned, as in the paper.

    *Raises*: `ShapeError` for a wrong number of features, `UsageError` for an option that there is not.

    >>> NTM(9, 8, hidden_size=16, rows=12, columns=5)(torch.zeros(2, 7, 9)).shape
    torch.Size([2, 7, 8])
    """

    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        controller: Controller = "lstm",
        hidden_size: int = 100,
        layers: int = 1,
        rows: int = 128,
        columns: int = 20,
        read_heads: int = 1,
        write_heads: int = 1,
        shifts: int = 3,
        memory: Start = "constant",
        fast: bool = False,
    ) -> None:
        super().__init__()
        check_option("controller", controller, Controller)
        check_option("start of the memory", memory, Start)
        if controller == "feedforward" and layers != 1:
            raise UsageError(f"a feed-forward controller has one layer, not {layers}")
        self.input_size, self.hidden_size, self.layers = input_size, hidden_size, layers
        self.fast = fast
        self.controller, self.rows = controller, rows
        self.layout = Layout(read_heads, write_heads, columns, shifts)
        reads, recurrent = read_heads * columns, hidden_size if controller == "lstm" else 0
        outputs = 4 * hidden_size if controller == "lstm" else hidden_size
        bound = hidden_size**-0.5
        self.W_x = _uniform(bound, outputs, input_size)
        self.b = _uniform(bound, outputs)
        self.W_first = _uniform(bound, outputs, reads + recurrent)
        for layer in range(1, layers):
            setattr(self, f"W_{layer}", _uniform(bound, outputs, 2 * hidden_size))
            setattr(self, f"b_{layer}", _uniform(bound, outputs))
        self.W_heads = nn.Parameter(torch.empty(sum(self.layout.sizes), hidden_size))
        nn.init.xavier_uniform_(self.W_heads, gain=1.4)
        self.b_heads = nn.Parameter(0.01 * torch.randn(sum(self.layout.sizes)))
        self.readout = nn.Linear(hidden_size + reads, output_size)
        if controller == "lstm":
            self.h_0 = nn.Parameter(torch.zeros(layers * hidden_size))
            self.c_0 = nn.Parameter(torch.zeros(layers * hidden_size))
        self.r_0 = nn.Parameter(torch.zeros(reads))
        start = _memory(memory, rows, columns)
        if memory == "learned":
            self.memory_0 = nn.Parameter(start)
        else:
            self.register_buffer("memory_0", start)

    @property
    def weights(self) -> NTMWeights:
        """The parameters as `ntm_step` takes them."""
        deeper = tuple(
            (getattr(self, f"W_{layer}"), getattr(self, f"b_{layer}")) for layer in range(1, self.layers)
        )
        return NTMWeights(self.W_first, deeper, self.W_heads, self.b_heads)

    def initial(self, *batch: int) -> NTMState:
        """The state before the first step, of a batch; or of copies, each with a batch."""

        def expand(part: Tensor) -> Tensor:
            copies = len(batch) - 1
            own = part.reshape(*part.shape[:copies], 1, *part.shape[copies:])
            return own.expand(*batch, *part.shape[copies:])

        first_row = functional.one_hot(torch.tensor(0), self.rows).to(self.r_0)
        weighting = first_row.expand(*batch, self.layout.heads, self.rows)
        h, c = (expand(self.h_0), expand(self.c_0)) if self.controller == "lstm" else (None, None)
        return NTMState(h, c, expand(self.r_0), weighting, expand(self.memory_0))

    def forward(
        self, x: Float[Tensor, "*batch time input"], lengths: Lengths | None = None
    ) -> Float[Tensor, "*batch time output"]:
        """The logits of every step."""
        check_features(x, self.input_size)
        if lengths is not None:
            # The answers before padding do not depend on what follows; zeros there keep gradients finite.
            lengths = check_lengths(lengths, *x.shape[-3:-1], like=x)
            x = torch.where(length_mask(lengths, x.shape[-2]).t().unsqueeze(-1), x, x.new_zeros(()))
        if not x.shape[-2]:
            return x.new_zeros(*x.shape[:-1], self.readout.weight.shape[-2])
        terms = linear(x, self.W_x, self.b).movedim(-2, 0)
        initial = self.initial(*x.shape[:-2])
        given = machine_loop(terms, initial, self.weights, self.layout, fast=self.fast)
        features = torch.cat(given, -1).movedim(0, -2)
        return linear(features, self.readout.weight, self.readout.bias)

    @torch.no_grad()
    def trace(self, x: Float[Tensor, "batch time input"]) -> tuple[Tensor, Trace]:
        """The logits, and what every head did at every step (``[batch, time, ...]``)."""
        check_features(x, self.input_size)
        terms = linear(x, self.W_x, self.b).movedim(-2, 0)

        def step(state: NTMState, term: Tensor) -> tuple[NTMState, "_Seen"]:
            new, output, happened = traced_step(state, term, self.weights, self.layout)
            return new, _Seen(output, happened)

        seen = scan(step, terms, self.initial(len(x)), keep="last").outputs
        logits = linear(torch.cat(seen.output, -1), self.readout.weight, self.readout.bias)
        return logits.movedim(0, 1), map_tensors(lambda part: part.movedim(0, 1), seen.trace)


class _Seen(NamedTuple):
    output: NTMOutput
    trace: Trace


def _uniform(bound: float, *shape: int) -> nn.Parameter:
    return nn.Parameter(torch.empty(*shape).uniform_(-bound, bound))


def _memory(start: str, rows: int, columns: int) -> Tensor:
    """The memory before the first step."""
    return torch.full((rows, columns), SMALL) if start == "constant" else torch.randn(rows, columns) * 0.5
