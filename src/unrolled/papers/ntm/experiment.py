"""The five tasks for neural Turing machines and LSTMs: data, loss, metrics and the three profiles."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from unrolled.base.errors import unknown
from unrolled.data import algorithmic_tasks as tasks
from unrolled.data.algorithmic_tasks import Episodes
from unrolled.data.ngrams import dynamic_ngrams, ngram_counts, optimal_estimate
from unrolled.papers.ntm.baseline import LSTMBaseline
from unrolled.papers.ntm.metrics import bits_per_sequence, wrong_bits
from unrolled.papers.ntm.model import NTM
from unrolled.training.experiment import Arrays, Splits, TrainingConfig

Task = Literal["copy", "repeat_copy", "associative_recall", "dynamic_ngrams", "priority_sort"]


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """One run of the chapter."""

    task: Task = "copy"
    """What is to be learned."""
    model: Literal["ntm", "lstm"] = "ntm"
    """A neural Turing machine, or the LSTM it is compared with."""
    controller: Literal["lstm", "feedforward"] = "lstm"
    """The machine's controller."""
    hidden: int = 100
    """Units of a layer."""
    layers: int = 1
    """Layers of an LSTM, controller or baseline."""
    rows: int = 128
    """Rows of the memory."""
    columns: int = 20
    """Columns of the memory."""
    read_heads: int = 1
    """Heads that read."""
    write_heads: int = 1
    """Heads that write."""
    memory: Literal["constant", "random", "learned"] = "constant"
    """How the memory starts."""
    bits: int = 8
    """Bits of a vector."""
    longest: int = 20
    """In training: the longest copy; the longest vector list to repeat; the most items to recall or sort;
    the bits of an n-gram sequence."""
    repeats: int = 10
    """The most repeats in training."""
    beyond: str = ""
    """Sizes beyond training that are tested as well: ``"40 120"``, or ``"20x10 10x20"`` for repeats."""
    tested: int = 320
    """Episodes for validation, for the test, and for every size beyond training."""

    @property
    def channels(self) -> tuple[int, int]:
        """Input and output channels."""
        extra = {
            "copy": (1, 0),
            "repeat_copy": (2, 1),
            "associative_recall": (2, 0),
            "priority_sort": (2, 0),
        }
        if self.task == "dynamic_ngrams":
            return 1, 1
        inputs, outputs = extra[self.task]
        return self.bits + inputs, self.bits + outputs

    @classmethod
    def smoke(cls) -> Config:
        """Does it run: six updates of a tiny machine on copies of three bits."""
        return cls(
            hidden=8,
            rows=8,
            columns=4,
            bits=3,
            longest=3,
            beyond="6",
            tested=8,
            updates=6,
            batch_size=4,
            optimiser="rmsprop",
            optimiser_options=(("alpha", 0.95), ("momentum", 0.9)),
            learning_rate=1e-3,
            evaluate_every=3,
            checkpoint_every=100,
        )

    @classmethod
    def book(cls) -> Config:
        """Copies of up to eight vectors of six bits, with a memory of 20 rows."""
        return replace(
            cls.smoke(),
            hidden=32,
            rows=20,
            columns=8,
            bits=6,
            longest=8,
            beyond="16",
            tested=64,
            updates=500,
            batch_size=8,
            learning_rate=2e-3,
            schedule="linear",
            evaluate_every=100,
        )

    @classmethod
    def paper(cls) -> Config:
        """Copies of up to 20 vectors of eight bits, with the paper's memory and controller."""
        return cls(
            beyond="30 40 80 120",
            updates=6000,
            batch_size=32,
            optimiser="adam",
            learning_rate=1e-3,
            clip_norm=0.3,
            evaluate_every=250,
            checkpoint_every=500,
            fast=True,
        )


