"""Several small networks trained as one program: where a step is short, the calls cost more than the sums."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrolled.nn.bounds import SequenceBound
from unrolled.nn.cells import LSTMState
from unrolled.nn.distributions import DiagonalGaussian, gaussian_kl
from unrolled.nn.scan import scan
from unrolled.papers.vrnn.inference import bound
from unrolled.papers.vrnn.model import VRNN, StepInput, StepWeights, decode, prior, states_before, vrnn_step
from unrolled.papers.vrnn.networks import Layers, features, linear


class Ensemble(nn.Module):
    """Networks of one architecture with weights of their own, each on its own sequences.

    Nothing passes between them: the gradient of the summed bounds is each network's own, so an optimiser that
    works element by element (Adam without clipping) trains each as if it were alone.

    *Options*: over the first ``warm_up`` updates `objective` lets the weight of the divergence rise from 0 to
    1. Without it the latents of short trainings mostly stay unused: while the decoder ignores z, using it a
    little costs as much divergence as it gains.

    *Shapes*: ``x`` is ``[batch, copies, time, input]``; bounds ``[copies, batch]``.

    >>> pair = Ensemble([VRNN(1, hidden_size=4, latent_size=2, features=4) for _ in range(2)])
    >>> pair.bounds(torch.zeros(3, 2, 5, 1)).bound.shape
    torch.Size([2, 3])
    """

    def __init__(self, members: list[nn.Module], warm_up: int = 0) -> None:
        super().__init__()
        self.members, self.warm_up = nn.ModuleList(members), warm_up
        self.register_buffer("updates", torch.zeros(()))

    def objective(self, x: Float[Tensor, "batch copies time input"]) -> Float[Tensor, "copies batch"]:
        """What is trained upwards: the bound, with less of the divergence in the first updates."""
        parts = self.bounds(x)
        if not self.warm_up:
            return parts.bound
        weight = (self.updates / self.warm_up).clamp(max=1.0).clone()
        if self.training:
            self.updates += 1
        return parts.log_likelihood - weight * parts.kl

    def bounds(
        self,
        x: Float[Tensor, "batch copies time input"],
        noise: Float[Tensor, "copies time batch latent"] | None = None,
    ) -> SequenceBound:
        """The bound of every sequence by its own network."""
        first = self.members[0]
        if not isinstance(first, VRNN):  # torch's fused layer has no form for several, and is fast
            pairs = zip(self.members, x.unbind(1), strict=True)
            parts = [bound(member(part), part) for member, part in pairs]
            return SequenceBound(*(torch.stack(values) for values in zip(*parts, strict=True)))
        x = x.permute(1, 2, 0, 3)
        if noise is None:
            noise = torch.randn(*x.shape[:3], first.latent_size, dtype=x.dtype, device=x.device)
        x_features = features(x, self._layers("x_features"))
        W, b = self._layers("encoder")[0]
        products = (
            linear(x_features, W[..., : x_features.shape[-1]], b),
            linear(x_features, self._stacked("W_x"), self._stacked("b")),
        )
        initial = LSTMState(
            *(self._stacked(name).unsqueeze(1).expand(-1, x.shape[2], -1) for name in ("h_0", "c_0"))
        )
        each = [member.weights for member in self.members]
        weights = StepWeights(
            torch.stack([one.W_h for one in each]),
            self._stacked("W_z"),
            self._layers("encoder")[1:],
            self._layers("z_features"),
        )
        states, _, latents = scan(vrnn_step, StepInput(*products, noise), initial, weights, batch_first=True)
        before = states_before(states.h, initial.h)
        output = decode(latents.z_features, before, self._layers("decoder"), first.output, first.components)
        p = prior(before, self._layers("prior")) if first.learned_prior else None
        likelihoods = output.log_prob(x).sum(1)
        divergences = gaussian_kl(DiagonalGaussian(latents.mean, latents.deviation), p).sum(1)
        return SequenceBound(likelihoods - divergences, likelihoods, divergences)

    def _stacked(self, name: str) -> Tensor:
        return torch.stack([getattr(member, name) for member in self.members])

    def _layers(self, network: str) -> Layers:
        """The layers of one of the networks, ``[copies, ...]`` each."""
        layers = zip(*(getattr(member, network).layers for member in self.members), strict=True)
        return tuple(tuple(torch.stack(part) for part in zip(*layer, strict=True)) for layer in layers)
