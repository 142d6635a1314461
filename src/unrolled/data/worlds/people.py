"""Stories of people who move and carry things: tasks 1 to 3, 5 to 14 and 20."""

from __future__ import annotations

import random
from collections.abc import Callable

from unrolled.data.worlds import language
from unrolled.data.worlds.language import PEOPLE, ROOMS, THINGS, TIMES, TOWN, TOWNSPEOPLE
from unrolled.data.worlds.scene import Item, Scene, Step

QUESTIONS = 5
"""Questions of a story."""

Asked = tuple[str, str, tuple[int, ...]]


def _asked_every_two(scene: Scene, act: Callable[[], None], ask: Callable[[], Asked | None]) -> list[Item]:
    asked = 0
    while asked < QUESTIONS:
        act()
        act()
        if question := ask():
            text, answer, supporting = question
            scene.ask(text, answer, *supporting)
            asked += 1
    return scene.items


def one_fact(rng: random.Random) -> list[Item]:
    """Task 1: where is a person?"""
    scene = Scene(rng, PEOPLE)

    def ask() -> Asked:
        person = rng.choice([who for who in PEOPLE if scene.steps[who]])
        line, place = scene.steps[person][-1]
        return f"Where is {person}?", place, (line,)

    return _asked_every_two(scene, lambda: scene.walk(rng.choice(PEOPLE)), ask)


def _way(scene: Scene, thing: str) -> tuple[int, list[Step], list[Step]] | None:
    """The last told change of a thing, and the moves of who had it: all up to now or to its drop, and those
    of them with the thing in hand."""
    if not scene.changes[thing]:
        return None
    line, person, gone = scene.changes[thing][-1]
    if not gone:
        steps = scene.steps[person]
        return line, steps, [step for step in steps if step.line > line]
    since = max((c.line for c in scene.changes[thing] if c.person == person and not c.gone), default=0)
    steps = [step for step in scene.steps[person] if step.line < line]
    return line, steps, [step for step in steps if step.line > since]


def two_facts(rng: random.Random) -> list[Item]:
    """Task 2: where is a thing?"""
    scene = Scene(rng, PEOPLE)

    def ask() -> Asked | None:
        ways = {thing: way for thing in THINGS if (way := _way(scene, thing)) and way[1]}
        if not ways:
            return None
        thing = rng.choice(list(ways))
        line, steps, _ = ways[thing]
        return f"Where is the {thing}?", steps[-1].place, (line, steps[-1].line)

    return _asked_every_two(scene, lambda: scene.act(0.5), ask)


def three_facts(rng: random.Random) -> list[Item]:
    """Task 3: where was a thing before the place where it is?"""
    scene = Scene(rng, PEOPLE, there=0.2)

    def ask() -> Asked | None:
        ways = {thing: way for thing in THINGS if (way := _way(scene, thing)) and len(way[2]) > 1}
        if not ways:
            return None
        thing = rng.choice(list(ways))
        line, _, carried = ways[thing]
        before, now = carried[-2:]
        text = f"Where was the {thing} before the {now.place}?"
        return text, before.place, (line, now.line, before.line)

    return _asked_every_two(scene, lambda: scene.act(0.5), ask)


def gifts(rng: random.Random) -> list[Item]:
    """Task 5: who gave what to whom?"""
    scene = Scene(rng, language.GIVERS, giving=True)

    def ask() -> Asked | None:
        if not scene.gifts:
            return None
        line, giver, thing, receiver = rng.choice(scene.gifts[-3:])
        asks = [
            (f"What did {giver} give to {receiver}?", thing, {"giver": giver, "receiver": receiver}),
            (f"Who gave the {thing} to {receiver}?", giver, {"thing": thing, "receiver": receiver}),
            (f"Who did {giver} give the {thing} to?", receiver, {"giver": giver, "thing": thing}),
            (f"Who gave the {thing}?", giver, {"thing": thing}),
            (f"Who received the {thing}?", receiver, {"thing": thing}),
        ]
        text, answer, said = rng.choice(asks)
        alike = [g.line for g in scene.gifts if all(getattr(g, name) == said[name] for name in said)]
        return (text, answer, (line,)) if alike[-1] == line else None

    return _asked_every_two(scene, lambda: scene.act(0.7), ask)


