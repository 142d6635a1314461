"""Deep knowledge tracing: the mathematics of its equations, and the network on it.

An exercise is a whole number below ``count``, an answer is 0 or 1. A pair of both is one number below
2 ``count``: wrong answers first, then the right ones.
"""

import math
from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from unrolled.nn.cells import LSTM, LSTMState
from unrolled.nn.checks import Lengths, ShapeError, check_indices, check_lengths, check_option
from unrolled.papers.dkt.cells import AppendixLSTM, PlainRNN

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
    """A fixed vector n_{q,a} ~ N(0, I) for every pair, ``[pairs, size]`` (piech2015deep, Section 3.2)."""
    return torch.randn(pairs, size, generator=generator)


def encode(
    pairs: Int[Tensor, "*axes"], projection: Float[Tensor, "pairs input"]
) -> Float[Tensor, "*axes input"]:
    """The input x_t of every pair: its row of ``projection``.

    *Paper*: piech2015deep, Section 3.2. With the identity as ``projection`` these are one-hot vectors; with
    a Gaussian matrix, the compressed ones; a trained one is the one-hot network with its input weights in
    two factors.

        x_t = n_{q_t, a_t}

    >>> encode(torch.tensor([1, 0]), torch.eye(3)).int().tolist()
    [[0, 1, 0], [1, 0, 0]]
    """
    return functional.embedding(pairs, projection)


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
    """The log-odds of the exercises that were asked: y_t^T delta(q_{t+1}) before sigma (equation 3).

    The product with a one-hot vector keeps one row of W_yh, so that no other row is computed.

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


def without_padding(steps: Int[Tensor, "batch time"], lengths: Int[Tensor, " batch"]) -> Tensor:
    """Zeros in place of padding, whatever label stands there."""
    inside = torch.arange(steps.shape[1], device=steps.device) < lengths[:, None]
    return torch.where(inside, steps, 0)


def predicted_mask(lengths: Int[Tensor, " batch"], time: int) -> Bool[Tensor, "batch predicted"]:
    """Where there is an answer to predict, ``[batch, time - 1]``: from each student's second step on.

    >>> predicted_mask(torch.tensor([3, 1]), time=4).int().tolist()
    [[1, 1, 0], [0, 0, 0]]
    """
    return torch.arange(1, time, device=lengths.device) < lengths[:, None]


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

    def forward(self, exercises: Tensor, answers: Tensor, initial: State | None = None) -> Traced:
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
        return Traced(*self.layer(x, initial=initial))

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

    def _dropped(self, h: Tensor) -> Tensor:
        return functional.dropout(h, self.dropout, self.training)
