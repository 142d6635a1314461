"""Recurrent batch normalization: the mathematics of equations 5 to 8, a layer, and a classifier on it.

Weights have torch's layout, one row a unit; rows of gates are in torch's order i, f, g, o.
"""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from unrolled.nn.cells import LSTM, LSTMState, Unrolled, check_features, lstm_gates, lstm_step
from unrolled.nn.scan import ShapeError, expand_state, length_mask, scan
from unrolled.papers.bn_lstm import fast as derived
from unrolled.papers.bn_lstm.statistics import Moments, RunningAverages, StepStatistics, batch_moments


class BNLSTMWeights(NamedTuple):
    """The parameters of a BN-LSTM step."""

    W_x: Float[Tensor, "four_hidden input"]
    W_h: Float[Tensor, "four_hidden hidden"]
    b: Float[Tensor, " four_hidden"]
    gamma_x: Float[Tensor, " four_hidden"]
    gamma_h: Float[Tensor, " four_hidden"]
    gamma_c: Float[Tensor, " hidden"]
    beta_c: Float[Tensor, " hidden"]


def batch_norm(
    z: Float[Tensor, "batch units"],
    gamma: Float[Tensor, " units"],
    beta: Float[Tensor, " units"] | None = None,
    moments: Moments | None = None,
    epsilon: float = 1e-5,
) -> Float[Tensor, "batch units"]:
    """Batch normalization of every unit, with the batch's own moments unless others are given.

    *Paper*: cooijmans2017recurrent, Section 3, equation 5.

        BN(z; gamma, beta) = beta + gamma * (z - E[z]) / sqrt(Var[z] + epsilon)

    *Shapes*: as annotated; ``moments`` hold ``[units]``. ``beta`` None is zero.

    >>> batch_norm(torch.tensor([[0.0], [2.0]]), torch.tensor([0.1])).round(decimals=4)
    tensor([[-0.1000],
            [ 0.1000]])
    """
    mean, variance = batch_moments(z) if moments is None else moments
    normalised = gamma * ((z - mean) * torch.rsqrt(variance + epsilon))
    return normalised if beta is None else beta + normalised


def bn_preactivations(
    h: Float[Tensor, "batch hidden"],
    x_t: Float[Tensor, "batch input"],
    weights: BNLSTMWeights,
    statistics: StepStatistics | None = None,
    mask: Bool[Tensor, " batch"] | None = None,
    epsilon: float = 1e-5,
) -> tuple[Float[Tensor, "batch four_hidden"], Moments, Moments]:
    """What enters the gates of a BN-LSTM, and the moments of its two terms (of W_x x_t, of W_h h_{t-1}).

    *Paper*: cooijmans2017recurrent, Section 3, equation 6.

        (i~_t, f~_t, g~_t, o~_t) = BN(W_h h_{t-1}; gamma_h, 0) + BN(W_x x_t; gamma_x, 0) + b

    *Shapes*: as annotated. ``statistics`` None: those of this batch, over the rows that ``mask`` admits.
    """
    from_h, from_x = functional.linear(h, weights.W_h), functional.linear(x_t, weights.W_x)
    of_x = batch_moments(from_x, mask) if statistics is None else statistics.x
    of_h = batch_moments(from_h, mask) if statistics is None else statistics.h
    preactivations = (
        batch_norm(from_h, weights.gamma_h, None, of_h, epsilon)
        + batch_norm(from_x, weights.gamma_x, None, of_x, epsilon)
        + weights.b
    )
    return preactivations, of_x, of_h


