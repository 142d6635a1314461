"""Figures show the pixels that the model saw, where it saw them."""

import pytest
import torch

from unrolled.papers.ram import figures

pyplot = pytest.importorskip("matplotlib.pyplot")
pyplot.switch_backend("agg")


@pytest.fixture(autouse=True)
def _closed():
    yield
    pyplot.close("all")


def test_pyramid_has_a_column_a_glimpse_and_a_row_a_scale():
    image = torch.rand(12, 12)
    path = torch.tensor([[0.0, 0.0], [0.5, -0.5]])
    picture = figures.pyramids(image, path, glimpse_size=4, scales=2, reach=6.0)
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
    figure = figures.scan_paths(image[None], path[:, None], glimpse_size, 1, 6.0, titles=["one"])
    above, below = figure.axes
    (square,) = [patch for patch in above.patches if patch.get_width() == glimpse_size]
    left, top = (round(value + 0.5) for value in square.get_xy())
    shown = torch.as_tensor(below.images[0].get_array())
    assert torch.equal(shown, image[top : top + glimpse_size, left : left + glimpse_size])
    assert above.get_title() == "one"


def test_path_runs_from_first_to_last_fixation():
    image, path = torch.zeros(10, 20), torch.tensor([[-0.5, 0.0], [0.0, 0.5], [0.5, -0.5]])
    figure = figures.scan_paths(image[None], path[:, None], 2, 1, reach=4.0)
    line = figure.axes[0].lines[0]
    assert line.get_xdata().tolist() == [9.5, 11.5, 7.5]
    assert line.get_ydata().tolist() == [2.5, 4.5, 6.5]
