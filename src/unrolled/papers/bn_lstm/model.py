"""Recurrent batch normalization: the mathematics of equations 5 to 8, and a layer.

Weights have torch's layout, one row a unit; rows of gates are in torch's order i, f, g, o.
"""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from unrolled.nn.cells import LSTMState, Unrolled, check_features, lstm_gates
from unrolled.nn.checks import ShapeError, check_lengths, length_mask
from unrolled.nn.scan import expand_state, map_tensors, scan
from unrolled.papers.bn_lstm.statistics import Moments, PopulationStatistics, StepStatistics, TrackedMoments

BATCH = StepStatistics()
"""Every term with the moments of the batch: what training normalises with."""


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
    moments: Moments | TrackedMoments | None = None,
    epsilon: float = 1e-5,
) -> Float[Tensor, "batch units"]:
    """Batch normalization of every unit, with the batch's moments unless others are given.

    *Paper*: cooijmans2017recurrent, Section 2.2, equation 5.

        BN(z; gamma, beta) = beta + gamma * (z - E[z]) / sqrt(Var[z] + epsilon)

    *Shapes*: as annotated; ``moments`` hold ``[units]``. ``beta`` None is zero. Gradients pass through the
    batch's moments and through tracked ones, which are of some of its rows; given ones are constants.

    >>> batch_norm(torch.tensor([[0.0], [2.0]]), torch.tensor([0.1])).round(decimals=4)
    tensor([[-0.1000],
            [ 0.1000]])
    """
    if moments is None:
        return functional.batch_norm(z, None, None, gamma, beta, training=True, eps=epsilon)
    if isinstance(moments, Moments):
        return functional.batch_norm(z, *moments, gamma, beta, eps=epsilon)
    mean, variance = moments(z)
    normalised = gamma * ((z - mean) * torch.rsqrt(variance + epsilon))
    return normalised if beta is None else beta + normalised


def bn_preactivations(
    h: Float[Tensor, "batch hidden"],
    x_t: Float[Tensor, "batch input"],
    weights: BNLSTMWeights,
    statistics: StepStatistics = BATCH,
    epsilon: float = 1e-5,
) -> Float[Tensor, "batch four_hidden"]:
    """What enters the gates of a BN-LSTM.

    *Paper*: cooijmans2017recurrent, Section 3, equation 6.

        (i~_t, f~_t, g~_t, o~_t) = BN(W_h h_{t-1}; gamma_h, 0) + BN(W_x x_t; gamma_x, 0) + b

    *Shapes*: as annotated.
    """
    from_h, from_x = functional.linear(h, weights.W_h), functional.linear(x_t, weights.W_x)
    return (
        batch_norm(from_h, weights.gamma_h, None, statistics.h, epsilon)
        + batch_norm(from_x, weights.gamma_x, weights.b, statistics.x, epsilon)  # b is a shift like any beta
    )


def bn_lstm_step(
    state: LSTMState,
    x_t: Float[Tensor, "batch input"],
    weights: BNLSTMWeights,
    statistics: StepStatistics = BATCH,
    epsilon: float = 1e-5,
) -> LSTMState:
    """One step of the BN-LSTM.

    *Paper*: cooijmans2017recurrent, Section 3, equations 6 to 8.

        (i~_t, f~_t, g~_t, o~_t) = BN(W_h h_{t-1}; gamma_h, 0) + BN(W_x x_t; gamma_x, 0) + b
        c_t = sigma(f~_t) * c_{t-1} + sigma(i~_t) * tanh(g~_t)
        h_t = sigma(o~_t) * tanh(BN(c_t; gamma_c, beta_c))

    *Shapes*: as annotated.

    *Departures*: the paper stacks the gates as f, i, o, g; here they stand in torch's order.

    >>> weights = BNLSTMWeights(*(torch.ones(4, 1),) * 2, torch.zeros(4), *(torch.full((4,), 0.1),) * 2,
    ...                         torch.full((1,), 0.1), torch.zeros(1))
    >>> state = LSTMState(torch.zeros(2, 1), torch.zeros(2, 1))
    >>> bn_lstm_step(state, torch.tensor([[0.0], [2.0]]), weights).h.round(decimals=4)
    tensor([[-0.0472],
            [ 0.0522]])
    """
    i, f, g, o = lstm_gates(bn_preactivations(state.h, x_t, weights, statistics, epsilon))  # (6)
    c = f * state.c + i * g  # (7)
    h = o * torch.tanh(batch_norm(c, weights.gamma_c, weights.beta_c, statistics.c, epsilon))  # (8)
    return LSTMState(h, c)


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
    """What the layer scans over in evaluation: the input, and the statistics of every step."""

    x: Tensor
    statistics: StepStatistics


