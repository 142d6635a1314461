"""People who walk, take, leave and give things, and what the simulator remembers of each."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from unrolled.data.worlds import language

Item = str | tuple[str, str, tuple[int, ...]]
"""A line of a story: a fact, or question, answer and the numbers of the supporting facts."""


class Step(NamedTuple):
    """A told move."""

    line: int
    place: str


class Change(NamedTuple):
    """A told change of hands: ``person`` took the thing, or (``gone``) has it no longer."""

    line: int
    person: str
    gone: bool


class Gift(NamedTuple):
    """A told gift."""

    line: int
    giver: str
    thing: str
    receiver: str


class Scene:
    """A story as it happens. Where people and things are at first is true, but not told.

    Attributes:
        items: the lines so far.
        steps: for each person the told moves.
        holder: who has each thing; None while it lies somewhere.
        changes: for each thing the told changes of hands.
        gifts: the told gifts.
    """

    def __init__(
        self, rng: random.Random, people: Sequence[str], *, giving: bool = False, there: float = 1.0
    ) -> None:
        self.rng, self.people, self.giving, self.there = rng, people, giving, there
        self.items: list[Item] = []
        self.steps: dict[str, list[Step]] = {person: [] for person in people}
        self.at = {who: rng.choice(language.ROOMS) for who in (*people, *language.THINGS)}
        self.holder: dict[str, str | None] = dict.fromkeys(language.THINGS)
        self.changes: dict[str, list[Change]] = {thing: [] for thing in language.THINGS}
        self.gifts: list[Gift] = []

    def tell(self, fact: str) -> int:
        """Add a fact; its number."""
        self.items.append(fact)
        return len(self.items)

    def ask(self, question: str, answer: str, *supporting: int) -> None:
        """Add a question."""
        self.items.append((question, answer, supporting))

    def held(self, person: str) -> list[str]:
        """What a person has, in the order in which it first came into these hands."""
        own = [thing for thing, holder in self.holder.items() if holder == person]
        return sorted(own, key=lambda thing: self.touched(person, thing)[0])

    def touched(self, person: str, thing: str) -> list[int]:
        """The lines in which a thing came to a person or went."""
        return [change.line for change in self.changes[thing] if change.person == person]

    def walk(self, person: str, place: str | None = None) -> None:
        """A person moves, with all that is in hand."""
        place = place or language.other(self.rng, language.ROOMS, self.at[person])
        self.at[person] = place
        self.steps[person].append(Step(self.tell(language.moved(self.rng, person, place) + "."), place))

    def act(self, handle: float = 0.4) -> None:
        """Someone does something: with probability ``handle`` to a thing, if one is at hand; else a walk."""
        person = self.rng.choice(self.people)
        if self.rng.random() >= handle or not self._handle(person):
            self.walk(person)

    def _handle(self, person: str) -> bool:
        rng, here = self.rng, self.at[person]
        takes = [thing for thing, who in self.holder.items() if who is None and self.at[thing] == here]
        own = self.held(person)
        others = [who for who in self.people if who != person and self.at[who] == here]
        if self.giving and own and others and rng.random() < 0.7:
            thing, receiver = rng.choice(own), rng.choice(others)
            line = self.tell(language.gave(rng, person, thing, receiver))
            self.gifts.append(Gift(line, person, thing, receiver))
            self._change(line, thing, person, receiver)
        elif takes and (not own or rng.random() < 0.6):
            thing = rng.choice(takes)
            self._change(self.tell(language.took(rng, person, thing, self.there)), thing, None, person)
        elif own:
            thing = rng.choice(own)
            self.at[thing] = here
            self._change(self.tell(language.dropped(rng, person, thing)), thing, person, None)
        else:
            return False
        return True

    def _change(self, line: int, thing: str, old: str | None, new: str | None) -> None:
        if old:
            self.changes[thing].append(Change(line, old, True))
        if new:
            self.changes[thing].append(Change(line, new, False))
        self.holder[thing] = new
