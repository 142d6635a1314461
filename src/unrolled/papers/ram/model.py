"""The recurrent attention model: glimpse, core, location and action networks.

Time comes first in what a rollout returns: ``[time, batch, ...]``. Locations are (down, right).
"""

import math
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from unrolled.base.errors import UsageError
from unrolled.nn.checks import ShapeError, check_option
from unrolled.papers.ram.parts import Core, GlimpseNetwork, Kind
from unrolled.papers.ram.retina import fixation, look, pyramid

Look = Literal["learned", "random", "centre"]
"""How a location is found: by the location network, anywhere, or in the middle."""


def sample_location(
    mean: Float[Tensor, "... 2"], location_std: float, noise: Float[Tensor, "... 2"]
) -> Float[Tensor, "... 2"]:
    """A location from the policy, as a constant: no gradient passes through it.

    *Paper*: mnih2014recurrent, the location network.

        l_t ~ N(Lin(h_t), sigma^2 I)

    *Shapes*: as annotated; ``noise`` is standard normal.
    """
    return (mean + location_std * noise).detach()


def location_log_prob(
    sample: Float[Tensor, "... 2"], mean: Float[Tensor, "... 2"], location_std: float
) -> Float[Tensor, "..."]:
    """The log-density of a location that the policy drew, before any clamping.

    *Paper*: mnih2014recurrent, the location network; its score (l - mu) / sigma^2 is in the Torch blog.

    *Shapes*: as annotated.

    >>> mean = torch.zeros(1, 2, requires_grad=True)
    >>> location_log_prob(torch.tensor([[0.1, -0.2]]), mean, 0.1).backward()
    >>> mean.grad
    tensor([[ 10., -20.]])
    """
    squared = ((sample - mean) / location_std).square().sum(-1)
    return -squared / 2 - 2 * math.log(location_std) - math.log(2 * math.pi)


def class_log_probs(
    h: Float[Tensor, "batch hidden"], W: Float[Tensor, "classes hidden"], b: Float[Tensor, " classes"]
) -> Float[Tensor, "batch classes"]:
    """The log-probabilities of the classes, from the last hidden state.

    *Paper*: mnih2014recurrent, the action network.

        p(y | s_{1:T}) = softmax(Lin(h_T))

    *Shapes*: as annotated.
    """
    return functional.log_softmax(functional.linear(h, W, b), dim=-1)


class Rollout(NamedTuple):
    """What one look at a batch of images gave.

    ``locations`` are where the retina looked, all in [-1, 1]; ``log_prob`` and ``baseline`` belong to the
    locations that the policy chose: all but the first, unless that is learned too.
    """

    log_probs: Float[Tensor, "batch classes"]
    locations: Float[Tensor, "time batch 2"]
    log_prob: Float[Tensor, "chosen batch"]
    baseline: Float[Tensor, "chosen batch"]
    hidden: Float[Tensor, "time batch hidden"]


