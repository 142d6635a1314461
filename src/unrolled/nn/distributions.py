"""What networks give out instead of a value: Gaussians, Bernoullis, mixtures, and pens.

All are torch's distributions with the last axis as the event, made from what a linear layer gives out. Their
log-probabilities are finite wherever outputs and values lie between -1e4 and 1e4. Their samples are functions
of a noise tensor that is handed in (``from_noise``), so that a recurrence can be run again, compiled or
compared; ``noise`` draws what ``from_noise`` takes. Parameters and log-probabilities are at least float32;
samples have ``dtype``, that of the outputs.
"""

import math
from typing import Any

import torch
from torch import Generator, Tensor, distributions
from torch.nn import functional

from unrolled.nn.checks import ShapeError
from unrolled.nn.precision import at_least_float32

FLOOR = 1e-4
"""The smallest standard deviation of an output, as in the released code of Chung et al."""

LOG_VARIANCE = 2.0 * math.log(1.0 / FLOOR)
"""A log-variance is cut to plus or minus this (deviations from 1e-4 to 1e4); beyond, it has no gradient."""

CORRELATION = 0.999
"""The largest correlation of a pen's two directions: at 1 the density has no finite value."""


class DiagonalGaussian(distributions.Independent):
    """Independent normal variables, ``[..., d]``.

    *Paper*: kingma2014auto, equations 9 and 12; chung2015recurrent, equations 5, 6 and 9.

    *Shapes*: ``mean`` and ``deviation`` ``[..., d]``; ``log_prob`` ``[...]``.

    >>> one = DiagonalGaussian(torch.zeros(2), torch.ones(2))
    >>> round(one.log_prob(torch.zeros(2)).item(), 4)
    -1.8379
    """

    def __init__(self, mean: Tensor, deviation: Tensor) -> None:
        self.dtype = mean.dtype
        each = distributions.Normal(at_least_float32(mean), at_least_float32(deviation), validate_args=False)
        super().__init__(each, 1, validate_args=False)

    @classmethod
    def from_outputs(cls, outputs: Tensor, floor: float = FLOOR) -> "DiagonalGaussian":
        """From ``[..., 2d]``: the mean, and what softplus (plus a floor) makes the deviation."""
        mean, raw = _halves(at_least_float32(outputs))
        return _of_type(cls(mean, functional.softplus(raw) + floor), outputs)

    @classmethod
    def from_log_variance(cls, mean: Tensor, log_variance: Tensor) -> "DiagonalGaussian":
        """From the mean and log sigma^2 (not log sigma: the difference is a factor 2 in the divergence)."""
        return cls(mean, torch.exp(0.5 * log_variance.clamp(-LOG_VARIANCE, LOG_VARIANCE)))

    @property
    def deviation(self) -> Tensor:
        """The standard deviations, ``[..., d]``."""
        return self.base_dist.scale

    def expand(self, batch_shape: torch.Size, _instance: None = None) -> "DiagonalGaussian":
        """The same distribution over a larger batch."""
        shape = (*batch_shape, *self.event_shape)
        return _of_type(DiagonalGaussian(self.mean.expand(shape), self.deviation.expand(shape)), self)

    def log_prob(self, value: Tensor) -> Tensor:
        """The log-density, ``[...]``; torch's own reshapes, which an empty batch does not survive."""
        return self.base_dist.log_prob(value).sum(-1)

    def noise(self, generator: Generator | None = None) -> tuple[Tensor]:
        """What ``from_noise`` takes: normal noise ``[..., d]``."""
        return (_normal(self.mean.shape, self, generator),)

    def from_noise(self, noise: Tensor) -> Tensor:
        """The sample ``mean + deviation * noise``: equation 4 of kingma2014auto; differentiable."""
        return _sample(self.mean + self.deviation * noise, noise, self)


