"""Memory networks on simulated worlds, bAbI and a corpus: data, loss and metrics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import nll_loss

from unrolled.base.errors import UsageError, unknown
from unrolled.data import babi, brown
from unrolled.data.sequences import permutation
from unrolled.data.stories import MEMORY, Encoder, Stories, Vocabulary, longest
from unrolled.data.worlds.generate import questions
from unrolled.papers.memn2n.language import MemoryLanguageModel
from unrolled.papers.memn2n.model import MemN2N
from unrolled.papers.memn2n.noise import Kind, in_order, with_noise
from unrolled.papers.memn2n.sentences import Encoding
from unrolled.papers.memn2n.tying import Tying
from unrolled.training.experiment import Arrays, At, Experiment, Splits, TrainingConfig

ALL = 0
"""The number that stands for all twenty tasks together."""

HELD_OUT = 0.1
"""The share of the training questions that validates."""

SAMPLE = 2000
"""Training questions, evenly spaced, over which the training error is measured (or all of fewer)."""


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
    """Hops before the answer."""
    encoding: Encoding = "code"
    """How words become a sentence: without order, or with one of the two position encodings."""
    tying: Tying = "adjacent"
    """How hops share their matrices."""
    time: bool = True
    """Whether a memory knows when it was."""
    noise: float = 0.1
    """The largest share of empty memories in training."""
    noise_kind: Kind = "gaps"
    """Whether empty memories can be attended to, or only leave gaps in the numbering of time."""
    memory: int = MEMORY
    """Sentences, or words of the corpus, that a memory holds."""
    attend_empty: bool = True
    """Whether attention can rest on the empty slots of a memory."""
    linear_updates: int = 0
    """Updates of the linear start."""
    halve_every: int
    """Updates between two halvings of the learning rate, counted anew after the linear start."""
    vocabulary: int = 10_000
    """Words of the corpus that are told apart."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.task != ALL and self.task not in babi.TASKS:
            raise unknown("bAbI task", str(self.task), map(str, (ALL, *babi.TASKS)))
        if self.halve_every < 1:
            raise UsageError(f"halve_every is {self.halve_every}; it must be at least 1")


class Prepared(NamedTuple):
    """Questions as tensors."""

    vocabulary: Vocabulary
    sentences: Tensor
    memory: int
    splits: dict[str, Stories]


@lru_cache(maxsize=2)
def prepare(source: str, task: int, count: int, memory: int) -> Prepared:
    """Vocabulary, sentences and splits; a tenth of each task's training questions validates."""
    tasks = list(babi.TASKS) if task == ALL else [task]
    found = {number: _questions(source, number, count) for number in tasks}
    everything = [part for parts in found.values() for part in parts]
    vocabulary = Vocabulary.of(*everything)
    encoder = Encoder(vocabulary, min(memory, longest(*everything)))
    parts: dict[str, list[Stories]] = {"train": [], "valid": [], "test": []}
    for number, (train, test) in found.items():
        stories = encoder.encode(train, number)
        order = permutation(len(train), seed=number)
        held_out = round(HELD_OUT * len(train))
        parts["train"].append(stories.pick(order[held_out:]))
        parts["valid"].append(stories.pick(order[:held_out]))
        parts["test"].append(encoder.encode(test, number))
    splits = {
        name: Stories(*(torch.cat(field) for field in zip(*parts[name], strict=True))) for name in parts
    }
    return Prepared(vocabulary, encoder.sentences, encoder.memory, splits)


def _questions(source: str, task: int, count: int) -> tuple[list[babi.Question], list[babi.Question]]:
    if source == "worlds":
        return questions(task, count, seed=0), questions(task, count, seed=1)
    absent = babi.file_name(task, "train", source) in babi.MISSING
    return babi.load(task, "train", "en" if absent else source), babi.load(task, "test", source)


@lru_cache(maxsize=1)
def corpus(vocabulary: int) -> tuple[Tensor, dict[str, Tensor]]:
    """The words of the corpus in one row, and the places of each split's words in it."""
    splits = brown.load(vocabulary).splits
    ends = torch.tensor([len(words) for words in splits.values()]).cumsum(0).tolist()
    starts = [0, *ends[:-1]]
    places = zip(splits, starts, ends, strict=True)
    return torch.cat(list(splits.values())), {name: torch.arange(a, b) for name, a, b in places}


