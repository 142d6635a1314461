"""What is compared: one entry a model, and in it one line a contender."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

from benchmarks import vae
from benchmarks.textbook import TextbookBNLSTM
from unrolled.papers.bn_lstm.model import BNLSTM

Update = Callable[[], None]
"""One forward and one backward pass."""


class Contender(NamedTuple):
    """One way to compute the model: ``build(steps, device)`` makes the update that is timed."""

    name: str
    build: Callable[[int, str], Update]
    compiled: bool = False


class Benchmark(NamedTuple):
    """A model at some lengths.

    Its first contender is the limit, torch's fused layer; its second is a textbook loop.
    """

    slug: str
    what: str
    steps: tuple[int, ...]
    contenders: tuple[Contender, ...]
    goals: dict[str, dict[int, float]]  # contender -> steps -> share of the limit's speed, on a CPU


def update_of(model: nn.Module, loss: Callable[[], torch.Tensor]) -> Update:
    """Forward and backward, with fresh gradients every time."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]

    def update() -> None:
        for parameter in parameters:
            parameter.grad = None
        loss().backward()

    return update


def _pixels(steps: int, device: str) -> torch.Tensor:
    return torch.rand(steps, 64, 1, device=device)


def _fused_lstm(steps: int, device: str) -> Update:
    model, x = nn.LSTM(1, 100).to(device), _pixels(steps, device)
    return update_of(model, lambda: model(x)[1][0].sum())


def _textbook_bn_lstm(steps: int, device: str) -> Update:
    model, x = TextbookBNLSTM(1, 100, steps).to(device), _pixels(steps, device)
    return update_of(model, lambda: model(x).sum())


def _bn_lstm(engine: str) -> Callable[[int, str], Update]:
    def build(steps: int, device: str) -> Update:
        model, x = BNLSTM(1, 100, max_length=steps, batch_first=False).to(device), _pixels(steps, device)
        model.engine = engine
        return update_of(model, lambda: model(x).last.h.sum())

    return build


def _built(
    build: Callable[[int, str], tuple[nn.Module, Callable[[], torch.Tensor]]],
) -> Callable[[int, str], Update]:
    return lambda steps, device: update_of(*build(steps, device))


BENCHMARKS = [
    Benchmark(
        slug="bn_lstm",
        what="BN-LSTM, 64 sequences of pixels, 100 units, running statistics kept",
        steps=(100, 784),
        contenders=(
            Contender("torch.nn.LSTM", _fused_lstm),
            Contender("textbook loop", _textbook_bn_lstm),
            Contender("autograd", _bn_lstm("autograd")),
            Contender("eager", _bn_lstm("derived")),
            Contender("compiled", _bn_lstm("compiled"), compiled=True),
        ),
        goals={"compiled": {100: 0.50, 784: 0.45}},
    ),
    Benchmark(
        slug="vae",
        what="VAE, 100 pictures of 784 pixels, 500-500-50, one sample",
        steps=(1,),
        contenders=(
            Contender("products alone", _built(vae.products)),
            Contender("textbook script", _built(vae.textbook)),
            Contender("eager", _built(vae.ours)),
        ),
        goals={},
    ),
]
