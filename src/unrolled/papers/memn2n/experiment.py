"""Memory networks on simulated worlds, bAbI and a corpus: data, loss, metrics and the three profiles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

from unrolled.base.errors import unknown
from unrolled.data import babi, brown, registry
from unrolled.data.sequences import permutation
from unrolled.data.stories import MEMORY, Encoder, Stories, Vocabulary, longest
from unrolled.data.worlds.generate import questions
from unrolled.papers.memn2n.language import MemoryLanguageModel, WordTrainee
from unrolled.papers.memn2n.model import MemN2N
from unrolled.papers.memn2n.training import Trainee, errors, summary
from unrolled.training.experiment import Arrays, Splits, TrainingConfig

ALL = 0
"""The number that stands for all twenty tasks together."""

HELD_OUT = 0.1
"""The share of the training questions that validates."""


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """One run of the chapter."""

    source: Literal["worlds", "en", "en-10k", "brown"]
    """Simulated worlds, bAbI with 1,000 or 10,000 questions a task, or the words of the Brown corpus."""
    task: int = ALL
    """One of bAbI's twenty tasks, or 0 for all together."""
    questions: int = 1000
    """Questions a task from simulated worlds, for training and again for test."""
    embedding: int
    """Size of the embeddings."""
    hops: int = 3
    """Look-ups before the answer."""
    encoding: Literal["bag", "printed", "code"] = "printed"
    """How words become a sentence: without order, or with one of the two position encodings."""
    tying: Literal["adjacent", "layer-wise"] = "adjacent"
    """How hops share their matrices."""
    time: bool = True
    """Whether a memory knows when it was."""
    noise: float = 0.1
    """The largest share of empty memories in training."""
    noise_kind: Literal["empty", "gaps"] = "gaps"
    """Whether empty memories can be attended to, or only leave gaps in the numbering of time."""
    memory: int = MEMORY
    """Sentences, or words of the corpus, that a memory holds."""
    attend_empty: bool = False
    """Whether attention can rest on the empty slots of a memory."""
    restarts: int = 1
    """Networks that are trained side by side on the same batches; the best by training loss is reported."""
    linear_updates: int = 0
    """Updates of the linear start."""
    halve_every: int
    """Updates between two halvings of the learning rate, counted anew after the linear start."""
    recent: int = 100
    """Updates over which the running loss looks back that chooses the best restart."""
    clip_each: float = 40.0
    """The norm at which the gradient of each matrix is clipped."""
    vocabulary: int = 10_000
    """Words of the corpus that are told apart."""

    @classmethod
    def smoke(cls) -> Config:
        """Does it run: a few updates of a tiny network on simulated stories of one kind."""
        return cls(
            source="worlds",
            task=1,
            questions=80,
            embedding=8,
            restarts=2,
            linear_updates=4,
            halve_every=5,
            updates=12,
            batch_size=16,
            optimiser="sgd",
            learning_rate=0.005,
            evaluate_every=6,
            checkpoint_every=100,
        )

    @classmethod
    def book(cls) -> Config:
        """Task 2 from simulated worlds at the paper's sizes."""
        return replace(
            cls.smoke(),
            task=2,
            questions=1000,
            embedding=20,
            restarts=5,
            linear_updates=280,
            halve_every=560,
            updates=1400,
            batch_size=32,
            evaluate_every=140,
        )

    @classmethod
    def paper(cls) -> Config:
        """All twenty tasks together, ten restarts: 30 epochs of linear start, and 60 with the softmax."""
        epoch = 20 * 900 // 32
        return replace(
            cls.book(),
            source="en",
            task=ALL,
            embedding=50,
            encoding="code",
            attend_empty=True,
            restarts=10,
            recent=epoch,
            linear_updates=30 * epoch,
            halve_every=15 * epoch,
            updates=90 * epoch,
            evaluate_every=5 * epoch,
            checkpoint_every=5 * epoch,
        )


def _one_task(config: Config, task: int, epoch: int) -> Config:
    """A network of its own for one task: 20 epochs of linear start, and 100 with the softmax."""
    return replace(
        config,
        task=task,
        embedding=20,
        recent=4 * epoch,
        linear_updates=20 * epoch,
        halve_every=25 * epoch,
        updates=120 * epoch,
        evaluate_every=5 * epoch,
        checkpoint_every=20 * epoch,
    )


def _asked(config: Config, task: int) -> tuple[list[babi.Question], list[babi.Question]]:
    if config.source == "worlds":
        return questions(task, config.questions, seed=0), questions(task, config.questions, seed=1)
    size = config.source
    absent = babi.file_name(task, "train", size) in babi.MISSING
    return babi.load(task, "train", "en" if absent else size), babi.load(task, "test", size)


