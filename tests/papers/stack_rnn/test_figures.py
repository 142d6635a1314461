"""What the chapter draws of stored runs and of the kept traces."""

from types import SimpleNamespace

import matplotlib
import pytest
import torch
from matplotlib import pyplot

from unrolled.papers.stack_rnn import figures, traces
from unrolled.papers.stack_rnn.experiment import SHOWN


@pytest.fixture(autouse=True)
def _no_window():
    matplotlib.use("agg")
    yield
    pyplot.close("all")


def stored(right=1.0):
    metrics = {f"test_right_{n}{kind}": right for n in SHOWN for kind in ("", "_rounded")}
    return SimpleNamespace(metrics=metrics | {"test_solved": right, "test_solved_rounded": right / 2})


def test_shares_over_size_are_drawn_for_every_run_in_per_cent():
    figures.over_size({"one": {"LSTM": [stored(0.25), stored(0.5)]}, "two": {"RNN": [stored()]}})
    first, second = pyplot.gcf().axes
    assert [line.get_ydata()[0] for line in first.lines] == [25, 50]
    assert list(second.lines[0].get_xdata()) == list(SHOWN)


def test_table_2_has_a_dot_for_every_seed_beside_the_papers_value():
    runs = {name: [stored(0.8), stored(0.4)] for name in figures.TITLES}
    figures.table_2({"Stack RNN, rounded": runs, "LSTM": runs})
    rounded, lstm = pyplot.gcf().axes
    assert sorted(rounded.lines[0].get_ydata()) == [20, 40]
    assert sorted(lstm.lines[0].get_ydata()) == [40, 80]
    assert tuple(lstm.lines[-1].get_ydata()) == figures.PAPER["LSTM"]


def test_heights_never_fall_below_an_empty_stack():
    assert figures.heights([[0.0], [1.0], [0.0], [0.0]]).flatten().tolist() == [0, 1, 0, 0]


def test_the_kept_trace_of_table_3_halves_the_second_letters():
    filled = figures.heights(traces.read()["anb2n"]["rounded"]["push"])
    peaks = {
        tuple(column.argmax(0, keepdim=True).tolist())
        for column in filled.T
        if column[-1] == 0 and column.max() == 6
    }
    assert peaks == {(5,), (11,)}  # after six a, and after six of twelve b
    figures.stacks_at_work(traces.read()["anb2n"])
    assert len(pyplot.gca().get_legend().get_texts()) >= 2


def test_the_live_run_is_drawn_with_both_kinds_of_actions():
    run = SimpleNamespace(curve=lambda name: ([25, 50], [0.6, 0.4]))
    right = {"Stack RNN, soft": torch.ones(58), "Stack RNN, rounded": torch.zeros(58)}
    figures.live(run, right, longest=9)
    after = pyplot.gcf().axes[1]
    assert [line.get_ydata()[0] for line in after.lines[:2]] == [100, 0]
