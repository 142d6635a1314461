"""``python -m unrolled.demos SLUG FOLDER``: write what the book needs of a paper's demo.

``page.json`` is what stands in the page. Where ONNX's packages are installed there are, besides,
``live.json`` and one ``.onnx`` file a graph, which the page fetches when its reader changes the input.
"""

from __future__ import annotations

import base64
import json
import logging
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unrolled.base.errors import UnrolledError
from unrolled.demos import Demo, Graph

LARGEST = 100_000
"""Bytes of a stored trace."""


def stored(value: Tensor) -> dict[str, Any]:
    """A tensor in 256 steps from its smallest to its largest value: enough for a picture, a byte a number."""
    low, high = (float(end) for end in value.aminmax())
    steps = (value - low) / ((high - low) or 1.0) * 255
    return {"shape": list(value.shape), "low": low, "high": high, "u1": _text(steps.round().to(torch.uint8))}


def exact(value: Tensor) -> dict[str, Any]:
    """A tensor with every bit of its single precision."""
    return {"shape": list(value.shape), "f4": _text(value.float())}


def _text(value: Tensor) -> str:
    return base64.b64encode(value.detach().contiguous().numpy().tobytes()).decode()


def export(graph: Graph, file: Path) -> None:
    """Write a graph as ONNX, its weights inside. Outputs are called ``<name>_out``: a state goes in and comes
    out, and ONNX has no two tensors of one name."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with torch.no_grad():
        program = torch.onnx.export(
            graph.module.eval(),
            tuple(graph.inputs.values()),
            input_names=list(graph.inputs),
            output_names=[f"{name}_out" for name in graph.outputs],
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    program.save(file)


def write(demo: Demo, folder: Path) -> dict[str, Any]:
    """Write a demo into a folder; what stands in the page is returned too.

    Raises:
        UnrolledError: for a trace that is too large for a page, or prompts that are not three to five.
    """
    if not 3 <= len(demo.prompts) <= 5:
        raise UnrolledError(f"{len(demo.prompts)} prompts; a demo has three to five")
    trace = json.dumps(demo.trace, default=stored, separators=(",", ":"))
    if len(trace) > LARGEST:
        raise UnrolledError(
            f"the trace has {len(trace)} bytes; {LARGEST} are allowed", hint="store a shorter one"
        )
    can_run = find_spec("onnx") is not None and find_spec("onnxscript") is not None
    folder.mkdir(parents=True, exist_ok=True)
    if can_run:
        for name, graph in demo.graphs.items():
            export(graph, folder / f"{name}.onnx")
        (folder / "live.json").write_text(json.dumps(demo.live, default=exact), encoding="utf-8")
    page = {
        "title": demo.title,
        "lead": demo.lead,
        "stage": demo.stage,
        "caption": demo.caption,
        "prompts": [{"label": p.label, "notice": p.notice, "input": p.input} for p in demo.prompts],
        "settings": demo.settings,
        "trace": json.loads(trace),
        "graphs": sorted(demo.graphs) if can_run else [],
    }
    text = json.dumps(page, ensure_ascii=False, separators=(",", ":"))
    (folder / "page.json").write_text(text, encoding="utf-8")
    return page


if __name__ == "__main__":
    torch.set_num_threads(1)
    try:
        write(import_module(f"unrolled.papers.{sys.argv[1]}.demo").demo(), Path(sys.argv[2]))
    except UnrolledError as fault:
        sys.exit(str(fault))
