"""The world of the memory networks: people walk between rooms and carry things, and are asked about.

How far back the asked one was last mentioned is limited. The authors' simulator was not released; this one
follows what is known of it (weston2015memory, Section 5.2).
"""

from __future__ import annotations

import random
from typing import NamedTuple

from unrolled.base.errors import UsageError
from unrolled.data.babi import Fact, Question

PEOPLE = ("Bill", "Fred", "Joe", "Mary")
OTHERS = ("Anna", "Carl", "Emma", "Hugo")
"""Names for the same world that nobody has seen in training."""
THINGS = ("milk", "football", "apple")
ROOMS = ("kitchen", "office", "bathroom", "garden", "bedroom")
MOVES = ("went", "moved", "travelled", "journeyed")
TAKES = ("got", "picked up", "took", "grabbed")
DROPS = ("dropped", "left", "discarded", "put down")


class World(NamedTuple):
    """Who is where, how much happens, and what is asked."""

    people: tuple[str, ...] = PEOPLE
    things: tuple[str, ...] = THINGS
    rooms: tuple[str, ...] = ROOMS
    statements: int = 35
    """Statements of a story."""
    questions: int = 15
    """Questions of a story, at random moments."""
    difficulty: int = 5
    """The most steps back at which the one who is asked about was last mentioned."""
    before: bool = True
    """Whether it is asked where somebody was before."""
    objects: bool = True
    """Whether there are things."""


class _Story:
    def __init__(self, world: World, rng: random.Random) -> None:
        self.world, self.rng = world, rng
        self.facts: list[Fact] = []
        self.mentions: list[tuple[str, str | None]] = []  # of each fact: the person, and the thing
        self.moves: dict[str, list[tuple[int, str]]] = {who: [] for who in world.people}
        self.at: dict[str, str] = {thing: rng.choice(world.rooms) for thing in world.things}
        self.holder: dict[str, str | None] = dict.fromkeys(world.things)

    def step(self) -> None:
        """Something happens; a person who has not been seen yet walks."""
        world, rng = self.world, self.rng
        who = rng.choice(world.people)
        here = self.moves[who][-1][1] if self.moves[who] else None
        own = [thing for thing, holder in self.holder.items() if holder == who]
        lying = [thing for thing in world.things if not self.holder[thing] and self.at[thing] == here]
        if world.objects and here and (own or lying) and rng.random() < 0.5:
            thing = rng.choice(own + lying)
            self.holder[thing] = None if thing in own else who
            self.at[thing] = here
            self._tell(f"{who} {rng.choice(DROPS if thing in own else TAKES)} the {thing}.", who, thing)
            return
        room = rng.choice([room for room in world.rooms if room != here])
        self.moves[who].append((len(self.facts) + 1, room))
        self._tell(f"{who} {rng.choice(MOVES)} to the {room}.", who, None)

    def _tell(self, text: str, who: str, thing: str | None) -> None:
        self.facts.append(Fact(len(self.facts) + 1, text))
        self.mentions.append((who, thing))

    def ask(self) -> Question | None:
        """A question about one of the last statements; nothing where its person or thing came up again."""
        back = self.rng.randint(1, min(self.world.difficulty, len(self.facts)))
        who, thing = self.mentions[-back]
        told = len(self.facts) - back + 1
        if thing:
            if any(thing == other for _, other in self.mentions[len(self.facts) - back + 1 :]):
                return None
            end = told if self.holder[thing] is None else len(self.facts) + 1
            line, room = [move for move in self.moves[who] if move[0] < end][-1]
            return self._question(f"Where is the {thing}?", room, told, line)
        line, room = self.moves[who][-1]
        if line != told:
            return None
        if self.world.before and len(self.moves[who]) > 1 and self.rng.random() < 0.5:
            before, old = self.moves[who][-2]
            return self._question(f"Where was {who} before the {room}?", old, line, before)
        return self._question(f"Where is {who}?", room, line)

    def _question(self, text: str, answer: str, *supporting: int) -> Question:
        return Question(tuple(self.facts), text, answer, supporting, len(self.facts))


def questions(world: World, stories: int, seed: int) -> list[Question]:
    """The questions of some stories, with their supporting facts in the order in which they are needed.

    >>> one = questions(World(objects=False, difficulty=1), 1, seed=0)[-1]
    >>> one.story[-1].text, one.text, one.answer
    ('Mary moved to the kitchen.', 'Where is Mary?', 'kitchen')

    Raises:
        UsageError: for a world without people, things or enough rooms, or without statements or questions.
    """
    if not world.people or not world.things or len(world.rooms) < 2:
        raise UsageError("a world needs people, things and at least two rooms")
    if min(world.statements, world.questions, world.difficulty, stories) < 1:
        raise UsageError("statements, questions, difficulty and stories must be at least 1")
    rng = random.Random(f"rooms, seed {seed}")
    found: list[Question] = []
    for _ in range(stories):
        story = _Story(world, rng)
        moments = sorted(rng.choices(range(1, world.statements + 1), k=world.questions))
        while len(story.facts) < world.statements:
            story.step()
            for _ in range(moments.count(len(story.facts))):
                while not (question := story.ask()):
                    pass
                found.append(question)
    return found
