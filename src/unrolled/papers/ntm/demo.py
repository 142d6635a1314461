"""The demo of the chapter: a sequence to copy, and the rows where the trained machine's heads keep it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from unrolled import load
from unrolled.demos import Demo, Graph, Prompt
from unrolled.demos.picture import heat
from unrolled.papers.ntm.model import NTM, NTMState, traced_step

BITS = 8
VECTORS = (178, 97, 24, 231, 76, 139, 30, 213)
"""The sequence of the first state, a byte for each vector."""

PROMPTS = (
    Prompt(
        "Copy eight vectors",
        "While vectors come in, the write head moves along the memory, a row for each, which looks like a "
        "staircase. The read head waits near the first of these rows. After the grey delimiter it visits "
        "them in the same order.",
        {"vectors": VECTORS},
    ),
    Prompt(
        "Twenty vectors, the longest in training",
        "The staircases have twenty steps now. Nothing else has changed.",
        {"count": 20},
    ),
    Prompt(
        "Sixty vectors, three times as many",
        "No training sequence was longer than twenty. The heads simply go on, so what the machine has "
        "learned is a loop and not a list of lengths.",
        {"count": 60},
    ),
    Prompt(
        "Sixteen blank vectors",
        "Nothing tells one row from another. This time the read head does not wait near the first row; it "
        "trails behind the write head, and a few bits come out wrong.",
        {"vectors": (0,) * 16},
    ),
    Prompt(
        "130 vectors, more than there are rows",
        "The write head comes full circle and overwrites the first rows before they are read. A quarter of "
        "the bits or more come out wrong. With 120 vectors most sequences still come out without a fault.",
        {"count": 130},
    ),
)


class Step(nn.Module):
    """One step of the machine: the bits it gives out, its new state, and what its heads were told to do."""

    outputs = ("output", *NTMState._fields, "gate", "shift", "sharpness")

    def __init__(self, model: NTM) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, *state: Tensor):
        """The tensors of `outputs`; every state ``[1, ...]``, heads in the order read, write."""
        model, x_term = self.model, functional.linear(x, self.model.W_x, self.model.b)
        after, trace = traced_step(NTMState(*state), x_term, model.weights, model.layout)
        output = torch.sigmoid(model.readout(torch.cat(trace.output, -1)))
        head = trace.parameters.head
        return output, *after, head.gate, head.shift, head.sharpness


def episode(vectors: tuple[int, ...]) -> Tensor:
    """Vectors as bits, a delimiter on a channel of its own, and silence while the answer is due."""
    n = len(vectors)
    x = torch.zeros(2 * n + 1, BITS + 1)
    x[:n, :BITS] = torch.tensor([[byte >> (7 - bit) & 1 for bit in range(BITS)] for byte in vectors])
    x[n, BITS] = 1
    return x


def rows_in_use(weighting: Tensor) -> list[int]:
    """The rows that any head has looked at, ``[time, heads, rows]``, as one stretch of the ring."""
    rows = weighting.shape[-1]
    used = (weighting.amax((0, 1)) > 0.05).nonzero().flatten().tolist()
    gaps = [(row - before - 1) % rows for before, row in zip([used[-1], *used[:-1]], used, strict=True)]
    first = used[gaps.index(max(gaps))]
    return [(first + i) % rows for i in range(rows - max(gaps))]


def picture(x: Tensor, found: dict[str, Tensor], rows: list[int], at: int) -> str:
    """The first state: bits in and out, the heads over time, and the memory at step ``at``."""
    n = len(x) // 2
    answer = torch.cat((torch.zeros(n + 1, BITS), found["output"][n + 1 :]))
    bits = {"write": x[:, :BITS].T, "read": answer.T, "mark": x[:, BITS:].T.expand(BITS, -1)}
    read, write = found["weighting"][:, :, rows].unbind(1)
    memory = found["memory"][at][rows]
    cells = {"plus": memory.clamp(0), "minus": (-memory).clamp(0)}
    return (
        f'<div class="ntm-phases"><span>{n} vectors in</span><span>{n} vectors out</span></div>'
        f'<div class="ntm-bits">{heat("bits", bits)}</div>'
        '<div class="ntm-key"><span class="demo-write">write</span><span class="demo-read">read</span>'
        '<span class="demo-plus">positive</span><span class="demo-minus">negative</span></div>'
        f'<div class="ntm-rows"><span>{rows[0]}</span><span>row</span><span>{rows[-1]}</span></div>'
        f'<div class="ntm-heads">{heat("heads", {"write": write.T, "read": read.T})}</div>'
        f'<div class="ntm-memory">{heat("memory", cells)}</div><div class="ntm-over"></div>'
        f'<div class="ntm-steps"><span>1</span><span>step</span><span>{len(x)}</span></div>'
        '<div class="ntm-what">memory</div>'
    )


def demo() -> Demo:
    """The demo, on the weights of the median seed."""
    model, x, n = load("ntm/copy"), episode(VECTORS), len(VECTORS)
    state = {name: part.detach().clone() for name, part in model.initial(1)._asdict().items()}
    step = Graph(Step(model), {"x": x[:1], **state})
    found = step.unrolled(state, x=x)
    rows, at = rows_in_use(found["weighting"]), n + n // 2
    shown = {name: found[name] for name in ("output", "weighting", "gate", "shift", "sharpness")}
    return Demo(
        title="Copy a sequence",
        lead="A trained machine reads bits, keeps them in its memory, and writes them out again. Draw in the "
        "bits, or change how many vectors there are.",
        stage=picture(x, found, rows, at),
        caption=f"{n} vectors of eight bits go in and come out again. While they come in, the write head "
        "moves along the rows of the memory, a row for each of them; while they go out, the read head visits "
        "the same rows in the same order.",
        prompts=PROMPTS,
        graphs={"step": step},
        trace={"vectors": VECTORS, "rows": rows, "memory": found["memory"][:, rows], **shown},
        settings={"at": at, "trained": 20, "most": 140, "rows": model.rows},
        live={"state": state},
    )