@lru_cache(maxsize=2)
def _prepared(config: Config) -> tuple[Vocabulary, Encoder, dict[str, Stories]]:
    """Vocabulary, sentences and splits; a tenth of each task's training questions validates."""
    if config.task != ALL and config.task not in babi.TASKS:
        raise unknown("bAbI task", str(config.task), map(str, (ALL, *babi.TASKS)))
    tasks = list(babi.TASKS) if config.task == ALL else [config.task]
    asked = {task: _asked(config, task) for task in tasks}
    everything = [part for parts in asked.values() for part in parts]
    vocabulary = Vocabulary.of(*everything)
    encoder = Encoder(vocabulary, min(config.memory, longest(*everything)))
    parts: dict[str, list[Stories]] = {"train": [], "valid": [], "test": []}
    for task, (train, test) in asked.items():
        stories = encoder.encode(train, task)
        order = permutation(len(train), seed=task)
        held_out = round(HELD_OUT * len(train))
        parts["train"].append(stories.pick(order[held_out:]))
        parts["valid"].append(stories.pick(order[:held_out]))
        parts["test"].append(encoder.encode(test, task))
    splits = {
        name: Stories(*(torch.cat(field) for field in zip(*parts[name], strict=True))) for name in parts
    }
    return vocabulary, encoder, splits


class MemN2NExperiment:
    """The question answering and the language modelling experiments."""

    slug = "memn2n"
    selection: tuple[str, Literal["min", "max"]] = ("valid_error", "min")

    def variants(self, profile: str) -> dict[str, Config]:
        """Every run of a profile, by name."""
        if profile in ("smoke", "book"):
            config = Config.smoke() if profile == "smoke" else Config.book()
            return {"linear-start": config, "from-the-start": replace(config, linear_updates=0)}
        if profile == "paper":
            return self._paper()
        raise unknown("profile", profile, ("smoke", "book", "paper"))

    def _paper(self) -> dict[str, Config]:
        joint = Config.paper()
        runs = {
            "joint": joint,
            "joint_printed": replace(joint, encoding="printed"),
            "joint_masked": replace(joint, attend_empty=False),
            "joint_no_noise": replace(joint, noise=0.0),
            "joint_1_hop": replace(joint, hops=1, noise=0.0),
            "joint_2_hops": replace(joint, hops=2, noise=0.0),
            "joint_layer_wise": replace(joint, tying="layer-wise", noise=0.0),
        }
        # Ten times the questions, and a third of the epochs.
        long = {name: 10 * getattr(joint, name) // 3 for name in ("linear_updates", "halve_every", "updates")}
        runs["joint_10k"] = replace(joint, source="en-10k", restarts=1, **long)
        for task in babi.TASKS:
            runs[f"task_{task}"] = _one_task(joint, task, epoch=28)
            runs[f"task_{task}_10k"] = _one_task(replace(joint, source="en-10k", restarts=3), task, epoch=281)
        runs["task_3_10k"] = replace(_one_task(joint, 3, epoch=28), source="en-10k", restarts=3)
        words = Config(
            source="brown",
            embedding=150,
            hops=6,
            memory=100,
            updates=16_000,
            halve_every=4_000,
            batch_size=128,
            optimiser="sgd",
            learning_rate=0.01,
            clip_norm=50.0,
            evaluate_every=4_000,
            checkpoint_every=1_000,
        )
        for hops in (2, 6):
            runs[f"words_{hops}_hops"] = replace(words, hops=hops)
        return runs

    def datasets(self, config: Config) -> tuple[str, ...]:
        """What the registry has of it; none for simulated worlds."""
        return {"worlds": (), "brown": ("brown",)}.get(config.source, ("babi",))

    def checksums(self, config: Config) -> dict[str, dict[str, str]]:
        """The SHA-256 of every file that a run reads."""
        return registry.checksums(self.datasets(config))

    def model(self, config: Config) -> Trainee | WordTrainee:
        """Restarts with fresh weights, and the sentences that they read."""
        if config.source == "brown":
            network = MemoryLanguageModel(config.vocabulary, config.embedding, config.memory, config.hops)
            return WordTrainee(network, brown.load(config.vocabulary).splits, config.halve_every)
        vocabulary, encoder, _ = _prepared(config)
        sentences = encoder.sentences
        network = MemN2N(
            len(vocabulary),
            config.embedding,
            encoder.memory,
            words=sentences.shape[1],
            hops=config.hops,
            encoding=config.encoding,
            tying=config.tying,
            time=config.time,
            noise=config.noise,
            noise_kind=config.noise_kind,
            attend_empty=config.attend_empty,
            restarts=config.restarts,
        )
        return Trainee(
            network,
            sentences,
            linear_updates=config.linear_updates,
            halve_every=config.halve_every,
            clip_each=config.clip_each,
            memory_updates=config.recent,
        )

    def data(self, config: Config) -> Splits:
        """Stories, questions, answers and tasks; of the corpus, the places of the words to be guessed."""
        if config.source == "brown":
            return Splits(
                *(
                    (torch.arange(config.memory, len(words)), torch.full((len(words) - config.memory,), code))
                    for code, words in enumerate(brown.load(config.vocabulary).splits.values())
                )
            )
        splits = _prepared(config)[2]
        return Splits(
            *((s.story, s.query, s.answer, s.task) for s in (splits[n] for n in ("train", "valid", "test")))
        )

    def loss(self, model: Trainee | WordTrainee, batch: Arrays) -> Tensor:
        """Cross-entropy, summed over the batch and over all restarts."""
        return model.loss(*batch[:3]) if isinstance(model, Trainee) else model.loss(*batch)

    def evaluate(self, model: Trainee | WordTrainee, arrays: Arrays) -> dict[str, float]:
        """Errors of the best restart by training loss, task by task, and over all; perplexity of a corpus."""
        if isinstance(model, Trainee):
            return summary(errors(model, *arrays), model.running)
        return model.evaluate(*arrays)


EXPERIMENT = MemN2NExperiment()
