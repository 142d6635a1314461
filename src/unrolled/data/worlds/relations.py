"""Stories of places, kinds, shapes and sizes, in which nothing moves: tasks 4 and 15 to 19."""

from __future__ import annotations

import random

from unrolled.data.worlds import language
from unrolled.data.worlds.language import BACK, ROOMS, SIDES
from unrolled.data.worlds.scene import Item

KINDS = {"mouse": "Mice", "wolf": "Wolves", "cat": "Cats", "sheep": "Sheep"}
SHAPES = ("triangle", "pink rectangle", "blue square", "red square", "red sphere", "yellow square")
PLACED = {"above": (0, 1), "below": (0, -1), "to the right of": (1, 0), "to the left of": (-1, 0)}
SMALL = ("chocolate", "box of chocolates")
LARGE = ("box", "chest", "container", "suitcase")


def two_arguments(rng: random.Random) -> list[Item]:
    """Task 4: what is on a side of a place, or what is a place on a side of?

    As in the real files, the place that is asked about comes second in the sentence that supports the answer,
    and in two sentences of three the place that both name comes second.
    """
    first, middle, last = rng.sample(ROOMS, 3)
    side = rng.choice(list(SIDES))
    facts = []
    for end, toward in ((first, side), (last, BACK[side])):
        middle_second = rng.random() < 0.64
        facts.append((end, toward, middle) if middle_second else (middle, BACK[toward], end))
    rng.shuffle(facts)
    chosen = rng.randrange(2)
    answer, toward, place = facts[chosen]
    asked = f"What is {toward} of the {place}?"
    if rng.random() < 0.5:
        asked = f"What is the {place} {BACK[toward]} of?"
    return [*("The {} is {} of the {}.".format(*fact) for fact in facts), (asked, answer, (chosen + 1,))]


def deduction(rng: random.Random) -> list[Item]:
    """Task 15: what is an animal afraid of, whose kind is afraid of another kind?"""
    names = ("Gertrude", "Winona", "Emily", "Jessica")
    fears = {kind: language.other(rng, list(KINDS), kind) for kind in KINDS}
    kinds = {name: rng.choice(list(KINDS)) for name in names}
    facts = [f"{KINDS[kind]} are afraid of {KINDS[fears[kind]].lower()}." for kind in KINDS]
    facts += [f"{name} is a {kinds[name]}." for name in names]
    order = list(range(len(facts)))
    rng.shuffle(order)
    line = {which: number for number, which in enumerate(order, 1)}
    items: list[Item] = [facts[which] for which in order]
    for _ in range(4):
        chosen = rng.randrange(4)
        kind = kinds[names[chosen]]
        supporting = line[4 + chosen], line[list(KINDS).index(kind)]
        items.append((f"What is {names[chosen].lower()} afraid of?", fears[kind], supporting))
    return items


def induction(rng: random.Random) -> list[Item]:
    """Task 16: which colour has an animal, where animals of one kind have one colour?"""
    names = rng.sample(("Lily", "Bernhard", "Brian", "Julius", "Greg"), 5)
    asked, alike = names[:2]
    animals = ("frog", "lion", "rhino", "swan")
    colours = {kind: rng.choice(("gray", "green", "white", "yellow")) for kind in animals}
    kinds = {name: rng.choice(animals) for name in names}
    kinds[alike] = kinds[asked]
    facts = [(name, "kind") for name in names] + [(name, "colour") for name in names[1:]]
    rng.shuffle(facts)
    line = {fact: number for number, fact in enumerate(facts, 1)}
    items: list[Item] = [
        f"{name} is a {kinds[name]}." if what == "kind" else f"{name} is {colours[kinds[name]]}."
        for name, what in facts
    ]
    supporting = line[asked, "kind"], line[alike, "kind"], line[alike, "colour"]
    return [*items, (f"What color is {asked}?", colours[kinds[asked]], supporting)]


