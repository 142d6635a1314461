"""Sentence pairs to learn translation from: spelled numbers, the captions of Multi30k, random sequences."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal, NamedTuple, TypeVar, get_args

import torch
from torch import Tensor
from torch.nn import functional

from unrolled.base.errors import UsageError
from unrolled.data import multi30k, spelled
from unrolled.data.bleu import bleu
from unrolled.data.vocabulary import PAD, SPECIAL, Encoded, Vocabulary, similar_lengths
from unrolled.tasks import sequences
from unrolled.tasks.translating import Translator, exact, read, score, translate
from unrolled.training.experiment import Arrays, At, Experiment, Splits, TrainingConfig

LONG = 15
"""Source words from which a spelled number counts as long; the longest has 17."""

SHORTER = tuple((fewest, fewest + 1) for fewest in range(1, LONG, 2))
"""The other spelled numbers in groups, by their fewest and most source words."""

CAPTIONS = ((1, 8), (9, 10), (11, 12), (13, 15), (16, 19), (20, 99))
"""Captions in groups, by their fewest and most source words."""


@dataclass(frozen=True, kw_only=True)
class TranslationConfig(TrainingConfig):
    """What a run of a translation model needs to know beside its sizes.

    An update sees one ready batch of sentence pairs alike in length, so that ``batch_size`` is 1.
    """

    batch_size: int = 1
    """Ready batches per update."""
    task: Literal["spelled", "multi30k", "copy", "reversal"]
    """Spelled numbers, image captions, or random sequences to copy or to reverse."""
    target: Literal["fr", "de"] = "fr"
    """The language to translate into; the source is English."""
    sentences: int = 64
    """Sentence pairs per update."""
    numbers: int = 10_000
    """Spelled numbers to train on."""
    held_out: int = 1_000
    """Spelled numbers, or random sequences, to measure on."""
    longest: int | None = None
    """Train on spelled numbers of at most so many source words; None takes all."""
    subwords: int = 4_000
    """Vocabulary size of each language, for captions."""
    symbols: int = 10
    """Vocabulary size of random sequences, without the special symbols."""
    lengths: tuple[int, int] = (3, 5)
    """Shortest and longest random sequence to train on."""
    label_smoothing: float = 0.0
    """The share of probability that the training target spreads over the whole vocabulary."""
    beam: int = 5
    """Hypotheses of the beam search that tests."""
    data_seed: int = 0
    """The seed of the numbers, and of the one shuffle before batches are cut."""


C = TypeVar("C", bound=TranslationConfig)


class Corpus(NamedTuple):
    """Both sides of a task as numbers, and the vocabularies that made them."""

    vocabularies: tuple[Vocabulary, Vocabulary]
    train: tuple[Encoded, Encoded]
    valid: tuple[Encoded, Encoded]
    test: tuple[Encoded, Encoded] | None
    accepted: Tensor | None  # the known correspondence of the validation pairs


class Sentences(NamedTuple):
    """Translations and what they are held to, as text."""

    hypotheses: list[str]
    references: list[str]


class TranslationExperiment(Experiment[C]):
    """Data, loss and metrics of translation; a paper adds its configuration and its model.

    The model is a `Translator`.
    """

    selection = ("valid_loss", "min")

    @cached_property
    def vocabularies(self) -> tuple[Vocabulary, Vocabulary]:
        """What turns words of both languages into numbers; random sequences have none."""
        return corpus(self.config).vocabularies

    @property
    def vocabulary_sizes(self) -> tuple[int, int]:
        """How many words each language has, the special symbols included."""
        if self.config.task in get_args(sequences.Task):
            return (self.config.symbols + len(SPECIAL),) * 2
        return len(self.vocabularies[0]), len(self.vocabularies[1])

    def datasets(self) -> tuple[str, ...]:
        """Multi30k for captions; everything else is made here."""
        return ("multi30k",) if self.config.task == "multi30k" else ()

    def data(self) -> Splits:
        """Training pairs as ready batches ``[batches, sentences, time]``; the others as pairs ``[n, time]``,
        with their alignment where it is known. Random sequences are drawn in every update: those to validate
        on are as long as the longest to train on, those to test on twice as long."""
        config = self.config
        if config.task in get_args(sequences.Task):
            longest = config.lengths[1]
            return Splits((torch.arange(1),), self._sequences(longest), self._sequences(2 * longest))
        found = corpus(config)
        source, target = found.train
        # The longer side first: on captions it leaves less padding than the order of either side.
        order = 1000 * source.lengths.maximum(target.lengths) + source.lengths + target.lengths
        batches = similar_lengths(order, config.sentences, seed=config.data_seed)
        train = source.ids[batches], source.lengths[batches], target.ids[batches], target.lengths[batches]
        valid = (*found.valid[0], *found.valid[1])
        if found.accepted is not None:
            valid = (*valid, found.accepted)
        return Splits(train, valid, None if found.test is None else (*found.test[0], *found.test[1]))

    def _sequences(self, length: int) -> Arrays:
        config, generator = self.config, torch.Generator().manual_seed(self.config.data_seed)
        count = config.held_out
        source, target = sequences.draw(config.task, count, length, config.symbols, generator)
        alignment = sequences.accepted(config.task, count, length)
        return source, torch.full((count,), length), target, torch.full((count,), length + 1), alignment

    def batch(self, arrays: Arrays, at: At) -> Arrays:
        """Source, target and the source's lengths, without padding that no sentence needs; or new random
        sequences, which have no padding."""
        config = self.config
        if config.task in get_args(sequences.Task):
            shortest, longest = config.lengths
            length = int(torch.randint(shortest, longest + 1, (), generator=at.shared))
            drawn = sequences.draw(config.task, config.sentences, length, config.symbols, at.generator)
            return tuple(part.to(arrays[0].device) for part in drawn)
        source, lengths, target, target_lengths = (part[0] for part in arrays)
        return source[:, : int(lengths.max())], target[:, : int(target_lengths.max())], lengths

    def loss(self, model: Translator, batch: Arrays, at: At) -> Tensor:
        """The mean cross-entropy of a word, in nats."""
        source, target, *lengths = batch
        logits = model(source, target, *lengths).logits.flatten(0, 1)
        smoothing = self.config.label_smoothing
        return functional.cross_entropy(logits, target.flatten(), ignore_index=PAD, label_smoothing=smoothing)

    def evaluate(self, model: Translator, arrays: Arrays) -> dict[str, float]:
        """``loss`` per word, the share of words that are the likeliest after the right ones before them
        (``accuracy``) and, of greedy translations, the share that is ``exact``.

        Where the alignment is known, how the weights fit it: ``alignment`` (the share of largest weights in a
        right place) and ``alignment_mass``. For spelled numbers also the share that is exact among long ones,
        ``exact_long``, and in the groups of `SHORTER`, ``exact_1_2`` and so on; for captions ``bleu``."""
        source, lengths, target, _, *accepted = arrays
        found = read(model, source, lengths, target)
        metrics = {"loss": found.loss, "accuracy": found.accuracy}
        written = translate(model, source, lengths, max_length=target.shape[1] + 5)
        right = exact(written, target)
        metrics["exact"] = right.float().mean().item()
        if self.config.task == "multi30k":
            return metrics | {"bleu": bleu(*self._text(written, target)).score}
        if found.alpha is not None:
            scored = score(found.alpha, accepted[0])
            metrics |= {"alignment": scored.share, "alignment_mass": scored.mass}
        if self.config.task == "spelled":
            words = lengths - 1  # the stop symbol counts in a length
            metrics["exact_long"] = _share(right, words >= LONG)
            for fewest, most in SHORTER:
                metrics[f"exact_{fewest}_{most}"] = _share(right, (words >= fewest) & (words <= most))
        return metrics

    def test(self, model: Translator, arrays: Arrays) -> dict[str, float]:
        """`evaluate`, and for captions ``bleu_beam`` of the beam search, by sacreBLEU, with
        ``bleu_beam_margin``, half of its 95 % interval over resampled sentences, and the BLEU of the groups
        of `CAPTIONS`, ``bleu_beam_1_8`` and so on."""
        metrics = self.evaluate(model, arrays)
        if self.config.task != "multi30k":
            return metrics
        found = self.sentences(model, arrays)
        beamed = bleu(*found, resamples=1000)
        metrics |= {"bleu_beam": beamed.score, "bleu_beam_margin": beamed.margin}
        words = [len(text.split()) for text in self.vocabularies[0].decode(arrays[0])]
        for fewest, most in CAPTIONS:
            chosen = [i for i, count in enumerate(words) if fewest <= count <= most]
            if chosen:
                part = bleu(*([side[i] for i in chosen] for side in found))
                metrics[f"bleu_beam_{fewest}_{most}"] = part.score
        return metrics

    def sentences(self, model: Translator, arrays: Arrays) -> Sentences:
        """What the beam search writes for every source, and the references."""
        source, lengths, target, *_ = arrays
        sizes = {"max_length": target.shape[1] + 5, "beam": self.config.beam}
        return self._text(translate(model, source, lengths, **sizes), target)

    def _text(self, found: Tensor, target: Tensor) -> Sentences:
        """Subwords are bytes in the end, so that the numbers of a reference give back its very text."""
        return Sentences(self.vocabularies[1].decode(found), self.vocabularies[1].decode(target))


def _share(right: Tensor, chosen: Tensor) -> float:
    """The share that is right of those chosen; 0 where there are none."""
    return right[chosen].float().mean().item() if chosen.any() else 0.0


@lru_cache(maxsize=8)
def _spelled(language: str, numbers: int, held_out: int, seed: int) -> tuple[Vocabulary, Encoded, Encoded]:
    """One side of spelled numbers, to train on and held out: English is the source of French and German."""
    sides = [spelled.sentences(part, language) for part in spelled.split(numbers, held_out, seed)]
    vocabulary = Vocabulary.words([*sides[0], *sides[1]])
    return vocabulary, *(vocabulary.encode(side) for side in sides)


@lru_cache(maxsize=8)
def _corpus(task: str, target: str, numbers: int, held_out: int, longest: int, subwords: int, seed: int):
    if task == "multi30k":
        pairs = multi30k.load(target)
        both = tuple(Vocabulary.subwords(side, size=subwords) for side in pairs["train"])
        splits = [
            tuple(vocabulary.encode(side) for vocabulary, side in zip(both, pairs[split], strict=True))
            for split in ("train", "valid", "test_2016_flickr")
        ]
        return Corpus(both, *splits, None)
    sides = (_spelled(language, numbers, held_out, seed) for language in ("en", target))
    both, encoded, valid = zip(*sides, strict=True)
    if longest:
        kept = encoded[0].lengths <= longest + 1  # the stop symbol
        if not kept.any():
            raise UsageError(f"longest is {longest}; no number is so short")
        encoded = tuple(Encoded(side.ids[kept], side.lengths[kept]) for side in encoded)
    _, test = spelled.split(numbers, held_out, seed)
    return Corpus(both, encoded, valid, None, spelled.accepted(test, target))


def corpus(config: TranslationConfig) -> Corpus:
    """The sentence pairs of a configuration, made once a process."""
    sizes = config.numbers, config.held_out, config.longest or 0, config.subwords
    return _corpus(config.task, config.target, *sizes, config.data_seed)
