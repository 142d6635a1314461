"""What the chapter draws: each figure shows what it is given."""

from types import SimpleNamespace

import matplotlib
import pytest
from matplotlib import pyplot

from unrolled.data.babi import Fact, Question
from unrolled.papers.memory_networks import figures


@pytest.fixture(autouse=True)
def _no_window():
    matplotlib.use("agg")
    yield
    pyplot.close("all")


def stored(accuracy):
    curve = {"update": (500.0, 1000.0), "valid_accuracy": (accuracy / 2, accuracy)}
    return SimpleNamespace(metrics={"test_accuracy": accuracy}, curve=curve)


def test_a_curve_is_drawn_for_every_run_in_per_cent_over_updates():
    figures.curves({"": (), "LSTM": [stored(0.5), stored(0.6)]}, guess=20.0)
    lines = pyplot.gca().get_lines()
    assert [list(line.get_ydata()) for line in lines[:2]] == [[25.0, 50.0], [30.0, 60.0]]
    assert list(lines[0].get_xdata()) == [500.0, 1000.0]
    assert [text.get_text() for text in pyplot.gca().get_legend().get_texts()] == ["LSTM"]


def test_the_table_has_a_dot_for_every_seed_and_a_square_for_the_paper():
    found = {"near_one": [stored(0.25), stored(0.5)], "near_two": [stored(1.0)], "far_one": [], "far_two": []}
    models = {"one": ("one hop", 31.0, 22.0), "two": ("two hops", 100.0, 99.0)}
    figures.table(found, {"near": "Near", "far": "Far"}, models)
    near, far = pyplot.gcf().axes
    places = [[tuple(place) for place in dots.get_offsets().tolist()] for dots in near.collections]
    assert places == [[(25.0, 0.0), (50.0, 0.0)], [(31.0, 0.0)], [(100.0, 1.0)], [(100.0, 1.0)]]
    assert [dots.get_offsets().tolist() for dots in far.collections] == [[], [[22.0, 0.0]], [], [[99.0, 1.0]]]
    assert [label.get_text() for label in near.get_yticklabels()] == ["one hop", "two hops"]


def test_a_story_says_which_hop_picked_which_sentence():
    story = (Fact(1, "Joe went to the hall."), Fact(2, "Joe got the milk."))
    question = Question(story, "Where is the milk?", "hall", (2, 1), 2)
    figures.stories([(question, "hall", (2, 1)), (question, "den", (2, 2))])
    told = [[text.get_text() for text in ax.texts] for ax in pyplot.gcf().axes]
    end = ["Where is the milk?"]
    assert told[0] == ["Joe went to the hall.", "hop 2", "Joe got the milk.", "hop 1", *end, "hall"]
    assert told[1] == ["Joe went to the hall.", "", "Joe got the milk.", "hop 1 and hop 2", *end, "den"]


def test_the_live_curve_is_in_per_cent():
    figures.live(([10.0, 20.0], [0.2, 1.0]))
    assert list(pyplot.gca().get_lines()[0].get_ydata()) == [20.0, 100.0]
