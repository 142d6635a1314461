"""Translation with global and local attention: spelled numbers, and the captions of Multi30k."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from torch import nn

from unrolled.base.errors import unknown
from unrolled.papers.luong_attention.model import LuongAttention
from unrolled.tasks.translation import TranslationConfig, TranslationExperiment, corpus


@dataclass(frozen=True, kw_only=True)
class Config(TranslationConfig):
    """One run of the chapter. An update sees one ready batch: ``batch_size`` is 1."""

    kind: Literal["global", "local-m", "local-p", "none"] = "global"
    """Where the decoder looks; "none" is the base model, with a single vector."""
    score: Literal["dot", "general", "concat", "location"] = "general"
    """How a source word is scored."""
    feeding: bool = True
    """Whether a step reads the attentional vector of the one before."""
    encoder: Literal["bidirectional", "reversed", "forward"] = "bidirectional"
    """How the source is read; the paper reverses it and reads it in one direction."""
    embedding: int = 48
    """Size of a word's vector."""
    hidden: int = 96
    """Units of the decoder."""
    annotation: int = 192
    """Units of the encoder, of both directions together."""
    window: int = 2
    """D, the reach of local attention on each side."""
    positions: int = 80
    """Source positions that the score location knows."""
    dropout: float = 0.0
    """The share of embeddings and attentional vectors that is dropped in training."""
    tied: bool = False
    """Whether the target embedding is the output layer's weights too."""

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
            annotation=8,
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
            sentences=40,
            updates=220,
            batch_size=1,
            optimiser="adam",
            learning_rate=8e-3,
            schedule="linear",
            warmup=30,
            clip_norm=1.0,
            evaluate_every=1000,
            checkpoint_every=1000,
        )

    @classmethod
    def paper(cls) -> Config:
        """Captions of Multi30k into German, about half an hour of one core: ten epochs of 453 updates.

        The paper trains on 4.5 million pairs for 7 to 10 days of a GPU. Sizes, dropout and label smoothing
        are chosen for 29,000 pairs.
        """
        return cls(
            task="multi30k",
            target="de",
            embedding=256,
            hidden=256,
            annotation=512,
            window=5,
            dropout=0.3,
            label_smoothing=0.1,
            tied=True,
            updates=4_530,
            batch_size=1,
            optimiser="adam",
            learning_rate=1e-3,
            schedule="linear",
            warmup=400,
            clip_norm=1.0,
            evaluate_every=453,
            checkpoint_every=453,
        )


class LuongExperiment(TranslationExperiment):
    """Which score, which window, and does it help to feed the attentional vector back?"""

    slug = "luong_attention"

    def variants(self, profile: str) -> dict[str, Config]:
        """Every run of a profile, by name. Those of ``paper`` on numbers are the book's, for further seeds.

        >>> list(EXPERIMENT.variants("book"))
        ['general_feeding_fr', 'general_feeding_de', 'base_fr', 'reversed_fr', 'local_p_fr']
        """
        if profile in ("smoke", "book"):
            config = Config.smoke() if profile == "smoke" else Config.book()
            one = replace(config, annotation=config.hidden)
            return {
                "general_feeding_fr": config,
                "general_feeding_de": replace(config, target="de"),
                "base_fr": replace(config, kind="none", feeding=False),
                "reversed_fr": replace(one, encoder="reversed"),
                "local_p_fr": replace(config, kind="local-p", feeding=False),
            }
        if profile == "paper":
            config, numbers = Config.paper(), Config.book()
            one = replace(config, annotation=config.hidden)
            return {
                "numbers_fr": numbers,
                "numbers_de": replace(numbers, target="de"),
                "numbers_base": replace(numbers, kind="none", feeding=False),
                "general_feeding_de": config,
                "base_de": replace(config, kind="none", feeding=False),
                "general_de": replace(config, feeding=False),
                "location_feeding_de": replace(config, score="location"),
                "dot_feeding_de": replace(one, score="dot"),
                "local_m_feeding_de": replace(config, kind="local-m"),
                "local_p_feeding_de": replace(config, kind="local-p"),
                "reversed_feeding_de": replace(one, encoder="reversed"),
                "general_feeding_fr": replace(config, target="fr"),
            }
        raise unknown("profile", profile, ("smoke", "book", "paper"))

    def model(self, config: Config) -> nn.Module:
        """A translator with fresh weights, and with its vocabularies as ``model.vocabularies``."""
        model = LuongAttention(
            tuple(len(vocabulary) for vocabulary in corpus(config).vocabularies),
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
        return self.prepared(model, config)


EXPERIMENT = LuongExperiment()
