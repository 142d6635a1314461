"""A symbolic solver of bAbI: it reads a story's sentences into a state of the world and answers from that.

It shares no code with the simulator beside it, and sees nothing but text. So where the two agree, the answer
follows from the story.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from unrolled.base.errors import UnrolledError

Answer = Callable[[list[str], re.Match], str]

MOVE = re.compile(
    r"(?:(after that|afterwards|following that|then|yesterday|this morning|this afternoon|this evening) )?"
    r"(\w+)(?: and (\w+))? (?:went back|went|moved|journeyed|travelled) to the (\w+)"
    r"(?: (yesterday|this morning|this afternoon|this evening))?"
)
STATE = re.compile(r"(\w+) is (in|not in|no longer in|either in) the (\w+)(?: or the (\w+))?")
GET = re.compile(r"(\w+) (?:got|picked up|took|grabbed) the (\w+)(?: there)?")
DROP = re.compile(r"(\w+) (?:dropped|left|discarded|put down) the (\w+)(?: there)?")
GIVE = re.compile(r"(\w+) (?:gave|handed|passed) the (\w+) to (\w+)")
COMPASS = re.compile(r"the (\w+) is (north|south|east|west) of the (\w+)")
PLACED = re.compile(r"the ([\w ]+) is (above|below|to the left of|to the right of) the ([\w ]+)")
SIZES = re.compile(r"the ([\w ]+?) (fits inside|is bigger than) the ([\w ]+)")
KIND = re.compile(r"(\w+) is an? (\w+)")
AFRAID = re.compile(r"(\w+) are afraid of (\w+)")
QUALITY = re.compile(r"(\w+) is (\w+)")

SINGULAR = {"mice": "mouse", "wolves": "wolf", "cats": "cat", "sheep": "sheep"}
NUMBERS = ("none", "one", "two", "three")
TIMES = ("yesterday", "this morning", "this afternoon", "this evening")
STEPS = {"north": (0, 1), "south": (0, -1), "east": (1, 0), "west": (-1, 0)}
DIRECTIONS = {"above": (0, 1), "below": (0, -1), "to the right of": (1, 0), "to the left of": (-1, 0)}
DRIVES = {"tired": "bedroom", "bored": "garden", "hungry": "kitchen", "thirsty": "kitchen"}


class World:
    """What is known after some sentences of people, things and places.

    Attributes:
        places: for each person the places where they may be; more than one after "either … or".
        excluded: for each person the place where they are said not to be.
        held: for each person the things that ever were in hand, in order, and whether they still are.
        tracks: for each thing the places where it was, in order.
        visits: for each person the places that were named with a time of the day.
        gifts: who gave what to whom.
    """

    def __init__(self, facts: Iterable[str]) -> None:
        self.places: dict[str, tuple[str, ...]] = {}
        self.excluded: dict[str, str] = {}
        self.held: dict[str, dict[str, bool]] = {}
        self.tracks: dict[str, list[str]] = {}
        self.visits: dict[str, dict[str, str]] = {}
        self.gifts: list[tuple[str, str, str]] = []
        self.subject: tuple[str, ...] = ()
        for fact in facts:
            self.read(_plain(fact))

    def read(self, fact: str) -> None:
        """Take in one sentence."""
        if match := MOVE.fullmatch(fact):
            before, first, second, place, after = match.groups()
            if first not in ("he", "she", "they"):
                self.subject = tuple(name for name in (first, second) if name)
            for person in self.subject:
                if (time := after or before) in TIMES:
                    self.visits.setdefault(person, {})[time] = place
                self._enter(person, place)
        elif match := STATE.fullmatch(fact):
            person, how, place, other = match.groups()
            if how in ("not in", "no longer in"):
                self.places.pop(person, None)
                self.excluded[person] = place
            else:
                self._enter(person, place, other)
        elif match := GET.fullmatch(fact):
            self._take(*match.groups())
        elif match := DROP.fullmatch(fact):
            self._lose(*match.groups())
        elif match := GIVE.fullmatch(fact):
            giver, thing, receiver = match.groups()
            self.gifts.append((giver, thing, receiver))
            self._lose(giver, thing)
            self._take(receiver, thing)

    def _enter(self, person: str, *places: str | None) -> None:
        self.places[person] = tuple(place for place in places if place)
        self.excluded.pop(person, None)
        for thing in self.carried(person):
            self._follow(person, thing)

    def carried(self, person: str) -> list[str]:
        """What a person has in hand, in the order in which it first came there."""
        return [thing for thing, there in self.held.get(person, {}).items() if there]

    def _take(self, person: str, thing: str) -> None:
        self.held.setdefault(person, {})[thing] = True
        self._follow(person, thing)

    def _lose(self, person: str, thing: str) -> None:
        self.held.setdefault(person, {})[thing] = False
        self._follow(person, thing)

    def _follow(self, person: str, thing: str) -> None:
        places, track = self.places.get(person, ()), self.tracks.setdefault(thing, [])
        if len(places) == 1 and track[-1:] != [places[0]]:
            track.append(places[0])


def _plain(text: str) -> str:
    return text.strip().rstrip(".?").strip().lower()


def _before(track: list[str], place: str) -> str:
    last = len(track) - 1 - track[::-1].index(place)
    if last == 0:
        raise ValueError("nothing is known of the time before")
    return track[last - 1]


def _where(facts: list[str], match: re.Match) -> str:
    world, (name,) = World(facts), match.groups()
    if name in world.places:
        (place,) = world.places[name]
        return place
    return world.tracks[name][-1]


def _where_before(facts: list[str], match: re.Match) -> str:
    world, (name, place) = World(facts), match.groups()
    if name in world.tracks:
        return _before(world.tracks[name], place)
    visits = world.visits[name]
    return _before([visits[time] for time in TIMES if time in visits], place)


def _is_in(facts: list[str], match: re.Match) -> str:
    world, (person, place) = World(facts), match.groups()
    places = world.places.get(person)
    if places:
        return "no" if place not in places else "yes" if len(places) == 1 else "maybe"
    return "no" if world.excluded.get(person) == place else "maybe"


def _carrying(facts: list[str], match: re.Match) -> str:
    return ",".join(World(facts).carried(match[1])) or "nothing"


def _how_many(facts: list[str], match: re.Match) -> str:
    return NUMBERS[len(World(facts).carried(match[1]))]


def _gift(facts: list[str], match: re.Match) -> str:
    asked = match.groupdict()
    for giver, thing, receiver in reversed(World(facts).gifts):
        gift = {"giver": giver, "thing": thing, "receiver": receiver}
        if all(asked.get(role) in (None, value) for role, value in gift.items()):
            role = _sought(match)
            return gift[role] if role == "thing" else gift[role].capitalize()
    raise ValueError("no such gift")


def _sought(match: re.Match) -> str:
    text = match.string
    if text.startswith("what"):
        return "thing"
    return "receiver" if text.startswith(("who did", "who received")) else "giver"


def _neighbour(facts: list[str], match: re.Match) -> str:
    back, known = {"north": "south", "south": "north", "east": "west", "west": "east"}, {}
    for fact in facts:
        if compass := COMPASS.fullmatch(_plain(fact)):
            first, side, second = compass.groups()
            known[side, second], known[back[side], first] = first, second
    groups = match.groupdict()
    if groups["of"]:
        return known[groups["side"], groups["of"]]
    return known[back[groups["turned"]], groups["place"]]


def _afraid_of(facts: list[str], match: re.Match) -> str:
    kinds, fears = {}, {}
    for fact in map(_plain, facts):
        if found := KIND.fullmatch(fact):
            kinds[found[1]] = found[2]
        elif found := AFRAID.fullmatch(fact):
            fears[SINGULAR[found[1]]] = SINGULAR[found[2]]
    return fears[kinds[match[1]]]


def _colour(facts: list[str], match: re.Match) -> str:
    kinds, colours = {}, {}
    for fact in map(_plain, facts):
        if found := KIND.fullmatch(fact):
            kinds[found[1]] = found[2]
        elif found := QUALITY.fullmatch(fact):
            colours[found[1]] = found[2]
    same = [name for name in kinds if kinds[name] == kinds[match[1]] and name in colours]
    return colours[same[-1]]


def _coordinates(
    facts: list[str], pattern: re.Pattern, steps: dict[str, tuple[int, int]]
) -> dict[str, tuple[int, int]]:
    """Places on a grid, one step apart, as the sentences that match say; the first named lies at (0, 0)."""
    relations = [found.groups() for fact in facts if (found := pattern.fullmatch(_plain(fact)))]
    placed = {relations[0][0]: (0, 0)}
    for _ in relations:
        for first, how, second in relations:
            x, y = steps[how]
            if second in placed and first not in placed:
                placed[first] = placed[second][0] + x, placed[second][1] + y
            elif first in placed and second not in placed:
                placed[second] = placed[first][0] - x, placed[first][1] - y
    return placed


def _is_placed(facts: list[str], match: re.Match) -> str:
    first, how, second = match.groups()
    placed = _coordinates(facts, PLACED, DIRECTIONS)
    x, y = DIRECTIONS[how]
    across, up = (a - b for a, b in zip(placed[first], placed[second], strict=True))
    return "yes" if across * x + up * y > 0 else "no"


def _is_bigger(facts: list[str], match: re.Match) -> str:
    smaller: dict[str, set[str]] = {}
    for fact in facts:
        if found := SIZES.fullmatch(_plain(fact)):
            big, small = (found[1], found[3]) if found[2] == "is bigger than" else (found[3], found[1])
            smaller.setdefault(big, set()).add(small)
    groups = match.groupdict()
    big, small = (groups[name] or groups[f"{name}_too"] for name in ("big", "small"))

    def reaches(start: str, goal: str) -> bool:
        seen, waiting = {start}, [start]
        while waiting:
            for thing in smaller.get(waiting.pop(), set()) - seen:
                seen.add(thing)
                waiting.append(thing)
        return goal in seen

    if not (reaches(big, small) or reaches(small, big)):
        raise ValueError("nothing compares the two")
    return "yes" if reaches(big, small) else "no"


def _path(facts: list[str], match: re.Match) -> str:
    edges: dict[str, dict[str, str]] = {}
    back = {"n": "s", "s": "n", "e": "w", "w": "e"}
    for fact in facts:
        if found := COMPASS.fullmatch(_plain(fact)):
            first, side, second = found[1], found[2][0], found[3]
            edges.setdefault(second, {})[first] = side
            edges.setdefault(first, {})[second] = back[side]
    start, goal = match.groups()
    paths = {start: []}
    waiting = [start]
    while waiting:
        place = waiting.pop(0)
        for other, side in edges.get(place, {}).items():
            if other not in paths:
                paths[other] = [*paths[place], side]
                waiting.append(other)
    return ",".join(paths[goal])


def _drive(facts: list[str], match: re.Match) -> str:
    found = [QUALITY.fullmatch(_plain(fact)) for fact in facts]
    drives = [quality[2] for quality in found if quality and quality[1] == match[1]]
    return DRIVES[drives[-1]] if match.string.startswith("where") else drives[-1]


QUESTIONS: tuple[tuple[str, Answer], ...] = (
    (r"where is (?:the )?(\w+)", _where),
    (r"where was (?:the )?(\w+) before the (\w+)", _where_before),
    (r"is (\w+) in the (\w+)", _is_in),
    (r"what is (\w+) carrying", _carrying),
    (r"how many objects is (\w+) carrying", _how_many),
    (r"who gave the (?P<thing>\w+)(?: to (?P<receiver>\w+))?", _gift),
    (r"who received the (?P<thing>\w+)", _gift),
    (r"who did (?P<giver>\w+) give the (?P<thing>\w+) to", _gift),
    (r"what did (?P<giver>\w+) give to (?P<receiver>\w+)", _gift),
    (r"what is (?:(?P<side>\w+) of the (?P<of>\w+)|the (?P<place>\w+) (?P<turned>\w+) of)", _neighbour),
    (r"what is (\w+) afraid of", _afraid_of),
    (r"what color is (\w+)", _colour),
    (r"is the ([\w ]+) (above|below|to the left of|to the right of) the ([\w ]+)", _is_placed),
    (
        r"(?:is the (?P<big>[\w ]+) bigger than the (?P<small>[\w ]+)"
        r"|does the (?P<small_too>[\w ]+) fit in the (?P<big_too>[\w ]+))",
        _is_bigger,
    ),
    (r"how do you go from the (\w+) to the (\w+)", _path),
    (r"where will (\w+) go", _drive),
    (r"why did (\w+) (?:go to|get) the \w+", _drive),
)
"""What a question looks like, and who answers it."""


def solve(facts: Iterable[str], question: str) -> str:
    """The answer to a question of bAbI, from the sentences before it.

    >>> solve(["Mary went to the garden.", "Mary got the milk there.", "Mary went to the office."],
    ...       "Where was the milk before the office?")
    'garden'

    Raises:
        UnrolledError: if the question is of none of the twenty types, or the sentences do not answer it.
    """
    facts = list(facts)
    for pattern, answer in QUESTIONS:
        if match := re.fullmatch(pattern, _plain(question)):
            try:
                return answer(facts, match)
            except (KeyError, ValueError, IndexError) as error:
                raise UnrolledError(
                    f"the {len(facts)} sentences do not answer {question!r}: {error!r}"
                ) from error
    raise UnrolledError(f"{question!r} is of no type that bAbI has")
