"""Phrase tables cut from spelled numbers or from image captions, as text and as numbers."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from unrolled.base.errors import UsageError
from unrolled.data import multi30k, spelled
from unrolled.data.phrase_table import Pair, table
from unrolled.data.vocabulary import Encoded, Vocabulary

if TYPE_CHECKING:
    from unrolled.papers.rnn_encoder_decoder.experiment import Config

SHARES = ("train", "valid", "test")


class Phrases(NamedTuple):
    """A phrase table as text and as numbers, and the sentences that it did not see."""

    vocabularies: tuple[Vocabulary, Vocabulary]
    table: list[Pair]
    encoded: tuple[Encoded, Encoded]
    split: dict[str, Tensor]  # lines to train on, to validate on, to test on
    unseen: dict[str, tuple[list[list[str]], list[list[str]]]]  # sentences to tune on, and to test on


def phrases(config: Config) -> Phrases:
    """The phrase table of a configuration, made once per process."""
    text = config.task, config.target, config.numbers, config.held_out, config.misplaced
    sizes = config.longest_phrase, config.held_out_pairs, config.vocabulary or 0, config.data_seed
    return _phrases(*text, *sizes)


@lru_cache(maxsize=4)
def _phrases(
    task: str,
    target: str,
    numbers: int,
    held_out: int,
    misplaced: float,
    longest: int,
    held: int,
    size: int,
    seed: int,
) -> Phrases:
    if task == "multi30k":
        pairs = multi30k.load(target)
        texts = {
            name: tuple([tokens(sentence) for sentence in side] for side in pairs[split])
            for name, split in (("train", "train"), ("valid", "valid"), ("test", "test_2016_flickr"))
        }
    else:
        train, unseen = spelled.split(numbers, held_out, seed)
        parts = {"train": train, "valid": unseen[: held_out // 3], "test": unseen[held_out // 3 :]}
        texts = {
            name: tuple([spelled.words(number, side) for number in part] for side in ("en", target))
            for name, part in parts.items()
        }
        _misplace(texts["train"][1], misplaced, seed)
    lines = table(*texts["train"], longest=longest)
    if len(lines) <= 2 * held:
        raise UsageError(f"the table has {len(lines)} lines; two times {held} are to be held out")
    sides = [[" ".join(pair[side]) for pair in lines] for side in (0, 1)]
    both = tuple(Vocabulary.words(side, size=size or None) for side in sides)
    order = torch.from_numpy(np.random.RandomState(seed).permutation(len(lines)))
    split = dict(zip(SHARES, (order[2 * held :], order[:held], order[held : 2 * held]), strict=True))
    encoded = tuple(vocabulary.encode(side) for vocabulary, side in zip(both, sides, strict=True))
    return Phrases(both, lines, encoded, split, {name: texts[name] for name in ("valid", "test")})


def tokens(sentence: str) -> list[str]:
    """A sentence as words in lower case, with marks as words of their own.

    >>> tokens("L'homme, ici.")
    ["l'", 'homme', ',', 'ici', '.']
    """
    return re.findall(r"'?\w+'?|[^\w\s]", sentence.lower())


def _misplace(sentences: list[list[str]], share: float, seed: int) -> None:
    """Let a share of the sentences change places in a circle."""
    rng = np.random.RandomState(seed)
    chosen = rng.permutation(len(sentences))[: round(share * len(sentences))]
    moved = [sentences[n] for n in np.roll(chosen, 1)]
    for n, sentence in zip(chosen, moved, strict=True):
        sentences[n] = sentence