def yes_or_no(rng: random.Random) -> list[Item]:
    """Task 6: is a person in a place?"""
    scene = Scene(rng, PEOPLE)

    def ask() -> Asked | None:
        told = [who for who in PEOPLE if scene.steps[who]]
        if not told:
            return None
        person = rng.choice(told)
        line, place = scene.steps[person][-1]
        asked = place if rng.random() < 0.5 else language.other(rng, ROOMS, place)
        return f"Is {person} in the {asked}?", "yes" if asked == place else "no", (line,)

    return _asked_every_two(scene, lambda: scene.act(0.3), ask)


def _hands(rng: random.Random, scene: Scene) -> tuple[str, list[str], tuple[int, ...]] | None:
    """A person who had something in hand, what is there now, and every line that says so, thing by thing."""
    touched = {
        person: sorted((lines for thing in THINGS if (lines := scene.touched(person, thing))), key=min)
        for person in scene.people
    }
    known = [person for person in scene.people if touched[person]]
    if not known:
        return None
    person = rng.choice(known)
    return person, scene.held(person), tuple(line for lines in touched[person] for line in lines)


def counting(rng: random.Random) -> list[Item]:
    """Task 7: how many things has a person?"""
    scene = Scene(rng, PEOPLE, giving=True)

    def ask() -> Asked | None:
        if not (found := _hands(rng, scene)):
            return None
        person, held, lines = found
        number = ("none", "one", "two", "three")[len(held)]
        return f"How many objects is {person} carrying?", number, lines

    return _asked_every_two(scene, lambda: scene.act(0.5), ask)


def lists(rng: random.Random) -> list[Item]:
    """Task 8: what has a person?"""
    scene = Scene(rng, PEOPLE)

    def ask() -> Asked | None:
        if not (found := _hands(rng, scene)):
            return None
        person, held, lines = found
        return f"What is {person} carrying?", ",".join(held) or "nothing", lines

    return _asked_every_two(scene, lambda: scene.act(0.5), ask)


def negation(rng: random.Random) -> list[Item]:
    """Task 9: is a person in a place, where some sentences say where a person is not?"""
    scene, known = Scene(rng, PEOPLE), {}

    def act() -> None:
        person, how = rng.choice(PEOPLE), rng.randrange(4)
        place = language.other(rng, ROOMS, known.get(person, (0, None, True))[1])
        if how < 2:
            told = language.moved(rng, person, place) if how else f"{person} is in the {place}"
            known[person] = scene.tell(told + "."), place, True
            return
        if person in known and known[person][2]:
            place = known[person][1]  # who was there has left
        told = rng.choice(("is not in", "is no longer in"))
        known[person] = scene.tell(f"{person} {told} the {place}."), place, False

    def ask() -> Asked:
        person = rng.choice(list(known))
        line, place, there = known[person]
        asked = place if not there or rng.random() < 0.5 else language.other(rng, ROOMS, place)
        return f"Is {person} in the {asked}?", "yes" if there and asked == place else "no", (line,)

    return _asked_every_two(scene, act, ask)


def indefinite(rng: random.Random) -> list[Item]:
    """Task 10: is a person in a place, where some sentences leave it open between two?"""
    scene, known = Scene(rng, TOWNSPEOPLE), {}

    def act() -> None:
        person, (first, second) = rng.choice(TOWNSPEOPLE), rng.sample(TOWN, 2)
        how = rng.randrange(4)
        if how < 2:
            told = language.moved(rng, person, first) if how else f"{person} is in the {first}"
            known[person] = scene.tell(told + "."), (first,)
        elif how == 2:
            told = f"{person} is either in the {first} or the {second}."
            known[person] = scene.tell(told), (first, second)
        else:
            known[person] = scene.tell(f"{person} is in the {first}."), (first,)

    def ask() -> Asked:
        person = rng.choice(list(known))
        line, places = known[person]
        asked = rng.choice(places) if rng.random() < 0.5 else language.other(rng, TOWN, *places)
        answer = "no" if asked not in places else "yes" if len(places) == 1 else "maybe"
        return f"Is {person} in the {asked}?", answer, (line,)

    return _asked_every_two(scene, act, ask)


