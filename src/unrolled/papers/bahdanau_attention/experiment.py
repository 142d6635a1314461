"""Translation with and without attention: spelled numbers, captions of Multi30k, and reversed sequences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import nn

from unrolled.papers.bahdanau_attention.model import RNNsearch
from unrolled.tasks.translation import TranslationConfig, TranslationExperiment


@dataclass(frozen=True, kw_only=True)
class Config(TranslationConfig):
    """One run of the chapter."""

    model: Literal["attention", "fixed"] = "attention"
    """The model that aligns, or the one with a single vector as its context."""
    embedding: int
    """Size of a word's vector."""
    hidden: int
    """Units of each direction of the encoder, and of the decoder."""
    alignment: int
    """Units of the alignment network."""
    maxout: int
    """Maxout units of the output."""
    output_state: Literal["previous", "current"] = "previous"
    """The decoder's state that the output layer reads."""
    dropout: float = 0.0
    """The share of embeddings and maxout units that is dropped in training."""
    tied: bool = False
    """Whether the target embedding is the output layer's weights too."""


class RNNsearchExperiment(TranslationExperiment[Config]):
    """Does a decoder with attention translate long sentences better than one that has a single vector?"""

    slug = "bahdanau_attention"
    Config = Config

    def model(self) -> nn.Module:
        """A translator with fresh weights."""
        config = self.config
        return RNNsearch(
            self.vocabulary_sizes,
            embedding=config.embedding,
            hidden=config.hidden,
            alignment=config.alignment,
            maxout=config.maxout,
            fixed=config.model == "fixed",
            output_state=config.output_state,
            dropout=config.dropout,
            tied=config.tied,
        )


EXPERIMENT = RNNsearchExperiment
