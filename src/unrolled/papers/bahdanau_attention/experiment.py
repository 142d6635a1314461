"""Translation with and without attention: spelled numbers, and the captions of Multi30k."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from unrolled.base.errors import UsageError, unknown
from unrolled.data import multi30k, registry, spelled
from unrolled.data.bleu import bleu
from unrolled.data.vocabulary import PAD, Encoded, Vocabulary, similar_lengths
from unrolled.papers.bahdanau_attention.model import RNNsearch
from unrolled.papers.bahdanau_attention.translation import CHUNK, exact, score, translate, weights
from unrolled.training.experiment import Arrays, Splits, TrainingConfig

LONG = 15
"""Source words from which a spelled number counts as long; the longest has 17."""


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """One run of the chapter. An update sees one ready batch: ``batch_size`` is 1."""

    model: Literal["attention", "fixed"] = "attention"
    """The model that aligns, or the one with a single vector as its context."""
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
    embedding: int = 48
    """Size of a word's vector."""
    hidden: int = 96
    """Units of each direction of the encoder, and of the decoder."""
    alignment: int = 96
    """Units of the alignment network."""
    maxout: int = 48
    """Maxout units of the output."""
    output_state: Literal["previous", "current"] = "previous"
    """The decoder's state that the output layer reads."""
    dropout: float = 0.0
    """The share of embeddings and maxout units that is dropped in training."""
    label_smoothing: float = 0.0
    """The share of probability that the training target gives to all words alike."""
    tied: bool = False
    """Whether the target embedding is the output layer's weights too."""
    beam: int = 5
    """Hypotheses of the beam search that tests."""
    data_seed: int = 0
    """The seed of the numbers, and of the one shuffle before batches are cut."""

    @classmethod
    def smoke(cls) -> Config:
        """Does it run: six updates of a tiny model."""
        return cls(
            task="spelled",
            target="fr",
            sentences=8,
            numbers=300,
            held_out=60,
            embedding=6,
            hidden=8,
            alignment=6,
            maxout=6,
            updates=6,
            batch_size=1,
            optimiser="adam",
            learning_rate=4e-3,
            clip_norm=1.0,
            evaluate_every=6,
            checkpoint_every=100,
        )

    @classmethod
    def book(cls) -> Config:
        """Spelled numbers into French: some seconds on one core."""
        return cls(
            task="spelled",
            target="fr",
            updates=250,
            batch_size=1,
            optimiser="adam",
            learning_rate=4e-3,
            schedule="linear",
            warmup=50,
            clip_norm=1.0,
            evaluate_every=1000,
            checkpoint_every=1000,
        )

    @classmethod
    def paper(cls) -> Config:
        """Captions of Multi30k into German, about 90 minutes of one core: 40 epochs of 453 updates.

        The paper trains on 348 million words for five days. Sizes, dropout and label smoothing are chosen for
        29,000 pairs.
        """
        return cls(
            task="multi30k",
            target="de",
            embedding=256,
            hidden=256,
            alignment=256,
            maxout=256,
            dropout=0.3,
            label_smoothing=0.1,
            tied=True,
            updates=18_120,
            batch_size=1,
            optimiser="adam",
            learning_rate=1e-3,
            schedule="linear",
            warmup=400,
            clip_norm=1.0,
            evaluate_every=453,
            checkpoint_every=453,
        )


class Corpus(NamedTuple):
    """Both sides of a task as numbers, and the vocabularies that made them."""

    vocabularies: tuple[Vocabulary, Vocabulary]
    train: tuple[Encoded, Encoded]
    valid: tuple[Encoded, Encoded]
    test: tuple[Encoded, Encoded] | None
    accepted: Tensor | None  # the known correspondence of the validation pairs