def _followed(rng: random.Random, *, together: bool, again: bool) -> list[Item]:
    """Moves of one person or two, and (``again``) each followed by one that names them by a pronoun."""
    scene, known = Scene(rng, PEOPLE), {}
    group: list[str] = []
    place = None

    def act() -> None:
        nonlocal group, place
        pronoun_follows = again and len(group) > 0
        if pronoun_follows:
            who = "they" if together else language.PRONOUNS[group[0]]
            place = language.other(rng, ROOMS, place)
            line = scene.tell(f"{rng.choice(language.LATER)} {language.moved(rng, who, place)}.")
            for person in group:
                known[person] = place, (*known[person][1], line)
            group = []
            return
        group = rng.sample(PEOPLE, 2 if together else 1)
        place = language.other(rng, ROOMS, *(known.get(person, (None,))[0] for person in group))
        line = scene.tell(language.moved(rng, " and ".join(group), place) + ".")
        for person in group:
            known[person] = place, (line,)
        if not again:
            group = []

    def ask() -> Asked:
        person = rng.choice(list(known))
        where, lines = known[person]
        return f"Where is {person}?", where, lines

    return _asked_every_two(scene, act, ask)


def pronouns(rng: random.Random) -> list[Item]:
    """Task 11: where is a person, whose second move names him or her by a pronoun?"""
    return _followed(rng, together=False, again=True)


def conjunctions(rng: random.Random) -> list[Item]:
    """Task 12: where is a person, where two move together?"""
    return _followed(rng, together=True, again=False)


def plural_pronouns(rng: random.Random) -> list[Item]:
    """Task 13: where is a person, where two move together and then "they" move?"""
    return _followed(rng, together=True, again=True)


def times(rng: random.Random) -> list[Item]:
    """Task 14: where was a person before a place, where sentences name the time and come in any order?"""
    scene = Scene(rng, TOWNSPEOPLE)
    days: dict[str, list[str]] = {}
    for person in TOWNSPEOPLE:
        places: list[str] = []
        for _ in TIMES:
            places.append(language.other(rng, TOWN, places[-1] if places else None))
        days[person] = places
    told: dict[tuple[str, int], int] = {}

    def act() -> None:
        left = [(who, time) for who in TOWNSPEOPLE for time in range(4) if (who, time) not in told]
        early = [one for one in left if one[1] < 2] if rng.random() < 0.7 else left
        if not left:
            return
        person, time = rng.choice(early or left)
        move = language.moved(rng, person, days[person][time])
        first = TIMES[time].capitalize()
        sentence = f"{move} {TIMES[time]}." if rng.random() < 0.5 else f"{first} {move}."
        told[person, time] = scene.tell(sentence)

    def ask() -> Asked | None:
        found = []
        for person, time in told:
            later = [days[person][t] for t in range(time + 1, 4) if (person, t) in told]
            if time and (person, time - 1) in told and days[person][time] not in later:
                found.append((person, time))
        if not found:
            return None
        person, time = rng.choice(found)
        text = f"Where was {person} before the {days[person][time]}?"
        return text, days[person][time - 1], (told[person, time], told[person, time - 1])

    return _asked_every_two(scene, act, ask)


DRIVES = {
    "tired": ("bedroom", "pajamas"),
    "bored": ("garden", "football"),
    "hungry": ("kitchen", "apple"),
    "thirsty": ("kitchen", "milk"),
}


def motives(rng: random.Random) -> list[Item]:
    """Task 20: where will a person go, and why?"""
    people = ("Antoine", "Jason", "Sumit", "Yann")
    scene = Scene(rng, people)
    drives = {person: rng.choice(list(DRIVES)) for person in people}
    stages, lines = dict.fromkeys(people, 0), {}
    while min(stages.values()) < 2:
        person = rng.choice([who for who in people if stages[who] < 3])
        drive, name = drives[person], person.lower()
        place, thing = DRIVES[drive]
        if stages[person] == 0:
            lines[person] = scene.tell(f"{person} is {drive}.")
            scene.ask(f"Where will {name} go?", place, lines[person])
        elif stages[person] == 1:
            scene.tell(language.moved(rng, person, place) + ".")
            scene.ask(f"Why did {name} go to the {place}?", drive, lines[person])
        else:
            scene.tell(language.took(rng, person, thing))
            scene.ask(f"Why did {name} get the {thing}?", drive, lines[person])
        stages[person] += 1
    return scene.items
