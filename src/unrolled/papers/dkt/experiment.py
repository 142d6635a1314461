"""Knowledge tracing on simulated and on real students: data, loss, metrics and the three profiles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from unrolled.base.errors import unknown
from unrolled.data import assistments, learners, registry
from unrolled.data.assistments import Students, select, windows
from unrolled.data.sequences import permutation
from unrolled.papers.dkt import untrained
from unrolled.papers.dkt.metrics import auc, auc_by_exercise
from unrolled.papers.dkt.model import DKT, asked_logits, predicted_mask
from unrolled.training.experiment import Arrays, Splits, TrainingConfig

CHUNK = 500
"""Windows that are evaluated at once."""


UPDATES = {
    "raw": 720,
    "no_duplicates": 632,
    "no_scaffolding": 560,
    "merged": 520,
    "corrected": 480,
    "2015": 1656,
    "released": 180,
}
"""Four epochs of each set of real students, in updates of 32 windows; ten of the released simulated ones, of
100 students."""

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
    """Whether every simulated student answers in an order of his own; in the paper all have the same."""
    valid_share: float = 0.1
    """The share of training students that choose the best weights."""
    references: bool = False
    """Whether the test also measures the predictors without a network, and counts what the files hold."""
    data_seed: int | None = None
    """The seed of the simulation and of the validation students; None takes the run's own seed."""

    def for_seed(self, seed: int) -> Config:
        """Every seed has simulated students, or validation students, of its own."""
        return replace(self, data_seed=seed) if self.data_seed is None else self

    @property
    def tags(self) -> int:
        """How many exercises there are."""
        return assistments.SOURCES[self.data].tags if self.real else self.exercises

    @property
    def real(self) -> bool:
        """Whether the students are real ones."""
        return self.data in assistments.SOURCES

    @classmethod
    def smoke(cls) -> Config:
        """Does it run: six updates of a tiny network on a few simulated students."""
        return cls(
            data="simulated",
            inputs="one_hot",
            hidden=8,
            dropout=0.0,
            students=60,
            test_students=200,
            updates=6,
            batch_size=16,
            optimiser="adam",
            learning_rate=1e-2,
            clip_norm=1.0,
            evaluate_every=3,
            checkpoint_every=100,
        )

    @classmethod
    def book(cls) -> Config:
        """A small LSTM on 2,000 simulated students: about two seconds on one core."""
        return cls(
            data="simulated",
            inputs="one_hot",
            hidden=64,
            dropout=0.0,
            test_students=1000,
            updates=85,
            batch_size=50,
            optimiser="adam",
            learning_rate=2e-2,
            schedule="linear",
            clip_norm=1.0,
            evaluate_every=85,
            checkpoint_every=1000,
        )

    @classmethod
    def paper(cls) -> Config:
        """The LSTM on the released Assistments files: four epochs, about two minutes of one core.

        The paper has 200 units and batches of 100 students, trained by plain gradient steps. Adam and windows
        of 100 answers get to the same place in four epochs.
        """
        return cls(
            data="raw",
            updates=UPDATES["raw"],
            batch_size=32,
            optimiser="adam",
            learning_rate=3e-3,
            schedule="linear",
            clip_norm=1.0,
            evaluate_every=60,
            checkpoint_every=240,
        )


