"""Sentence pairs to learn translation from: spelled numbers, and the captions of Multi30k."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from unrolled.base.errors import UsageError
from unrolled.data import multi30k, registry, spelled
from unrolled.data.bleu import bleu
from unrolled.data.vocabulary import PAD, Encoded, Vocabulary, similar_lengths
from unrolled.tasks.translating import exact, read, score, translate
from unrolled.training.experiment import Arrays, Splits, TrainingConfig

LONG = 15
"""Source words from which a spelled number counts as long; the longest has 17."""

SHORTER = tuple((fewest, fewest + 1) for fewest in range(1, LONG, 2))
"""The other spelled numbers in groups, by their fewest and most source words."""


@dataclass(frozen=True, kw_only=True)
class TranslationConfig(TrainingConfig):
    """What a run of a translation model needs to know beside its sizes.

    An update sees one ready batch: ``batch_size`` is 1.
    """

    task: Literal["spelled", "multi30k"]
    """Spelled numbers, or image captions."""
    target: Literal["fr", "de"]
    """The language to translate into; the source is English."""
    sentences: int = 64
    """Sentence pairs an update, alike in length."""
    numbers: int = 10_000
    """Spelled numbers to train on."""
    held_out: int = 1_000
    """Spelled numbers to test on."""
    longest: int | None = None
    """Train on spelled numbers of at most so many source words; None takes all."""
    subwords: int = 4_000
    """Symbols a language, for captions."""
    label_smoothing: float = 0.0
    """The share of probability that the training target gives to all words alike."""
    beam: int = 5
    """Hypotheses of the beam search that tests."""
    data_seed: int = 0
    """The seed of the numbers, and of the one shuffle before batches are cut."""


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


class TranslationExperiment:
    """Data, loss and metrics of translation; a paper adds its variants and its model.

    The model is a `Translator` that `prepared` has given its vocabularies.
    """

    selection: tuple[str, Literal["min", "max"]] = ("valid_loss", "min")

    def datasets(self, config: TranslationConfig) -> tuple[str, ...]:
        """Multi30k for captions; spelled numbers are made here."""
        return ("multi30k",) if config.task == "multi30k" else ()

    def checksums(self, config: TranslationConfig) -> dict[str, dict[str, str]]:
        """The SHA-256 of every file that a run reads."""
        return registry.checksums(self.datasets(config))

    def data(self, config: TranslationConfig) -> Splits:
        """Training pairs as batches ``[batches, sentences, time]`` with their source lengths; the others as
        pairs ``[n, time]``, those of spelled numbers with their known correspondence."""
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

    def loss(self, model: nn.Module, batch: Arrays) -> Tensor:
        """The mean cross-entropy of a word, in nats; padding that no sentence needs is cut off."""
        source, lengths, target, target_lengths = (part[0] for part in batch)
        target = target[:, : int(target_lengths.max())]
        logits = model(source, target, lengths).logits
        return functional.cross_entropy(
            logits.flatten(0, 1), target.flatten(), ignore_index=PAD, label_smoothing=model.smoothing
        )

    def evaluate(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """``loss`` a word and, of greedy translations, the share that is ``exact``. For spelled numbers also
        the share among long ones, ``exact_long``, and in the groups of `SHORTER`, ``exact_1_2`` and so on;
        and how the weights fit: ``alignment`` (the share of largest weights in a right place) and
        ``alignment_mass``. For captions ``bleu``."""
        source, lengths, target, _, *accepted = arrays
        loss, alpha = read(model, source, lengths, target)
        metrics = {"loss": loss}
        found = translate(model, source, lengths, max_length=target.shape[1] + 5)
        right = exact(found, target)
        metrics["exact"] = right.float().mean().item()
        if not accepted:
            return metrics | {"bleu": bleu(*self._text(model, found, target)).score}
        words = lengths - 1  # the stop symbol counts in a length
        metrics["exact_long"] = _share(right, words >= LONG)
        for fewest, most in SHORTER:
            metrics[f"exact_{fewest}_{most}"] = _share(right, (words >= fewest) & (words <= most))
        if alpha is not None:
            scored = score(alpha, accepted[0])
            metrics |= {"alignment": scored.share, "alignment_mass": scored.mass}
        return metrics

    def test(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """`evaluate`, and ``bleu_beam`` of the beam search, by sacreBLEU, with ``bleu_beam_margin``, half of
        its 95 % interval over resampled sentences."""
        beamed = bleu(*self.sentences(model, arrays), resamples=1000)
        metrics = {"bleu_beam": beamed.score, "bleu_beam_margin": beamed.margin}
        return self.evaluate(model, arrays) | metrics

    def sentences(self, model: nn.Module, arrays: Arrays) -> Sentences:
        """What the beam search writes for every source, and the references."""
        source, lengths, target, *_ = arrays
        sizes = {"max_length": target.shape[1] + 5, "beam": model.beam}
        return self._text(model, translate(model, source, lengths, **sizes), target)

    def _text(self, model: nn.Module, found: Tensor, target: Tensor) -> Sentences:
        """Subwords are bytes in the end, so that the numbers of a reference give back its very text."""
        vocabulary = model.vocabularies[1]
        return Sentences(vocabulary.decode(found), vocabulary.decode(target))

    def prepared(self, model: nn.Module, config: TranslationConfig) -> nn.Module:
        """The model with its vocabularies and what the loss and the beam search need to know."""
        model.vocabularies = corpus(config).vocabularies
        model.beam, model.smoothing = config.beam, config.label_smoothing
        return model


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
