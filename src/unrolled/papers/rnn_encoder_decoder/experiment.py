"""Phrase pairs cut from spelled numbers or from image captions, and whole captions to translate."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from unrolled.base.errors import UsageError, unknown
from unrolled.data import multi30k, spelled
from unrolled.data.phrase_table import Pair, table
from unrolled.data.vocabulary import Encoded, Vocabulary, similar_lengths
from unrolled.papers.rnn_encoder_decoder.model import RNNEncoderDecoder, initialise_as_the_paper
from unrolled.papers.rnn_encoder_decoder.scoring import (
    log_probs,
    order_counts,
    permuted,
    true_minus_shuffled,
)
from unrolled.tasks.translation import TranslationConfig, TranslationExperiment
from unrolled.training.experiment import Arrays, Splits

SHARES = ("train", "valid", "test")


@dataclass(frozen=True, kw_only=True)
class Config(TranslationConfig):
    """One run of the chapter. An update sees one ready batch: ``batch_size`` is 1."""

    unit: Literal["phrases", "sentences"] = "phrases"
    """Whether a pair is a line of a phrase table or a whole sentence."""
    longest_phrase: int = 5
    """Words of the longest phrase of the table."""
    misplaced: float = 0.0
    """The share of spelled numbers to train on whose translation is that of another number."""
    held_out_pairs: int = 200
    """Lines of the table to validate on, and as many to test on."""
    vocabulary: int | None = None
    """Words of each language, the commonest; None takes all."""
    embedding: int = 32
    """Size of a word's vector."""
    hidden: int = 48
    """Units of encoder and decoder."""
    maxout: int = 32
    """Maxout units of the output."""
    rank: int | None = None
    """Rank of the output matrix; None leaves it whole."""
    reset: Literal["before", "after"] = "after"
    """Where the decoder's reset gate acts."""
    dropout: float = 0.0
    """The share of embeddings and maxout units that is dropped in training."""
    papers_start: bool = False
    """Whether weights begin as the paper says: Gaussian, 0.01, and orthogonal recurrent matrices."""

    @classmethod
    def smoke(cls) -> Config:
        """Does it run: six updates of a tiny model."""
        return replace(
            cls.book(),
            sentences=8,
            numbers=60,
            held_out=20,
            held_out_pairs=20,
            embedding=6,
            hidden=8,
            maxout=6,
            updates=6,
            warmup=0,
            evaluate_every=6,
        )

    @classmethod
    def book(cls) -> Config:
        """Phrases of 400 spelled numbers, English to German, every fifth pair wrong: seconds on one core."""
        return cls(
            task="spelled",
            target="de",
            numbers=400,
            held_out=900,
            misplaced=0.2,
            updates=250,
            batch_size=1,
            optimiser="adam",
            learning_rate=1e-2,
            schedule="linear",
            warmup=25,
            clip_norm=1.0,
            evaluate_every=1000,
            checkpoint_every=1000,
        )

    @classmethod
    def paper(cls) -> Config:
        """The phrase table of Multi30k, English to French, with the paper's sizes: 1000 units, rank 100.

        The paper's table comes from 348 million words; this one from 29,000 captions.
        """
        return cls(
            task="multi30k",
            target="fr",
            longest_phrase=7,
            held_out_pairs=5_000,
            vocabulary=15_000,
            embedding=100,
            hidden=1000,
            maxout=500,
            rank=100,
            updates=10_000,
            batch_size=1,
            optimiser="adam",
            learning_rate=5e-4,
            schedule="linear",
            warmup=400,
            clip_norm=1.0,
            evaluate_every=1_000,
            checkpoint_every=500,
        )


class Phrases(NamedTuple):
    """A phrase table as text and as numbers, and the sentences that it did not see."""

    vocabularies: tuple[Vocabulary, Vocabulary]
    table: list[Pair]
    encoded: tuple[Encoded, Encoded]
    split: dict[str, Tensor]  # lines to train on, to validate on, to test on
    unseen: dict[str, tuple[list[list[str]], list[list[str]]]]  # sentences to tune on, and to test on


