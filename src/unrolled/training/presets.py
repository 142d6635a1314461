"""Presets: the named runs of a paper, as data in the ``runs.toml`` beside its ``experiment.py``.

    [copy]
    about = "copies of up to 20 vectors, as in Figure 3"
    updates = 6000
    …
    [copy_lstm]
    from = "copy"
    model = "lstm"
    ["task_{task}"]
    from = "joint"
    each = { task = [1, 2, 3] }

A table's values are fields of the paper's ``Config``. ``from`` takes over the values of another table,
``each`` makes one preset for every value of one field, and ``about`` says what the run is for. The file
enters no key: a run's key covers the values themselves.
"""

from __future__ import annotations

import inspect
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unrolled.base.errors import UnrolledError, UsageError, unknown
from unrolled.training.experiment import Experiment, TrainingConfig

WORDS = ("from", "each", "about")
"""Keys of a table that are no fields of the configuration."""


@dataclass(frozen=True)
class Preset:
    """A named run."""

    name: str
    config: TrainingConfig
    about: str = ""


def presets(kind: type[Experiment]) -> dict[str, Preset]:
    """Every preset of a paper, by name, in the order of the file.

    Raises:
        UnrolledError: if the file is missing or a table has a fault; it names file and preset.
    """
    path = Path(inspect.getfile(kind)).with_name("runs.toml")
    found: dict[str, Preset] = {}
    for name, values in tables(path).items():
        about = str(values.pop("about", ""))
        try:
            found[name] = Preset(name, kind.Config.of(values), about)
        except UsageError as error:
            raise UnrolledError(f"[{name}] {error.problem}", file=path, hint=error.hint) from None
    return found


def tables(path: Path) -> dict[str, dict[str, Any]]:
    """The plain values of every preset of a file, with what it inherits.

    Raises:
        UnrolledError: if the file is missing or no TOML, or a table inherits from none.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UnrolledError("is missing: it holds the paper's presets", file=path) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnrolledError(f"not TOML: {error}", file=path) from error
    found = {}
    for title in given:
        values = _inherited(given, title, path, ())
        each = values.pop("each", {})
        for name, chosen in _expanded(title, each):
            found[name] = values | chosen
    return found


def _inherited(given: dict[str, Any], title: str, path: Path, seen: tuple[str, ...]) -> dict[str, Any]:
    if title not in given or title in seen:
        raise UnrolledError(f"[{seen[-1]}] from = {title!r}: no such table before it", file=path)
    own = dict(given[title])
    parent = own.pop("from", None)
    if parent is None:
        return own
    base = _inherited(given, parent, path, (*seen, title))
    for word in ("about", "each"):
        base.pop(word, None)
    return base | own


def _expanded(title: str, each: dict[str, list]) -> list[tuple[str, dict[str, Any]]]:
    if not each:
        return [(title, {})]
    ((field, values),) = each.items()
    return [(title.format(**{field: value}), {field: value}) for value in values]


def preset(kind: type[Experiment], name: str) -> Preset:
    """One preset of a paper.

    Raises:
        UsageError: if there is none of that name.
    """
    known = presets(kind)
    if name not in known:
        raise unknown("preset", name, known, listing=f"presets of {kind.slug}: {', '.join(known)}")
    return known[name]
