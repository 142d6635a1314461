"""The figures' style: the same bytes every time, readable on white and on black, labels at the lines."""

from __future__ import annotations

import re

import matplotlib
import pytest

matplotlib.use("Agg")

from matplotlib import pyplot as plt

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.execution import figures


@pytest.fixture(autouse=True)
def _style():
    figures.use()
    yield
    plt.close("all")
    matplotlib.rcdefaults()


def drawn():
    figure, ax = plt.subplots()
    figures.seeds(ax, [0, 1, 2], {0: [1, 2, 3], 1: [1, 2, 4]}, "method", "BN-LSTM")
    figures.seeds(ax, [0, 1, 2], {0: [1, 2, 3.4], 1: [1, 2, 3.5]}, "baseline", "LSTM")
    figures.paper_value(ax, 2.5)
    figures.chance(ax, 0.1)
    ax.set(xlabel="updates", ylabel="error in %")
    figures.label_ends(ax)
    return figure, ax


def test_two_equal_figures_have_equal_bytes_and_no_date() -> None:
    first, second = figures.svg(drawn()[0]), figures.svg(drawn()[0])
    assert first == second
    assert b"dc:date" not in first


def test_the_ground_is_transparent() -> None:
    text = figures.svg(drawn()[0]).decode()
    assert re.findall(r'id="patch_[12]">\s*<path[^>]*style="([^"]*)"', text) == ["fill: none", "fill: none"]


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("colour", "least"), [(figures.INK, 4.5)] + [(look["color"], 3.0) for look in figures.ROLES.values()]
)
def test_inks_read_on_white_and_on_black(colour: str, least: float) -> None:
    light = luminance(colour)
    assert min(1.05 / (light + 0.05), (light + 0.05) / 0.05) >= least


def test_roles_differ_by_more_than_colour() -> None:
    dashes = [str(look["linestyle"]) for look in figures.ROLES.values()]
    assert len(set(dashes)) == len(dashes)


def test_names_stand_at_the_ends_of_their_lines_and_do_not_overlap() -> None:
    figure, ax = drawn()
    figure.canvas.draw()
    labels = {text.get_text(): text for text in ax.texts}
    assert {"BN-LSTM", "LSTM", "paper 2.5", "chance 0.1"} == set(labels)
    assert labels["BN-LSTM"].get_color() == figures.BLUE
    boxes = [labels[name].get_window_extent() for name in ("BN-LSTM", "LSTM")]
    assert not boxes[0].overlaps(boxes[1])
    assert all(box.x0 > ax.transData.transform((2, 0))[0] for box in boxes)


def test_lines_without_a_name_get_none() -> None:
    _, ax = plt.subplots()
    ax.plot([1, 2])
    figures.label_ends(ax)
    assert not ax.texts


def test_a_difference_diverges_from_zero() -> None:
    _, ax = plt.subplots()
    image = figures.heat(ax, [[-1.0, 3.0]], "difference", diverging=True)
    assert image.get_clim() == (-3.0, 3.0)
    _, ax = plt.subplots()
    assert figures.heat(ax, [[1.0, 3.0]], "weight").get_cmap().name == "viridis"


def test_a_large_figure_and_small_text_are_refused() -> None:
    figure, ax = drawn()
    assert figures.small(figure) is figure
    ax.set_title("too small", fontsize=6)
    with pytest.raises(UnrolledError, match="'too small' has 6 points"):
        figures.small(figure)
    figure, ax = plt.subplots()
    ax.scatter(range(3000), range(3000), s=[1 + place % 7 for place in range(3000)])
    with pytest.raises(UnrolledError, match="100 are allowed"):
        figures.small(figure)


def test_unknown_roles_and_curves_of_another_length_are_refused() -> None:
    _, ax = plt.subplots()
    with pytest.raises(UsageError, match=r"no role 'metod' \(did you mean method\?\)"):
        figures.role("metod")
    with pytest.raises(UsageError, match="seed 1 has 2 values, x has 3"):
        figures.seeds(ax, [0, 1, 2], {0: [1, 2, 3], 1: [1, 2]}, "method", "x")
    with pytest.raises(UsageError, match="no curve"):
        figures.seeds(ax, [0], {}, "method", "x")


def stored(figure) -> tuple[float, list[list[float]]]:
    """The width of a stored figure, and the boxes of its panels."""
    text = figures.svg(figure).decode()
    views = re.findall(r'<view id="panel-\d" viewBox="([^"]+)"/>', text)
    return float(re.search(r'viewBox="0 0 ([\d.]+) ', text)[1]), [[*map(float, v.split())] for v in views]


def test_one_panel_is_narrowed_until_its_letters_keep_their_size_on_a_phone() -> None:
    figure, _ = plt.subplots(figsize=(7.2, 3.0))
    width, panels = stored(figure)
    assert width <= 358
    assert panels == []


def test_the_panels_of_a_figure_are_named_and_share_it_out() -> None:
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.0), sharey=True)
    figure.colorbar(axes[1].scatter([1], [1], c=[1]), ax=axes)
    width, (left, right) = stored(figure)
    assert width > 358
    assert left[2] + right[2] == pytest.approx(width, abs=0.1)
    assert left[2] == pytest.approx(right[0], abs=0.1)
    assert max(left[2], right[2]) <= 358
    assert all(ax.yaxis.get_tick_params()["labelleft"] for ax in axes)


@pytest.mark.parametrize("title", ["", "one title over both"])
def test_small_pictures_and_what_has_one_title_stay_together(title: str) -> None:
    figure, _ = plt.subplots(2, 2 if title else 5, figsize=(7.2, 3.0))
    if title:
        figure.suptitle(title)
    width, panels = stored(figure)
    assert width <= 358
    assert panels == []


def test_powers_of_ten_are_no_smaller_than_other_letters() -> None:
    figure, ax = plt.subplots()
    ax.loglog([1e-6, 1e6], [1e-6, 1e6])
    sizes = re.findall(r"font(?:-size)?: ([\d.]+)px", figures.svg(figure).decode())
    assert min(map(float, sizes)) >= figures.SMALLEST_TEXT
