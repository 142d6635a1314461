"""A neural Turing machine: its controller, one step, and the network that runs it.

Equations 1 to 9, which belong to the memory alone, are in `unrolled.nn.memory`.
"""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from unrolled.base.errors import UsageError
from unrolled.nn.cells import lstm_gates
from unrolled.nn.checks import Lengths, check_features, check_lengths, check_option, length_mask
from unrolled.nn.compiled import compiled_step, first_derivative, first_state, transformed
from unrolled.nn.memory import Addressing, address, read, write
from unrolled.nn.scan import expand_state, map_tensors, scan
from unrolled.papers.ntm.heads import HeadLayout, HeadParameters, head_parameters

SMALL = 1e-6
"""What every entry of a constant memory starts at."""

Controller = Literal["lstm", "feedforward"]
Start = Literal["constant", "random", "learned"]
Backend = Literal["reference", "compiled"]


class NTMState(NamedTuple):
    """The state of a neural Turing machine."""

    h: Float[Tensor, "batch hidden"] | None  # of all layers of an LSTM controller
    c: Float[Tensor, "batch hidden"] | None
    reads: Float[Tensor, "batch reads"]  # of all heads, side by side
    weighting: Float[Tensor, "batch heads rows"]
    memory: Float[Tensor, "batch rows columns"]


class NTMWeights(NamedTuple):
    """The parameters of a step; of the first layer, what multiplies the input is outside of it."""

    first: Float[Tensor, "outputs reads_and_hidden"]
    deeper: tuple[tuple[Tensor, Tensor], ...]  # weight and bias of every further LSTM layer
    heads: Float[Tensor, "parameters hidden"]
    heads_bias: Float[Tensor, " parameters"]


class NTMOutput(NamedTuple):
    """What a step gives out: the controller's output and what was read."""

    h: Float[Tensor, "batch hidden"]
    reads: Float[Tensor, "batch reads"]


class Trace(NamedTuple):
    """All that happened in a step, for figures."""

    output: NTMOutput
    parameters: HeadParameters
    stages: Addressing
    memory: Float[Tensor, "batch rows columns"]


