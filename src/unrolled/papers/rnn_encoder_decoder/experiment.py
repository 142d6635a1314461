"""Phrase pairs cut from spelled numbers or from image captions, whole captions, and recall over a lag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from unrolled.base.errors import UsageError
from unrolled.data.vocabulary import PAD, Vocabulary, similar_lengths
from unrolled.papers.rnn_encoder_decoder.model import RNNEncoderDecoder, initialise_as_the_paper
from unrolled.papers.rnn_encoder_decoder.phrases import phrases
from unrolled.papers.rnn_encoder_decoder.recall import Recaller
from unrolled.papers.rnn_encoder_decoder.scoring import log_probs, order_counts, permuted, true_minus_shuffled
from unrolled.tasks.translation import TranslationConfig, TranslationExperiment
from unrolled.training.experiment import Arrays, At, Splits


@dataclass(frozen=True, kw_only=True)
class Config(TranslationConfig):
    """One run of the chapter."""

    task: Literal["spelled", "multi30k", "recall"]
    """Spelled numbers, image captions, or random sequences whose first symbol is to be recalled."""
    unit: Literal["phrases", "sentences"] = "phrases"
    """Whether a pair is a line of a phrase table or a whole sentence."""
    longest_phrase: int = 5
    """Words of the longest phrase of the table."""
    misplaced: float = 0.0
    """The share of spelled numbers to train on whose translation is that of another number."""
    held_out_pairs: int = 200
    """Lines of the table to validate on, and as many to test on."""
    vocabulary: int | None = None
    """Vocabulary size of each language, the commonest words; None takes all."""
    embedding: int
    """Size of a word's vector."""
    hidden: int
    """Units of encoder and decoder."""
    maxout: int
    """Maxout units of the output."""
    rank: int | None = None
    """Rank of the output matrix; None leaves it whole."""
    reset: Literal["before", "after"] = "after"
    """Where the decoder's reset gate acts."""
    dropout: float = 0.0
    """The share of embeddings and maxout units that is dropped in training."""
    initialisation: Literal["torch", "paper"] = "torch"
    """Whether weights begin as torch's do, or as the paper says: Gaussian, 0.01."""
    cell: Literal["gated", "tanh"] = "gated"
    """The unit that recalls."""
    keep: float = 0.0
    """The first bias of the update gate of the unit that recalls."""


class EncoderDecoderExperiment(TranslationExperiment[Config]):
    """Does the score of a phrase pair say more than the counts of its table?"""

    slug = "rnn_encoder_decoder"
    Config = Config

    @property
    def vocabularies(self) -> tuple[Vocabulary, Vocabulary]:
        """What turns phrases, or sentences, of both languages into numbers."""
        return phrases(self.config).vocabularies if self.config.unit == "phrases" else super().vocabularies

    def data(self) -> Splits:
        """Phrase pairs as ready batches ``[batches, pairs, time]`` to train on, every distinct line of the
        table once per epoch however often it was counted, the others as pairs ``[n, time]``; sentences as
        any translation; sequences to recall are drawn."""
        config = self.config
        if config.task == "recall":
            generator = torch.Generator().manual_seed(config.data_seed)
            drawn = self._sequences_to_recall(config.lengths[1], config.held_out, generator)
            return Splits((torch.arange(1),), (drawn,))
        if config.unit == "sentences":
            return super().data()
        found = phrases(config)
        source, target = found.encoded

        def rows(chosen: Tensor) -> Arrays:
            return tuple(part[chosen] for part in (*source, *target))

        lines = found.split["train"]
        order = 1000 * source.lengths[lines] + target.lengths[lines]
        batches = lines[similar_lengths(order, config.sentences, seed=config.data_seed)]
        return Splits(rows(batches), rows(found.split["valid"]), rows(found.split["test"]))

    def _sequences_to_recall(self, lag: int, count: int, generator: torch.Generator) -> Tensor:
        return torch.randint(self.config.symbols, (count, lag + 1), generator=generator)

    def batch(self, arrays: Arrays, at: At) -> Arrays:
        """As any translation; or new random sequences with one lag, whose first symbol is to be recalled."""
        config = self.config
        if config.task != "recall":
            return super().batch(arrays, at)
        shortest, longest = config.lengths
        lag = int(torch.randint(shortest, longest + 1, (), generator=at.shared))
        return (self._sequences_to_recall(lag, config.sentences, at.generator).to(arrays[0].device),)

    def loss(self, model: nn.Module, batch: Arrays, at: At) -> Tensor:
        """For phrases equation 4 with its sign turned, per word in place of per pair; for sentences the
        cross-entropy of a word, for recall that of the first symbol."""
        if self.config.task == "recall":
            (sequence,) = batch
            return functional.cross_entropy(model(sequence), sequence[:, 0])
        if self.config.unit == "sentences":
            return super().loss(model, batch, at)
        source, target, lengths = batch
        return -model.log_prob(source, target, lengths).sum() / (target != PAD).sum()

    def evaluate(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """For phrases the ``loss`` per word and how much more likely a target is than that of another pair,
        ``true_minus_shuffled``, in nats; for sentences what translation measures; for recall the ``loss`` at
        the longest lag and the ``accuracy``."""
        if self.config.task == "recall":
            logits, first = model(arrays[0]), arrays[0][:, 0]
            right = (logits.argmax(1) == first).float().mean()
            return {"loss": functional.cross_entropy(logits, first).item(), "accuracy": right.item()}
        if self.config.unit == "sentences":
            return super().evaluate(model, arrays)
        source, lengths, target, of_target = arrays
        scores = log_probs(model, source, lengths, target)
        gain = true_minus_shuffled(model, source, lengths, target, scores)
        return {"loss": (-scores.sum() / of_target.sum()).item(), "true_minus_shuffled": gain}

    def test(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """For phrases also what word order does: ``order_wins``, the percentage of pairs that score higher
        than with the source's words permuted, and ``order_change``, the smallest difference in nats."""
        if self.config.unit == "sentences":
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

    def model(self) -> nn.Module:
        """An encoder-decoder with fresh weights, or what recalls."""
        config = self.config
        if config.task == "recall":
            return Recaller(config.cell, config.symbols, config.hidden, keep=config.keep)
        model = RNNEncoderDecoder(
            self.vocabulary_sizes,
            embedding=config.embedding,
            hidden=config.hidden,
            maxout=config.maxout,
            rank=config.rank,
            reset=config.reset,
            dropout=config.dropout,
        )
        return initialise_as_the_paper(model) if config.initialisation == "paper" else model


EXPERIMENT = EncoderDecoderExperiment
