"""Deep knowledge tracing: the mathematics of equations 1 to 4 and of the appendix, and the network on it.

An exercise is a whole number below ``count``, an answer is 0 or 1. A pair of both is one number below
2 ``count``: wrong answers first, then the right ones.
"""

import math
from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from unrolled.nn.cells import LSTM, LSTMState, rnn_step
from unrolled.nn.checks import Lengths, ShapeError, check_indices, check_lengths, check_option, under_vmap
from unrolled.nn.scan import expand_state, scan

Cell = Literal["rnn", "lstm", "appendix"]
Inputs = Literal["one_hot", "gaussian", "learned"]

State = LSTMState | Tensor
"""Of an LSTM, or the h of a simple recurrent network."""


def pair_index(exercises: Int[Tensor, "*axes"], answers: Int[Tensor, "*axes"], count: int) -> Tensor:
    """The number of every pair of exercise and answer: the place of the one in its one-hot vector.

    *Paper*: piech2015deep, Section 3.2 (input as a one-hot vector of 2 ``count``).

    >>> pair_index(torch.tensor([2, 2]), torch.tensor([0, 1]), count=5).tolist()
    [2, 7]
    """
    return exercises + count * answers


def random_projection(pairs: int, size: int, generator: torch.Generator | None = None) -> Tensor:
    """A fixed Gaussian vector for every pair, ``[pairs, size]``.

    *Paper*: piech2015deep, Section 3.2, input by random projection.

        n_{q,a} ~ N(0, I)

    >>> random_projection(248, 100).shape
    torch.Size([248, 100])
    """
    return torch.randn(pairs, size, generator=generator)


def encode(
    pairs: Int[Tensor, "*axes"], projection: Float[Tensor, "pairs input"]
) -> Float[Tensor, "*axes input"]:
    """The input x_t of every pair: its row of ``projection``.

    *Paper*: piech2015deep, Section 3.2. With the identity as ``projection`` these are one-hot vectors; with
    a Gaussian matrix, the compressed ones. A product of a matrix with a one-hot vector is a look-up of its
    column, so that a trained ``projection`` is the one-hot network with its input weights in two factors.

        x_t = n_{q_t, a_t}

    >>> encode(torch.tensor([1, 0]), torch.eye(3)).int().tolist()
    [[0, 1, 0], [1, 0, 0]]
    """
    return functional.embedding(pairs, projection)


def decode(
    x: Float[Tensor, "batch input"], projection: Float[Tensor, "pairs input"]
) -> Int[Tensor, " batch"]:
    """Which pair an input stands for: the one whose vector has the largest inner product with it.

    *Paper*: piech2015deep, Section 3.2, which says that a few random dimensions keep a one-hot vector. This
    is the simplest way back (one layer of a network can compute it), and it fails where dimensions are too
    few: the product with another pair's long vector is then larger than that with the right one.

    >>> decode(torch.tensor([[0.1, 0.9]]), torch.eye(2)).tolist()
    [1]
    """
    return (x @ projection.T).argmax(1)


def readout(
    h: Float[Tensor, "*axes hidden"],
    weight_y: Float[Tensor, "exercises hidden"],
    bias_y: Float[Tensor, " exercises"],
) -> Float[Tensor, "*axes exercises"]:
    """The log-odds of a right answer, for every exercise.

    *Paper*: piech2015deep, inside equation 2; appendix, where the cell is read in place of h.

        z_t = W_yh h_t + b_y

    >>> readout(torch.ones(1, 2), torch.ones(3, 2), torch.zeros(3)).tolist()
    [[2.0, 2.0, 2.0]]
    """
    return functional.linear(h, weight_y, bias_y)


def predictions(
    h: Float[Tensor, "*axes hidden"],
    weight_y: Float[Tensor, "exercises hidden"],
    bias_y: Float[Tensor, " exercises"],
) -> Float[Tensor, "*axes exercises"]:
    """The probability of a right answer, for every exercise.

    *Paper*: piech2015deep, equation 2.

        y_t = sigma(W_yh h_t + b_y)

    >>> predictions(torch.zeros(1, 2), torch.ones(3, 2), torch.zeros(3)).tolist()
    [[0.5, 0.5, 0.5]]
    """
    return torch.sigmoid(readout(h, weight_y, bias_y))


