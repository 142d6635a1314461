"""Several seeds of a small model trained side by side, as one program; and recall over a lag."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional

from unrolled.nn.cells import RNN
from unrolled.nn.gru import GRU

Call = Callable[..., object]
"""A model that holds the weights of one seed."""

Batch = tuple[Tensor, ...]


class Trained(NamedTuple):
    """Models of several seeds: one of them for its form, and their parameters, seeds first."""

    model: nn.Module
    parameters: Mapping[str, Tensor]

    def of_seed(self, index: int) -> nn.Module:
        """The model of one seed, with its weights put in."""
        self.model.load_state_dict({name: value[index] for name, value in self.parameters.items()})
        return self.model


def each(trained: Trained, of_model: Callable[[Call], Tensor]) -> Tensor:
    """What ``of_model`` makes of each seed's model, stacked along a first axis."""

    def one(weights: Mapping[str, Tensor]) -> Tensor:
        return of_model(lambda *inputs: functional_call(trained.model, weights, inputs))

    return vmap(one)(dict(trained.parameters))


def train_together(
    make: Callable[[], nn.Module],
    seeds: Sequence[int],
    batch_of: Callable[[int], Batch],
    loss: Callable[[Call, Batch], Tensor],
    *,
    updates: int,
    learning_rate: float,
    clip_norm: float = 1.0,
) -> Trained:
    """Train one fresh model a seed, all side by side, by Adam.

    ``loss(call, batch)`` is the loss of one seed's model: all seeds see the same batch of an update and
    differ in their first weights. The rate rises over the first tenth and falls to zero; the gradient of
    each seed is clipped by itself.
    """
    copies = []
    for seed in seeds:
        torch.manual_seed(seed)
        copies.append(make())
    stacked, _ = stack_module_state(copies)
    parameters = {name: value.detach().requires_grad_() for name, value in stacked.items()}
    trained = Trained(copies[0].train(), parameters)
    optimiser = torch.optim.Adam(parameters.values(), lr=learning_rate, fused=True)
    rising = max(updates // 10, 1)
    for update in range(updates):
        share = min((update + 1) / rising, (updates - update) / max(updates - rising, 1))
        optimiser.param_groups[0]["lr"] = share * learning_rate
        batch = batch_of(update)
        losses = each(trained, lambda call, batch=batch: loss(call, batch))
        optimiser.zero_grad()
        losses.sum().backward()
        _clip_each(parameters.values(), clip_norm)
        optimiser.step()
    return Trained(copies[0].eval(), {name: value.detach() for name, value in parameters.items()})


def _clip_each(parameters: Iterable[Tensor], norm: float) -> None:
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    squares = sum(gradient.square().flatten(1).sum(1) for gradient in gradients)
    scale = (norm / squares.sqrt()).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale.view(-1, *([1] * (gradient.ndim - 1))))


def phrase_batches(batches: Batch) -> Callable[[int], Batch]:
    """Ready batches ``[batches, pairs, time]`` of source, lengths, target and lengths, one an update, in a
    new random order each epoch; padding that no target of a batch needs is cut off."""
    source, lengths, target, of_target = batches
    orders: dict[int, list[int]] = {}

    def batch_of(update: int) -> Batch:
        epoch, at = divmod(update, len(source))
        if epoch not in orders:
            generator = torch.Generator().manual_seed(epoch)
            orders[epoch] = torch.randperm(len(source), generator=generator).tolist()
        row = orders[epoch][at]
        return source[row], lengths[row], target[row, :, : int(of_target[row].max())]

    return batch_of


def phrase_loss(call: Call, batch: Batch) -> Tensor:
    """The mean cross-entropy of a word of the targets."""
    source, lengths, target = batch
    logits = call(source, target, lengths).logits
    return functional.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=0)


class Recaller(nn.Module):
    """Reads a sequence of symbols and says at its end which one came first.

    *Options*: ``unit`` is the gated one of equations 5 to 8 or a plain tanh; recurrent weights are orthogonal
    in both. ``keep`` is the first bias of the update gate: 3 keeps 95 % of a state at every step.

    *Shapes*: ``symbols`` ``[batch, time]``; log-odds ``[batch, symbols]``.

    >>> Recaller("gated", symbols=4, hidden=3)(torch.zeros(2, 5, dtype=torch.int64)).shape
    torch.Size([2, 4])
    """

    def __init__(
        self, unit: Literal["gated", "tanh"], symbols: int, hidden: int, *, keep: float = 0.0
    ) -> None:
        super().__init__()
        self.symbols = symbols
        if unit == "gated":
            self.layer: nn.Module = GRU(symbols, hidden, reset="before", update="keep")
            nn.init.constant_(self.layer.b.data[hidden : 2 * hidden], keep)
        else:
            self.layer = RNN(symbols, hidden)
            nn.init.orthogonal_(self.layer.W_h)
            nn.init.zeros_(self.layer.b)
        self.readout = nn.Linear(hidden, symbols)

    def forward(self, symbols: Tensor) -> Tensor:
        """Log-odds of the first symbol."""
        one_hot = torch.eye(self.symbols, device=symbols.device)[symbols]
        return self.readout(self.layer(one_hot).last)


def recall_batches(
    lags: tuple[int, int], symbols: int, batch_size: int, seed: int = 0
) -> Callable[[int], Batch]:
    """New random symbols ``[batch_size, lag + 1]`` at every update, with a lag drawn between two; the first
    symbol is to be recalled.

    >>> recall_batches(lags=(20, 20), symbols=8, batch_size=2)(0)[0].shape
    torch.Size([2, 21])
    """
    generator = torch.Generator().manual_seed(seed)

    def batch_of(update: int) -> Batch:
        lag = int(torch.randint(lags[0], lags[1] + 1, (), generator=generator))
        return (torch.randint(symbols, (batch_size, lag + 1), generator=generator),)

    return batch_of


def recall_loss(call: Call, batch: Batch) -> Tensor:
    """The cross-entropy of the first symbol."""
    (symbols,) = batch
    return functional.cross_entropy(call(symbols), symbols[:, 0])
