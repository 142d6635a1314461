"""What the chapters on attention draw: quality over the length of the source, and maps of alignment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from unrolled.data import spelled
from unrolled.tasks.translating import weights
from unrolled.tasks.translation import LONG, SHORTER, TranslationConfig, TranslationExperiment
from unrolled.training.experiment import Arrays


def by_length(metrics: Mapping[str, float]) -> tuple[list[float], list[float]]:
    """The middles of the groups of spelled numbers, in source words, and what is right in each, in per cent.

    >>> metrics = {f"valid_exact_{a}_{b}": 0.5 for a, b in SHORTER} | {"valid_exact_long": 1.0}
    >>> middles, right = by_length(metrics)
    >>> middles[-2:], right[-2:]
    ([13.5, 16.0], [50.0, 100.0])
    """
    groups = {(a, b): f"valid_exact_{a}_{b}" for a, b in SHORTER} | {(LONG, 17): "valid_exact_long"}
    return [(a + b) / 2 for a, b in groups], [100 * metrics[name] for name in groups.values()]


def held_out_with(config: TranslationConfig, text: str) -> int:
    """The first held-out number whose English words hold this text, of 9 to 11 words if there is one."""
    numbers = spelled.split(config.numbers, config.held_out, config.data_seed).held_out
    words = [spelled.words(number, "en") for number in numbers]
    fit = [n for n, of_number in enumerate(words) if text in " ".join(of_number)]
    return next((n for n in fit if 9 <= len(words[n]) <= 11), fit[0] if fit else 0)


def alignment_map(
    ax: Any, experiment: TranslationExperiment, model: nn.Module, arrays: Arrays, n: int
) -> Any:
    """The weights of one pair as an image, target words down and source words across; rings mark the words
    that are known to correspond."""
    source, lengths, target, target_lengths, accepted = (part[n : n + 1] for part in arrays)
    alpha = weights(model, source, lengths, target)[0]
    sides = zip(experiment.vocabularies, (source, target), (lengths, target_lengths), strict=True)
    columns, rows = (side.symbols(ids[0, : int(length)]) for side, ids, length in sides)
    image = ax.imshow(alpha[: len(rows), : len(columns)], cmap="viridis", vmin=0, vmax=1, aspect="auto")
    i, j = accepted[0].nonzero(as_tuple=True)
    ax.plot(j, i, "o", markersize=9, fillstyle="none", color="white", markeredgewidth=1.2)
    ax.set_xticks(range(len(columns)), columns, rotation=60, ha="right")
    ax.set_yticks(range(len(rows)), rows)
    ax.grid(False)
    return image
