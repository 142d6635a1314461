"""Gradients of an expected reward through samples that have no gradient themselves (REINFORCE)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


def score_function_loss(
    log_prob: Float[Tensor, "*steps batch"],
    reward: Float[Tensor, "*#steps batch"],
    baseline: Float[Tensor, "*#steps #batch"] | float = 0.0,
) -> Float[Tensor, ""]:
    """A loss whose gradient is minus the score-function estimate of the expected reward's gradient.

    *Paper*: mnih2014recurrent, equations 2 and 3; williams1992simple.

        -(1/M) sum_i sum_t log pi(u_t^i | s_1:t^i) (R_t^i - b_t)

    Reward and baseline are constants here: neither gets a gradient from this loss. The baseline may depend
    on anything but the sample itself; then it changes the variance and not the mean.

    *Shapes*: as annotated: sums over the leading axes, the mean over the batch.

    >>> log_prob = torch.zeros(2, requires_grad=True)
    >>> score_function_loss(log_prob, torch.tensor([1.0, 0.0]), baseline=0.5).backward()
    >>> log_prob.grad
    tensor([-0.2500,  0.2500])
    """
    advantage = (reward - baseline).detach()
    return -(log_prob * advantage).sum() / log_prob.shape[-1]


def baseline_loss(
    baseline: Float[Tensor, "*#steps #batch"], reward: Float[Tensor, "*#steps batch"]
) -> Float[Tensor, ""]:
    """The squared error that teaches a baseline the expected reward: the mean over steps and batch.

    *Paper*: mnih2014recurrent, Section 3 (a baseline learned by its squared error).

    >>> baseline_loss(torch.tensor([0.5]), torch.tensor([1.0, 0.0]))
    tensor(0.2500)
    """
    return (baseline - reward.detach()).square().mean()


class MovingBaseline(nn.Module):
    """A baseline that is the exponential moving average of the rewards it was shown; it starts at the first.

    *Shapes*: ``update(reward [...])``; ``value`` is a scalar buffer, kept in checkpoints.

    >>> baseline = MovingBaseline(momentum=0.5)
    >>> baseline.update(torch.tensor([1.0, 1.0]))
    >>> baseline.update(torch.tensor([0.0, 0.0]))
    >>> baseline.value
    tensor(0.5000)
    """

    def __init__(self, momentum: float = 0.1) -> None:
        super().__init__()
        self.momentum = momentum
        self.register_buffer("value", torch.zeros(()))
        self.register_buffer("seen", torch.zeros((), dtype=torch.bool))

    @torch.no_grad()
    def update(self, reward: Tensor) -> None:
        """Move towards the mean of the newest rewards."""
        mean = reward.to(self.value.dtype).mean()
        moved = self.value + self.momentum * (mean - self.value)
        self.value.copy_(torch.where(self.seen, moved, mean))
        self.seen.fill_(True)
