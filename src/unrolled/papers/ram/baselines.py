"""What RAM is compared with: networks that read every pixel at once."""

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from unrolled.base.errors import UsageError


class FullyConnected(nn.Sequential):
    """Rectified layers over all pixels of an image, and a linear read-out.

    *Paper*: mnih2014recurrent, tables of Section 4.1: two layers of 256 units, or of 64.

    *Shapes*: images ``[batch, height, width]`` of ``pixels`` pixels; gives logits ``[batch, classes]``.

    *Departures*: unspecified: the initial weights are torch's.

    >>> import torch
    >>> FullyConnected(pixels=60 * 60, hidden=64)(torch.zeros(5, 60, 60)).shape
    torch.Size([5, 10])
    """

    def __init__(self, pixels: int, hidden: int = 256, layers: int = 2, *, classes: int = 10) -> None:
        widths = [pixels] + [hidden] * layers
        rectified = [part for i, o in pairwise(widths) for part in (nn.Linear(i, o), nn.ReLU())]
        super().__init__(nn.Flatten(), *rectified, nn.Linear(widths[-1], classes))


class Convolutional(nn.Sequential):
    """One convolutional and one fully connected layer, both rectified, and a linear read-out.

    *Paper*: mnih2014recurrent, tables of Section 4.1: "convolutional, 2 layers". That its filters are eight
    of 10x10 pixels, five pixels apart, and that its second layer has 256 units is recalled, not verified.

    *Shapes*: images ``[batch, size, size]``; gives logits ``[batch, classes]``.

    *Departures*: architecture: the network of the 28x28 images is not known; the same one is used at every
    size. Unspecified: no padding; the initial weights are torch's.

    *Raises*: `UsageError` for images smaller than a filter.

    >>> import torch
    >>> Convolutional(size=60)(torch.zeros(5, 60, 60)).shape
    torch.Size([5, 10])
    """

    def __init__(
        self,
        size: int,
        *,
        filters: int = 8,
        width: int = 10,
        stride: int = 5,
        hidden: int = 256,
        classes: int = 10,
    ) -> None:
        if size < width:
            raise UsageError(f"filters of {width}x{width} do not fit into images of {size}x{size}")
        places = ((size - width) // stride + 1) ** 2
        super().__init__(
            nn.Conv2d(1, filters, width, stride),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(filters * places, hidden),
            nn.ReLU(),
            nn.Linear(hidden, classes),
        )

    def forward(self, images: Float[Tensor, "batch size size"]) -> Float[Tensor, "batch classes"]:
        """The logits of every class."""
        return super().forward(images.unsqueeze(1))
