"""A small chapter for the tests of the site: every generated part, outputs of each kind, and no kernel."""

from __future__ import annotations

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

HEAD = """# Recurrent Batch Normalization

<!-- unrolled:card -->

<!-- unrolled:diagram -->

An LSTM in which both products are batch-normalised, with statistics for every time step.

<!-- unrolled:relations -->

## The problem before this paper

Batch normalisation made feed-forward networks faster to train {cite}`ioffe2015batch`; on the recurrent
product it was reported to hurt {cite:t}`laurent2016batch`.

## The model

The two products are normalised apart:
"""

NOTATION = """The cell itself is left alone. Equation {eq}`bn-lstm-6` has no shift of its own.

### Notation

<!-- unrolled:notation -->

## See it work
"""

TAIL = """## What the paper found, and whether it holds

Training took {value}`bn_lstm:steps` steps here.

<!-- unrolled:statements -->

## Departures, and what the paper does not say

<!-- unrolled:departures -->

### Further results

<!-- unrolled:results -->

## Exercises

1. Set the scale to 1 and watch the gradient. With $\\gamma = 0.1$ it survives.

## Errata and changes

<!-- unrolled:errata -->

## How to cite

<!-- unrolled:cite -->
"""

SOURCE = '''def bn_lstm_step(state, projected, parameters):
    """One step of the batch-normalised LSTM, from the projected input."""
    h, c = state
    gates = projected + batch_norm(h @ parameters.weight_hh.T, parameters.gamma_h) + parameters.bias
    i, f, g, o = gates.chunk(4, dim=-1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    h = torch.sigmoid(o) * torch.tanh(batch_norm(c, parameters.gamma_c, parameters.beta_c))
    return State(h, c)
'''

SHOWN = f"```python\n{SOURCE}```"

PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 160" width="400" height="160">
<path d="M20 140 C120 140 160 30 380 20" fill="none" stroke="#0072B2" stroke-width="3"/>
<path d="M20 140 C160 140 220 80 380 60" fill="none" stroke="#7a7a7a" stroke-width="3"/>
</svg>"""


PANELS = """<svg xmlns="http://www.w3.org/2000/svg" width="400pt" height="160pt" viewBox="0 0 400 160">
<path d="M20 140 L180 20" style="fill: none; stroke: #0072b2"/><text style="font: 10px x">left</text>
<path d="M220 140 L380 20" style="fill: none; stroke: #757575"/>
<view id="panel-1" viewBox="0 0 190 160"/>
<view id="panel-2" viewBox="190 0 210 160"/>
</svg>"""


def output(**data: object) -> nbformat.NotebookNode:
    """An output that a cell displays; slashes in names of types are written as two underscores."""
    return new_output("display_data", data={name.replace("__", "/"): value for name, value in data.items()})


def checked(says: str, holds: bool, **told: str) -> nbformat.NotebookNode:
    """What `chapter.check` leaves."""
    data = {"says": says, "holds": holds, "value": "", "bound": "", "hint": ""} | told
    return output(**{"application/vnd.unrolled.check+json": data, "text__plain": f"✓ {says}"})


def valued(name: str, text: str, value: float) -> nbformat.NotebookNode:
    """What `chapter.value` leaves."""
    data = {"name": name, "value": value}
    return output(**{"application/vnd.unrolled.value+json": data, "text__plain": f"{name}: {text}"})


def equation(label: str, latex: str) -> str:
    """A labelled equation in MyST."""
    return f"```{{math}}\n:label: {label}\n{latex}\n```\n"


def chapter(equations: dict[str, str]) -> nbformat.NotebookNode:
    """The notebook, with the equations given by label."""
    blocks = "\n".join(equation(label, latex) for label, latex in equations.items())
    cells = [
        new_code_cell("seed = 0", execution_count=1, metadata={"tags": ["parameters"]}),
        new_markdown_cell(HEAD),
        new_code_cell("import torch\n\nchapter = Chapter('bn_lstm', seed=seed)", execution_count=2),
        new_markdown_cell(blocks),
        new_code_cell(
            "chapter.show(bn_lstm_step, docstring=False)",
            execution_count=1,
            outputs=[
                new_output(
                    "execute_result", execution_count=1, data={"text/markdown": SHOWN, "text/plain": SOURCE}
                )
            ],
        ),
        new_markdown_cell(NOTATION),
        new_code_cell(
            "draw(curves)",
            execution_count=2,
            metadata={"mystnb": {"image": {"alt": "Two learning curves; the normalised one rises sooner."}}},
            outputs=[new_output("display_data", data={"image/svg+xml": PICTURE, "text/plain": "<Figure>"})],
        ),
        new_code_cell(
            "for name in names:\n    chapter.value(name, 64)",
            execution_count=3,
            outputs=[valued("steps", "64 steps", 64), valued("wrong-bits", "0.5 %", 0.5)],
        ),
        new_code_cell(
            "plot(two)",
            execution_count=4,
            metadata={
                "tags": ["hide-input"],
                "mystnb": {
                    "image": {"alt": "Two lines that rise, one in each panel."},
                    "figure": {"caption": "Both rise.", "name": "fig-two"},
                },
            },
            outputs=[output(**{"image__svg+xml": PANELS, "text__plain": "<Figure>"})],
        ),
        new_code_cell(
            "verify(layer)",
            execution_count=5,
            outputs=[
                new_output("stream", name="stdout", text="a line\n"),
                checked("Weights sum to one", True, value="≈ 0", bound="at most 10⁻¹²"),
                checked("It <b>learns</b>", False, hint="train longer"),
            ],
        ),
        new_markdown_cell("See {numref}`fig-two`."),
        new_code_cell("solve()", execution_count=6, metadata={"tags": ["hide-cell", "solution"]}, outputs=[]),
        new_markdown_cell(TAIL),
    ]
    notebook = new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata["unrolled"] = {
        "key": "0" * 8,
        "seconds": 38.0,
        "peak_memory_mb": 512.0,
        "executed": "2026-11-22",
        "versions": {},
    }
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    for position, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{position}"
    return notebook
