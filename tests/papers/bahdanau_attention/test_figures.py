"""The chapter's figures hold what they are given, and fit the book."""

from types import SimpleNamespace

import matplotlib
import pytest
from matplotlib import pyplot

from unrolled.execution.figures import small
from unrolled.papers.bahdanau_attention import figures
from unrolled.tasks.translation import CAPTIONS, SHORTER

EXACT = [*(f"valid_exact_{a}_{b}" for a, b in SHORTER), "valid_exact_long"]


@pytest.fixture(autouse=True)
def _style():
    matplotlib.use("agg")
    yield
    pyplot.close("all")


def stored(level):
    curve = {"update": (100, 200)} | dict.fromkeys(EXACT, (0.0, level))
    groups = {f"test_bleu_beam_{a}_{b}": 30 * level for a, b in CAPTIONS}
    return SimpleNamespace(metrics=dict.fromkeys(EXACT, level) | groups, curve=curve)


GROUPS = {"with attention": [stored(0.9), stored(1.0)], "one vector": [stored(0.4), stored(0.6)]}


def named(ax):
    return {line.get_label(): line.get_ydata() for line in ax.lines if not line.get_label().startswith("_")}


def test_numbers_show_every_seed_and_the_mean():
    figure = small(figures.numbers(GROUPS))
    left, right = figure.axes
    assert len(left.lines) == 6
    assert named(left)["one vector"][0] == pytest.approx(50)
    assert list(named(right)) == ["with attention, long", "one vector, long", "one vector, short"]
    assert named(right)["with attention, long"][-1] == pytest.approx(95)


def test_captions_are_drawn_in_their_groups():
    (ax,) = small(figures.bleu_over_length(GROUPS)).axes
    assert [label.get_text() for label in ax.get_xticklabels()] == [
        "≤8",
        "9–10",
        "11–12",
        "13–15",
        "16–19",
        "≥20",
    ]
    assert named(ax)["one vector"] == pytest.approx([15] * 6)


def test_training_begins_with_its_first_loss():
    (ax,) = small(figures.training([4.0, 2.0, 0.0], width=2)).axes
    assert list(ax.lines[1].get_ydata()) == [4.0, 3.0, 1.0]


def test_words_that_need_to_look_least_stand_lowest():
    (ax,) = small(figures.looking({"deux": (90.0, 30.0), "cent": (10.0, 98.0)})).axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["cent", "deux"]


def test_a_dip_moves_the_update_from_which_a_share_stays_above():
    run = SimpleNamespace(curve={"update": (100, 200, 300, 400), "valid_exact_long": (0.2, 0.95, 0.8, 0.97)})
    assert figures.stays_above([run], 90) == 400
    assert figures.stays_above([run], 10) == 100
