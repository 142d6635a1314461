"""What the recurrent attention model learns from: rewards, REINFORCE, the baseline, and the hybrid loss."""

from typing import NamedTuple

from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from unrolled.nn.score_function import score_function_loss
from unrolled.papers.ram.model import Rollout


class HybridLoss(NamedTuple):
    """The three parts of the loss, each a mean over the batch, and the mean reward."""

    classification: Float[Tensor, ""]
    baseline: Float[Tensor, ""]
    location: Float[Tensor, ""]
    reward: Float[Tensor, ""]


def reinforce(
    log_prob: Float[Tensor, "chosen batch"],
    reward: Float[Tensor, " batch"],
    baseline: Float[Tensor, "chosen batch"] | None = None,
) -> Float[Tensor, ""]:
    """A scalar whose gradient is minus the REINFORCE estimate, with or without a baseline.

    *Paper*: mnih2014recurrent, equations 2 (without) and 3 (with a baseline).

        1/M sum_i sum_t grad log pi(u_t^i | s_{1:t}^i) (R^i - b_t^i)

    The last step's reward is every step's: R. The gradient stops at (R - b_t).

    *Shapes*: as annotated.
    """
    reward = reward.expand_as(log_prob)
    return score_function_loss(log_prob, reward, 0.0 if baseline is None else baseline)


def baseline_error(
    baseline: Float[Tensor, "chosen batch"], reward: Float[Tensor, " batch"]
) -> Float[Tensor, ""]:
    """The squared error that makes a baseline the expected reward, summed over steps.

    *Paper*: mnih2014recurrent, below equation 3.

        b_t = E_pi[R_t]

    *Shapes*: as annotated.
    """
    return (reward.detach() - baseline).square().sum(0).mean()


def rewards(
    log_probs: Float[Tensor, "batch classes"], labels: Int[Tensor, " batch"]
) -> Float[Tensor, " batch"]:
    """R: 1 where the most probable class is the right one, else 0.

    *Paper*: mnih2014recurrent, equation 1: the sum of the r_t, of which only the last is not zero.
    """
    return (log_probs.argmax(1) == labels).to(log_probs.dtype)


def hybrid_loss(rollout: Rollout, labels: Int[Tensor, " batch"]) -> HybridLoss:
    """The parts of the hybrid loss: cross-entropy at the last step, baseline, and REINFORCE.

    *Paper*: mnih2014recurrent, equation 3 and the text on the hybrid loss.

        L = -log p(y) + sum_t (R - b_t)^2 - lambda sum_t log pi(l_t) (R - b_t)

    *Departures*: unspecified: lambda; whoever adds the parts chooses it.
    """
    reward = rewards(rollout.log_probs, labels)
    return HybridLoss(
        functional.nll_loss(rollout.log_probs, labels),
        baseline_error(rollout.baseline, reward),
        reinforce(rollout.log_prob, reward, rollout.baseline),
        reward.mean(),
    )
