"""Translating with a trained model, and scoring what it wrote and where it looked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from unrolled.data.vocabulary import PAD, START, STOP, padded
from unrolled.nn.decoding import beam_search, greedy

CHUNK = 250
"""Sentences that are translated at once."""


class Given(Protocol):
    """What a translator gives for a translation whose words are given."""

    logits: Tensor  # [batch, target, vocabulary]
    alpha: Tensor | None  # [batch, target, source]


class Memory(Protocol):
    """What a decoder attends to, computed once for each source."""

    def repeated(self, copies: int) -> Memory:
        """Each sentence ``copies`` times in a row, for as many hypotheses."""


class Translator(Protocol):
    """A model that reads a source and writes a target."""

    def __call__(self, source: Tensor, target: Tensor, lengths: Tensor | None = None) -> Given:
        """Read a translation whose words are given, ``target`` with the stop symbol at its end."""

    def encode(self, source: Tensor, lengths: Tensor | None = None) -> tuple[Any, Memory]:
        """The decoder's first state, and what it attends to."""

    def stepper(self, memory: Memory) -> Callable[[Any, Tensor], tuple[Any, Tensor]]:
        """The decoder as `unrolled.nn.decoding` takes it."""


class Scored(NamedTuple):
    """How the weights of a model fit a known correspondence; words that only connect are left out."""

    share: float  # of words whose largest weight is on a right position
    mass: float  # mean weight on right positions
    offsets: Int[Tensor, " words"]  # from the nearest right position to the largest weight, in words


@torch.no_grad()
def translate(
    model: Translator,
    source: Int[Tensor, "batch source"],
    lengths: Int[Tensor, " batch"],
    *,
    max_length: int,
    beam: int = 1,
    length_penalty: float = 1.0,
) -> Int[Tensor, "batch target"]:
    """The translations, each up to its stop symbol, which also fills what is left.

    *Paper*: bahdanau2015neural, Section 4 (a beam search of unknown width).

    *Options*: a ``beam`` of 1 takes the likeliest word each time. Sentences are translated in the order of
    their lengths, so that those of a chunk are alike.

    *Shapes*: as annotated; ``max_length`` words at most.
    """
    found = source.new_full((len(source), max_length), STOP)
    for rows in lengths.argsort(stable=True).split(CHUNK // beam + 1):
        s_0, memory = model.encode(*_trimmed(source[rows], lengths[rows]))
        if beam == 1:
            step = model.stepper(memory)
            words = greedy(step, s_0, start=START, stop=STOP, max_length=max_length).words
        else:
            step = model.stepper(memory.repeated(beam))
            sizes = {"beam": beam, "max_length": max_length, "length_penalty": length_penalty}
            words = beam_search(step, s_0, start=START, stop=STOP, **sizes).words[:, 0]
        found[rows, : words.shape[1]] = words
    return found


def exact(words: Int[Tensor, "batch found"], target: Int[Tensor, "batch target"]) -> Bool[Tensor, " batch"]:
    """Whether a translation is the target, word for word, up to the stop symbol of each.

    >>> exact(torch.tensor([[5, 2, 2, 2], [5, 6, 2, 2]]), torch.tensor([[5, 2, 0], [5, 2, 0]]))
    tensor([ True, False])
    """
    width = max(words.shape[1], target.shape[1])
    stop = torch.tensor(STOP)
    wanted = torch.where(target == 0, stop, target)
    return (_filled(words, width) == _filled(wanted, width)).all(1)


def _filled(words: Tensor, width: int) -> Tensor:
    return torch.where(padded(words, width) == 0, STOP, padded(words, width))


class Read(NamedTuple):
    """What a model makes of translations whose words are given."""

    loss: float  # the cross-entropy of a word in nats, without smoothing
    accuracy: float  # the share of words that are the likeliest
    alpha: Float[Tensor, "batch target source"] | None  # the alignment; None for a model that aligns nothing


@torch.no_grad()
def read(
    model: Translator,
    source: Int[Tensor, "batch source"],
    lengths: Int[Tensor, " batch"],
    target: Int[Tensor, "batch target"],
) -> Read:
    """Loss and alignment of given translations, those alike in length at once.

    *Shapes*: as annotated; ``alpha`` has all columns, with zeros where a sentence has no word.
    """
    of_target = (target != PAD).sum(1)
    total, right, alpha = 0.0, 0, None
    for rows in of_target.argsort(stable=True).split(CHUNK):
        words = target[rows, : int(of_target[rows].max())]
        of_rows, of_lengths = _trimmed(source[rows], lengths[rows])
        given = model(of_rows, words, of_lengths)
        right += int(((given.logits.argmax(2) == words) & (words != PAD)).sum())
        logits = given.logits.flatten(0, 1)
        total += functional.cross_entropy(logits, words.flatten(), ignore_index=PAD, reduction="sum").item()
        if given.alpha is not None:
            if alpha is None:
                alpha = given.alpha.new_zeros(*target.shape, source.shape[1])
            of_words = given.alpha.masked_fill((words == PAD).unsqueeze(2), 0.0)
            alpha[rows, : of_words.shape[1], : of_words.shape[2]] = of_words
    words = of_target.sum().item()
    return Read(total / words, right / words, alpha)


def _trimmed(source: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Sources without the padding that none of them needs."""
    return source[:, : int(lengths.max())], lengths


def weights(
    model: Translator,
    source: Int[Tensor, "batch source"],
    lengths: Int[Tensor, " batch"],
    target: Int[Tensor, "batch target"],
) -> Float[Tensor, "batch target source"]:
    """The alignment of given translations, over all columns of ``source``."""
    return read(model, source, lengths, target).alpha


def score(
    alpha: Float[Tensor, "batch target source"], accepted: Bool[Tensor, "batch words positions"]
) -> Scored:
    """Hold weights against a correspondence that is known (`unrolled.data.spelled.accepted`).

    >>> alpha = torch.tensor([[[0.9, 0.1], [0.6, 0.4]]])
    >>> score(alpha, torch.tensor([[[True, False], [False, True]]]))
    Scored(share=0.5, mass=0.65, offsets=tensor([ 0, -1]))
    """
    target, source = accepted.shape[1:]
    scored = accepted.any(2)
    best = alpha[:, :target].argmax(2)[scored]
    right = accepted[scored]
    distance = best[:, None] - torch.arange(source)
    nearest = distance.masked_fill(~right, 10**6).abs().argmin(1, keepdim=True)
    offsets = distance.gather(1, nearest).squeeze(1)
    mass = (alpha[:, :target, :source] * accepted).sum() / scored.sum()
    return Scored((offsets == 0).float().mean().item(), round(mass.item(), 6), offsets)
