"""What the chapter draws: position encodings, learning, and the weights of the memories by hop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor

from unrolled.execution.figures import chance, label_ends, role


def encodings(panels: Mapping[str, Tensor]) -> None:
    """Weights of the words' places ``[words, embedding]``, side by side on one scale."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(panels), figsize=(7.2, 2.8), sharey=True)
    for ax, (title, weights) in zip(axes, panels.items(), strict=True):
        image = ax.imshow(weights.T, cmap="viridis", aspect="auto", vmin=0, vmax=2)
        words, size = weights.shape
        ax.set(xlabel="place of the word", title=title, xticks=range(words))
        ax.set_xticklabels(range(1, words + 1))
        ax.set_yticks((0, size // 2 - 1, size - 1), (1, size // 2, size))
        ax.grid(False)
    axes[0].set_ylabel("embedding index")
    figure.colorbar(image, ax=axes, label="weight of the word's vector")


def learning(run: Any) -> None:
    """Error of a run on training and validation questions, with the end of the linear start."""
    from matplotlib import pyplot

    _, ax = pyplot.subplots(figsize=(4.9, 3.4))
    for name, label, look in (
        ("valid_training_error", "training questions", "baseline"),
        ("valid_error", "validation questions", "method"),
    ):
        updates, errors = run.curve(name)
        ax.plot(updates, [100 * e for e in errors], label=label, **role(look))
    start = run.experiment.config.linear_updates
    ax.axvline(start, **role("chance"))
    ax.text(start + 20, 97, "softmax from here on", va="top")
    ax.set(xlabel="updates", ylabel="error, %", ylim=(0, 100), title="Task 2: where is the thing?")
    chance(ax, 100 * 5 / 6, "chance")
    label_ends(ax)


class Told(NamedTuple):
    """A story, the oldest sentence first, and how a network answered a question about it."""

    sentences: Sequence[str]
    supporting: Sequence[bool]
    weights: Tensor  # [sentences, hops]
    title: str


def attention_tables(stories: Sequence[Told]) -> None:
    """The weight of every sentence in every hop; sentences that support the answer are bold."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(len(stories), 1, figsize=(7.2, 2.4 * len(stories)))
    for ax, told in zip(axes, stories, strict=True):
        image = ax.imshow(told.weights, cmap="viridis", vmin=0, vmax=1, aspect="auto")
        count, hops = told.weights.shape
        ax.grid(False)
        ax.set_xticks(range(hops), [f"hop {k + 1}" for k in range(hops)])
        ax.set_yticks(range(count), told.sentences)
        for label, supports in zip(ax.get_yticklabels(), told.supporting, strict=True):
            label.set_fontweight("bold" if supports else "normal")
        ax.set_title(told.title, loc="right")
        for i in range(count):
            for k in range(hops):
                weight = float(told.weights[i, k])
                if weight > 0.05:
                    colour = "black" if weight > 0.6 else "white"
                    ax.text(k, i, f"{weight:.2f}", ha="center", va="center", color=colour)
    figure.colorbar(image, ax=axes, label="weight of the memory")