def asked_logits(
    h: Float[Tensor, "*axes hidden"],
    asked: Int[Tensor, "*axes"],
    weight_y: Float[Tensor, "exercises hidden"],
    bias_y: Float[Tensor, " exercises"],
) -> Float[Tensor, "*axes"]:
    """The log-odds of the exercises that were asked, and of no other: y_t^T delta(q_{t+1}) before sigma.

    *Paper*: piech2015deep, inside equation 3. The product with a one-hot vector keeps one row of W_yh, so
    that no other row is computed.

    >>> asked_logits(torch.ones(1, 2), torch.tensor([1]), torch.tensor([[9.0, 9], [1, 2]]), torch.zeros(2))
    tensor([3.])
    """
    return (h * functional.embedding(asked, weight_y)).sum(-1) + bias_y[asked]


def student_losses(
    h: Float[Tensor, "batch time hidden"],
    exercises: Int[Tensor, "batch time"],
    answers: Int[Tensor, "batch time"],
    weight_y: Float[Tensor, "exercises hidden"],
    bias_y: Float[Tensor, " exercises"],
    lengths: Lengths | None = None,
) -> Float[Tensor, " batch"]:
    """The loss of every student, in nats: every answer but the first, predicted from what came before it.

    *Paper*: piech2015deep, equation 3.

        L = sum_t l(y_t^T delta(q_{t+1}), a_{t+1})

    *Shapes*: ``h[:, t]`` has seen the steps up to t. What stands at or after ``lengths`` is ignored, labels
    of padding such as -1 too.

    >>> one = torch.ones(1, 3, dtype=torch.long)
    >>> student_losses(torch.zeros(1, 3, 2), one, one, torch.ones(5, 2), torch.zeros(5)).round(decimals=4)
    tensor([1.3863])
    """
    if lengths is not None:
        lengths = check_lengths(lengths, *exercises.shape, like=exercises)
        exercises, answers = without_padding(exercises, lengths), without_padding(answers, lengths)
    logits = asked_logits(h[:, :-1], exercises[:, 1:], weight_y, bias_y)
    losses = functional.binary_cross_entropy_with_logits(logits, answers[:, 1:].to(h.dtype), reduction="none")
    if lengths is not None:
        losses = torch.where(predicted_mask(lengths, exercises.shape[1]), losses, losses.new_zeros(()))
    return losses.sum(1)


def without_padding(
    steps: Int[Tensor, "batch time"], lengths: Int[Tensor, " batch"]
) -> Int[Tensor, "batch time"]:
    """Zeros in place of padding, whatever label stands there.

    >>> without_padding(torch.tensor([[3, 4, -1]]), torch.tensor([2])).tolist()
    [[3, 4, 0]]
    """
    inside = torch.arange(steps.shape[1], device=steps.device) < lengths[:, None]
    return torch.where(inside, steps, 0)


def predicted_mask(lengths: Int[Tensor, " batch"], time: int) -> Bool[Tensor, "batch predicted"]:
    """Where there is an answer to predict, ``[batch, time - 1]``: from each student's second step on.

    >>> predicted_mask(torch.tensor([3, 1]), time=4).int().tolist()
    [[1, 1, 0], [0, 0, 0]]
    """
    return torch.arange(1, time, device=lengths.device) < lengths[:, None]


def influences(y: Float[Tensor, "exercises exercises"]) -> Float[Tensor, "exercises exercises"]:
    """The influence of exercise i (row) on exercise j (column).

    *Paper*: piech2015deep, equation 4. ``y[i, j]`` is y(j | i): the probability of a right answer to j at
    the second step, after a right answer to i at the first.

        J_ij = y(j | i) / sum_k y(j | k)

    >>> influences(torch.tensor([[0.9, 0.5], [0.3, 0.5]])).round(decimals=2).tolist()
    [[0.75, 0.5], [0.25, 0.5]]
    """
    return y / y.sum(0)