def bn_lstm_step(
    state: LSTMState,
    x_t: Float[Tensor, "batch input"],
    weights: BNLSTMWeights,
    statistics: StepStatistics | None = None,
    mask: Bool[Tensor, " batch"] | None = None,
    epsilon: float = 1e-5,
) -> tuple[LSTMState, StepStatistics]:
    """One step of the BN-LSTM, and the statistics that it normalised with.

    *Paper*: cooijmans2017recurrent, Section 3, equations 6 to 8.

        (i~_t, f~_t, g~_t, o~_t) = BN(W_h h_{t-1}; gamma_h, 0) + BN(W_x x_t; gamma_x, 0) + b
        c_t = sigma(f~_t) * c_{t-1} + sigma(i~_t) * tanh(g~_t)
        h_t = sigma(o~_t) * tanh(BN(c_t; gamma_c, beta_c))

    *Shapes*: as annotated. ``statistics`` None: those of this batch, over the rows that ``mask`` admits.

    *Departures*: the paper stacks the gates as f, i, o, g; here they stand in torch's order.

    >>> weights = BNLSTMWeights(*(torch.ones(4, 1),) * 2, torch.zeros(4), *(torch.full((4,), 0.1),) * 2,
    ...                         torch.full((1,), 0.1), torch.zeros(1))
    >>> state = LSTMState(torch.zeros(2, 1), torch.zeros(2, 1))
    >>> new, statistics = bn_lstm_step(state, torch.tensor([[0.0], [2.0]]), weights)
    >>> new.h.round(decimals=4)
    tensor([[-0.0472],
            [ 0.0522]])
    >>> statistics.x.variance
    tensor([1., 1., 1., 1.])
    """
    preactivations, of_x, of_h = bn_preactivations(state.h, x_t, weights, statistics, mask, epsilon)  # (6)
    i, f, g, o = lstm_gates(preactivations)
    c = f * state.c + i * g  # (7)
    of_c = batch_moments(c, mask) if statistics is None else statistics.c
    h = o * torch.tanh(batch_norm(c, weights.gamma_c, weights.beta_c, of_c, epsilon))  # (8)
    return LSTMState(h, c), StepStatistics(of_x, of_h, of_c)


def bn_rnn_step(
    h: Float[Tensor, "batch hidden"],
    x_t: Float[Tensor, "batch input"],
    W_x: Float[Tensor, "hidden input"],
    W_h: Float[Tensor, "hidden hidden"],
    b: Float[Tensor, " hidden"],
    gamma: Float[Tensor, " hidden"],
    epsilon: float = 1e-5,
) -> Float[Tensor, "batch hidden"]:
    """One step of a batch-normalised simple recurrent network: why gamma has to start at 0.1.

    *Paper*: cooijmans2017recurrent, Section 4, Figure 1a; equation 1 with the normalisation of equation 6.

        h_t = tanh(BN(W_h h_{t-1}; gamma, 0) + BN(W_x x_t; gamma, 0) + b)

    *Shapes*: as annotated.

    *Departures*: unspecified: the paper does not print this network; both terms are normalised as in (6).

    >>> h = torch.tensor([[-1.0], [1.0]])
    >>> bn_rnn_step(h, h, torch.ones(1, 1), torch.ones(1, 1), torch.zeros(1), torch.tensor([0.1]))
    tensor([[-0.1974],
            [ 0.1974]])
    """
    return torch.tanh(
        batch_norm(functional.linear(h, W_h), gamma, None, None, epsilon)
        + batch_norm(functional.linear(x_t, W_x), gamma, None, None, epsilon)
        + b
    )


@torch.no_grad()
def initialise(W_x: Tensor, W_h: Tensor, b: Tensor) -> None:
    """Set an LSTM's weights as the paper's released code does for sequential MNIST.

    W_x is orthogonal; W_h is the identity in the block of g, and one semi-orthogonal matrix across i, f
    and o; the forget gate's bias is 1 and the others are 0.
    """
    hidden = W_h.shape[1]
    nn.init.orthogonal_(W_x)
    across = nn.init.orthogonal_(W_h.new_empty(3 * hidden, hidden)).chunk(3)
    W_h.copy_(torch.cat((across[0], across[1], torch.eye(hidden).to(W_h), across[2])))
    b.zero_()[hidden : 2 * hidden].fill_(1)