def draw(config: Config, n: int, size: tuple[int, int], generator: torch.Generator | None = None) -> Episodes:
    """Episodes of a run's task. ``size`` is a length and, for repeat copy, the number of repeats."""
    length, repeats = size
    if config.task == "copy":
        return tasks.copy(n, length, bits=config.bits, generator=generator)
    if config.task == "repeat_copy":
        return tasks.repeat_copy(n, length, repeats, bits=config.bits, generator=generator)
    if config.task == "associative_recall":
        return tasks.associative_recall(n, length, bits=config.bits, generator=generator)
    if config.task == "priority_sort":
        answers = max(1, length * 4 // 5)
        return tasks.priority_sort(n, length, answers, bits=config.bits, generator=generator)
    return dynamic_ngrams(n, length, generator=generator).episodes


def some_size(config: Config, generator: torch.Generator | None = None) -> tuple[int, int]:
    """A size as training draws it, the same for a whole batch."""

    def between(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (1,), generator=generator))

    if config.task in ("dynamic_ngrams", "priority_sort"):
        return config.longest, 0
    low = 2 if config.task == "associative_recall" else 1
    return between(low, config.longest), between(1, config.repeats) if config.task == "repeat_copy" else 0


class Solver(nn.Module):
    """A network, and the task it learns."""

    def __init__(self, network: nn.Module, config: Config) -> None:
        super().__init__()
        self.network, self.config = network, config

    def forward(self, inputs: Tensor) -> Tensor:
        """The logits of every output bit."""
        return self.network(inputs)


