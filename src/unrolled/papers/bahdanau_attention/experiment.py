"""Translation with and without attention: spelled numbers, and the captions of Multi30k."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from torch import nn

from unrolled.base.errors import unknown
from unrolled.papers.bahdanau_attention.model import RNNsearch
from unrolled.tasks.translation import TranslationConfig, TranslationExperiment, corpus


@dataclass(frozen=True, kw_only=True)
class Config(TranslationConfig):
    """One run of the chapter. An update sees one ready batch: ``batch_size`` is 1."""

    model: Literal["attention", "fixed"] = "attention"
    """The model that aligns, or the one with a single vector as its context."""
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
            updates=200,
            batch_size=1,
            optimiser="adam",
            learning_rate=5e-3,
            schedule="linear",
            warmup=50,
            clip_norm=1.0,
            evaluate_every=1000,
            checkpoint_every=1000,
        )

    @classmethod
    def paper(cls) -> Config:
        """Captions of Multi30k into German, about half an hour of one core: ten epochs of 453 updates.

        The paper trains on 348 million words for five days. Sizes, dropout and label smoothing are chosen for
        29,000 pairs.
        """
        return cls(
            task="multi30k",
            target="de",
            embedding=128,
            hidden=256,
            alignment=256,
            maxout=128,
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


class RNNsearchExperiment(TranslationExperiment):
    """Does a decoder that may look back translate long sentences better than one that has a single vector?"""

    slug = "bahdanau_attention"

    def variants(self, profile: str) -> dict[str, Config]:
        """Every run of a profile, by name. Those of ``paper`` on numbers are the book's, for further seeds.

        >>> list(EXPERIMENT.variants("book"))
        ['attention_fr', 'attention_de', 'fixed_fr', 'short_fr']
        """
        if profile in ("smoke", "book"):
            config = Config.smoke() if profile == "smoke" else Config.book()
            short = replace(config, longest=8, updates=max(config.updates // 2, 6))
            return {
                "attention_fr": config,
                "attention_de": replace(config, target="de"),
                "fixed_fr": replace(config, model="fixed"),
                "short_fr": short,
            }
        if profile == "paper":
            config, numbers = Config.paper(), Config.book()
            found = {
                "numbers_fr": numbers,
                "numbers_de": replace(numbers, target="de"),
                "numbers_fixed": replace(numbers, model="fixed"),
            }
            for target in ("de", "fr"):
                for model in ("attention", "fixed"):
                    found[f"{model}_{target}"] = replace(config, model=model, target=target)
            return found
        raise unknown("profile", profile, ("smoke", "book", "paper"))

    def model(self, config: Config) -> nn.Module:
        """A translator with fresh weights, and with its vocabularies as ``model.vocabularies``."""
        model = RNNsearch(
            tuple(len(vocabulary) for vocabulary in corpus(config).vocabularies),
            embedding=config.embedding,
            hidden=config.hidden,
            alignment=config.alignment,
            maxout=config.maxout,
            fixed=config.model == "fixed",
            output_state=config.output_state,
            dropout=config.dropout,
            tied=config.tied,
        )
        return self.prepared(model, config)


EXPERIMENT = RNNsearchExperiment()
