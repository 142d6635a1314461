"""Knowledge tracing on simulated and on real students: data, loss and metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from unrolled.data import assistments, learners, registry
from unrolled.data.assistments import Students, select, windows
from unrolled.data.sequences import permutation
from unrolled.papers.dkt import baselines
from unrolled.papers.dkt.metrics import auc, auc_by_exercise
from unrolled.papers.dkt.model import DKT, asked_logits, predicted_mask
from unrolled.papers.dkt.studies import own_concept
from unrolled.training.experiment import Arrays, At, Experiment, Splits, TrainingConfig

CHUNK = 500
"""Windows that are evaluated at once."""

RELEASED = "naive_c5_q50_s4000_v0.csv"
"""4,000 students of the authors' own simulation with five concepts, of which 2,000 are for training."""


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """One run of the chapter."""

    data: Literal[
        "simulated", "released", "raw", "no_duplicates", "no_scaffolding", "merged", "corrected", "2015"
    ]
    """Students of our simulator, those that the authors simulated and released (five concepts), or one of the
    sets of `unrolled.data.assistments`."""
    cell: Literal["rnn", "lstm", "appendix"] = "lstm"
    """The plain recurrent network, the usual LSTM, or the paper's own form of it."""
    inputs: Literal["one_hot", "gaussian", "learned"] = "learned"
    """How a pair of exercise and answer becomes a vector."""
    input_size: int = 100
    """The length of this vector, where it is not one-hot."""
    hidden: int = 200
    """Units of the recurrent layer."""
    dropout: float = 0.4
    """The share of what is read out that is dropped in training."""
    window: int = 100
    """Steps of a sequence of real students; longer ones are cut into several."""
    students: int = 2000
    """Simulated students to train on."""
    test_students: int = 2000
    """Simulated students to test on."""
    concepts: int = 5
    """Hidden concepts of the simulation."""
    exercises: int = 50
    """Exercises of the simulation, each answered once."""
    shuffled: bool = False
    """Whether every simulated student answers in a different order; in the paper all have the same."""
    valid_share: float = 0.1
    """The share of training students that choose the best weights."""

    @property
    def real(self) -> bool:
        """Whether the students are real ones."""
        return self.data in assistments.SOURCES

    @property
    def tags(self) -> int:
        """How many exercises there are."""
        return assistments.SOURCES[self.data].tags if self.real else self.exercises


