"""Memory networks and recurrent readers on the simulated world, and on bAbI with supporting facts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unrolled.base.errors import unknown
from unrolled.data import babi
from unrolled.data.babi import Question, words
from unrolled.data.sequences import permutation
from unrolled.data.stories import Encoder, Vocabulary, longest
from unrolled.data.worlds import rooms
from unrolled.data.worlds.rooms import World
from unrolled.papers.memory_networks.baseline import RecurrentReader
from unrolled.papers.memory_networks.model import Examples, MemoryNetwork, Trace
from unrolled.papers.memory_networks.studies import frequencies, hashed, hashes
from unrolled.papers.memory_networks.words import contexts
from unrolled.training.experiment import Arrays, At, Experiment, Splits, TrainingConfig

WORLDS = {
    "d1_where": World(objects=False, difficulty=1, before=False),
    "d1_actor": World(objects=False, difficulty=1),
    "d1_object": World(difficulty=1),
    "d5_actor": World(objects=False),
    "d5_object": World(),
    "crowd": World(
        people=tuple(f"Person{n}" for n in range(20)),
        things=tuple(f"thing{n}" for n in range(15)),
        rooms=tuple(f"room{n}" for n in range(10)),
        statements=150,
        questions=60,
        difficulty=30,
    ),
}
"""The columns of the paper's table, and a larger world for the study of hashing."""

HELD_OUT = 0.1
"""As many stories more as this share of those for training validate; of bAbI, this share of the questions."""

