"""Demos: the part of a trained model that runs in a chapter's page, and a first state that needs no run.

A paper's ``demo.py`` has one function, ``demo()``, which gives a `Demo`; ``python -m unrolled.demos SLUG
FOLDER`` writes it for the book. No training imports it, so a better sentence in a demo makes no run stale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Prompt:
    """One thing to try: what the button says, what to notice then, and the input that it sets."""

    label: str
    notice: str
    input: Mapping[str, Any]


@dataclass(frozen=True)
class Graph:
    """A part of the model as the browser runs it: tensors in and tensors out, all by name.

    ``inputs`` holds an example of each tensor, in the order of the module's arguments; shapes are fixed.
    The module has the names of what it gives in ``outputs``, in their order.
    """

    module: nn.Module
    inputs: Mapping[str, Tensor]

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the tensors that come out."""
        return self.module.outputs

    @torch.no_grad()
    def __call__(self, **inputs: Tensor) -> dict[str, Tensor]:
        """The outputs by name, as torch computes them."""
        found = self.module(*(inputs[name] for name in self.inputs))
        return dict(zip(self.outputs, found, strict=True))

    def unrolled(self, state: Mapping[str, Tensor], **sequences: Tensor) -> dict[str, Tensor]:
        """Step by step over sequences ``[time, ...]``, the state fed back: every output, ``[time, ...]``."""
        found: list[dict[str, Tensor]] = []
        for parts in zip(*(sequence.unsqueeze(1) for sequence in sequences.values()), strict=True):
            before = found[-1] if found else state
            given = dict(zip(sequences, parts, strict=True))
            found.append(self(**given, **{name: before[name] for name in state}))
        return {name: torch.cat([step[name] for step in found]) for name in self.outputs}


@dataclass(frozen=True)
class Demo:
    """What a page needs of a demo. Tensors may be anywhere in ``trace`` and in ``live``."""

    title: str
    lead: str  # a sentence or two: what this is, and what can be changed
    stage: str  # the picture of the first state, as HTML (`unrolled.demos.picture`)
    caption: str  # what can be seen in it, for readers who cannot see or play it
    prompts: Sequence[Prompt]  # three to five; the first one's input is that of the trace
    graphs: Mapping[str, Graph]
    trace: Mapping[str, Any]  # the first state: in the page, in 256 steps between a tensor's ends
    settings: Mapping[str, Any] = field(default_factory=dict)  # words and sizes: in the page
    live: Mapping[str, Any] = field(default_factory=dict)  # what only a run needs: fetched with it, exact