class RAM(nn.Module):
    """The recurrent attention model: reads an image in a few glimpses, and says what it shows.

    *Paper*: mnih2014recurrent, Section 3.

    In training, locations are drawn from the policy; in evaluation they are its means. Cross-entropy trains
    the glimpse network, the core and the action network; REINFORCE trains the location network alone, and
    the squared error the baseline alone: neither pulls on the core unless ``through_core`` says so.

    *Options*: ``reach`` is how many pixels a location of 1 lies from the centre. ``location_std`` is sigma.
    ``start`` is the first location: "random" in [-1, 1]^2, "centre", or "learned", drawn from the policy of
    the zero state. ``policy`` "random" or "centre" replaces the location network ("learned"), for comparison.
    ``core`` is "rectified" or "lstm". ``gain`` multiplies the location network's output: Adam moves every
    weight by about its learning rate, and 256 of them together move a location far.

    *Shapes*: images are ``[batch, height, width]``, of any size: the number of weights and the pixels read
    depend on the glimpses only.

    *Departures*: unspecified: reach, sigma, the first location and the initial weights (He's for rectified
    layers, an orthogonal recurrent matrix). Samples beyond the border are clamped where the retina looks,
    and nowhere else. Architecture: ``gain``, which is 1 in the paper.

    *Raises*: `UsageError` for an unknown core, policy or start, `ShapeError` for other images.

    >>> ram = RAM(glimpse_size=8)
    >>> ram(torch.zeros(5, 28, 28), glimpses=6).log_probs.shape
    torch.Size([5, 10])
    """

    def __init__(
        self,
        glimpse_size: int,
        scales: int = 1,
        *,
        reach: float = 13.0,
        location_std: float = 0.1,
        hidden_size: int = 256,
        features: tuple[int, int, int] = (128, 128, 256),
        classes: int = 10,
        core: Kind = "rectified",
        start: Look = "random",
        policy: Look = "learned",
        through_core: bool = False,
        gain: float = 0.1,
    ) -> None:
        super().__init__()
        check_option("policy", policy, Look)
        check_option("start", start, Look)
        if not location_std > 0:
            raise UsageError(f"location_std is {location_std}; it must be positive")
        self.glimpse_size, self.scales, self.reach = glimpse_size, scales, reach
        self.location_std, self.start, self.policy = location_std, start, policy
        self.through_core, self.gain = through_core, gain
        self.glimpse = GlimpseNetwork(scales * glimpse_size**2, *features)
        self.core = Core(features[2], hidden_size, core)
        self.location = nn.Linear(hidden_size, 2)
        self.baseline = nn.Linear(hidden_size, 1)
        self.action = nn.Linear(hidden_size, classes)

    def forward(self, images: Float[Tensor, "batch height width"], glimpses: int) -> Rollout:
        """Look ``glimpses`` times, and classify."""
        if images.ndim != 3 or glimpses < 1:
            shape = list(images.shape)
            raise ShapeError(f"images are [batch, height, width] and seen at least once, not {shape}")
        return self.roll(pyramid(images, self.scales), *images.shape[1:], glimpses, sample=self.training)

    def roll(
        self, levels: tuple[Tensor, ...], height: int, width: int, glimpses: int, *, sample: bool
    ) -> Rollout:
        """The same for images whose `pyramid` is known, so that several looks share it.

        Locations are drawn where ``sample`` says so, and are the policy's means otherwise.
        """
        state = self.core.initial(levels[0].shape[0])
        before, samples, locations, hidden = [], [], [], []
        for t in range(glimpses):
            choice, chosen = self._next(state.h, first=t == 0, sample=sample)
            if chosen:
                before.append(state.h)
                samples.append(choice)
            location = choice.clamp(-1, 1)
            rho = look(levels, fixation(location, height, width, self.reach), self.glimpse_size)
            state = self.core(state, self.glimpse(rho, location))
            hidden.append(state.h)
            locations.append(location)
        log_prob, baseline = self._of_choices(before, samples, state.h)
        log_probs = class_log_probs(state.h, self.action.weight, self.action.bias)
        return Rollout(log_probs, torch.stack(locations), log_prob, baseline, torch.stack(hidden))

    def mean(self, h: Float[Tensor, "... hidden"]) -> Float[Tensor, "... 2"]:
        """The mean of the location policy."""
        return self.gain * self.location(h)

    def _next(self, h: Tensor, first: bool, sample: bool) -> tuple[Tensor, bool]:
        """The next location, a constant that may lie outside of [-1, 1], and whether the policy chose it."""
        kind = self.start if first and self.policy == "learned" else self.policy
        if kind == "centre":
            return h.new_zeros(h.shape[0], 2), False
        if kind == "random":
            return torch.rand(h.shape[0], 2, dtype=h.dtype, device=h.device) * 2 - 1, False
        mean = self.mean(h.detach())
        noise = torch.randn_like(mean) if sample else torch.zeros_like(mean)
        return sample_location(mean, self.location_std, noise), True

    def _of_choices(self, before: list[Tensor], samples: list[Tensor], h: Tensor) -> tuple[Tensor, Tensor]:
        """The log-densities and the baselines of all chosen locations at once."""
        if not samples:
            return h.new_zeros(0, h.shape[0]), h.new_zeros(0, h.shape[0])
        h = torch.stack(before)
        mean = self.mean(h if self.through_core else h.detach())
        log_prob = location_log_prob(torch.stack(samples), mean, self.location_std)
        return log_prob, self.baseline(h.detach()).squeeze(-1)
