"""What a training needs around a network: summed gradients, clipped matrix by matrix, and a schedule."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from unrolled.papers.memn2n.model import MemN2N, Trace
from unrolled.papers.memn2n.sentences import Bags


class Trainee(nn.Module):
    """Restarts of a network, the sentences they read, and how far they have come.

    *Paper*: sukhbaatar2015end, training details and linear start; the released code's choices.

    The first ``linear_updates`` have no softmax in the hops; then the schedule begins again. The learning
    rate is halved every ``halve_every`` updates: the clipped gradient is, which for plain gradient steps is
    the same. Each matrix of each restart is clipped at its own norm ``clip_each``.

    ``running`` is each restart's loss over about the last ``memory_updates`` updates: the best restart is the
    one where it is lowest.
    """

    def __init__(
        self,
        network: MemN2N,
        sentences: Tensor,
        *,
        linear_updates: int = 0,
        halve_every: int | None = None,
        clip_each: float | None = 40.0,
        memory_updates: int = 100,
    ) -> None:
        super().__init__()
        self.network, self.linear_updates, self.halve_every = network, linear_updates, halve_every
        self.clip_each, self.memory_updates = clip_each, memory_updates
        for name, values in network.bags(sentences)._asdict().items():
            self.register_buffer(f"bag_{name}", values, persistent=False)
        self.register_buffer("updates", torch.tensor(0))
        self.register_buffer("running", torch.zeros(network.restarts))
        for parameter in network.parameters():
            parameter.register_post_accumulate_grad_hook(self._temper)

    def logits(self, story: Tensor, query: Tensor) -> Tensor:
        """The logits of every restart, ``[restart, batch, vocabulary]``."""
        return self(story, query).logits

    def forward(self, story: Tensor, query: Tensor) -> Trace:
        """What every restart makes of a batch."""
        return self.network(Bags(self.bag_rows, self.bag_weights), story, query)

    def loss(self, story: Tensor, query: Tensor, answer: Tensor) -> Tensor:
        """Cross-entropy summed over batch and restarts; goes one update on in the schedule."""
        self.network.linear.copy_(self.updates < self.linear_updates)
        logits = self.logits(story, query)
        losses = _losses(logits, answer)
        with torch.no_grad():
            # A plain mean at first, an exponential one from then on.
            share = 1 / (self.updates + 1).clamp(max=self.memory_updates)
            self.running.lerp_(losses.detach().mean(1), share)
            self.updates += 1
        return losses.sum()

    def share(self) -> Tensor:
        """The share of the first learning rate in the update that ``loss`` was just called for."""
        done = self.updates - 1
        done = torch.where(done < self.linear_updates, done, done - self.linear_updates)
        halved = done // self.halve_every if self.halve_every else torch.zeros_like(done)
        return torch.pow(0.5, halved)

    @torch.no_grad()
    def _temper(self, parameter: Tensor) -> None:
        gradient = parameter.grad
        if self.clip_each is not None:
            norms = torch.linalg.vector_norm(gradient, dim=(-2, -1), keepdim=True)
            gradient *= (self.clip_each / norms.clamp(min=self.clip_each)) * self.share()
        else:
            gradient *= self.share()


def _losses(logits: Tensor, answer: Tensor) -> Tensor:
    restarts, batch = logits.shape[:2]
    every = answer.expand(restarts, batch)
    return functional.cross_entropy(logits.flatten(0, 1), every.flatten(), reduction="none").view(
        restarts, batch
    )


@torch.no_grad()
def errors(
    trainee: Trainee, story: Tensor, query: Tensor, answer: Tensor, task: Tensor, chunk: int = 500
) -> dict[int, Tensor]:
    """The share of wrong answers of each restart, ``[restart]``, by task."""
    wrong = torch.cat(
        [
            trainee.logits(s, q).argmax(-1) != a
            for s, q, a in zip(story.split(chunk), query.split(chunk), answer.split(chunk), strict=True)
        ],
        1,
    ).float()
    return {number: wrong[:, task == number].mean(1) for number in task.unique().tolist()}


def summary(by_task: dict[int, Tensor], running: Tensor) -> dict[str, float]:
    """Metrics of several restarts: of the best one by training loss, and over all.

    ``error`` and ``task_n`` are the best one's; ``failed`` counts its tasks above 5 %.

    >>> summary({1: torch.tensor([0.0, 0.2]), 2: torch.tensor([0.5, 0.1])}, torch.tensor([0.3, 0.9]))["error"]
    0.25
    """
    table = torch.stack(list(by_task.values()))  # [task, restart]
    means, best = table.mean(0), int(running.argmin())
    result = {
        "error": means[best].item(),
        "error_median": means.median().item(),
        "error_mean": means.mean().item(),
        "error_lowest": means.min().item(),
        "error_highest": means.max().item(),
        "failed": float((table[:, best] > 0.05).sum()),
    }
    result |= {f"task_{number}": rows[best].item() for number, rows in by_task.items()}
    return result | {f"restart_{number}": mean for number, mean in enumerate(means.tolist())}