class _Sequence(NamedTuple):
    """What the layer scans over: the input, its mask, and in evaluation the statistics of every step."""

    x: Tensor
    mask: Tensor | None
    statistics: StepStatistics | None


class BNLSTM(nn.Module):
    """A BN-LSTM layer: statistics of every time step by itself, and a learned initial state.

    *Paper*: cooijmans2017recurrent, Section 3; initial values from Section 4 and the released code.

    In training a step normalises with its batch's moments, and the layer keeps their `RunningAverages` over
    batches for each of the first ``max_length`` steps; in evaluation it normalises with these. Padding never
    enters the statistics.

    *Options*: ``momentum`` is the weight of the newest batch in the averages. ``noise`` is the standard
    deviation of Gaussian noise on h_0 in training. ``normalise=False`` leaves every BN out: an LSTM. The
    attribute ``engine`` says what computes a sequence in training: "derived" (a backward pass by hand),
    "compiled" (the same, compiled; what ``fast`` selects) or "autograd" (`bn_lstm_step` itself,
    differentiable twice). Sequences of different lengths always take "autograd".

    *Shapes*: ``x`` is ``[batch, time, input]``, or ``[time, batch, input]`` with ``batch_first=False``.

    *Departures*: evaluation: the paper averages over the training set (`population_statistics` does), the
    layer keeps running averages. The noise is not added in evaluation, where the released code adds it.

    *Raises*: `ShapeError` for a wrong number of features, and in training for fewer than two sequences.

    >>> layer = BNLSTM(3, 5, max_length=10)
    >>> layer(torch.randn(4, 7, 3)).h.shape
    torch.Size([4, 7, 5])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        max_length: int,
        gamma: float = 0.1,
        momentum: float | None = 0.1,
        epsilon: float = 1e-5,
        noise: float = 0.0,
        normalise: bool = True,
        batch_first: bool = True,
        fast: bool = False,
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.batch_first = input_size, hidden_size, batch_first
        self.epsilon, self.noise, self.normalise = epsilon, noise, normalise
        self.engine: Literal["autograd", "derived", "compiled"] = "compiled" if fast else "derived"
        self.W_x = nn.Parameter(torch.empty(4 * hidden_size, input_size))
        self.W_h = nn.Parameter(torch.empty(4 * hidden_size, hidden_size))
        self.b = nn.Parameter(torch.empty(4 * hidden_size))
        self.gamma_x = nn.Parameter(torch.full((4 * hidden_size,), gamma))
        self.gamma_h = nn.Parameter(torch.full((4 * hidden_size,), gamma))
        self.gamma_c = nn.Parameter(torch.full((hidden_size,), gamma))
        self.beta_c = nn.Parameter(torch.zeros(hidden_size))
        self.h_0 = nn.Parameter(torch.zeros(hidden_size))
        self.c_0 = nn.Parameter(torch.zeros(hidden_size))
        self.averages = RunningAverages(max_length, hidden_size, momentum)
        initialise(self.W_x, self.W_h, self.b)

    @property
    def weights(self) -> BNLSTMWeights:
        """The parameters as `bn_lstm_step` takes them."""
        return BNLSTMWeights(*(getattr(self, name) for name in BNLSTMWeights._fields))

    def forward(
        self,
        x: Float[Tensor, "axis0 axis1 input"],
        lengths: Int[Tensor, " batch"] | None = None,
        initial: LSTMState | None = None,
    ) -> Unrolled:
        """Run over a sequence, from ``initial`` or the learned state; in training, update the averages."""
        check_features(x, self.input_size)
        x = x.transpose(0, 1) if self.batch_first else x
        time, batch = x.shape[:2]
        mask = None if lengths is None else length_mask(lengths, time)
        if self.training and self.normalise and batch < 2:
            raise ShapeError(f"batch statistics need at least two sequences; x is {list(x.shape)}")
        if initial is None:
            initial = expand_state(LSTMState(self.h_0, self.c_0), batch)
            if self.training and self.noise:
                initial = initial._replace(h=initial.h + self.noise * torch.randn_like(initial.h))
        if not self.normalise:
            states, last, _ = scan(lstm_step, x, initial, self.W_x, self.W_h, self.b, mask=mask)
            h = states.h
        else:
            h, last = self._normalised(x, initial, mask)
        return Unrolled(h.transpose(0, 1) if self.batch_first else h, last)

    def _normalised(self, x: Tensor, initial: LSTMState, mask: Tensor | None) -> Unrolled:
        def step(state: LSTMState, t: _Sequence, weights: BNLSTMWeights) -> object:
            return bn_lstm_step(state, t.x, weights, t.statistics, t.mask, self.epsilon)

        if self.training and mask is None and self.engine != "autograd" and len(x):
            return self._derived(x, initial)
        sequence = _Sequence(x, mask, None if self.training else self.averages.at(len(x)))
        states, last, statistics = scan(step, sequence, initial, self.weights, mask=mask)
        if self.training and statistics is not None:
            self.averages.update(statistics, mask)
        return Unrolled(states.h, last)

    def _derived(self, x: Tensor, initial: LSTMState) -> Unrolled:
        term = derived.input_term(x, self.W_x, self.gamma_x, self.b, self.epsilon)
        weights = (self.b, self.W_h, self.gamma_h, self.gamma_c, self.beta_c)
        result = derived.run(*initial, term, *weights, self.epsilon, self.engine == "compiled")
        of_h, of_c = Moments(result.mean_h, result.variance_h), Moments(result.mean_c, result.variance_c)
        self.averages.update(StepStatistics(Moments(term.mean, term.variance), of_h, of_c))
        return Unrolled(result.h, LSTMState(result.h_last, result.c_last))

    @torch.no_grad()
    def population_statistics(self, batches: object) -> None:
        """Replace the running averages by plain averages over the given batches, as the paper does.

        ``batches`` are inputs ``x``, or pairs of inputs and lengths, all of the same size. The weights stay.
        """
        training, momentum, noise = self.training, self.averages.momentum, self.noise
        self.averages.batches.zero_()
        self.averages.momentum, self.noise = None, 0.0
        self.train()
        try:
            for batch in batches:
                self(batch) if isinstance(batch, Tensor) else self(*batch)
        finally:
            self.averages.momentum, self.noise = momentum, noise
            self.train(training)


class SequenceClassifier(nn.Module):
    """Sequences to classes, read from the last hidden state: the network of the paper's MNIST experiments.

    *Paper*: cooijmans2017recurrent, Section 5.1. Both cells, "lstm" (torch's fused layer) and
    "bn_lstm", are initialised alike. Further keywords are those of `BNLSTM`; "lstm" takes none.

    *Shapes*: ``x`` is ``[batch, time, input]``; the result, logits, ``[batch, classes]``.

    *Departures*: unspecified: the output layer's weights are orthogonal, and its biases 0.

    >>> SequenceClassifier("bn_lstm", hidden_size=8, max_length=49)(torch.rand(4, 49, 1)).shape
    torch.Size([4, 10])
    """

    def __init__(
        self,
        cell: Literal["lstm", "bn_lstm"],
        *,
        input_size: int = 1,
        hidden_size: int = 100,
        classes: int = 10,
        **options: object,
    ) -> None:
        super().__init__()
        if cell == "bn_lstm":
            self.layer = BNLSTM(input_size, hidden_size, **options)
        else:
            self.layer = LSTM(input_size, hidden_size, **options)
            initialise(*self.layer.weights)
        self.readout = nn.Linear(hidden_size, classes)
        nn.init.orthogonal_(self.readout.weight)
        nn.init.zeros_(self.readout.bias)

    def forward(
        self, x: Float[Tensor, "batch time input"], lengths: Int[Tensor, " batch"] | None = None
    ) -> Float[Tensor, "batch classes"]:
        """The logits of every class."""
        return self.readout(self.layer(x, lengths).last.h)
