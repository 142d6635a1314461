"""A batch of sequences needs one length each: a single one would spread over all of them in silence."""

import pytest
import torch

from unrolled.nn.scan import ShapeError
from unrolled.papers.vrnn.inference import without_padding


@pytest.mark.parametrize("count", [1, 2, 5])
def test_another_number_of_lengths_is_an_error(count):
    with pytest.raises(ShapeError, match=rf"lengths must be \[batch\] = \[4\], not \[{count}\]"):
        without_padding(torch.zeros(4, 6, 3), torch.full((count,), 2))


def test_padding_becomes_zeros_and_the_rest_stays():
    x = torch.arange(12.0).view(2, 3, 2)
    clean = without_padding(x.where(x < 10, torch.nan), torch.tensor([3, 2]))
    assert clean.flatten().tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0]
