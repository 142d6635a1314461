"""The book's figures: one style, one colour a role, labels at the lines.

The palette is that of M. Okabe and K. Ito (Color Universal Design, 2008).
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unrolled.base.errors import UnrolledError, UsageError, unknown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLE = Path(__file__).with_name("unrolled.mplstyle")

BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, GREY, INK = "#CC79A7", "#56B4E9", "#7F7F7F", "#757575"

ROLES: dict[str, dict[str, Any]] = {
    "method": {"color": BLUE, "linestyle": "-", "linewidth": 2.0},
    "baseline": {"color": GREY, "linestyle": (0, (6, 1.5)), "linewidth": 1.8},
    "contrast": {"color": VERMILLION, "linestyle": "-.", "linewidth": 1.8},
    "other": {"color": GREEN, "linestyle": (0, (3, 1, 1, 1)), "linewidth": 1.8},
    "paper": {"color": INK, "linestyle": "--", "linewidth": 1.0},
    "chance": {"color": INK, "linestyle": ":", "linewidth": 1.2},
}
"""How each thing is drawn, in every figure: the paper's method, its baseline, what they are held against."""

LARGEST = 100_000
"""Bytes that a stored figure may have."""

SMALLEST_TEXT = 10.0

PANEL = 4.9
"""Inches that one panel may be wide: on a phone its letters keep their size."""

SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

NARROW = 1.8
"""Inches below which columns of axes are no panels of their own."""


def use() -> None:
    """Draw in the book's style, and as SVG in a notebook; the same figure gives the same bytes every time.

    In a notebook a figure is narrowed to `PANEL` for each of its panels, and the file names the panels, so
    that a page can put one below the other.
    """
    import matplotlib

    matplotlib.rcdefaults()
    matplotlib.style.use(STYLE)
    try:
        from IPython import get_ipython
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:
        return
    if (shell := get_ipython()) is not None:
        from matplotlib.figure import Figure

        matplotlib.use("module://matplotlib_inline.backend_inline")
        set_matplotlib_formats("svg")
        shell.display_formatter.formatters["image/svg+xml"].for_type(Figure, lambda one: svg(one).decode())


def role(name: str) -> dict[str, Any]:
    """The drawing properties of a role, to be passed to ``plot``: ``ax.plot(x, y, **role("method"))``.

    Raises:
        UsageError: if there is no such role.
    """
    if name not in ROLES:
        raise unknown("role", name, ROLES, listing=f"roles: {', '.join(ROLES)}")
    return dict(ROLES[name])


def seeds(ax: Axes, x: Sequence[float], curves: Mapping[int, Sequence[float]], name: str, label: str) -> Any:
    """One thin line a seed and their mean, which carries the label; returns the mean's line.

    Raises:
        UsageError: if there is no curve, or one is not as long as ``x``.
    """
    if not curves:
        raise UsageError(f"no curve for {label!r}")
    for seed, curve in curves.items():
        if len(curve) != len(x):
            raise UsageError(f"the curve of seed {seed} has {len(curve)} values, x has {len(x)}")
    look = role(name)
    for curve in curves.values():
        ax.plot(x, curve, "-", color=look["color"], linewidth=0.7, alpha=0.45, label="_seed")
    mean = [sum(values) / len(values) for values in zip(*curves.values(), strict=True)]
    return ax.plot(x, mean, label=label, **look)[0]


def paper_value(ax: Axes, value: float, text: str | None = None) -> None:
    """The paper's own figure: a dashed line across, with its value written at the end."""
    _across(ax, value, "paper", text or f"paper {value:g}")


def chance(ax: Axes, value: float, text: str | None = None) -> None:
    """Chance, or the best that is possible: a dotted line across, named at its end."""
    _across(ax, value, "chance", text or f"chance {value:g}")


def _across(ax: Axes, value: float, name: str, text: str) -> None:
    ax.axhline(value, label=f"_{name}", **role(name))
    ax.annotate(
        text,
        (1.0, value),
        xycoords=("axes fraction", "data"),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=SMALLEST_TEXT,
        annotation_clip=False,
    )


def label_ends(ax: Axes) -> None:
    """Write every labelled line's name at its right end, in its colour, instead of a box far away.

    Names that would overlap are moved apart. Call it last, when the limits of the axes stand.
    """
    lines = [
        line for line in ax.get_lines() if not str(line.get_label()).startswith("_") and len(line.get_xdata())
    ]
    if not lines:
        return
    figure = ax.figure
    height = ax.get_window_extent().height * 72 / figure.dpi
    to_points = ax.transData + ax.transAxes.inverted()
    ends = []
    for line in lines:
        x, y = line.get_xdata()[-1], line.get_ydata()[-1]
        ends.append([to_points.transform((x, y))[1] * height, (x, y), line])
    ends.sort(key=lambda end: end[0])
    apart, places = SMALLEST_TEXT * 1.25, []
    for wanted, _, _ in ends:
        places.append(max(wanted, places[-1] + apart) if places else wanted)
    # Pushed upwards only, the whole column would climb: it goes back by half of what it climbed.
    climbed = places[-1] - ends[-1][0]
    places = [place - climbed / 2 for place in places]
    for place, (wanted, end, line) in zip(places, ends, strict=True):
        ax.annotate(
            str(line.get_label()),
            end,
            xytext=(5, place - wanted),
            textcoords="offset points",
            color=line.get_color(),
            va="center",
            fontsize=SMALLEST_TEXT,
            annotation_clip=False,
        )