class NTMExperiment:
    """The experiments of Section 4."""

    slug = "ntm"
    selection: tuple[str, Literal["min", "max"]] = ("valid_bits", "min")

    def variants(self, profile: str) -> dict[str, Config]:
        """Every run of a profile, by name."""
        if profile == "paper":
            return self._paper()
        if profile not in ("smoke", "book"):
            raise unknown("profile", profile, ("smoke", "book", "paper"))
        config = Config.smoke() if profile == "smoke" else Config.book()
        return {
            "copy": config,
            "copy_feedforward": replace(config, controller="feedforward"),
            "copy_lstm": replace(config, model="lstm", hidden=2 * config.hidden),
        }

    def _paper(self) -> dict[str, Config]:
        copy = Config.paper()
        slow = {"optimiser": "rmsprop", "optimiser_options": (("alpha", 0.95), ("momentum", 0.9))}
        runs = {
            "copy": copy,
            "copy_paper_optimiser": replace(copy, **slow, learning_rate=1e-4),
            "copy_random_memory": replace(copy, memory="random"),
            "copy_learned_memory": replace(copy, memory="learned"),
            "repeat_copy": replace(copy, task="repeat_copy", longest=10, beyond="20x10 10x20"),
            "associative_recall": replace(
                copy, task="associative_recall", bits=6, longest=6, beyond="8 10 12 15 20", updates=10_000
            ),
            "dynamic_ngrams": replace(
                copy, task="dynamic_ngrams", longest=200, beyond="", tested=992, updates=3000
            ),
            "priority_sort": replace(
                copy,
                task="priority_sort",
                layers=2,
                read_heads=5,
                write_heads=5,
                beyond="",
            ),
        }
        # Heads and units as in the paper's tables: feed-forward controllers, and LSTMs of three layers.
        wide = {"associative_recall": (256, 4, 256), "priority_sort": (512, 8, 128)}
        for name in ("copy", "repeat_copy", "associative_recall", "dynamic_ngrams", "priority_sort"):
            hidden, heads, units = wide.get(name, (100, 1, {"copy": 256, "repeat_copy": 512}.get(name, 128)))
            runs[f"{name}_feedforward"] = replace(
                runs[name],
                controller="feedforward",
                layers=1,
                hidden=hidden,
                read_heads=heads,
                write_heads=heads,
            )
            runs[f"{name}_lstm"] = replace(
                runs[name], model="lstm", layers=3, hidden=units, read_heads=1, write_heads=1, fast=False
            )
        return runs

    def datasets(self, config: Config) -> tuple[str, ...]:
        """None: every episode is drawn."""
        return ()

    def checksums(self, config: Config) -> dict[str, dict[str, str]]:
        """None: every episode is drawn."""
        return {}

    def model(self, config: Config) -> Solver:
        """A network with fresh weights."""
        if config.model == "lstm":
            network = LSTMBaseline(*config.channels, hidden_size=config.hidden, layers=config.layers)
            return Solver(network, config)
        network = NTM(
            *config.channels,
            controller=config.controller,
            hidden_size=config.hidden,
            layers=config.layers,
            rows=config.rows,
            columns=config.columns,
            read_heads=config.read_heads,
            write_heads=config.write_heads,
            memory=config.memory,
            fast=config.fast,
        )
        return Solver(network, config)

    def data(self, config: Config) -> Splits:
        """Plans of batches ``[n, 4]``: length, repeats, seed, and whether the size lies beyond training.

        Episodes are drawn from a plan when they are measured. Those of training are drawn anew in every
        update, from torch's global generator; what stands in ``train`` only counts them.
        """

        def within(seed: int) -> list[tuple[int, int, int, int]]:
            generator = torch.Generator().manual_seed(seed)
            return [(*some_size(config, generator), seed + i, 0) for i in range(batches)]

        batches = max(1, config.tested // config.batch_size)
        beyond = []
        for number, text in enumerate(config.beyond.split()):
            length, _, repeats = text.partition("x")
            for i in range(batches):
                beyond.append((int(length), int(repeats or 0), 300_000 + 1000 * number + i, 1))
        valid, test = torch.tensor(within(100_000)), torch.tensor(within(200_000) + beyond)
        return Splits((torch.arange(config.batch_size),), (valid,), (test,))

    def loss(self, model: Solver, batch: Arrays) -> Tensor:
        """The mean cost of a sequence, in nats.

        Raises:
            RuntimeError: inside a CUDA graph, which would repeat one batch for ever.
        """
        if torch.cuda.is_available() and torch.cuda.is_current_stream_capturing():
            raise RuntimeError("episodes are drawn in every update, which no CUDA graph can do")
        config = model.config
        episodes = draw(config, len(batch[0]), some_size(config))
        episodes = Episodes(*(part.to(batch[0].device) for part in episodes))
        return bits_per_sequence(model(episodes.inputs), episodes).mean() * math.log(2)

    def evaluate(self, model: Solver, arrays: Arrays) -> dict[str, float]:
        """``bits`` and ``wrong`` bits a sequence at the sizes of training; ``bits_40``, ``wrong_40`` beyond.

        n-grams have the bits above those of the optimal estimator (``excess``) as well; repeat copy has the
        share of sequences whose end marker is wrong somewhere (``marker``).
        """
        config, found = model.config, {}
        for length, repeats, seed, outside in arrays[0].tolist():
            size = f"{length}x{repeats}" if repeats else f"{length}"
            suffix = f"_{size}" if outside else ""
            generator = torch.Generator().manual_seed(seed)
            drawn = draw(config, config.batch_size, (length, repeats), generator)
            episodes = Episodes(*(part.to(arrays[0].device) for part in drawn))
            logits = model(episodes.inputs)
            values = {
                "bits": bits_per_sequence(logits, episodes),
                "wrong": wrong_bits(logits, episodes).float(),
            }
            if config.task == "dynamic_ngrams":
                guess = optimal_estimate(*ngram_counts(drawn)).unsqueeze(-1).logit().to(logits)
                values["excess"] = values["bits"] - bits_per_sequence(guess, episodes)
            if config.task == "repeat_copy":
                marker = Episodes(episodes.inputs, episodes.targets[..., -1:], episodes.counts)
                values["marker"] = (wrong_bits(logits[..., -1:], marker) > 0).float()
            for name, value in values.items():
                found.setdefault(name + suffix, []).append(value.mean())
        return {name: torch.stack(values).mean().item() for name, values in found.items()}


EXPERIMENT = NTMExperiment()
