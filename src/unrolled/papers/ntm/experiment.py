"""The five tasks for neural Turing machines and LSTMs: episodes, loss and metrics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from unrolled.data import algorithmic_tasks as tasks
from unrolled.data.algorithmic_tasks import Episodes
from unrolled.data.ngrams import dynamic_ngrams, ngram_counts, optimal_estimate
from unrolled.papers.ntm.baseline import LSTMBaseline
from unrolled.papers.ntm.model import NTM
from unrolled.training.experiment import Arrays, At, Experiment, Splits, TrainingConfig

CHANNELS = {"copy": (1, 0), "repeat_copy": (2, 1), "associative_recall": (2, 0), "priority_sort": (2, 0)}
"""Channels of inputs and outputs beside the bits of a vector."""


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """One run of Section 4; what is not given has the paper's sizes."""

    task: Literal["copy", "repeat_copy", "associative_recall", "dynamic_ngrams", "priority_sort"] = "copy"
    """What is to be learned."""
    model: Literal["ntm", "lstm"] = "ntm"
    """A neural Turing machine, or the LSTM it is compared with."""
    controller: Literal["lstm", "feedforward"] = "lstm"
    """The machine's controller."""
    backend: Literal["reference", "compiled"] = "reference"
    """Whether the machine's step is compiled."""
    hidden: int = 100
    """Units of a layer."""
    layers: int = 1
    """Layers of an LSTM, controller or baseline."""
    rows: int = 128
    """Rows of the memory."""
    columns: int = 20
    """Columns of the memory."""
    heads: int = 1
    """Heads that read, and as many that write."""
    memory: Literal["constant", "random", "learned"] = "constant"
    """How the memory starts."""
    bits: int = 8
    """Bits of a vector."""
    longest: int
    """In training: the longest copy; the longest list to repeat; the most items to recall or sort; the bits
    of an n-gram sequence."""
    repeats: int = 10
    """The most repeats in training."""
    beyond: str = ""
    """Sizes beyond training that are tested as well: ``"40 120"``, or ``"20x10 10x20"`` for repeats."""
    tested: int = 320
    """Episodes for validation, for the test, and for every size beyond training."""

    @property
    def channels(self) -> tuple[int, int]:
        """Input and output channels."""
        if self.task == "dynamic_ngrams":
            return 1, 1
        inputs, outputs = CHANNELS[self.task]
        return self.bits + inputs, self.bits + outputs


