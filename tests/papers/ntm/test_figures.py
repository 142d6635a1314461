"""What the chapter draws: the numbers in its figures, and that each figure shows what it is given."""

from types import SimpleNamespace

import matplotlib
import pytest
import torch
from matplotlib import pyplot

from unrolled.data.algorithmic_tasks import copy
from unrolled.papers.ntm import figures
from unrolled.papers.ntm.baseline import LSTMBaseline
from unrolled.papers.ntm.experiment import EXPERIMENT
from unrolled.papers.ntm.model import NTM
from unrolled.training.presets import preset


@pytest.fixture(autouse=True)
def _no_window():
    matplotlib.use("agg")
    yield
    pyplot.close("all")


def stored(**metrics):
    config = preset(EXPERIMENT, "copy").config.plain()
    curve = {"update": (250.0, 500.0), "valid_bits": (60.0, 40.0)}
    return SimpleNamespace(config=config, metrics=metrics, curve=curve, seed=0)


def run_of(within, *beyond):
    sizes = ("30", "40", "80", "120")
    return stored(test_wrong=within, **{f"test_wrong_{n}": w for n, w in zip(sizes, beyond, strict=True)})


def test_wrong_bits_are_a_share_of_all_bits_of_a_sequence():
    run = run_of(8.4, 24.0, 32.0, 64.0, 480.0)
    assert figures.share_wrong(run) == pytest.approx(10.0, rel=0.02)  # of 8 bits in 10.5 vectors on average
    assert [figures.share_wrong(run, n) for n in ("30", "120")] == [pytest.approx(10.0), pytest.approx(50.0)]


def test_sizes_of_training_are_a_level_stretch_and_the_others_points():
    runs = {"NTM": (), "LSTM": [run_of(0.0, 24.0, 32.0, 64.0, 480.0)]}
    figures.by_size(runs, figures.share_wrong, 1, xlabel="length", ylabel="wrong", guess=50.0)
    line, guess = pyplot.gca().get_lines()
    assert list(line.get_xdata()) == [1, 20, 30, 40, 80, 120]
    assert list(line.get_ydata()[:2]) == [0.0, 0.0]
    assert line.get_color() == figures.LOOKS[1]["color"]
    assert list(guess.get_ydata()) == [50, 50]


def test_curves_are_drawn_over_sequences():
    figures.curves({"NTM": [stored()]})
    assert list(pyplot.gca().get_lines()[0].get_xdata()) == [8.0, 16.0]  # thousands, of 32 an update


def test_a_copy_stands_below_its_target():
    machines = {"NTM": NTM(9, 8, hidden_size=4, rows=6, columns=3), "LSTM": LSTMBaseline(9, 8, hidden_size=4)}
    figures.copies(machines, {"vectors": [copy(1, 2), copy(1, 3)], "a long list": [copy(1, 5)]})
    axes = pyplot.gcf().axes
    assert [ax.get_title(loc="left") for ax in axes] == ["targets", "NTM", "LSTM"] * 2
    widths = [ax.get_images()[0].get_array().shape[1] for ax in axes]
    assert widths == [2 + figures.GAP + 3] * 3 + [5] * 3


def test_the_rows_that_heads_use_are_found_across_the_end_of_the_ring():
    places = torch.eye(8)[[7, 0, 1]].unsqueeze(0)
    near, first = figures.around_start(places)
    assert first == -1
    assert torch.equal(near[0].argmax(0), torch.tensor([0, 1, 2]))


def test_heads_have_a_panel_each():
    w = torch.eye(8)[[0, 1, 2, 3]]
    figures.heads({"inputs": torch.ones(2, 4), "reads": -torch.ones(2, 4)}, {"write": w, "read": w}, 2)
    assert [ax.get_title(loc="left") for ax in pyplot.gcf().axes] == ["inputs", "reads", "write", "read"]


def test_wrong_bits_by_length_are_those_of_the_machine():
    machine = NTM(5, 4, hidden_size=4, rows=6, columns=3)
    assert all(0 < share < 100 for share in figures.wrong_by_length(machine, (3, 9), bits=4, n=8))