class MemN2NExperiment(Experiment[Config]):
    """Question answering; language modelling with ``source = "brown"``."""

    slug = "memn2n"
    Config = Config
    selection = ("valid_error", "min")

    @property
    def prepared(self) -> Prepared:
        """The questions of the run."""
        return prepare(self.config.source, self.config.task, self.config.questions, self.config.memory)

    def datasets(self) -> tuple[str, ...]:
        """What the registry has of it; none for simulated worlds."""
        return {"worlds": (), "brown": ("brown",)}.get(self.config.source, ("babi",))

    def data(self) -> Splits:
        """Stories, questions, answers and tasks; of the corpus, the places of the words to be predicted."""
        if self.config.source == "brown":
            return Splits(*((at[self.config.memory :],) for at in corpus(self.config.vocabulary)[1].values()))
        splits = self.prepared.splits
        return Splits(*((s.story, s.query, s.answer, s.task) for s in splits.values()))

    def model(self) -> MemN2N | MemoryLanguageModel:
        """A network with fresh weights."""
        c = self.config
        if c.source == "brown":
            return MemoryLanguageModel(c.vocabulary, c.embedding, c.memory, c.hops)
        options = {name: getattr(c, name) for name in ("hops", "encoding", "tying", "time", "attend_empty")}
        vocabulary, sentences, memory, _ = self.prepared
        return MemN2N(len(vocabulary), c.embedding, memory, words=sentences.shape[1], **options)

    def batch(self, batch: Arrays, at: At) -> Arrays:
        """The sentences of some questions, stories and questions in numbers of them, times and answers.

        The questions are drawn with replacement, as by the released code, and alike for all seeds, since how
        many sentences they have gives the tensors their shapes: seeds differ in weights and noise.
        """
        if self.config.source == "brown":
            return self.words(*batch)
        train = self.prepared.splits["train"]
        chosen = torch.randint(len(train.answer), (self.config.batch_size,), generator=at.shared)
        sentences, story, query = self.distinct(train.story[chosen], train.query[chosen])
        timed = in_order(story)
        if self.config.noise and self.config.time:
            timed = with_noise(story, self.config.noise, self.config.noise_kind, at.generator)
        return sentences, timed.story, query, timed.when, train.answer[chosen]

    def distinct(self, story: Tensor, query: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The different sentences of some questions, the empty one first; stories and questions by them.

        Stories repeat each other, and a sentence is embedded once for all of a batch.
        """
        everything = torch.cat((torch.zeros_like(query[:1]), query, story.flatten())).cpu()
        different, places = torch.unique(everything, return_inverse=True)
        _, query, story_ = places.to(story.device).tensor_split([1, 1 + len(query)])
        return self.prepared.sentences[different].to(story.device), story_.view_as(story), query

    def words(self, places: Tensor) -> Arrays:
        """The words before some places of the corpus, the last one first, and the words there."""
        words = corpus(self.config.vocabulary)[0].to(places.device)
        before = places.unsqueeze(1) - 1 - torch.arange(self.config.memory, device=places.device)
        return words[before], words[places]

    def loss(self, model: MemN2N | MemoryLanguageModel, batch: Arrays, at: At) -> Tensor:
        """Cross-entropy, summed over the batch, as in the released code."""
        *inputs, target = batch
        if isinstance(model, MemoryLanguageModel):
            return nll_loss(model(*inputs).answer, target, reduction="sum")
        linear = at.update < self.config.linear_updates
        return nll_loss(model(*inputs, linear=linear).answer, target, reduction="sum")

    def learning_rate(self, update: int) -> float:
        """Halved every ``halve_every`` updates; the count begins again after the linear start."""
        done = update if update < self.config.linear_updates else update - self.config.linear_updates
        return self.config.learning_rate * 0.5 ** (done // self.config.halve_every)

    def predict(self, model: MemN2N, story: Tensor, query: Tensor, chunk: int = 500) -> Tensor:
        """The log-probabilities of the answers to some questions."""
        parts = zip(story.split(chunk), query.split(chunk), strict=True)
        return torch.cat([model(*self.distinct(*part)).answer for part in parts])

    def evaluate(self, model: MemN2N | MemoryLanguageModel, arrays: Arrays) -> dict[str, float]:
        """The mean of the tasks' errors, the error of each, how many fail (more than 5 %), and the loss.

        ``training_error`` and ``training_loss``, by which the paper chooses among ten networks, are measured
        on training questions without noise. Of a corpus: perplexity, and the mean loss as ``error``.
        """
        if isinstance(model, MemoryLanguageModel):
            found = [self.words(part) for part in arrays[0].split(512)]
            loss = sum(nll_loss(model(w).answer, t, reduction="sum").item() for w, t in found)
            return {"error": loss / len(arrays[0]), "perplexity": math.exp(loss / len(arrays[0]))}
        story, query, answer, task = arrays
        said = self.predict(model, story, query)
        wrong = (said.argmax(-1) != answer).float()
        errors = {f"task_{n}": wrong[task == n].mean().item() for n in task.unique().tolist()}
        train = self.prepared.splits["train"]
        every = slice(None, None, -(-len(train.answer) // SAMPLE))
        of_training = self.predict(
            model, train.story[every].to(story.device), train.query[every].to(story.device)
        )
        answers = train.answer[every].to(story.device)
        return {
            "error": sum(errors.values()) / len(errors),
            "loss": nll_loss(said, answer).item(),
            "failed": float(sum(error > 0.05 for error in errors.values())),
            "training_error": (of_training.argmax(-1) != answers).float().mean().item(),
            "training_loss": nll_loss(of_training, answers).item(),
            **errors,
        }


EXPERIMENT = MemN2NExperiment