STOP = "stop"
"""The sentence in slot 0."""


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """One run of the chapter; a simulated story has 35 statements and 15 questions (crowd: 150 and 60)."""

    column: Literal["d1_where", "d1_actor", "d1_object", "d5_actor", "d5_object", "crowd", "babi"]
    """A column of the simulation's table (difficulty, and what is asked), a larger world, or bAbI."""
    task: int = 1
    """One of bAbI's tasks."""
    stories: int = 200
    """Simulated stories for training, and again for test: 7,000 statements and 3,000 questions."""
    new_names: bool = False
    """Whether the people of the test have names that the training never mentions."""
    model: Literal["memory", "lstm", "rnn"] = "memory"
    """A memory network, or a recurrent network that reads the story."""
    embedding: int = 100
    """Length of the vectors, or units of the recurrent layer."""
    hops: int = 2
    """Memories that are chosen at most."""
    time: bool = True
    """Whether the order of writing is known (equation 9)."""
    match: bool = False
    """Whether shared words count (equation 10)."""
    context: bool = False
    """Whether the words beside an unseen word stand for it."""
    unseen: float = 0.1
    """With context: the share of words that an update of training takes as unseen."""
    negatives: Literal["sampled", "all"] = "sampled"
    """Whether the true memory and answer are compared with one wrong one each, or with all."""
    margin: float = 0.1
    """The margin of the ranking."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.task not in babi.TASKS:
            raise unknown("bAbI task", str(self.task), map(str, babi.TASKS))


class Asked(NamedTuple):
    """Questions of one split as tensors; see `unrolled.papers.memory_networks.model`."""

    story: Tensor  # [n, slot]
    query: Tensor  # [n]
    support: Tensor  # [n, 3]: slots in the order of the hops, then slot 0, then -1
    answer: Tensor  # [n]
    kind: Tensor  # [n]: 0 where, 1 before, 2 a thing


class Prepared(NamedTuple):
    """What all runs on the same questions share."""

    vocabulary: Vocabulary
    sentences: Tensor
    seen: Tensor  # [vocabulary]: whether the training has the word
    splits: dict[str, Asked]
    questions: dict[str, list[Question]]


@lru_cache(maxsize=2)
def prepare(column: str, task: int, stories: int, new_names: bool, hops: int) -> Prepared:
    """Questions, vocabulary and sentences; training and test are the same for all seeds."""
    found = _babi(task) if column == "babi" else _world(column, stories, new_names)
    vocabulary = Vocabulary([STOP, *Vocabulary.of(*found.values()).words[1:]])
    encoder = Encoder(vocabulary, longest(*found.values()))
    stop = encoder.encode([Question((), STOP, found["train"][0].answer, (), 0)]).query
    splits = {name: _asked(encoder, questions, stop, hops) for name, questions in found.items()}
    sentences = encoder.sentences
    train = splits["train"]
    used = torch.cat((train.story.flatten(), train.query))
    seen = torch.zeros(len(vocabulary), dtype=torch.bool)
    seen[sentences[used].flatten()] = True
    seen[train.answer] = True
    return Prepared(vocabulary, sentences, seen, splits, found)


def _world(column: str, stories: int, new_names: bool) -> dict[str, list[Question]]:
    world = WORLDS[column]
    other = world._replace(people=rooms.OTHERS) if new_names else world
    return {
        "train": rooms.questions(world, stories, seed=0),
        "valid": rooms.questions(world, max(1, round(HELD_OUT * stories)), seed=1),
        "test": rooms.questions(other, stories, seed=2),
    }


def _babi(task: int) -> dict[str, list[Question]]:
    train, test = babi.load(task, "train"), babi.load(task, "test")
    order = permutation(len(train), seed=task).tolist()
    valid = order[: round(HELD_OUT * len(train))]
    rest = order[len(valid) :]
    return {"train": [train[i] for i in rest], "valid": [train[i] for i in valid], "test": test}


def _asked(encoder: Encoder, questions: list[Question], stop: Tensor, hops: int) -> Asked:
    stories = encoder.encode(questions)
    length = (stories.story > 0).sum(1, keepdim=True)
    places = length - 1 - torch.arange(stories.story.shape[1])  # the oldest first
    story = stories.story.gather(1, places.clamp(min=0)) * (places >= 0)
    support = torch.full((len(questions), hops), -1)
    for row, question in enumerate(questions):
        slots = [*(place + 1 for place in question.positions), 0][:hops]
        support[row, : len(slots)] = torch.tensor(slots)
    kind = torch.tensor([("before" in q.text) + 2 * ("Where is the" in q.text) for q in questions])
    return Asked(
        torch.cat((stop.expand(len(story), 1), story), 1), stories.query, support, stories.answer, kind
    )


class MemoryNetworkExperiment(Experiment[Config]):
    """Section 5.2 on our simulation, and bAbI, one network per task; seeds differ in weights and batches."""

    slug = "memory_networks"
    Config = Config
    selection = ("valid_accuracy", "max")

    @property
    def prepared(self) -> Prepared:
        """The questions of the run."""
        c = self.config
        return prepare(c.column, c.task, c.stories, c.new_names, c.hops)

    def datasets(self) -> tuple[str, ...]:
        """bAbI, or nothing."""
        return ("babi",) if self.config.column == "babi" else ()

    def data(self) -> Splits:
        """Stories, questions, supporting slots, answers, kinds; for a reader, words with answers in place."""
        found = self.prepared
        if self.config.model == "memory":
            return Splits(*(tuple(split) for split in found.splits.values()))
        return Splits(*(streams(questions, found.vocabulary) for questions in found.questions.values()))

    def model(self) -> MemoryNetwork | RecurrentReader:
        """A network with fresh weights."""
        c, found = self.config, self.prepared
        size = len(found.vocabulary)
        if c.model != "memory":
            return RecurrentReader(size, c.embedding, c.model)
        beside = contexts(found.sentences, size) if c.context else None
        return MemoryNetwork(size, c.embedding, c.hops, time=c.time, match=c.match, context=beside)

    def batch(self, batch: Arrays, at: At) -> Arrays:
        """`Examples` with drawn, or all, wrong memories and answers; and which words count as unseen."""
        if self.config.model != "memory":
            return batch
        story, query, support, answer, _ = batch
        c, found, n = self.config, self.prepared, len(query)
        size, slots = len(found.vocabulary), story.shape[1]
        if c.negatives == "all":
            negative = torch.arange(slots).expand(n, c.hops, -1)
            wrong = torch.arange(size).expand(n, -1)  # no word, too, is a wrong answer
        else:
            filled = (story > 0).sum(1).view(n, 1, 1)
            negative = other(support.clamp(min=0).unsqueeze(-1), filled, at.generator)
            wrong = other(answer.unsqueeze(-1), torch.tensor(size), at.generator)
        unseen = torch.rand(size, generator=at.generator) < c.unseen * c.context
        return *Examples(found.sentences, story, query, support, answer, negative, wrong), unseen

    def loss(self, model: nn.Module, batch: Arrays, at: At) -> Tensor:
        """Equations 6 to 8, a mean over questions; for a reader, the mean cross-entropy of the answers."""
        if isinstance(model, RecurrentReader):
            tokens, answers, _ = batch
            return cross_entropy(model(tokens).flatten(0, 1), answers.flatten(), ignore_index=0)
        *examples, unseen = batch
        examples = Examples(*examples)
        total = model.loss(examples, margin=self.config.margin, unseen=unseen)
        return total / examples.query.shape[0]

    def answers(self, model: MemoryNetwork, arrays: Arrays, buckets: Tensor | None = None) -> Trace:
        """What a network does with some questions; words that training does not have are unseen."""
        unseen = ~self.prepared.seen
        parts = zip(arrays[0].split(500), arrays[1].split(500), strict=True)
        found = [model(self.prepared.sentences, *part, unseen, buckets) for part in parts]
        return Trace(*(torch.cat(field) for field in zip(*found, strict=True)))

    def evaluate(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """Shares of right answers: of all questions and of each kind (``where``, ``before``, ``object``),
        and of questions for which every hop chose the supporting memory (``support``)."""
        found = {}
        if isinstance(model, RecurrentReader):
            tokens, answers, kind = arrays
            said = torch.cat([model(part).argmax(-1) for part in tokens.split(50)])
            asked = answers > 0
            right, kind = (said == answers)[asked], kind[asked]
        else:
            _, _, support, answer, kind = arrays
            trace = self.answers(model, arrays)
            right = trace.answer.argmax(-1) == answer
            found["support"] = ((trace.chosen == support) | (support < 0)).all(1).double().mean().item()
        for number, name in enumerate(("where", "before", "object")):
            if (kind == number).any():
                found[name] = right[kind == number].double().mean().item()
        return {"accuracy": right.double().mean().item(), **found}

    def test(self, model: nn.Module, arrays: Arrays) -> dict[str, float]:
        """`evaluate`; in the crowd also ``accuracy`` and the share of memories ``looked_at`` with a hash."""
        found = self.evaluate(model, arrays)
        if self.config.column == "crowd" and isinstance(model, MemoryNetwork):
            for name, buckets in hashes(model, frequencies(self)).items():
                accuracy, looked_at = hashed(self, model, arrays, buckets)
                found |= {f"accuracy_{name}": accuracy, f"looked_at_{name}": looked_at}
        return found


def other(true: Tensor, count: Tensor, generator: torch.Generator) -> Tensor:
    """A random number below ``count`` that is not ``true``, or 0 where there is no other."""
    shift = 1 + torch.floor(torch.rand(true.shape, generator=generator) * (count - 1)).long()
    return (true + shift) % count


def streams(questions: list[Question], vocabulary: Vocabulary) -> Arrays:
    """Stories with their questions in place: words ``[story, time]``, at the end of each question its answer
    and its kind, else 0."""
    rows: list[list[tuple[int, int, int]]] = []
    told: tuple = ()
    for question in questions:
        if not rows or question.story[: len(told)] != told:
            rows.append([])
            told = ()
        for fact in question.story[len(told) :]:
            rows[-1] += [(vocabulary[word], 0, 0) for word in words(fact.text)]
        told = question.story
        *before, last = (vocabulary[word] for word in words(question.text))
        rows[-1] += [(word, 0, 0) for word in before]
        kind = ("before" in question.text) + 2 * ("Where is the" in question.text)
        rows[-1].append((last, vocabulary[question.answer.lower()], kind))
    found = torch.zeros(3, len(rows), max(map(len, rows)), dtype=torch.int64)
    for number, row in enumerate(rows):
        found[:, number, : len(row)] = torch.tensor(row).T
    return tuple(found)


EXPERIMENT = MemoryNetworkExperiment
