"""Figures show the pixels that the model saw, where it saw them."""

import pytest
import torch

from unrolled.papers.ram import pictures
from unrolled.papers.ram.catch import CatchAgent, catch_starts, catch_trace

pyplot = pytest.importorskip("matplotlib.pyplot")
pyplot.switch_backend("agg")


@pytest.fixture(autouse=True)
def _closed():
    yield
    pyplot.close("all")


def test_pyramid_has_a_column_a_glimpse_and_a_row_a_scale():
    image = torch.rand(12, 12)
    path = torch.tensor([[0.0, 0.0], [0.5, -0.5]])
    picture = pictures.pyramids(image, path, glimpse_size=4, scales=2, reach=6.0)
    assert picture.shape == (9, 9)
    assert torch.equal(picture[:4, :4], image[4:8, 4:8])
    assert torch.equal(picture[:4, 5:], image[7:11, 1:5])  # three pixels down, three to the left
    coarse = torch.nn.functional.avg_pool2d(image[None, 2:10, 2:10], 2)[0]
    torch.testing.assert_close(picture[5:, :4], coarse)
    assert picture[4].isnan().all()
    assert picture[:, 4].isnan().all()


@pytest.mark.parametrize("glimpse_size", [3, 4])
def test_squares_enclose_what_the_retina_saw(glimpse_size):
    image = torch.rand(12, 12)
    path = torch.tensor([[0.25, -0.5]])
    figure = pictures.scan_paths(image[None], path[:, None], glimpse_size, 1, 6.0, titles=["one"])
    above, below = figure.axes
    (square,) = [patch for patch in above.patches if patch.get_width() == glimpse_size]
    left, top = (round(value + 0.5) for value in square.get_xy())
    shown = torch.as_tensor(below.images[0].get_array())
    assert torch.equal(shown, image[top : top + glimpse_size, left : left + glimpse_size])
    assert above.get_title() == "one"


def test_path_runs_from_first_to_last_fixation():
    image, path = torch.zeros(10, 20), torch.tensor([[-0.5, 0.0], [0.0, 0.5], [0.5, -0.5]])
    figure = pictures.scan_paths(image[None], path[:, None], 2, 1, reach=4.0)
    line = figure.axes[0].lines[0]
    assert line.get_xdata().tolist() == [9.5, 11.5, 7.5]
    assert line.get_ydata().tolist() == [2.5, 4.5, 6.5]


def test_film_shows_ball_paddle_and_gaze():
    agent = CatchAgent(9, 3, 2)
    trace = catch_trace(agent, agent.play(*catch_starts(9)))
    figure = pictures.catch_film(trace, 4, 9, 3)
    assert [ax.get_title() for ax in figure.axes] == [str(t) for t in range(1, 9)]
    first = figure.axes[0].images[0].get_array()
    assert first.sum() == 3
    assert first[0, trace.ball[0, 4, 1].long()] == 1
    (square,) = figure.axes[0].patches
    assert square.get_xy() == (3.5, 3.5)  # size 9, in the middle: from pixel 4 on, as the retina rounds
    chosen = pictures.catch_film(trace, 0, 9, 3, frames=[0, 5])
    assert len(chosen.axes) == 2
    ax = figure.add_subplot()
    pictures.catch_columns(ax, trace, 0)
    assert ax.lines[0].get_ydata().tolist() == trace.ball[:, 0, 1].tolist()
