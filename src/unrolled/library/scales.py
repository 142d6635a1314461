"""The scale of runs, computed: the entry's ``paper`` block against the configurations that ran."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import JsonValue

from unrolled.base.errors import UnrolledError
from unrolled.library.measurements import Run
from unrolled.library.statements import Scale, Setting

STAND_IN, SMALLER, SHORTER = "public stand-in", "smaller sizes", "shorter schedule"


def scale_of(setting: Setting, runs: Iterable[tuple[Run, bool]]) -> tuple[Scale, tuple[str, ...]]:
    """The scale of runs, the least of them, and by what it is reduced.

    A *toy* has data that are neither the paper's nor a stand-in. Of deterministic runs, which train nothing,
    only the data count.

    Args:
        runs: each with whether it is deterministic.

    Raises:
        UnrolledError: if the setting names a field that a run's configuration does not have.
    """
    reduced: set[str] = set()
    for run, deterministic in runs:
        for field, wanted in setting.data.items():
            value = _field(setting, run, field)
            if not _among(value, wanted):
                if not _among(value, setting.stand_ins.get(field, [])):
                    return Scale.TOY, (f"{field} is {value!r}",)
                reduced.add(STAND_IN)
        if deterministic:
            continue
        if any(not _reaches(_field(setting, run, field), wanted) for field, wanted in setting.sizes.items()):
            reduced.add(SMALLER)
        short = any(_field(setting, run, field) < wanted for field, wanted in setting.schedule.items())
        if short or not run.complete:
            reduced.add(SHORTER)
    return (Scale.REDUCED, tuple(sorted(reduced))) if reduced else (Scale.PAPER, ())


def _field(setting: Setting, run: Run, name: str) -> JsonValue:
    if name not in run.config:
        raise UnrolledError(
            f"setting {setting.name} names {name!r}, which the configuration of {run.name} does not have",
            hint="fields: " + ", ".join(run.config),
        )
    return run.config[name]


def _among(value: JsonValue, wanted: JsonValue) -> bool:
    return value in wanted if isinstance(wanted, list) else value == wanted


def _reaches(value: JsonValue, wanted: JsonValue) -> bool:
    numbers = (value, wanted)
    if all(isinstance(x, int | float) and not isinstance(x, bool) for x in numbers):
        return value >= wanted
    return value == wanted
