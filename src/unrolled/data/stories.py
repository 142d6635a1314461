"""Questions about stories as tensors: words as numbers, sentences counted backwards from the question."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.data.babi import Question, words

MEMORY = 50
"""Sentences that a memory holds at most, by custom: the last ones before the question."""


class Vocabulary:
    """Words and answers by number; 0 is no word. A list of things as an answer counts as one word.

    >>> vocabulary = Vocabulary(["where", "is", "mary"])
    >>> len(vocabulary), vocabulary["mary"], vocabulary.words[3]
    (4, 3, 'mary')
    """

    def __init__(self, known: Iterable[str]) -> None:
        self.words = ("", *known)
        self._numbers = {word: number for number, word in enumerate(self.words)}

    @classmethod
    def of(cls, *sets: Sequence[Question]) -> Vocabulary:
        """Every word and answer of the questions and their stories, sorted."""
        found = set()
        for question in (question for questions in sets for question in questions):
            found.update(words(question.text), [question.answer.lower()])
            for fact in question.story:
                found.update(words(fact.text))
        return cls(sorted(found))

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, word: str) -> int:
        if word not in self._numbers:
            raise UnrolledError(f"the vocabulary of {len(self)} words has no {word!r}")
        return self._numbers[word]


class Stories(NamedTuple):
    """Questions as tensors. Memory slot 0 holds the sentence right before the question."""

    story: Tensor  # [n, slot]: which sentence; 0 is an empty slot
    query: Tensor  # [n]: which sentence the question is
    answer: Tensor  # [n]: a word
    supporting: Tensor  # [n, slot]: whether the sentence there supports the answer
    task: Tensor  # [n]

    def pick(self, rows: Tensor) -> Stories:
        """Some of the questions."""
        return Stories(*(field[rows] for field in self))


class Encoder:
    """Turns questions into `Stories`, and keeps each different sentence once.

    Args:
        vocabulary: all words.
        memory: slots; older sentences of a longer story are left out.
    """

    def __init__(self, vocabulary: Vocabulary, memory: int = MEMORY) -> None:
        if memory < 1:
            raise UsageError(f"memory is {memory}; a story needs at least one slot")
        self.vocabulary, self.memory = vocabulary, memory
        self._sentences: dict[tuple[int, ...], int] = {(): 0}

    @property
    def sentences(self) -> Tensor:
        """The words of every sentence so far, ``[sentences, words]``; row 0 is the empty sentence."""
        longest = max(map(len, self._sentences))
        rows = [[*sentence, *[0] * (longest - len(sentence))] for sentence in self._sentences]
        return torch.tensor(rows).reshape(len(rows), longest)

    def encode(self, questions: Sequence[Question], task: int = 0) -> Stories:
        """The questions as tensors.

        Raises:
            UnrolledError: for a word that the vocabulary lacks.
        """
        story = torch.zeros(len(questions), self.memory, dtype=torch.int64)
        supporting = torch.zeros(len(questions), self.memory, dtype=torch.bool)
        query, answer = torch.zeros(2, len(questions), dtype=torch.int64)
        known: dict[str, int] = {}

        def number(text: str) -> int:
            if text not in known:
                known[text] = self._number(text)
            return known[text]

        for row, question in enumerate(questions):
            last = len(question.story) - 1
            kept = [number(fact.text) for fact in reversed(question.story[-self.memory :])]
            story[row, : len(kept)] = torch.tensor(kept, dtype=torch.int64)
            slots = [last - place for place in question.positions]
            supporting[row, [slot for slot in slots if slot < self.memory]] = True
            query[row] = number(question.text)
            answer[row] = self.vocabulary[question.answer.lower()]
        return Stories(story, query, answer, supporting, torch.full_like(query, task))

    def _number(self, text: str) -> int:
        sentence = tuple(self.vocabulary[word] for word in words(text))
        return self._sentences.setdefault(sentence, len(self._sentences))


def longest(*sets: Sequence[Question]) -> int:
    """Sentences of the longest story."""
    return max(len(question.story) for questions in sets for question in questions)