class Bernoulli(distributions.Independent):
    """Independent bits, ``[..., d]``.

    *Paper*: kingma2014auto, equation 11.

    *Shapes*: ``logits`` ``[..., d]``; ``log_prob`` ``[...]``.

    >>> Bernoulli(torch.tensor([1e4, -1e4])).log_prob(torch.tensor([1.0, 1.0])).item()
    -10000.0
    """

    def __init__(self, logits: Tensor) -> None:
        self.dtype = logits.dtype
        each = distributions.Bernoulli(logits=at_least_float32(logits), validate_args=False)
        super().__init__(each, 1, validate_args=False)

    @classmethod
    def from_outputs(cls, outputs: Tensor) -> "Bernoulli":
        """From the logits ``[..., d]``."""
        return cls(outputs)

    @property
    def logits(self) -> Tensor:
        """The log-odds of ones, ``[..., d]``."""
        return self.base_dist.logits

    def log_prob(self, value: Tensor) -> Tensor:
        """The log-probability, ``[...]``; torch's own reshapes, which an empty batch does not survive."""
        return self.base_dist.log_prob(value).sum(-1)

    def noise(self, generator: Generator | None = None) -> tuple[Tensor]:
        """What ``from_noise`` takes: uniform noise ``[..., d]``."""
        return (_uniform(self.logits.shape, self, generator),)

    def from_noise(self, uniform: Tensor) -> Tensor:
        """A one where the noise lies below the probability; no gradient."""
        return (uniform < self.mean).to(self.dtype)


