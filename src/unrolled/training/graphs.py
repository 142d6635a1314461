"""The whole update as one CUDA graph: a recurrent network's many small kernels are launched once."""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch
from torch import Tensor

from unrolled.training.experiment import Arrays, At
from unrolled.training.update import Update

log = logging.getLogger(__name__)

WARM_UP = 3
"""Updates before the capture, on a side stream, as torch asks: they build libraries' workspaces and the
optimiser's state. All that they change is put back."""


class _Before:
    """The state of a training before the warm-up, so that it can be put back."""

    def __init__(self, update: Update, device: torch.device) -> None:
        self.update, self.device = update, device
        self.values: list[tuple[Tensor, Tensor]] = [(t, t.detach().clone()) for t in update.state()]
        self.known = {id(tensor) for tensor, _ in self.values}
        self.generators = torch.get_rng_state(), torch.cuda.get_rng_state(device)

    @torch.no_grad()
    def put_back(self) -> None:
        for tensor, value in self.values:
            tensor.copy_(value)
        for tensor in self.update.optimiser_state():
            if id(tensor) not in self.known:
                tensor.zero_()  # made by the warm-up; torch's optimisers begin every state at zero
        self.update.optimiser.zero_grad(set_to_none=True)
        torch.set_rng_state(self.generators[0])
        torch.cuda.set_rng_state(self.generators[1], self.device)
        torch.cuda.synchronize(self.device)


def captured(update: Update, example: Arrays, at: At) -> Callable[[Arrays, At], None]:
    """A function that does the same as ``update``, by replaying one CUDA graph; parameters, buffers,
    optimiser state and random generators are as before the call.

    Args:
        update: an update whose optimiser can be captured (``optimisers.build(captured=True)``).
        example: a batch of the shapes of all batches, on the device.
        at: any place in the training; a loss that can be captured does not use it.

    Where the capture fails (a loss that looks at a value, an unsupported operation), one line is logged and
    ``update`` itself comes back: slower, with the same results.
    """
    device = example[0].device
    if device.type != "cuda":
        return update
    before = _Before(update, device)
    try:
        static = tuple(array.clone() for array in example)
        side = torch.cuda.Stream(device)
        side.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                update(static, at)
        torch.cuda.current_stream(device).wait_stream(side)
        before.put_back()
        graph = torch.cuda.CUDAGraph()
        # With no gradients left, the captured backward pass writes them instead of adding to them: a replay
        # needs no zeroing.
        update.optimiser.zero_grad(set_to_none=True)
        with torch.cuda.graph(graph):
            update(static, at)
    except RuntimeError as error:
        reason = str(error).strip().partition("\n")[0]
        log.warning("the update could not be captured as a CUDA graph (%s): it runs step by step", reason)
        torch.cuda.synchronize(device)
        before.put_back()
        return update

    def replay(batch: Arrays, at: At) -> None:
        for place, array in zip(static, batch, strict=True):
            place.copy_(array)
        graph.replay()

    return replay