def heat(ax: Axes, values: Any, label: str, *, diverging: bool = False) -> Any:
    """A matrix as a picture with its scale; differences diverge from zero in the middle."""
    import numpy

    values = numpy.asarray(values)
    limits = {}
    if diverging:
        largest = float(numpy.abs(values).max()) or 1.0
        limits = {"vmin": -largest, "vmax": largest}
    image = ax.imshow(values, cmap="RdBu_r" if diverging else "viridis", aspect="auto", **limits)
    ax.grid(False)
    ax.figure.colorbar(image, ax=ax, label=label)
    return image


def svg(figure: Figure) -> bytes:
    """The figure as the notebook stores it: narrowed, its panels named as views that a page can ask for."""
    _plain_powers(figure)
    renderer = figure._get_renderer()
    figure.draw_without_rendering()
    count = len(_panels(figure, renderer))
    for ax in figure.axes if count > 1 else ():
        if len(ax.get_shared_y_axes().get_siblings(ax)) > 1:  # below another panel, it needs its own numbers
            ax.tick_params(labelleft=True)
    if figure.get_figwidth() > PANEL * count:
        figure.set_figwidth(PANEL * count)
    figure.draw_without_rendering()
    whole = figure.get_tightbbox(renderer).padded(0.04)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, bbox_inches=whole)
    panels = _panels(figure, renderer)
    if len(panels) < 2:
        return buffer.getvalue()
    height = f"{72 * whole.height:.2f}"
    edges = [whole.x0, *((a[1] + b[0]) / 2 for a, b in pairwise(panels)), whole.x1]
    views = "".join(
        f'<view id="panel-{number}" viewBox="{72 * (a - whole.x0):.2f} 0 {72 * (b - a):.2f} {height}"/>\n'
        for number, (a, b) in enumerate(pairwise(edges), 1)
    )
    return buffer.getvalue().replace(b"</svg>", views.encode() + b"</svg>")


def _panels(figure: Figure, renderer: Any) -> list[tuple[float, float]]:
    """Where the panels of a figure begin and end, in inches: columns of axes, each with its colour bars.

    One panel where a title or a legend spans them, and where they are narrow: small pictures stay together.
    """
    spans: dict[Any, list[float]] = {}
    for ax in figure.axes:
        parents = getattr(ax, "_colorbar_info", {}).get("parents") or [ax]
        owner = max(parents, key=lambda one: one.get_position().x1)
        box = ax.get_tightbbox(renderer)
        if box is not None:
            spans.setdefault(owner, []).extend((box.x0 / figure.dpi, box.x1 / figure.dpi))
    panels: list[tuple[float, float]] = []
    for begin, end in sorted((min(span), max(span)) for span in spans.values()):
        if panels and begin < panels[-1][1] - 0.02:
            begin, end = panels[-1][0], max(end, panels.pop()[1])
        panels.append((begin, end))
    together = figure.texts or figure.legends or any(end - begin < NARROW for begin, end in panels)
    return panels[:1] if together else panels


def _plain_powers(figure: Figure) -> None:
    """Powers of ten at logarithmic axes as plain text, 10⁻³: mathematics would set them smaller than a phone
    can show."""
    from matplotlib.ticker import FuncFormatter, LogFormatterSciNotation

    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            if isinstance(axis.get_major_formatter(), LogFormatterSciNotation):
                axis.set_major_formatter(FuncFormatter(power))


def power(value: float, _: int | None = None) -> str:
    """A value at a logarithmic axis.

    >>> power(0.001), power(100), power(1e6), power(20)
    ('0.001', '100', '10⁶', '20')
    """
    return f"{value:g}" if 1e-3 <= value < 1e4 else raised(f"{value:.0e}")


def raised(text: str) -> str:
    """A number as it is printed, its exponent set high.

    >>> raised("1e-12"), raised("2.6e-06"), raised("0.91")
    ('10⁻¹²', '2.6 × 10⁻⁶', '0.91')
    """
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return text
    return ("" if mantissa == "1" else f"{mantissa} × ") + f"10{str(int(exponent)).translate(SUPERSCRIPT)}"


def small(figure: Figure) -> Figure:
    """The figure, if it is fit for the book: under 100 kB as SVG, and no text below 10 points.

    Raises:
        UnrolledError: if it is not.
    """
    import matplotlib.text

    size = len(svg(figure))
    if size > LARGEST:
        raise UnrolledError(
            f"the figure has {size / 1000:.0f} kB, {LARGEST / 1000:.0f} are allowed", hint="draw fewer points"
        )
    for text in figure.findobj(matplotlib.text.Text):
        if text.get_visible() and text.get_text().strip() and text.get_fontsize() < SMALLEST_TEXT:
            raise UnrolledError(
                f"text {text.get_text()!r} has {text.get_fontsize():g} points, {SMALLEST_TEXT:g} are needed"
            )
    return figure
