"""Several restarts on one set of stories, as one program: what the chapter trains."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from unrolled.data.babi import Question
from unrolled.data.stories import MEMORY, Encoder, Stories, Vocabulary, longest
from unrolled.papers.memn2n.model import MemN2N, Trace
from unrolled.papers.memn2n.training import Trainee, errors


class Prepared(NamedTuple):
    """Questions as tensors."""

    vocabulary: Vocabulary
    encoder: Encoder
    train: Stories
    test: Stories


class Trained(NamedTuple):
    """Restarts after training, and their errors on the test questions while they learned."""

    trainee: Trainee
    epochs: list[int]
    errors: list[Tensor]  # [restart]
    training_errors: Tensor  # [restart], at the end

    @property
    def final(self) -> list[float]:
        """The share of wrong test answers of each restart at the end."""
        return self.errors[-1].tolist()


def prepare(train: Sequence[Question], test: Sequence[Question], memory: int = MEMORY) -> Prepared:
    """Questions as tensors, with a memory as long as the longest story, at most ``memory``.

    >>> from unrolled.data.worlds.generate import questions
    >>> prepared = prepare(questions(1, 20, seed=0), questions(1, 10, seed=1))
    >>> prepared.train.story.shape, prepared.test.answer.shape
    (torch.Size([20, 10]), torch.Size([10]))
    """
    vocabulary = Vocabulary.of(train, test)
    encoder = Encoder(vocabulary, min(memory, longest(train, test)))
    return Prepared(vocabulary, encoder, encoder.encode(train), encoder.encode(test))


def train_restarts(
    prepared: Prepared,
    *,
    epochs: int,
    seed: int = 0,
    restarts: int = 5,
    embedding: int = 20,
    batch_size: int = 32,
    learning_rate: float = 0.01,
    linear_epochs: int = 0,
    halve_epochs: int = 25,
    measure_every: int = 5,
    **options: object,
) -> Trained:
    """Train restarts by the released recipe: plain gradient steps on summed losses, clipped matrix by matrix.

    Args:
        prepared: the questions.
        epochs: in all, those of the linear start included.
        seed: of weights, batches and noise.
        restarts: networks that differ in their first weights.
        embedding: size of the embeddings.
        batch_size: questions an update.
        learning_rate: at first.
        linear_epochs: of the linear start.
        halve_epochs: between two halvings of the learning rate, counted anew after the linear start.
        measure_every: epochs between two measurements of the test error.
        options: of `MemN2N`.
    """
    torch.manual_seed(seed)
    sentences = prepared.encoder.sentences
    network = MemN2N(
        len(prepared.vocabulary),
        embedding,
        prepared.encoder.memory,
        words=sentences.shape[1],
        restarts=restarts,
        **options,
    )
    updates = len(prepared.train.answer) // batch_size
    trainee = Trainee(
        network, sentences, linear_updates=linear_epochs * updates, halve_every=halve_epochs * updates
    )
    optimiser = torch.optim.SGD(network.parameters(), lr=learning_rate, fused=True)
    story, query, answer, _, _ = prepared.train
    measured, at = [], []
    for epoch in range(1, epochs + 1):
        for rows in torch.randperm(len(answer))[: updates * batch_size].view(updates, batch_size):
            optimiser.zero_grad()
            trainee.loss(story[rows], query[rows], answer[rows]).backward()
            optimiser.step()
        if epoch % measure_every == 0 or epoch == epochs:
            at.append(epoch)
            measured.append(wrong(trainee, prepared.test))
    return Trained(trainee, at, measured, wrong(trainee, prepared.train))


def wrong(trainee: Trainee, stories: Stories) -> Tensor:
    """The share of wrong answers of each restart, ``[restart]``."""
    trainee.eval()
    (share,) = errors(
        trainee, stories.story, stories.query, stories.answer, torch.zeros_like(stories.task)
    ).values()
    trainee.train()
    return share


@torch.no_grad()
def look(trainee: Trainee, stories: Stories) -> Trace:
    """What every restart does with some questions."""
    trainee.eval()
    trace = trainee(stories.story, stories.query)
    trainee.train()
    return trace
