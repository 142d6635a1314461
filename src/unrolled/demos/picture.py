"""Still pictures of demos: maps of cells as SVG that stretches with its box, in colours of the style sheet.

``book/demos/common.js`` draws the same maps, so that nothing moves when scripts take over.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

LEVELS = 12
"""Steps of opacity between nothing and the whole."""


def heat(name: str, layers: Mapping[str, Tensor]) -> str:
    """A map of cells: layers ``[rows, columns]`` of values between 0 and 1, each in the colour of its class.

    >>> import torch
    >>> heat("memory", {"write": torch.tensor([[0.0, 1.0]])})
    '<svg class="demo-map" data-map="memory" viewBox="0 0 2 1" preserveAspectRatio="none" aria-hidden="true">\
<g class="demo-write"><path fill-opacity="1" d="M1 0h1v1h-1z"/></g></svg>'
    """
    rows, columns = next(iter(layers.values())).shape
    drawn = "".join(f'<g class="demo-{kind}">{_paths(values)}</g>' for kind, values in layers.items())
    return (
        f'<svg class="demo-map" data-map="{name}" viewBox="0 0 {columns} {rows}" preserveAspectRatio="none" '
        f'aria-hidden="true">{drawn}</svg>'
    )


def level(value: float) -> int:
    """The step of opacity of a value between 0 and 1."""
    return max(0, min(LEVELS, int(value * LEVELS + 0.5)))


def _paths(values: Tensor) -> str:
    """One path for each step of opacity; cells side by side are one rectangle."""
    paths: dict[int, list[str]] = {}
    for y, row in enumerate(values.tolist()):
        steps, x = [level(value) for value in row], 0
        while x < len(steps):
            end = x + 1
            while end < len(steps) and steps[end] == steps[x]:
                end += 1
            if steps[x]:
                paths.setdefault(steps[x], []).append(f"M{x} {y}h{end - x}v1h{x - end}z")
            x = end
    return "".join(
        f'<path fill-opacity="{step / LEVELS:.3g}" d="{"".join(parts)}"/>'
        for step, parts in sorted(paths.items())
    )
