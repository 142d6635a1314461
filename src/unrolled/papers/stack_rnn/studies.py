"""What the chapter measures with a trained network: which strings it gets right, size by size."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrolled.data.counting import Language, streams, strings_right
from unrolled.papers.stack_rnn.experiment import BEYOND, CELLS, SHORTEST


@torch.no_grad()
def right_by_size(
    model: nn.Module, language: Language, *, rounded: bool = False, strings: int = 3
) -> Float[Tensor, " sizes"]:
    """The share of strings of each size, from 2 to 59, that a network gets right.

    A size has one stream of ``strings`` strings, in which the stacks are carried from one to the next.
    """
    shares, sizes = [], range(SHORTEST, BEYOND)
    for start in range(0, len(sizes), 8):  # sizes of like length, so that little is padding
        some = sizes[start : start + 8]
        generator = np.random.default_rng(some[0])
        stream = streams(language, [[n] * strings for n in some], generator)
        logits = model(stream.symbols[:, :-1], rounded=rounded, cells=CELLS)
        shares.append(strings_right(logits.argmax(-1), stream, strings).float().mean(1))
    return torch.cat(shares)