class EncoderDecoderExperiment(TranslationExperiment):
    """Does the score of a phrase pair say more than the counts of its table?"""

    slug = "rnn_encoder_decoder"

    def variants(self, profile: str) -> dict[str, Config]:
        """Every run of a profile, by name.

        >>> list(EXPERIMENT.variants("paper"))
        ['phrases_fr', 'sentences_de']
        """
        if profile == "smoke":
            return {"phrases_de": Config.smoke()}
        if profile == "book":
            config = Config.book()
            return {"phrases_de": config, "phrases_fr": replace(config, target="fr")}
        if profile == "paper":
            config = Config.paper()
            sentences = replace(
                config,
                unit="sentences",
                target="de",
                vocabulary=None,
                embedding=256,
                hidden=512,
                maxout=256,
                rank=None,
                dropout=0.3,
                label_smoothing=0.1,
                updates=4_530,
                learning_rate=1e-3,
                evaluate_every=906,
                checkpoint_every=453,
            )
            return {"phrases_fr": config, "sentences_de": sentences}
        raise unknown("profile", profile, ("smoke", "book", "paper"))

    def data(self, config: Config) -> Splits:
        """Training pairs as batches ``[batches, pairs, time]`` with their lengths, every distinct line of the
        table once an epoch however often it was counted; the others as pairs ``[n, time]``."""
        if config.unit == "sentences":
            return super().data(config)
        found = phrases(config)
        source, target = found.encoded

        def rows(chosen: Tensor) -> Arrays:
            return tuple(part[chosen] for part in (*source, *target))

        lines = found.split["train"]
        order = 1000 * source.lengths[lines] + target.lengths[lines]
        batches = lines[similar_lengths(order, config.sentences, seed=config.data_seed)]
        return Splits(rows(batches), rows(found.split["valid"]), rows(found.split["test"]))

    def evaluate(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """For phrases the ``loss`` a word and how much more likely a target is than that of another pair,
        ``true_minus_shuffled``, in nats; for sentences what translation measures."""
        if model.unit == "sentences":
            return super().evaluate(model, arrays)
        source, lengths, target, of_target = arrays
        scores = log_probs(model, source, lengths, target)
        gain = true_minus_shuffled(model, source, lengths, target, scores)
        return {"loss": (-scores.sum() / of_target.sum()).item(), "true_minus_shuffled": gain}

    def test(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """For phrases also what word order does: ``order_wins``, the percentage of pairs that score higher
        than with the source's words permuted, and ``order_change``, the smallest difference in nats."""
        if model.unit == "sentences":
            return super().test(model, arrays)
        source, lengths, target, _ = arrays
        other = permuted(source, lengths)
        rows = (other != source).any(1)
        if not rows.any():
            raise UsageError("no held-out phrase has two different words")
        arranged = log_probs(model, source[rows], lengths[rows], target[rows])
        gains = arranged - log_probs(model, other[rows], lengths[rows], target[rows])
        wins, change = order_counts(gains)
        return self.evaluate(model, arrays) | {"order_wins": wins, "order_change": change}

    def model(self, config: Config) -> nn.Module:
        """An encoder-decoder with fresh weights, and with its vocabularies as ``model.vocabularies``."""
        sides = phrases(config).vocabularies if config.unit == "phrases" else None
        if sides is None:
            from unrolled.tasks.translation import corpus

            sides = corpus(config).vocabularies
        model = RNNEncoderDecoder(
            tuple(len(side) for side in sides),
            embedding=config.embedding,
            hidden=config.hidden,
            maxout=config.maxout,
            rank=config.rank,
            reset=config.reset,
            dropout=config.dropout,
        )
        model.vocabularies, model.unit = sides, config.unit
        model.beam, model.smoothing = config.beam, config.label_smoothing
        return initialise_as_the_paper(model) if config.papers_start else model


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


def phrases(config: Config) -> Phrases:
    """The phrase table of a configuration, made once a process."""
    return _phrases(
        config.task,
        config.target,
        config.numbers,
        config.held_out,
        config.misplaced,
        config.longest_phrase,
        config.held_out_pairs,
        config.vocabulary or 0,
        config.data_seed,
    )


EXPERIMENT = EncoderDecoderExperiment()
