"""Wake-sleep, the older way to train the same two networks, which the paper compares with."""

import torch
from jaxtyping import Float
from torch import Tensor

from unrolled.papers.vae.model import VAE


def wake_sleep(
    model: VAE,
    x: Float[Tensor, "batch pixels"],
    noise: Float[Tensor, "batch latent"],
    dream: Float[Tensor, "batch latent"],
    dream_pixels: Float[Tensor, "batch pixels"],
) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
    """The two losses of wake-sleep; each has gradients in one of the two networks only.

    *Paper*: kingma2014auto, Section 5 (the baseline of Figures 2 and 3); hinton1995wake.

        wake:  -log p(x, z),      z ~ q(z | x)      (moves the decoder)
        sleep: -log q(z' | x'),   (x', z') ~ p      (moves the encoder)

    *Shapes*: as annotated; ``dream`` is z', and ``dream_pixels`` the noise that makes x' from it.
    """
    with torch.no_grad():
        z = model.encode(x).from_noise(noise)
        dreamt = model.decode(dream).from_noise(dream_pixels)
    wake = -(model.log_prior(z) + model.decode(z).log_prob(x))
    return wake, -model.encode(dreamt).log_prob(dream)
