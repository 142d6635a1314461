"""The demo of the chapter: a column of a digit, and completions that are drawn one after another."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from unrolled import load
from unrolled.demos import Demo, Graph, Prompt
from unrolled.demos.picture import heat
from unrolled.papers.vae_tutorial.experiment import given_pixels
from unrolled.papers.vae_tutorial.figures import COLUMNS, assembled
from unrolled.papers.vae_tutorial.model import CVAE

WEIGHTS = "vae_tutorial/column"

SHOWN = 6
"""Completions that are on show; with each draw the oldest one leaves."""

GIVEN = tuple(tuple(int(bit) for bit in column) for column in COLUMNS)
"""Columns of test pictures; the first one is that of the first state."""

PROMPTS = (
    Prompt(
        "Three strokes",
        "Many digits cross their middle three times. Each latent gives another sharp answer, and the mean of "
        "all of them is grey.",
        {"column": GIVEN[0]},
    ),
    Prompt(
        "Two strokes and a gap",
        "Most answers close the gap to a nought, each with another slant. Now and then another digit fits.",
        {"column": GIVEN[1]},
    ),
    Prompt(
        "One stroke",
        "Little is given, so little is settled: look at the mean, and then at the single answers.",
        {"column": GIVEN[2]},
    ),
)


class Step(nn.Module):
    """Completions of one condition for several latents: the other pixels, ``[samples, pixels]``."""

    outputs = ("pixels",)

    def __init__(self, model: CVAE) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, z: Tensor) -> tuple[Tensor]:
        """The tensor of `outputs`."""
        return (torch.sigmoid(self.model(x.expand(z.shape[0], -1), z).logits),)


def picture(x: Tensor, pixels: Tensor, mask: Tensor) -> str:
    """The first state: what is given, the mean of many answers, and the newest answers."""
    side = int(len(mask) ** 0.5)
    nothing = torch.zeros(1, int((~mask).sum()))
    cells = [("given", assembled(x, nothing, mask)[0]), ("mean", assembled(x, pixels.mean(0)[None], mask)[0])]
    cells += [(f"sample-{i}", cell) for i, cell in enumerate(assembled(x, pixels[:SHOWN], mask))]
    stripe = torch.zeros(side, side)
    stripe[:, side // 2 - 1] = 0.2
    parts = []
    for name, cell in cells:
        layers = {"plus": stripe, "write": cell} if name == "given" else {"write": cell}
        word = {"given": "given", "mean": "mean of 64"}.get(name, "newest" if name == "sample-0" else "")
        parts.append(f'<div class="vaetut-{name}">{heat(name, layers)}<span>{word}</span></div>')
    return "".join(parts)


def demo() -> Demo:
    """The demo, on the weights of the median seed."""
    model = load(WEIGHTS)
    side = len(GIVEN[0])
    mask = given_pixels("column", side)
    x = torch.tensor([GIVEN[0]], dtype=torch.float32)
    z = torch.randn(64, model.latent, generator=torch.Generator().manual_seed(2016))
    step = Graph(Step(model), {"x": x, "z": z})
    pixels = step(x=x, z=z)["pixels"]
    return Demo(
        title="Complete a digit from one column",
        lead="Black and white cells of one column are given; a trained conditional auto-encoder fills in the "
        "rest. Draw in the column, then draw latents and see what else the digit could have been.",
        stage=picture(x, pixels, mask),
        caption="The middle column of a digit is given. Beside it are the mean of 64 completions and six "
        "of the completions, each sharper than the mean and different from the others.",
        prompts=PROMPTS,
        graphs={"step": step},
        trace={"column": GIVEN[0], "pixels": pixels},
        settings={"side": side, "at": side // 2 - 1, "shown": SHOWN, "latent": model.latent},
    )