class RNNsearchExperiment:
    """Does a decoder that may look back translate long sentences better than one that has a single vector?"""

    slug = "bahdanau_attention"
    selection: tuple[str, Literal["min", "max"]] = ("valid_loss", "min")

    def variants(self, profile: str) -> dict[str, Config]:
        """Every run of a profile, by name.

        >>> list(EXPERIMENT.variants("book"))
        ['attention_fr', 'attention_de', 'fixed_fr', 'short_fr']
        """
        if profile in ("smoke", "book"):
            config = Config.smoke() if profile == "smoke" else Config.book()
            short = replace(config, longest=8, updates=max(config.updates * 3 // 4, 6))
            return {
                "attention_fr": config,
                "attention_de": replace(config, target="de"),
                "fixed_fr": replace(config, model="fixed"),
                "short_fr": short,
            }
        if profile == "paper":
            config = Config.paper()
            found = {}
            for target in ("de", "fr"):
                for model in ("attention", "fixed"):
                    found[f"{model}_{target}"] = replace(config, model=model, target=target)
            return found
        raise unknown("profile", profile, ("smoke", "book", "paper"))

    def datasets(self, config: Config) -> tuple[str, ...]:
        """Multi30k for captions; spelled numbers are made here."""
        return ("multi30k",) if config.task == "multi30k" else ()

    def checksums(self, config: Config) -> dict[str, dict[str, str]]:
        """The SHA-256 of every file that a run reads."""
        return registry.checksums(self.datasets(config))

    def model(self, config: Config) -> nn.Module:
        """A translator with fresh weights, and with its vocabularies as ``model.vocabularies``."""
        vocabularies = corpus(config).vocabularies
        model = RNNsearch(
            tuple(len(vocabulary) for vocabulary in vocabularies),
            embedding=config.embedding,
            hidden=config.hidden,
            alignment=config.alignment,
            maxout=config.maxout,
            fixed=config.model == "fixed",
            output_state=config.output_state,
            dropout=config.dropout,
            tied=config.tied,
        )
        model.vocabularies, model.beam, model.smoothing = vocabularies, config.beam, config.label_smoothing
        return model

    def data(self, config: Config) -> Splits:
        """Training pairs as batches ``[batches, sentences, time]`` with their source lengths; the others as
        pairs ``[n, time]``, those of spelled numbers with their known correspondence."""
        found = corpus(config)
        source, target = found.train
        # Equal source lengths first, then equal targets: a pool is sorted by both.
        order = 1000 * source.lengths + target.lengths
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
        the share among long ones, ``exact_long``, and how the weights fit: ``alignment`` (the share of
        largest weights in a right place) and ``alignment_mass``. For captions ``bleu``."""
        source, lengths, target, target_lengths, *accepted = arrays
        metrics = {"loss": mean_loss(model, source, lengths, target, target_lengths)}
        found = translate(model, source, lengths, max_length=target.shape[1] + 5)
        right = exact(found, target)
        metrics["exact"] = right.float().mean().item()
        if not accepted:
            return metrics | {"bleu": self._bleu(model, found, target)}
        long = lengths > LONG  # the stop symbol counts
        metrics["exact_long"] = right[long].float().mean().item() if long.any() else 0.0
        if not model.fixed:
            scored = score(weights(model, source, lengths, target), accepted[0])
            metrics |= {"alignment": scored.share, "alignment_mass": scored.mass}
        return metrics

    def test(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """`evaluate`, and ``bleu_beam`` of the beam search, by sacreBLEU."""
        source, lengths, target, _ = arrays
        sizes = {"max_length": target.shape[1] + 5, "beam": model.beam}
        found = translate(model, source, lengths, **sizes)
        return self.evaluate(model, arrays) | {"bleu_beam": self._bleu(model, found, target)}

    def _bleu(self, model: nn.Module, found: Tensor, target: Tensor) -> float:
        """Subwords are bytes in the end, so that the numbers of a reference give back its very text."""
        vocabulary = model.vocabularies[1]
        return bleu(vocabulary.decode(found), vocabulary.decode(target)).score


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
    train, test = spelled.split(numbers, held_out, seed)
    sides = [(spelled.sentences(train, side), spelled.sentences(test, side)) for side in ("en", target)]
    both = tuple(Vocabulary.words([*first, *second]) for first, second in sides)
    encoded = tuple(v.encode(first) for v, (first, _) in zip(both, sides, strict=True))
    if longest:
        kept = encoded[0].lengths <= longest + 1  # the stop symbol
        if not kept.any():
            raise UsageError(f"longest is {longest}; no number is so short")
        encoded = tuple(Encoded(side.ids[kept], side.lengths[kept]) for side in encoded)
    valid = tuple(v.encode(second) for v, (_, second) in zip(both, sides, strict=True))
    return Corpus(both, encoded, valid, None, spelled.accepted(test, target))


def corpus(config: Config) -> Corpus:
    """The sentence pairs of a configuration, made once a process."""
    sizes = config.numbers, config.held_out, config.longest or 0, config.subwords
    return _corpus(config.task, config.target, *sizes, config.data_seed)


def mean_loss(model: nn.Module, source: Tensor, lengths: Tensor, target: Tensor, of_target: Tensor) -> float:
    """The cross-entropy of a word, without smoothing, over all pairs."""
    total = 0.0
    for rows in of_target.argsort(stable=True).split(CHUNK):
        words = target[rows, : int(of_target[rows].max())]
        logits = model(source[rows], words, lengths[rows]).logits.flatten(0, 1)
        total += functional.cross_entropy(logits, words.flatten(), ignore_index=PAD, reduction="sum").item()
    return total / of_target.sum().item()


EXPERIMENT = RNNsearchExperiment()