def appendix_lstm_step(
    state: LSTMState,
    from_x: Float[Tensor, "batch four_hidden"],
    W_h: Float[Tensor, "four_hidden hidden"],
) -> LSTMState:
    """One step of the LSTM as the paper's appendix prints it.

    *Paper*: piech2015deep, Appendix. Its gates and also its candidate g are logistic, nothing squashes the
    cell on its way out, and the network is read from the cell (here ``c``, the paper's m).

        (i_t, f_t, g_t, o_t) = sigma(W_x x_t + b + W_h h_{t-1})
        m_t = f_t * m_{t-1} + i_t * g_t
        h_t = o_t * m_t

    *Shapes*: as annotated, ``four_hidden`` = 4 ``hidden``. ``from_x`` is W_x x_t + b, which no feedback
    reaches, so that it is computed for all steps at once.

    >>> state = LSTMState(torch.zeros(1, 1), torch.ones(1, 1))
    >>> new = appendix_lstm_step(state, torch.zeros(1, 4), torch.zeros(4, 1))
    >>> new.c.item(), new.h.item()
    (0.75, 0.375)
    """
    i, f, g, o = torch.sigmoid(from_x + functional.linear(state.h, W_h)).chunk(4, -1)
    c = f * state.c + i * g
    return LSTMState(o * c, c)


