"""The networks that read every pixel."""

import pytest
import torch
from torch.nn import functional

from unrolled.base.errors import UsageError
from unrolled.data import digits
from unrolled.papers.ram.baselines import Convolutional, FullyConnected


@pytest.mark.parametrize(
    ("network", "size", "parameters"),
    [
        (lambda: FullyConnected(60 * 60, 64), 60, 3601 * 64 + 65 * 64 + 65 * 10),
        (lambda: FullyConnected(60 * 60, 256), 60, 3601 * 256 + 257 * 256 + 257 * 10),
        (lambda: FullyConnected(8 * 8, 16, 3, classes=4), 8, 65 * 16 + 2 * 17 * 16 + 17 * 4),
        (lambda: Convolutional(60), 60, 8 * 101 + (8 * 11 * 11 + 1) * 256 + 257 * 10),
        (lambda: Convolutional(28), 28, 8 * 101 + (8 * 4 * 4 + 1) * 256 + 257 * 10),
        (lambda: Convolutional(8, width=3, stride=2), 8, 8 * 10 + (8 * 3 * 3 + 1) * 256 + 257 * 10),
    ],
)
def test_sizes_are_the_papers(network, size, parameters):
    network = network()
    assert sum(p.numel() for p in network.parameters()) == parameters
    classes = 4 if size == 8 and isinstance(network, FullyConnected) else 10
    assert network(torch.rand(3, size, size)).shape == (3, classes)


def test_fully_connected_is_rectified_products():
    network = FullyConnected(4, 3, 2, classes=2)
    (a, b), (c, d), (e, f) = ((layer.weight, layer.bias) for layer in network if hasattr(layer, "weight"))
    images = torch.randn(5, 2, 2)
    hidden = ((images.reshape(5, 4) @ a.T + b).clamp(min=0) @ c.T + d).clamp(min=0)
    torch.testing.assert_close(network(images), hidden @ e.T + f)


def test_convolution_sees_a_filter_at_every_fifth_pixel():
    network = Convolutional(20)
    images = torch.randn(2, 20, 20)
    weight, bias = network[0].weight[:, 0], network[0].bias
    expected = torch.stack(
        [
            torch.stack([(weight * image[r : r + 10, c : c + 10]).sum((1, 2)) + bias for c in (0, 5, 10)], 1)
            for image in images
            for r in (0, 5, 10)
        ]
    ).view(2, 3, 8, 3)
    torch.testing.assert_close(network[0](images.unsqueeze(1)), expected.transpose(1, 2), atol=1e-5, rtol=0)


@pytest.mark.parametrize("network", [lambda: FullyConnected(64), lambda: Convolutional(8, width=3, stride=1)])
def test_both_learn_the_digits(network):
    network, (images, labels) = network(), digits.pictures()["train"]
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(30):
        optimiser.zero_grad()
        functional.cross_entropy(network(images[:500]), labels[:500]).backward()
        optimiser.step()
    assert (network(images[500:]).argmax(1) == labels[500:]).float().mean() > 0.8


def test_images_smaller_than_a_filter_are_told():
    with pytest.raises(UsageError, match="filters of 10x10 do not fit into images of 8x8"):
        Convolutional(8)
