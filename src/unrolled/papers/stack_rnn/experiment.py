"""Counting languages, memorisation and addition for networks with and without stacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from unrolled.data.counting import ALPHABETS, Language, streams, string, strings_right
from unrolled.papers.stack_rnn.baseline import LSTMBaseline
from unrolled.papers.stack_rnn.model import StackRNN
from unrolled.training.experiment import Arrays, At, Experiment, Splits, TrainingConfig

SHORTEST, BEYOND, CELLS = 2, 60, 200
"""The smallest size of a string, the first size that is not tested, and how deep stacks are in tests."""
SHOWN = (5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 59)
"""Sizes whose share of right strings is a metric of its own."""


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """One run of Section 5; what is not given has the paper's sizes."""

    language: Language = "anbn"
    """What is to be learned."""
    model: Literal["stack", "list", "rnn", "lstm"] = "stack"
    """A network with stacks or lists, or one of the two without."""
    hidden: int = 40
    """Units of a layer."""
    layers: int = 1
    """Layers of an LSTM."""
    stacks: int = 10
    """Stacks, or lists."""
    depth: int = 2
    """How many cells of each stack the hidden units see."""
    noop: bool = False
    """Whether stacks may also stay as they are."""
    recurrent: bool = False
    """Whether hidden units of a network with stacks see one another."""
    longest: int = 19
    """The largest size in training and validation."""
    grow: int
    """Updates after which strings of one more size are drawn; the first are 2 and 3."""
    strings: int = 3
    """How many strings of mean length a training stream has."""
    tested: int = 10
    """Strings of each size in a test stream; the stacks are carried from one to the next."""


class StackRNNExperiment(Experiment[Config]):
    """The experiments of Section 5. Training draws new streams for every update."""

    slug = "stack_rnn"
    Config = Config
    selection = ("valid_loss", "min")

    @property
    def has_actions(self) -> bool:
        """Whether there is something to round."""
        return self.config.model in ("stack", "list")

    def model(self) -> nn.Module:
        """A network with stacks or lists, or a baseline."""
        config, symbols = self.config, len(ALPHABETS[self.config.language])
        if config.model == "lstm":
            return LSTMBaseline(symbols, hidden_size=config.hidden, layers=config.layers)
        if config.model == "rnn":
            return StackRNN(symbols, hidden_size=config.hidden, stacks=0, recurrent=True)
        return StackRNN(
            symbols,
            hidden_size=config.hidden,
            stacks=config.stacks,
            depth=config.depth,
            memory=config.model,
            noop=config.noop,
            recurrent=config.recurrent,
        )

    def data(self) -> Splits:
        """Sizes to measure on, those of training and all up to 59; for training, numbers of its streams."""
        valid = torch.arange(SHORTEST, self.config.longest + 1)
        return Splits((torch.arange(self.config.batch_size),), (valid,), (torch.arange(SHORTEST, BEYOND),))

    def longest_at(self, update: int) -> int:
        """The largest size that an update draws: the curriculum."""
        return min(self.config.longest, SHORTEST + 1 + update // self.config.grow)

    def batch(self, batch: Arrays, at: At) -> Arrays:
        """New streams ``[n, steps + 1]``, long enough for ``strings`` strings of mean length."""
        config, largest = self.config, self.longest_at(at.update)
        generator = np.random.default_rng(int(torch.randint(2**62, (), generator=at.generator)))
        middle = len(string(config.language, 10, generator)[0]) / 10
        steps = 10 * round(config.strings * middle * (SHORTEST + largest) / 20 + 0.5)
        sizes = generator.integers(SHORTEST, largest + 1, (len(batch[0]), max(2, steps // SHORTEST)))
        return (streams(config.language, sizes.tolist(), generator, steps).symbols,)

    def loss(self, model: nn.Module, batch: Arrays, at: At) -> Tensor:
        """The mean cross-entropy of a symbol, in nats, of those that cannot be foreseen too."""
        (symbols,) = batch
        logits = model(symbols[:, :-1])
        return functional.cross_entropy(logits.flatten(0, 1), symbols[:, 1:].flatten())

    @torch.no_grad()
    def measured(self, model: nn.Module, sizes: Tensor, strings: int, rows: int) -> dict[str, float]:
        """``loss``, ``right`` (share of strings) and ``solved`` (share of sizes with no string wrong), with
        actions as they are and ``rounded``; every size has ``rows`` streams of ``strings`` strings."""
        found: dict[str, float] = {}
        for rounded in (False, True)[: 1 + self.has_actions]:
            options = {"rounded": rounded, "cells": CELLS} if self.has_actions else {}
            losses, counts, right = 0.0, 0, []
            for some in sizes.split(8):  # sizes of like length, so that little is padding
                generator = np.random.default_rng(int(some[0]))
                drawn = [[int(n)] * strings for n in some for _ in range(rows)]
                stream = streams(self.config.language, drawn, generator)
                logits, targets = model(stream.symbols[:, :-1], **options), stream.symbols[:, 1:]
                cost = functional.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
                ends = stream.decides.ge(0).long().cumsum(1).argmax(1, keepdim=True)
                real = torch.arange(targets.shape[1]) < ends
                losses, counts = losses + float(cost[real].sum()), counts + int(real.sum())
                each = strings_right(logits.argmax(-1), stream, strings)
                right.append(each.view(len(some), -1).float().mean(1))
            share = torch.cat(right)
            suffix = "_rounded" if rounded else ""
            found |= {
                f"loss{suffix}": losses / counts,
                f"right{suffix}": share.mean().item(),
                f"solved{suffix}": share.eq(1).float().mean().item(),
            }
            where = {n: i for i, n in enumerate(sizes.tolist())}
            if int(sizes[-1]) > self.config.longest:
                found |= {f"right_{n}{suffix}": share[where[n]].item() for n in SHOWN}
        return found

    def evaluate(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """The metrics of `measured` on streams of three strings."""
        return self.measured(model, arrays[0], strings=3, rows=1)

    def test(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """The metrics of `measured` on long streams; strings of one size differ in three languages."""
        differ = self.config.language in ("anbmcnm", "memorisation", "addition")
        return self.measured(model, arrays[0], self.config.tested, rows=2 if differ else 1)


EXPERIMENT = StackRNNExperiment
