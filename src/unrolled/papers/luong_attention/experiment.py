"""Translation with global and local attention: spelled numbers, captions, sequences to copy or reverse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import nn

from unrolled.papers.luong_attention.model import LuongAttention
from unrolled.tasks.translation import TranslationConfig, TranslationExperiment


@dataclass(frozen=True, kw_only=True)
class Config(TranslationConfig):
    """One run of the chapter."""

    kind: Literal["global", "local-m", "local-p", "none"] = "global"
    """Which source positions a step attends to; "none" is the base model, without attention."""
    score: Literal["dot", "general", "concat", "location"] = "general"
    """How a source word is scored."""
    feeding: bool = True
    """Whether a step reads the attentional vector of the one before."""
    encoder: Literal["bidirectional", "reversed", "forward"] = "bidirectional"
    """How the source is read; the paper reverses it and reads it in one direction."""
    embedding: int
    """Size of a word's vector."""
    hidden: int
    """Units of the decoder."""
    annotation: int
    """Units of the encoder, of both directions together."""
    window: int = 2
    """D, the reach of local attention on each side."""
    positions: int = 80
    """Source positions that the score location knows."""
    dropout: float = 0.0
    """The share of embeddings and attentional vectors that is dropped in training."""
    tied: bool = False
    """Whether the target embedding is the output layer's weights too."""


class LuongExperiment(TranslationExperiment[Config]):
    """Which score, which window, and does it help to feed the attentional vector back?"""

    slug = "luong_attention"
    Config = Config

    def model(self) -> nn.Module:
        """A translator with fresh weights."""
        config = self.config
        return LuongAttention(
            self.vocabulary_sizes,
            embedding=config.embedding,
            hidden=config.hidden,
            annotation=config.annotation,
            kind=config.kind,
            score=config.score,
            window=config.window,
            feeding=config.feeding,
            bidirectional=config.encoder == "bidirectional",
            reverse=config.encoder == "reversed",
            positions=config.positions,
            dropout=config.dropout,
            tied=config.tied,
        )


EXPERIMENT = LuongExperiment
