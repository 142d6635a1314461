"""The words of the simulated worlds, and how an action is told."""

from __future__ import annotations

import random
from collections.abc import Sequence

PEOPLE = ("Mary", "John", "Daniel", "Sandra")
GIVERS = ("Bill", "Fred", "Jeff", "Mary")
TOWNSPEOPLE = ("Bill", "Fred", "Julie", "Mary")
ROOMS = ("bathroom", "bedroom", "garden", "hallway", "kitchen", "office")
TOWN = ("bedroom", "cinema", "kitchen", "office", "park", "school")
THINGS = ("apple", "football", "milk")
PRONOUNS = {"Mary": "she", "Sandra": "she", "John": "he", "Daniel": "he"}

MOVES = ("went", "went back", "moved", "journeyed", "travelled")
TAKES = ("got", "picked up", "took", "grabbed")
DROPS = ("dropped", "left", "discarded", "put down")
GIVES = ("gave", "handed", "passed")
LATER = ("After that", "Afterwards", "Following that", "Then")
TIMES = ("yesterday", "this morning", "this afternoon", "this evening")

SIDES = {"north": (0, 1), "south": (0, -1), "east": (1, 0), "west": (-1, 0)}
BACK = {"north": "south", "south": "north", "east": "west", "west": "east"}


def moved(rng: random.Random, who: str, place: str) -> str:
    """The words for a move, without a full stop.

    >>> moved(random.Random(0), "Mary", "garden")
    'Mary journeyed to the garden'
    """
    return f"{who} {rng.choice(MOVES)} to the {place}"


def took(rng: random.Random, who: str, thing: str, there: float = 1.0) -> str:
    """The sentence for taking a thing; ``there`` is the share of sentences that end with that word."""
    return f"{who} {rng.choice(TAKES)} the {thing}{_there(rng, there)}."


def dropped(rng: random.Random, who: str, thing: str) -> str:
    """The sentence for leaving a thing behind."""
    return f"{who} {rng.choice(DROPS)} the {thing}{_there(rng, 0.2)}."


def gave(rng: random.Random, who: str, thing: str, receiver: str) -> str:
    """The sentence for giving a thing to someone."""
    return f"{who} {rng.choice(GIVES)} the {thing} to {receiver}."


def other(rng: random.Random, choices: Sequence[str], *taken: str | None) -> str:
    """One of the choices that is not taken."""
    return rng.choice([choice for choice in choices if choice not in taken])


def _there(rng: random.Random, share: float) -> str:
    return " there" if rng.random() < share else ""