class DKTExperiment:
    """Predict the next answer of a student from all before it (Table 1 and Figure 3a)."""

    slug = "dkt"
    selection: tuple[str, Literal["min", "max"]] = ("valid_auc", "max")

    def variants(self, profile: str) -> dict[str, Config]:
        """Every run of a profile, by name.

        >>> list(EXPERIMENT.variants("book"))[4:]
        ['lstm_5', 'rnn_1', 'rnn_2', 'rnn_3', 'rnn_4', 'rnn_5', 'shuffled_5']
        """
        if profile in ("smoke", "book"):
            config = Config.smoke() if profile == "smoke" else Config.book()
            runs = {
                f"{cell}_{k}": replace(config, cell=cell, concepts=k)
                for cell in ("lstm", "rnn")
                for k in range(1, 6)
            }
            more = config.updates * 13 // 10  # it is harder
            longer = replace(config, shuffled=True, updates=more, evaluate_every=more)
            return runs | {"shuffled_5": longer}
        if profile == "paper":
            config = Config.paper()
            runs = {f"lstm_{name}": replace(config, data=name, updates=n) for name, n in UPDATES.items()}
            simulated = replace(
                runs["lstm_released"],
                inputs="one_hot",
                dropout=0.0,
                batch_size=100,
                learning_rate=1e-2,
                evaluate_every=18,
            )
            runs["lstm_released"], runs["rnn_released"] = simulated, replace(simulated, cell="rnn")
            runs["rnn_raw"] = replace(config, cell="rnn")
            runs["gaussian_raw"] = replace(config, inputs="gaussian")
            runs["one_hot_raw"] = replace(config, inputs="one_hot")
            runs["appendix_raw"] = replace(config, cell="appendix")
            runs |= {
                f"references_{name}": replace(runs[f"lstm_{name}"], updates=1, references=True)
                for name in assistments.SOURCES
            }
            return runs
        raise unknown("profile", profile, ("smoke", "book", "paper"))

    def datasets(self, config: Config) -> tuple[str, ...]:
        """The set that a run reads; none for our own simulation."""
        if config.data == "simulated":
            return ()
        return (assistments.SOURCES[config.data].dataset if config.real else "dkt-assistments",)

    def checksums(self, config: Config) -> dict[str, dict[str, str]]:
        """The SHA-256 of every file that a run reads."""
        return registry.checksums(self.datasets(config))

    def model(self, config: Config) -> nn.Module:
        """A network with fresh weights."""
        return DKT(
            config.tags,
            hidden_size=config.hidden,
            cell=config.cell,
            inputs=config.inputs,
            input_size=config.input_size,
            dropout=config.dropout,
        )

    def data(self, config: Config) -> Splits:
        """Exercises and answers ``[n, time]`` and lengths ``[n]``; validation students come from training."""
        train, test = students(config)
        order = permutation(train.count, config.data_seed or 0)
        valid = round(config.valid_share * train.count)
        parts = select(train, order[valid:].sort().values), select(train, order[:valid].sort().values), test
        length = config.window if config.real else config.exercises
        splits = Splits(*(windows(part, length) for part in parts))
        if not config.real:
            return splits
        marks = untrained.marks(train, test)
        extra = [windows(test._replace(answers=torch.from_numpy(mark)), length)[1] for mark in marks]
        if config.references:
            extra.append(torch.tensor([*untrained.references(train, test).values()], dtype=torch.float64))
        return splits._replace(test=(*splits.test, *extra))

    def loss(self, model: nn.Module, batch: Arrays) -> Tensor:
        """The mean over all predicted answers of equation 3, in nats."""
        exercises, answers, lengths = batch
        return model.losses(exercises, answers, lengths).sum() / (lengths - 1).sum()

    def evaluate(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """``auc`` pooled over all predicted answers, ``auc_by_exercise``, ``accuracy`` and mean ``loss``."""
        logits, answers, exercises = predicted(model, arrays[:3])
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
        (`untrained.areas`); and with ``references`` everything in ``untrained.METRICS``."""
        metrics = self.evaluate(model, arrays)
        if len(arrays) == 3:
            return metrics
        time, real = arrays[0].shape[1], arrays[2]
        logits, answers, exercises = (part.cpu().numpy() for part in predicted(model, arrays[:3]))
        mask = predicted_mask(real, time)
        marks = untrained.Marks(*(mark[:, 1:][mask].cpu().numpy() for mark in arrays[3:5]))
        metrics |= untrained.areas(logits.astype(np.float64), answers, exercises, marks)
        for numbers in arrays[5:]:
            metrics |= dict(zip(untrained.METRICS, numbers.tolist(), strict=True))
        return metrics


def students(config: Config) -> tuple[Students, Students]:
    """The students to train on, and those to test on."""
    if config.real:
        both = assistments.load(config.data)
        return both["train"], both["test"]
    if config.data == "released":
        text = registry.fetch("dkt-assistments", only=[RELEASED])[RELEASED].read_text(encoding="ascii")
        answers = torch.tensor([[int(a) for a in line.split(",")] for line in text.split()])
        questions, train = torch.arange(answers.shape[1]).expand_as(answers), len(answers) // 2
    else:
        found = simulation(config)
        questions, answers, train = found.questions, found.answers, config.students
    return simulated(questions[:train], answers[:train]), simulated(questions[train:], answers[train:])


def simulation(config: Config) -> learners.Learners:
    """Our simulated students, those to train on before those to test on, and what only an oracle knows."""
    total, seed = config.students + config.test_students, config.data_seed or 0
    return learners.simulate(total, config.concepts, config.exercises, seed, shuffled=config.shuffled)


def simulated(questions: Tensor, answers: Tensor) -> Students:
    """Students who all answered every exercise once; both arrays are ``[students, exercises]``."""
    count, exercises = answers.shape
    starts = torch.arange(count + 1) * exercises
    return Students(questions.reshape(-1), answers.reshape(-1), starts, exercises)


def predicted(model: nn.Module, arrays: Arrays) -> tuple[Tensor, Tensor, Tensor]:
    """The log-odds of all answers but each window's first, these answers, and their exercises."""
    found = []
    for exercises, answers, lengths in zip(*(array.split(CHUNK) for array in arrays), strict=True):
        mask, asked = predicted_mask(lengths, exercises.shape[1]), exercises[:, 1:]
        logits = asked_logits(model(exercises, answers).h[:, :-1], asked, model.weight_y, model.bias_y)
        found.append((logits[mask], answers[:, 1:][mask], asked[mask]))
    return tuple(torch.cat(parts) for parts in zip(*found, strict=True))


EXPERIMENT = DKTExperiment()