class AppendixLSTM(nn.Module):
    """A layer of the appendix's LSTM, with a learned initial state; `appendix_lstm_step` over a sequence.

    *Departures*: unspecified: weights are uniform as torch's, the forget gate's bias starts at 1. The cell
    before the first step is a softplus, so that training cannot make it negative.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.W_x = nn.Parameter(torch.empty(4 * hidden_size, input_size))
        self.W_h = nn.Parameter(torch.empty(4 * hidden_size, hidden_size))
        self.b = nn.Parameter(torch.zeros(4 * hidden_size))
        self.h_0 = nn.Parameter(torch.zeros(hidden_size))
        self.before_c_0 = nn.Parameter(torch.zeros(hidden_size))
        for weight in (self.W_x, self.W_h):
            nn.init.uniform_(weight, -1 / math.sqrt(hidden_size), 1 / math.sqrt(hidden_size))
        with torch.no_grad():
            self.b[hidden_size : 2 * hidden_size] = 1

    def forward(self, x: Tensor, initial: LSTMState | None = None) -> tuple[Tensor, LSTMState]:
        """The cells of all steps ``[batch, time, hidden]``, and the last state."""
        if initial is None:
            initial = expand_state(LSTMState(self.h_0, functional.softplus(self.before_c_0)), x.shape[0])
        from_x = functional.linear(x, self.W_x, self.b)
        states, last, _ = scan(appendix_lstm_step, from_x, initial, self.W_h, batch_first=True)
        return states.c, last


class PlainRNN(nn.Module):
    """A layer of equation 1 on torch's fused loop, with a learned initial state.

    The mathematics is that of `torch.nn.RNN`; its second bias, which the paper does not have, stays zero.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.core = nn.RNN(input_size, hidden_size, batch_first=True)
        nn.init.zeros_(self.core.bias_hh_l0).requires_grad_(False)
        self.h_0 = nn.Parameter(torch.zeros(hidden_size))

    def forward(self, x: Tensor, initial: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The hidden states of all steps ``[batch, time, hidden]``, and the last one."""
        if initial is None:
            initial = expand_state(self.h_0, x.shape[0])
        weights = self.core.weight_ih_l0, self.core.weight_hh_l0, self.core.bias_ih_l0
        if under_vmap(x, initial, *weights):
            states, last, _ = scan(rnn_step, x, initial, *weights, batch_first=True)
            return states, last
        h, last = self.core(x, initial.unsqueeze(0).contiguous())
        return h, last[0]


class Traced(NamedTuple):
    """What the network makes of a stream of answers."""

    h: Tensor  # what is read out after every step, [batch, time, hidden]: h_t, or the appendix's cell
    last: State


class DKT(nn.Module):
    """A recurrent network that traces what a student knows.

    *Paper*: piech2015deep, Section 3, equations 1 to 3, and the appendix. The first state is learned.

    *Options*: ``cell``: "rnn" (equation 1), "lstm" (the usual one) or "appendix" (the paper's own form).
    ``inputs``: "one_hot" vectors of 2 ``exercises``, "gaussian" vectors of ``input_size`` that stay as
    they were drawn, or "learned" ones. ``dropout`` acts on what is read out, never in the recurrence.

    *Shapes*: ``exercises`` and ``answers`` are whole numbers ``[batch, time]``.

    *Departures*: unspecified: the size of initial input weights. One-hot vectors are short where Gaussian
    ones are about the root of ``input_size`` long, so the weights that read them are drawn that much larger.

    *Raises*: `ShapeError` where exercises and answers differ in shape, or there is no time axis, and for an
    exercise or an answer that there is not; `UsageError` for an unknown option.

    >>> model = DKT(50, hidden_size=8)
    >>> ones = torch.ones(4, 7, dtype=torch.long)
    >>> model.predict(model(ones, ones).h).shape
    torch.Size([4, 7, 50])
    """

    def __init__(
        self,
        exercises: int,
        *,
        hidden_size: int = 200,
        cell: Cell = "lstm",
        inputs: Inputs = "one_hot",
        input_size: int = 100,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_option("cell", cell, Cell)
        check_option("inputs", inputs, Inputs)
        self.exercises, self.cell, self.inputs, self.dropout = exercises, cell, inputs, dropout
        size = 2 * exercises if inputs == "one_hot" else input_size
        if inputs == "learned":
            self.projection = nn.Parameter(random_projection(2 * exercises, size))
        elif inputs == "gaussian":
            self.register_buffer("projection", random_projection(2 * exercises, size))
        self.layer = {"rnn": PlainRNN, "lstm": LSTM, "appendix": AppendixLSTM}[cell](size, hidden_size)
        if inputs == "one_hot":
            with torch.no_grad():
                weight_ih = self.layer.W_x if cell == "appendix" else self.layer.core.weight_ih_l0
                weight_ih.mul_(math.sqrt(input_size))
        self.weight_y = nn.Parameter(torch.empty(exercises, hidden_size))
        self.bias_y = nn.Parameter(torch.zeros(exercises))
        nn.init.uniform_(self.weight_y, -1 / math.sqrt(hidden_size), 1 / math.sqrt(hidden_size))

    def forward(
        self,
        exercises: Int[Tensor, "*axes"],
        answers: Int[Tensor, "*other_axes"],
        initial: State | None = None,
    ) -> Traced:
        """Read a stream of answers, from ``initial`` or the learned state."""
        if exercises.shape != answers.shape or exercises.ndim != 2:
            raise ShapeError(
                "exercises and answers must both be [batch, time], not "
                f"{list(exercises.shape)} and {list(answers.shape)}"
            )
        check_indices("exercises", exercises, self.exercises)
        check_indices("answers", answers, 2)
        if self.inputs == "one_hot":
            like = self.weight_y
            projection = torch.eye(2 * self.exercises, dtype=like.dtype, device=like.device)
        else:
            projection = self.projection
        x = encode(pair_index(exercises, answers, self.exercises), projection)
        h, last = self.layer(x, initial=initial)
        return Traced(h, last)

    def predict(self, h: Float[Tensor, "*axes hidden"]) -> Float[Tensor, "*axes exercises"]:
        """The probability of a right answer, for every exercise (equation 2)."""
        return predictions(self._dropped(h), self.weight_y, self.bias_y)

    def losses(
        self,
        exercises: Int[Tensor, "batch time"],
        answers: Int[Tensor, "batch time"],
        lengths: Lengths | None = None,
    ) -> Float[Tensor, " batch"]:
        """The loss of every student (equation 3); what stands at or after ``lengths`` is ignored."""
        if lengths is not None:
            lengths = check_lengths(lengths, *exercises.shape, like=exercises)
            exercises, answers = without_padding(exercises, lengths), without_padding(answers, lengths)
        h = self._dropped(self(exercises, answers).h)
        return student_losses(h, exercises, answers, self.weight_y, self.bias_y, lengths)

    @torch.no_grad()
    def influence(self) -> Float[Tensor, "exercises exercises"]:
        """The influence of every exercise on every other (equation 4)."""
        each = torch.arange(self.exercises, device=self.weight_y.device)[:, None]
        return influences(self.predict(self(each, torch.ones_like(each)).h[:, 0]))

    @torch.no_grad()
    def knowledge(
        self, exercises: Int[Tensor, " time"], answers: Int[Tensor, " time"]
    ) -> Float[Tensor, "time exercises"]:
        """What one student knows after every step: the heat map of the paper's Figure 1."""
        return self.predict(self(exercises[None], answers[None]).h[0])

    def _dropped(self, h: Tensor) -> Tensor:
        return functional.dropout(h, self.dropout, self.training)