class BNLSTM(nn.Module):
    """A BN-LSTM layer: statistics of every time step by itself, and a learned initial state.

    *Paper*: cooijmans2017recurrent, Section 3; initial values from Section 4 and the released code.

    In training a step normalises with its batch's moments: there must be at least two sequences. Evaluation
    needs `estimate_statistics` before it, and again after further training. Padding never enters the
    statistics, and a step with fewer than two live sequences normalises with those of the step before.

    *Options*: ``max_length`` is T_max, up to which steps have their own statistics. ``gamma`` is the first
    value of all scales; ``noise`` the standard deviation of Gaussian noise on h_0 in training.

    *Shapes*: ``x`` is ``[batch, time, input]``, or ``[time, batch, input]`` with ``batch_first=False``.

    *Departures*: the noise is not added in evaluation, where the released code adds it.

    *Raises*: `ShapeError` for a wrong number of features, and in training without two sequences;
    `UnrolledError` in evaluation without statistics.

    >>> layer = BNLSTM(3, 5, max_length=10)
    >>> layer.estimate_statistics(torch.randn(2, 4, 10, 3))  # two batches of four
    >>> layer.eval()(torch.randn(1, 7, 3)).h.shape
    torch.Size([1, 7, 5])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        max_length: int,
        gamma: float = 0.1,
        epsilon: float = 1e-5,
        noise: float = 0.0,
        batch_first: bool = True,
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.batch_first = input_size, hidden_size, batch_first
        self.epsilon, self.noise = epsilon, noise
        self.W_x = nn.Parameter(torch.empty(4 * hidden_size, input_size))
        self.W_h = nn.Parameter(torch.empty(4 * hidden_size, hidden_size))
        self.b = nn.Parameter(torch.empty(4 * hidden_size))
        self.gamma_x = nn.Parameter(torch.full((4 * hidden_size,), gamma))
        self.gamma_h = nn.Parameter(torch.full((4 * hidden_size,), gamma))
        self.gamma_c = nn.Parameter(torch.full((hidden_size,), gamma))
        self.beta_c = nn.Parameter(torch.zeros(hidden_size))
        self.h_0 = nn.Parameter(torch.zeros(hidden_size))
        self.c_0 = nn.Parameter(torch.zeros(hidden_size))
        self.statistics = PopulationStatistics(max_length, hidden_size)
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
        """Run over a sequence, from ``initial`` or the learned state."""
        return self._run(x, lengths, initial, track=lengths is not None)[0]

    def _run(
        self, x: Tensor, lengths: Tensor | None, initial: LSTMState | None, *, track: bool
    ) -> tuple[Unrolled, StepStatistics]:
        """The result, and in training the statistics: `BATCH`, or with ``track`` those of every step."""
        check_features(x, self.input_size)
        x = x.transpose(0, 1) if self.batch_first else x
        time, batch = x.shape[:2]
        mask = None if lengths is None else length_mask(check_lengths(lengths, batch, time, like=x), time)
        looked_at = mask is not None and mask.device.type == "cpu" and not torch.compiler.is_compiling()
        alone = batch < 2 or (looked_at and time > 0 and mask[0].sum() < 2)
        if self.training and alone:
            raise ShapeError(f"batch statistics need at least two sequences; x has a batch of {batch}")
        if initial is None:
            initial = expand_state(LSTMState(self.h_0, self.c_0), batch)
            if self.training and self.noise:
                initial = initial._replace(h=initial.h + self.noise * torch.randn_like(initial.h))
        if self.training:
            used = StepStatistics.tracked(mask) if track else BATCH
            found = scan(bn_lstm_step, x, initial, self.weights, used, self.epsilon, mask=mask)
        else:
            used = self.statistics.at(time)
            found = scan(self._evaluated_step, _Sequence(x, used), initial, self.weights, mask=mask)
        h = found.states.h
        return Unrolled(h.transpose(0, 1) if self.batch_first else h, found.last), used

    def _evaluated_step(self, state: LSTMState, t: _Sequence, weights: BNLSTMWeights) -> LSTMState:
        statistics = map_tensors(lambda kept: kept.squeeze(0), t.statistics)
        return bn_lstm_step(state, t.x, weights, statistics, self.epsilon)

    @torch.no_grad()
    def estimate_statistics(self, batches: Iterable[Tensor | tuple[Tensor, Tensor]]) -> None:
        """Replace the population statistics by averages over batches of training data.

        *Paper*: cooijmans2017recurrent, Section 3. The weights stay. ``batches`` are inputs ``x``, or pairs
        of inputs and lengths, best of the size of training's. Noise on h_0 is drawn as in training, since it
        is part of the distribution that the weights were learned on.
        """
        pairs = ((batch, None) if isinstance(batch, Tensor) else batch for batch in batches)
        training = self.training
        self.train()
        try:
            self.statistics.average(self._run(x, lengths, None, track=True)[1] for x, lengths in pairs)
        finally:
            self.train(training)