def draw(config: Config, n: int, size: tuple[int, int], generator: torch.Generator | None = None) -> Episodes:
    """Episodes of a run's task. ``size`` is a length and, for repeat copy, the number of repeats."""
    length, repeats = size
    if config.task == "dynamic_ngrams":
        return dynamic_ngrams(n, length, generator=generator).episodes
    further = {"repeat_copy": (repeats,), "priority_sort": (max(1, length * 4 // 5),)}
    generate = getattr(tasks, config.task)
    return generate(n, length, *further.get(config.task, ()), bits=config.bits, generator=generator)


def draw_size(config: Config, generator: torch.Generator) -> tuple[int, int]:
    """A size as training draws it, the same for a whole batch."""

    def between(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (1,), generator=generator))

    if config.task in ("dynamic_ngrams", "priority_sort"):
        return config.longest, 0
    low = 2 if config.task == "associative_recall" else 1
    return between(low, config.longest), between(1, config.repeats) if config.task == "repeat_copy" else 0


def spread_sizes(config: Config, n: int) -> list[tuple[int, int]]:
    """``n`` sizes to measure on, spread evenly over those of training, so that no draw of lengths decides.

    Repeats take their values in an order of their own, so that every length meets few and many.
    """
    if config.task in ("dynamic_ngrams", "priority_sort"):
        return [(config.longest, 0)] * n
    low = 2 if config.task == "associative_recall" else 1
    lengths = torch.linspace(low, config.longest, n).round().int().tolist()
    if config.task != "repeat_copy":
        return [(length, 0) for length in lengths]
    repeats = torch.linspace(1, config.repeats, n).round().int()
    order = torch.randperm(n, generator=torch.Generator().manual_seed(0))
    return list(zip(lengths, repeats[order].tolist(), strict=True))


def bits_per_sequence(logits: Tensor, episodes: Episodes) -> Tensor:
    """The cost of each sequence in bits: the cross-entropy of all scored output bits, by ln 2.

    *Paper*: graves2014neural, Section 4.

    *Shapes*: logits ``[n, time, bits]``; the result ``[n]``.

    >>> episodes = Episodes(torch.zeros(1, 2, 1), torch.ones(1, 2, 3), torch.tensor([[False, True]]))
    >>> bits_per_sequence(torch.zeros(1, 2, 3), episodes).tolist()
    [3.0]
    """
    each = functional.binary_cross_entropy_with_logits(logits, episodes.targets, reduction="none")
    return (each.sum(-1) * episodes.counts).sum(-1) / math.log(2)


def wrong_bits(logits: Tensor, episodes: Episodes) -> Tensor:
    """How many scored output bits of each sequence are on the wrong side of one half.

    *Shapes*: those of `bits_per_sequence`.
    """
    wrong = (logits > 0) != (episodes.targets > 0.5)
    return (wrong.sum(-1) * episodes.counts).sum(-1)


class NTMExperiment(Experiment[Config]):
    """The experiments of Section 4. Training draws new episodes for every update."""

    slug = "ntm"
    Config = Config
    selection = ("valid_bits", "min")

    def model(self) -> nn.Module:
        """A machine, or the LSTM."""
        config = self.config
        if config.model == "lstm":
            return LSTMBaseline(*config.channels, hidden_size=config.hidden, layers=config.layers)
        return NTM(
            *config.channels,
            controller=config.controller,
            hidden_size=config.hidden,
            layers=config.layers,
            rows=config.rows,
            columns=config.columns,
            read_heads=config.heads,
            write_heads=config.heads,
            memory=config.memory,
            backend=config.backend,
        )

    def data(self) -> Splits:
        """Of the data to measure on, one row for each batch ``[n, 4]``: length, repeats, the seed that its
        episodes are drawn from, and whether the size lies beyond training. For training, numbers that count
        the episodes of a batch."""
        config = self.config
        batches = max(1, config.tested // config.batch_size)

        def within(seed: int) -> list[tuple[int, int, int, int]]:
            sizes = spread_sizes(config, batches)
            return [(*size, seed + i, 0) for i, size in enumerate(sizes)]

        beyond = []
        for number, text in enumerate(config.beyond.split()):
            length, _, repeats = text.partition("x")
            for i in range(batches):
                beyond.append((int(length), int(repeats or 0), 300_000 + 1000 * number + i, 1))
        valid, test = torch.tensor(within(100_000)), torch.tensor(within(200_000) + beyond)
        return Splits((torch.arange(config.batch_size),), (valid,), (test,))

    def batch(self, batch: Arrays, at: At) -> Arrays:
        """New episodes; their size is drawn for the update, the same for all seeds."""
        chosen = batch[0].cpu()
        episodes = draw(self.config, self.config.batch_size, draw_size(self.config, at.shared), at.generator)
        return tuple(part[chosen] for part in episodes)

    def loss(self, model: nn.Module, batch: Arrays, at: At) -> Tensor:
        """The mean cost of a sequence, in nats."""
        episodes = Episodes(*batch)
        return bits_per_sequence(model(episodes.inputs), episodes).mean() * math.log(2)

    def evaluate(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """``bits`` and ``wrong`` bits of a sequence at the sizes of training; ``bits_40``, ``wrong_40``
        beyond. n-grams have the bits above those of the optimal estimator (``excess``) as well; repeat copy
        has the share of sequences whose end marker is wrong somewhere (``marker``).
        """
        config, found = self.config, {}
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


EXPERIMENT = NTMExperiment
