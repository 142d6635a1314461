"""What the chapter draws: one unit with gates set by hand, the two scores of a table, and the summaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from unrolled.execution.figures import BLUE, GREEN, GREY, VERMILLION, role
from unrolled.nn.gru import gru_update, recurrent

GROUPS = {"ninety": (BLUE, "o"), "eighty": (VERMILLION, "s"), "sixty": (GREEN, "^"), "others": (GREY, ".")}
"""The words by which phrases are coloured, and how."""


def one_unit(x: Tensor, z: Tensor, r: Tensor, feedback: float) -> list[float]:
    """The states of a single unit of the paper, whose gates are given at every step."""
    given = torch.stack((torch.logit(r), torch.logit(z), x), 1)
    weights = recurrent(torch.tensor([[0.0], [0.0], [feedback]]))
    h, states = torch.zeros(1, 1), []
    for given_t in given:
        h = gru_update(h, given_t[None], weights, reset="before", update="keep")
        states.append(h.item())
    return states


def two_gates(seed: int) -> None:
    """A pulse at step 5: held by the update gate, and let go by the reset gate."""
    from matplotlib import pyplot

    steps = torch.arange(40)
    torch.manual_seed(seed)
    noise, pulse = 0.2 * torch.randn(40), torch.where(steps == 5, 2.0, 0.0)
    always = torch.ones(40)
    _, (keeping, resetting) = pyplot.subplots(1, 2, figsize=(7.2, 2.9), layout="constrained")
    for z, look in ((0.98, "method"), (0.9, "other"), (0.5, "baseline")):
        gate = torch.where(steps == 5, 0.05, z)
        keeping.plot(steps, one_unit(noise + pulse, gate, always, 0.0), label=f"z = {z}", **role(look))
    keeping.legend(frameon=False, loc="upper right")
    closed = torch.where((steps >= 22) & (steps < 25), 0.0, 1.0)
    quick = torch.full((40,), 0.1)
    for r, look in ((always, "baseline"), (closed, "method")):
        resetting.plot(steps, one_unit(pulse, quick, r, 1.2), **role(look))
    resetting.text(38, 0.7, "r = 1 always", ha="right", color=role("baseline")["color"])
    resetting.text(39, 0.08, "r = 0 when grey", ha="right", color=role("method")["color"])
    resetting.axvspan(21.5, 24.5, color=GREY, alpha=0.25, linewidth=0)
    keeping.set(xlabel="step", ylabel="state h", title="the update gate keeps", ylim=(-0.3, 1.1))
    resetting.set(xlabel="step", title="the reset gate lets go", ylim=(-0.3, 1.1))


def cloud(counted: np.ndarray, learned: np.ndarray) -> None:
    """Log-probabilities of phrase pairs by counts and by the network (Figure 3)."""
    from matplotlib import pyplot

    rng = np.random.RandomState(0)
    shown = rng.permutation(len(counted))[:500]
    _, ax = pyplot.subplots(figsize=(4.9, 3.8), layout="constrained")
    ax.plot(
        counted[shown] + 0.06 * rng.uniform(-1, 1, len(shown)),
        learned[shown],
        "o",
        color=BLUE,
        markersize=3,
        alpha=0.6,
        markeredgewidth=0,
    )
    ax.set(
        xlabel="log probability by counts, nats (spread a little)",
        ylabel="log probability by the network, nats",
        title="lines of the phrase table",
    )


def group(text: str) -> str:
    """Which of `GROUPS` a phrase belongs to: the first whose word it holds."""
    return next((word for word in GROUPS if word in text), "others")


def summaries(c: Tensor, texts: Sequence[str]) -> None:
    """Summaries ``[phrases, hidden]`` in the plane by t-SNE, and a close view with phrases (Figure 5)."""
    from matplotlib import pyplot
    from sklearn.manifold import TSNE

    perplexity = min(20, len(texts) // 4)
    layout = TSNE(2, perplexity=perplexity, init="pca", random_state=0, max_iter=500)
    x, y = layout.fit_transform(c.numpy()).T
    _, (ax, close) = pyplot.subplots(1, 2, figsize=(7.4, 4.2), layout="constrained", width_ratios=(1, 1.2))
    members: Mapping[str, list[int]] = {
        word: [k for k, text in enumerate(texts) if group(text) == word] for word in GROUPS
    }
    for word, (color, marker) in GROUPS.items():
        mine = members[word]
        look = {"color": color, "markersize": 5, "alpha": 0.8, "markeredgewidth": 0}
        ax.plot(x[mine], y[mine], marker, label=word, **look)
    below = {"bbox_to_anchor": (0.5, 0), "ncol": 4, "handletextpad": 0, "columnspacing": 0.8}
    ax.legend(frameon=False, loc="upper center", **below)
    ax.set(title="by a word that they hold", xticks=[], yticks=[])

    mine = members["ninety"] or [0]  # the close view: what surrounds the middle of this group
    middle = np.median(x[mine]), np.median(y[mine])
    centre = min(mine, key=lambda k: np.hypot(x[k] - middle[0], y[k] - middle[1]))
    near = np.argsort(np.hypot(x - x[centre], y - y[centre]))[:32]
    written, apart = [], max(np.ptp(y[near]), 1e-6) / 17
    for k in near:
        if all(abs(y[k] - y[m]) > apart for m in written):
            written.append(k)
    for k in written:
        color, marker = GROUPS[group(texts[k])]
        close.plot(x[k], y[k], marker, color=color, markersize=5)
        beside = {"xytext": (6, 0), "textcoords": "offset points", "va": "center"}
        close.annotate(texts[k], (x[k], y[k]), **beside)
    left, width = x[written].min(), max(np.ptp(x[written]), 1e-6)
    limits = (left - 0.06 * width, left + 2.6 * width)
    close.set(title="a close view", xticks=[], yticks=[], xlim=limits)
