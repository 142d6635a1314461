"""A batch of sequences needs one length each: a single one would spread over all of them in silence."""

import pytest
import torch

from unrolled.nn.scan import ShapeError
from unrolled.papers.vrnn.baseline import OutputRNN
from unrolled.papers.vrnn.model import VRNN


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize(
    "model", [VRNN(3, hidden_size=4, latent_size=2, features=4), OutputRNN(3, hidden_size=4, features=4)]
)
def test_another_number_of_lengths_is_an_error(model, count):
    with pytest.raises(ShapeError, match=rf"lengths must be \[batch\] = \[4\], not \[{count}\]"):
        model(torch.zeros(4, 6, 3), torch.full((count,), 2))