class GaussianMixture(distributions.MixtureSameFamily):
    """A mixture of diagonal Gaussians over vectors ``[..., d]``.

    *Paper*: chung2015recurrent, Section 4 (VRNN-GMM and RNN-GMM, 20 components).

    *Shapes*: ``logits`` ``[..., K]``, ``means`` and ``deviations`` ``[..., K, d]``; ``log_prob`` ``[...]``.
    """

    def __init__(self, logits: Tensor, means: Tensor, deviations: Tensor) -> None:
        self.dtype = means.dtype
        super().__init__(
            distributions.Categorical(logits=at_least_float32(logits), validate_args=False),
            DiagonalGaussian(means, deviations),
            validate_args=False,
        )

    @classmethod
    def from_outputs(cls, outputs: Tensor, components: int, floor: float = FLOOR) -> "GaussianMixture":
        """From ``[..., K + 2 K d]``: the logits, then the means, then the raw deviations.

        *Raises*: `ShapeError` where the last axis has another size.
        """
        size, rest = outputs.shape[-1], outputs.shape[-1] - components
        if rest <= 0 or rest % (2 * components):
            raise ShapeError(f"{components} components need K + 2 K d outputs, not {size}")
        wide = at_least_float32(outputs)
        means, raw = wide[..., components:].unflatten(-1, (2, components, rest // components // 2)).unbind(-3)
        return _of_type(cls(wide[..., :components], means, functional.softplus(raw) + floor), outputs)

    def noise(self, generator: Generator | None = None) -> tuple[Tensor, Tensor]:
        """What ``from_noise`` takes: normal noise ``[..., d]`` and uniform noise ``[...]``."""
        shape = (*self.batch_shape, *self.event_shape)
        return _normal(shape, self, generator), _uniform(self.batch_shape, self, generator)

    def from_noise(self, noise: Tensor, uniform: Tensor) -> Tensor:
        """A component by ``uniform``, and its sample by ``noise``; differentiable in the latter's part."""
        chosen = _component(self.mixture_distribution.probs, uniform)
        means, deviations = self.component_distribution.mean, self.component_distribution.deviation
        return _sample(_taken(means, chosen) + _taken(deviations, chosen) * noise, noise, self)


class BivariateGaussian(distributions.Distribution):
    """Two normal variables with a correlation.

    *Shapes*: ``mean`` and ``deviation`` ``[..., 2]``, ``correlation`` ``[...]``; ``log_prob`` ``[...]``.
    """

    arg_constraints: dict = {}  # noqa: RUF012  (torch's own name and form)
    support = distributions.constraints.real_vector

    def __init__(self, mean: Tensor, deviation: Tensor, correlation: Tensor) -> None:
        self.mean_, self.deviation, self.correlation = mean, deviation, correlation
        super().__init__(mean.shape[:-1], mean.shape[-1:], validate_args=False)

    @property
    def mean(self) -> Tensor:
        """The means, ``[..., 2]``."""
        return self.mean_

    @property
    def variance(self) -> Tensor:
        """The two variances, ``[..., 2]``."""
        return self.deviation**2

    def log_prob(self, value: Tensor) -> Tensor:
        """The log-density, ``[...]``, by way of two independent standard variables."""
        first, second = ((value - self.mean_) / self.deviation).unbind(-1)
        free = torch.sqrt(1.0 - self.correlation**2)
        rest = (second - self.correlation * first) / free
        scale = self.deviation.log().sum(-1) + free.log() + math.log(2.0 * math.pi)
        return -0.5 * (first**2 + rest**2) - scale

    def from_noise(self, noise: Tensor) -> Tensor:
        """A sample from normal noise ``[..., 2]``; differentiable."""
        first, second = noise.unbind(-1)
        free = torch.sqrt(1.0 - self.correlation**2)
        return self.mean_ + self.deviation * torch.stack(
            (first, self.correlation * first + free * second), -1
        )


class Pen(distributions.Distribution):
    """A pen's step ``(up, dx, dy)``: whether it is lifted, and a mixture of correlated offsets.

    *Paper*: chung2015recurrent, Section 4 (handwriting), after Graves (2013).

    *Shapes*: ``up`` ``[...]`` (logits), ``logits`` and ``correlations`` ``[..., K]``, ``means`` and
    ``deviations`` ``[..., K, 2]``; ``log_prob`` ``[...]`` of values ``[..., 3]``.
    """

    arg_constraints: dict = {}  # noqa: RUF012  (torch's own name and form)

    def __init__(
        self, up: Tensor, logits: Tensor, means: Tensor, deviations: Tensor, correlations: Tensor
    ) -> None:
        self.dtype = up.dtype
        self.up = distributions.Bernoulli(logits=up, validate_args=False)
        self.offset = distributions.MixtureSameFamily(
            distributions.Categorical(logits=logits, validate_args=False),
            BivariateGaussian(means, deviations, correlations),
            validate_args=False,
        )
        super().__init__(up.shape, torch.Size([3]), validate_args=False)

    @classmethod
    def from_outputs(cls, outputs: Tensor, components: int, floor: float = FLOOR) -> "Pen":
        """From ``[..., 1 + 6 K]``: the lift; a component's weight, two means, two deviations, correlation.

        *Raises*: `ShapeError` where the last axis has another size.
        """
        if outputs.shape[-1] != 1 + 6 * components:
            raise ShapeError(
                f"{components} components need {1 + 6 * components} outputs, not {outputs.shape[-1]}"
            )
        wide = at_least_float32(outputs)  # in bfloat16 the largest correlation would be 1
        parts = wide[..., 1:].unflatten(-1, (components, 6))
        deviations = functional.softplus(parts[..., 3:5]) + floor
        correlations = CORRELATION * torch.tanh(parts[..., 5])
        pen = cls(wide[..., 0], parts[..., 0], parts[..., 1:3], deviations, correlations)
        return _of_type(pen, outputs)

    @property
    def mean(self) -> Tensor:
        """The probability of a lift, and the mean offset, ``[..., 3]``."""
        return torch.cat((self.up.probs.unsqueeze(-1), self.offset.mean), -1)

    def log_prob(self, value: Tensor) -> Tensor:
        """Of the lift and of the offset together, ``[...]``."""
        return self.up.log_prob(value[..., 0]) + self.offset.log_prob(value[..., 1:])

    def noise(self, generator: Generator | None = None) -> tuple[Tensor, Tensor]:
        """What ``from_noise`` takes: normal noise ``[..., 2]`` and uniform noise ``[..., 2]``."""
        shape = (*self.batch_shape, 2)
        return _normal(shape, self, generator), _uniform(shape, self, generator)

    def from_noise(self, noise: Tensor, uniform: Tensor) -> Tensor:
        """A step ``[..., 3]``: the lift by the first uniform number, the component by the second."""
        up = (uniform[..., 0] < self.up.probs).to(self.up.probs.dtype)
        chosen = _component(self.offset.mixture_distribution.probs, uniform[..., 1])
        parts = self.offset.component_distribution
        correlation = parts.correlation.gather(-1, chosen.unsqueeze(-1)).squeeze(-1)
        offset = BivariateGaussian(
            _taken(parts.mean, chosen), _taken(parts.deviation, chosen), correlation
        ).from_noise(noise)
        return _sample(torch.cat((up.unsqueeze(-1), offset), -1), noise, self)


def kl_per_dimension(q: DiagonalGaussian, p: DiagonalGaussian | None = None) -> Tensor:
    """The divergence KL(q || p) of each dimension, in nats, ``[..., d]``; ``p`` is N(0, I) without it.

    *Paper*: kingma2014auto, Appendix B (standard normal); chung2015recurrent, equation 11 (two Gaussians).

        log sigma_p - log sigma_q + (sigma_q^2 + (mu_q - mu_p)^2) / (2 sigma_p^2) - 1/2

    >>> kl_per_dimension(DiagonalGaussian(torch.tensor([1.0]), torch.tensor([1.0])))
    tensor([0.5000])
    """
    if p is None:
        return 0.5 * (q.mean**2 + q.deviation**2 - 1.0) - q.deviation.log()
    ratio, distance = q.deviation / p.deviation, (q.mean - p.mean) / p.deviation
    return 0.5 * (ratio**2 + distance**2 - 1.0) - ratio.log()


def gaussian_kl(q: DiagonalGaussian, p: DiagonalGaussian | None = None) -> Tensor:
    """The divergence KL(q || p) in nats, ``[...]``; ``p`` is N(0, I) without it."""
    return kl_per_dimension(q, p).sum(-1)


def _halves(outputs: Tensor) -> tuple[Tensor, Tensor]:
    if outputs.shape[-1] % 2:
        raise ShapeError(f"a mean and a deviation need an even number of outputs, not {outputs.shape[-1]}")
    mean, raw = outputs.chunk(2, -1)
    return mean, raw


def _of_type(made: Any, like: Any) -> Any:
    """A distribution whose samples have the type of what it was made from."""
    made.dtype = like.dtype
    return made


def _sample(value: Tensor, noise: Tensor, made: Any) -> Tensor:
    """A sample in the wider of the noise's and the distribution's types."""
    return value.to(torch.promote_types(noise.dtype, made.dtype))


def _normal(shape: tuple[int, ...], made: Any, generator: Generator | None) -> Tensor:
    return torch.randn(*shape, dtype=made.dtype, device=made.mean.device, generator=generator)


def _uniform(shape: tuple[int, ...], made: Any, generator: Generator | None) -> Tensor:
    return torch.rand(*shape, dtype=made.dtype, device=made.mean.device, generator=generator)


def _component(probabilities: Tensor, uniform: Tensor) -> Tensor:
    """The component that a number in [0, 1) falls to, ``[...]``."""
    edges = probabilities.cumsum(-1)
    return (uniform.unsqueeze(-1) >= edges).sum(-1).clamp_(max=probabilities.shape[-1] - 1)


def _taken(parameters: Tensor, chosen: Tensor) -> Tensor:
    """The chosen component's row of ``[..., K, d]``, ``[..., d]``."""
    index = chosen[..., None, None].expand(*chosen.shape, 1, parameters.shape[-1])
    return parameters.gather(-2, index).squeeze(-2)