def controller_step(
    state: NTMState, x_term: Float[Tensor, "batch outputs"], weights: NTMWeights
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """The controller's output, and its new ``h`` and ``c`` (None where it is feed-forward).

    *Paper*: graves2014neural, Section 3.4. ``x_term`` is W_x x_t + b, computed for all steps at once.

        feed-forward: h_t = tanh(W_x x_t + W_r r_{t-1} + b)
        LSTM: its gates see x_t, r_{t-1} and h_{t-1}; further layers see the one below

    *Shapes*: as annotated.

    *Departures*: unspecified: the paper names neither the non-linearity nor what a second layer sees.
    """
    below, layers = state.reads, ((weights.first, x_term), *weights.deeper)
    if state.h is None:
        return torch.tanh(functional.linear(below, weights.first) + x_term), None, None
    h, c = [], []
    before = zip(state.h.chunk(len(layers), -1), state.c.chunk(len(layers), -1), strict=True)
    for (W, b), (h_before, c_before) in zip(layers, before, strict=True):
        i, f, g, o = lstm_gates(functional.linear(torch.cat((below, h_before), -1), W) + b)
        c.append(f * c_before + i * g)
        below = o * torch.tanh(c[-1])
        h.append(below)
    return below, torch.cat(h, -1), torch.cat(c, -1)


def traced_step(
    state: NTMState, x_term: Float[Tensor, "batch outputs"], weights: NTMWeights, layout: HeadLayout
) -> tuple[NTMState, Trace]:
    """One step of a neural Turing machine, and all that happened in it: controller, addressing, write, read.

    *Paper*: graves2014neural, Section 3. All heads address the memory as it was before the step; reading
    comes after writing, as equation 2 prints it.

    *Shapes*: as annotated. ``x_term`` is W_x x_t + b of the controller's first layer.
    """
    output, h, c = controller_step(state, x_term, weights)
    parameters = head_parameters(functional.linear(output, weights.heads, weights.heads_bias), layout)
    stages = address(parameters.head, state.weighting, state.memory)  # (5) to (9)
    reading, writing = stages.weighting.split((layout.readers, layout.writers), -2)
    memory = write(state.memory, writing, parameters.erase, parameters.add)  # (3), (4)
    reads = read(reading, memory).flatten(-2)  # (2)
    new = NTMState(h, c, reads, stages.weighting, memory)
    return new, Trace(NTMOutput(output, reads), parameters, stages, memory)


def ntm_step(
    state: NTMState, x_term: Float[Tensor, "batch outputs"], weights: NTMWeights, layout: HeadLayout
) -> tuple[NTMState, NTMOutput]:
    """The step of `traced_step`, with its output alone.

    *Shapes*: those of `traced_step`.
    """
    new, trace = traced_step(state, x_term, weights, layout)
    return new, trace.output


class NTM(nn.Module):
    """A neural Turing machine that gives logits of its output bits at every step.

    *Paper*: graves2014neural, Section 3.

    *Shapes*: ``x`` is ``[batch, time, input]``; ``lengths``, ``[batch]``, says where padding begins.

    *Options*: ``memory`` says how the memory starts: every entry `SMALL` ("constant"), normal draws that stay
    as they are ("random"), or parameters that start so ("learned", the paper's way). ``layers`` are those of
    an LSTM controller. ``backend="compiled"`` compiles the step, once for each size of a batch; gradients of
    gradients are then refused, and under `torch.func` the reference runs.

    *Departures*: unspecified: every head looks at row 0 before the first step; outputs are computed from the
    controller's output and the new reads. Initial reads and controller state are learned, as in the paper.

    *Raises*: `ShapeError` for wrong features or lengths, `UsageError` for an option that there is not.

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
        backend: Backend = "reference",
    ) -> None:
        super().__init__()
        check_option("controller", controller, Controller)
        check_option("start of the memory", memory, Start)
        check_option("backend", backend, Backend)
        if controller == "feedforward" and layers != 1:
            raise UsageError(f"a feed-forward controller has one layer, not {layers}")
        self.input_size, self.layers, self.rows, self.memory = input_size, layers, rows, memory
        self.layout, self.backend = HeadLayout(read_heads, write_heads, columns, shifts), backend
        gates, state_size = (4, layers * hidden_size) if controller == "lstm" else (1, 0)
        reads, outputs = read_heads * columns, gates * hidden_size
        self.W_x = nn.Parameter(torch.empty(outputs, input_size))
        self.b = nn.Parameter(torch.empty(outputs))
        self.W_first = nn.Parameter(torch.empty(outputs, reads + state_size // layers))
        for layer in range(1, layers):
            self.register_parameter(f"W_{layer}", nn.Parameter(torch.empty(outputs, 2 * hidden_size)))
            self.register_parameter(f"b_{layer}", nn.Parameter(torch.empty(outputs)))
        self.W_heads = nn.Parameter(torch.empty(sum(self.layout.sizes), hidden_size))
        self.b_heads = nn.Parameter(torch.empty(sum(self.layout.sizes)))
        self.readout = nn.utils.skip_init(nn.Linear, hidden_size + reads, output_size)
        for name in ("h_0", "c_0"):
            self.register_parameter(name, nn.Parameter(torch.empty(state_size)) if state_size else None)
        self.r_0 = nn.Parameter(torch.empty(reads))
        start = torch.empty(rows, columns)
        if memory == "learned":
            self.memory_0 = nn.Parameter(start)
        else:
            self.register_buffer("memory_0", start)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw all weights anew, and set the first state."""
        bound = self.readout.in_features - len(self.r_0)
        for name, parameter in self.named_parameters(recurse=False):
            if name.endswith("_0"):
                parameter.zero_()
            elif name == "W_heads":
                nn.init.xavier_uniform_(parameter, gain=1.4)
            elif name == "b_heads":
                parameter.normal_(0, 0.01)
            else:
                parameter.uniform_(-(bound**-0.5), bound**-0.5)
        self.readout.reset_parameters()
        if self.memory == "constant":
            self.memory_0.fill_(SMALL)
        else:
            self.memory_0.normal_(0, 0.5)

    @property
    def weights(self) -> NTMWeights:
        """The parameters as `ntm_step` takes them."""
        deeper = tuple(
            (getattr(self, f"W_{layer}"), getattr(self, f"b_{layer}")) for layer in range(1, self.layers)
        )
        return NTMWeights(self.W_first, deeper, self.W_heads, self.b_heads)

    def initial(self, batch: int) -> NTMState:
        """The state of a batch before the first step: every head looks at row 0."""
        row = torch.eye(1, self.rows, dtype=self.r_0.dtype, device=self.r_0.device)
        first = NTMState(self.h_0, self.c_0, self.r_0, row.expand(self.layout.heads, -1), self.memory_0)
        return expand_state(first, batch)

    def forward(
        self, x: Float[Tensor, "batch time input"], lengths: Lengths | None = None
    ) -> Float[Tensor, "batch time output"]:
        """The logits of every step."""
        if lengths is not None:
            # The answers before padding do not depend on what follows; zeros there keep gradients finite.
            lengths = check_lengths(lengths, *x.shape[:2], like=x)
            x = torch.where(length_mask(lengths, x.shape[1]).t().unsqueeze(-1), x, x.new_zeros(()))
        if not x.shape[1]:
            return x.new_zeros(x.shape[0], 0, self.readout.out_features)
        initial = self.initial(x.shape[0])
        if self.backend == "reference" or transformed(x, self.W_x):
            return self._logits(self._run(ntm_step, x, initial))
        return first_derivative(self._logits(self._run(compiled_step(ntm_step), x, first_state(initial))))

    @torch.no_grad()
    def trace(self, x: Float[Tensor, "batch time input"]) -> tuple[Tensor, Trace]:
        """The logits, and what every head did at every step (``[batch, time, ...]``)."""
        trace = self._run(traced_step, x, self.initial(x.shape[0]))
        return self._logits(trace.output), map_tensors(lambda part: part.transpose(0, 1), trace)

    def _run(self, step, x: Tensor, initial: NTMState):
        check_features(x, self.input_size)
        terms = functional.linear(x.transpose(0, 1), self.W_x, self.b)
        return scan(step, terms, initial, self.weights, self.layout, keep="last").outputs

    def _logits(self, output: NTMOutput) -> Tensor:
        return self.readout(torch.cat(output, -1)).transpose(0, 1)