class DKTExperiment(Experiment[Config]):
    """Predict the next answer of a student from all before it (Table 1 and Figure 3a).

    Every seed has simulated students, or validation students, of its own.
    """

    slug = "dkt"
    Config = Config
    selection = ("valid_auc", "max")

    def datasets(self) -> tuple[str, ...]:
        """The set that the run reads; none for our own simulation."""
        if self.config.data == "simulated":
            return ()
        return (assistments.SOURCES[self.config.data].dataset if self.config.real else "dkt-assistments",)

    def students(self) -> tuple[Students, Students]:
        """The students to train on, and those to test on."""
        if self.config.real:
            both = assistments.load(self.config.data)
            return both["train"], both["test"]
        if self.config.data == "released":
            text = registry.fetch("dkt-assistments", only=[RELEASED])[RELEASED].read_text(encoding="ascii")
            answers = torch.tensor([[int(a) for a in line.split(",")] for line in text.split()])
            questions, train = torch.arange(answers.shape[1]).expand_as(answers), len(answers) // 2
        else:
            found = self.simulation()
            questions, answers, train = found.questions, found.answers, self.config.students
        return simulated(questions[:train], answers[:train]), simulated(questions[train:], answers[train:])

    def simulation(self) -> learners.Learners:
        """Our simulated students, those to train on first, and what only an oracle knows."""
        c = self.config
        total = c.students + c.test_students
        return learners.simulate(total, c.concepts, c.exercises, self.seed, shuffled=c.shuffled)

    def data(self) -> Splits:
        """Exercises and answers ``[n, time]`` and lengths ``[n]``; validation students come from training."""
        train, test = self.students()
        order = permutation(train.count, self.seed)
        valid = round(self.config.valid_share * train.count)
        parts = select(train, order[valid:].sort().values), select(train, order[:valid].sort().values), test
        length = self.config.window if self.config.real else self.config.exercises
        return Splits(*(windows(part, length) for part in parts))

    def model(self) -> DKT:
        """A network with fresh weights."""
        c = self.config
        return DKT(
            c.tags,
            hidden_size=c.hidden,
            cell=c.cell,
            inputs=c.inputs,
            input_size=c.input_size,
            dropout=c.dropout,
        )

    def loss(self, model: DKT, batch: Arrays, at: At) -> Tensor:
        """The mean over all predicted answers of equation 3, in nats."""
        exercises, answers, lengths = batch
        return model.losses(exercises, answers, lengths).sum() / (lengths - 1).sum()

    def evaluate(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """``auc`` pooled over all predicted answers, ``auc_by_exercise``, ``accuracy`` and mean ``loss``."""
        logits, answers, exercises = predicted(model, arrays)
        losses = functional.binary_cross_entropy_with_logits(logits, answers.to(logits.dtype))
        scores, right = logits.double().cpu().numpy(), answers.cpu().numpy()
        return {
            "auc": auc(scores, right),
            "auc_by_exercise": auc_by_exercise(scores, right, exercises.cpu().numpy()),
            "accuracy": float(((scores > 0) == right).mean()),
            "loss": losses.item(),
        }

    def test(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """`evaluate`; for real students also the areas without the answers that give themselves away
        (`baselines.areas`), and every predictor without a network (`baselines.references`). For simulated
        ones the predictors that are not told the concepts (`baselines.untold`) and, where the simulation is
        ours, the oracle and ``own_concept`` (`studies.own_concept`)."""
        metrics = self.evaluate(model, arrays)
        train, test = self.students()
        if self.config.data == "released":
            return metrics | baselines.untold(train, test)
        if not self.config.real:
            known = self.simulation()
            chances = known.probabilities[self.config.students :].flatten().double().numpy()
            metrics["own_concept"] = own_concept(model, known.concepts)
            return metrics | baselines.untold(train, test, chances)
        marks = baselines.marks(train, test)
        mask = predicted_mask(arrays[2], arrays[0].shape[1]).cpu()
        cut = [
            windows(test._replace(answers=torch.from_numpy(mark)), self.config.window)[1] for mark in marks
        ]
        kept = baselines.Marks(*(part[:, 1:][mask].numpy() for part in cut))
        logits, answers, exercises = (part.cpu().numpy() for part in predicted(model, arrays))
        metrics |= baselines.areas(logits.astype(np.float64), answers, exercises, kept)
        return metrics | baselines.references(train, test)


def simulated(questions: Tensor, answers: Tensor) -> Students:
    """Students who all answered every exercise once; both arrays are ``[students, exercises]``."""
    count, exercises = answers.shape
    starts = torch.arange(count + 1) * exercises
    return Students(questions.reshape(-1), answers.reshape(-1), starts, exercises)


def predicted(model: DKT, arrays: Arrays) -> tuple[Tensor, Tensor, Tensor]:
    """The log-odds of all answers but each window's first, these answers, and their exercises."""
    found = []
    for exercises, answers, lengths in zip(*(array.split(CHUNK) for array in arrays), strict=True):
        mask, asked = predicted_mask(lengths, exercises.shape[1]), exercises[:, 1:]
        logits = asked_logits(model(exercises, answers).h[:, :-1], asked, model.weight_y, model.bias_y)
        found.append((logits[mask], answers[:, 1:][mask], asked[mask]))
    return tuple(torch.cat(parts) for parts in zip(*found, strict=True))


EXPERIMENT = DKTExperiment