def positions(rng: random.Random) -> list[Item]:
    """Task 17: does a shape lie on a side of another, where each is placed by a third?"""
    first, middle, last = rng.sample(SHAPES, 3)
    at = {middle: (0, 0)}
    items: list[Item] = []
    line = {}
    one = rng.choice(list(PLACED))
    at[first] = PLACED[one]
    two = language.other(rng, list(PLACED), one)  # on the same side it would stay open
    at[last] = PLACED[two]
    for end, how in rng.sample(((first, one), (last, two)), 2):
        x, y = PLACED[how]
        back = next(name for name, step in PLACED.items() if step == (-x, -y))
        said = (end, how, middle) if rng.random() < 0.5 else (middle, back, end)
        items.append("The {} is {} the {}.".format(*said))
        line[end] = len(items)
    for _ in range(8):
        a, b = rng.sample((first, last), 2)
        across, up = at[a][0] - at[b][0], at[a][1] - at[b][1]
        how = rng.choice([name for name, (x, y) in PLACED.items() if across * x + up * y])
        yes = across * PLACED[how][0] + up * PLACED[how][1] > 0
        items.append((f"Is the {a} {how} the {b}?", "yes" if yes else "no", (line[a], line[b])))
    return items


def sizes(rng: random.Random) -> list[Item]:
    """Task 18: is a thing bigger than another, does it fit in it, where a third lies between them?"""
    order = [*SMALL, *rng.sample(LARGE, len(LARGE))]
    items: list[Item] = []
    facts: dict[tuple[str, str], int] = {}
    chains: list[tuple[str, str, str]] = []
    for _ in range(rng.choice((1, 1, 1, 2))):
        while not chains or not facts:
            _compare(rng, order, items, facts)
            chains = [
                (small, between, big) for small, between in facts for other, big in facts if between == other
            ]
        for _ in range(5):
            small, between, big = rng.choice(chains)
            first, second = (small, big) if rng.random() < 0.5 else (big, small)
            lines = (facts[small, between], facts[between, big])
            if rng.random() < 0.5:
                asked, yes = f"Is the {first} bigger than the {second}?", first == big
            else:
                asked, yes = f"Does the {first} fit in the {second}?", first == small
            items.append((asked, "yes" if yes else "no", lines if first == small else lines[::-1]))
        chains = []
    return items


def _compare(
    rng: random.Random, order: list[str], items: list[Item], facts: dict[tuple[str, str], int]
) -> None:
    for _ in range(5):
        small, big = (order[place] for place in sorted(rng.sample(range(len(order)), 2)))
        if rng.random() < 0.5:
            items.append(f"The {small} fits inside the {big}.")
        else:
            items.append(f"The {big} is bigger than the {small}.")
        facts.setdefault((small, big), len(items))


def paths(rng: random.Random) -> list[Item]:
    """Task 19: how does one go from a place to another, two steps away?"""
    places = rng.sample(ROOMS, len(ROOMS))
    while True:
        at = {places[0]: (0, 0)}
        edges: list[tuple[str, str, str]] = []  # from, side, to
        for place in places[1:]:
            start, side = rng.choice(list(at)), rng.choice(list(SIDES))
            cell = at[start][0] + SIDES[side][0], at[start][1] + SIDES[side][1]
            while cell in at.values():
                start, side = rng.choice(list(at)), rng.choice(list(SIDES))
                cell = at[start][0] + SIDES[side][0], at[start][1] + SIDES[side][1]
            at[place] = cell
            edges.append((start, side, place))
        rng.shuffle(edges)
        steps: dict[str, list[tuple[str, str, int]]] = {place: [] for place in places}
        items: list[Item] = []
        for number, (start, side, end) in enumerate(edges, 1):
            steps[start].append((end, side[0], number))
            steps[end].append((start, BACK[side][0], number))
            said = (end, side, start) if rng.random() < 0.5 else (start, BACK[side], end)
            items.append("The {} is {} of the {}.".format(*said))
        ways = [
            (a, c, f"{one},{two}", (first, second))
            for a in places
            for b, one, first in steps[a]
            for c, two, second in steps[b]
            if c != a
        ]
        start, goal, answer, supporting = rng.choice(ways)
        return [*items, (f"How do you go from the {start} to the {goal}?", answer, supporting)]
