"""What a chapter's cells call: show the code, run experiments, and leave stable outputs and values."""

from __future__ import annotations

import math
import os
import random
from collections.abc import Iterable, Iterator, Mapping
from numbers import Integral
from typing import TYPE_CHECKING, Any, TypeVar

from unrolled.base.allocator import keep_freed_memory
from unrolled.base.errors import UsageError, unknown
from unrolled.execution.figures import raised
from unrolled.execution.sources import Shown
from unrolled.library.chapters import CHECK, VALUE

if TYPE_CHECKING:
    from unrolled.library.models import Entry

PROFILES = ("smoke", "book", "paper")

SMOKE_UPDATES = 6
"""How many updates a chapter trains in the smoke profile."""

ROUNDING = 1e-5
"""What a check bounds by this much or less is an error of rounding."""

Item = TypeVar("Item")


class Chapter:
    """The notebook's end of the chain from paper to evidence.

    Making one prepares the process: one thread (or ``UNROLLED_THREADS``), seeded generators, deterministic
    algorithms where torch has them, and the figure style.

    Args:
        slug: the entry's.
        profile: ``smoke``, ``book`` or ``paper``.
        seed: for torch, numpy and ``random``.
        device: ``cpu``, ``cuda`` or ``cuda:0``.

    Raises:
        UsageError: if the entry or the profile is unknown, or the device is not there.
    """

    def __init__(self, slug: str, profile: str = "book", seed: int = 0, device: str = "cpu") -> None:
        if profile not in PROFILES:
            raise unknown("profile", profile, PROFILES, listing=f"profiles: {', '.join(PROFILES)}")
        self.slug, self.profile, self.seed, self.device = slug, profile, seed, device
        self.entry = _entry(slug)
        self.quiet = bool(os.environ.get("UNROLLED_QUIET"))
        _prepare(seed, device)

        from unrolled.execution import figures

        figures.use()

    def __repr__(self) -> str:
        return f"Chapter({self.slug!r}, profile={self.profile!r}, seed={self.seed}, device={self.device!r})"

    def show(self, *symbols: Any, docstring: bool = True) -> Shown:
        """The source of functions or classes, as they ran, in narrow lines; to be all that its cell holds, so
        that the page shows it beside the equation before it."""
        return Shown(symbols, docstring=docstring)

    def value(self, name: str, number: float, *, unit: str = "", digits: int = 3) -> None:
        """Record a number that prose may cite by ``{value}`slug:name```, and print it; an ``int`` is a count.

        Raises:
            UsageError: if it is not finite.
        """
        number = int(number) if isinstance(number, Integral) else float(number)
        if not math.isfinite(number):
            raise UsageError(f"value {name} is {number}")
        _emit(
            f"{name}: {rounded(number, digits)}{' ' + unit if unit else ''}",
            VALUE,
            {"name": name, "value": float(number)},
        )

    def train(self, preset: str = "live", seed: int | None = None) -> Any:
        """The finished run of one of the paper's presets: trained now, or taken from the run store.

        In the ``smoke`` profile a few updates of it.

        Raises:
            UsageError: if there is no such preset.
        """
        from dataclasses import replace

        from unrolled.training.experiment import experiment
        from unrolled.training.fit import fit
        from unrolled.training.presets import preset as named
        from unrolled.training.store import RunStore

        kind = experiment(self.slug)
        config = named(kind, preset).config
        if self.profile == "smoke":
            few = min(config.updates, SMOKE_UPDATES)
            config = replace(config, updates=few, warmup=min(config.warmup, few), evaluate_every=few)
        return fit(
            kind(config, self.seed if seed is None else seed),
            preset,
            device=self.device,
            store=RunStore(),
            progress=not self.quiet,
            command=f"unrolled run {self.slug} --profile {self.profile}",
        )

    def progress(self, items: Iterable[Item], label: str) -> Iterator[Item]:
        """Go through ``items``; a bar while somebody watches, and one line of what happened in the end."""
        items = list(items)
        if self.quiet:
            yield from items
        else:
            from tqdm.auto import tqdm

            yield from tqdm(items, desc=label, leave=False)
        print(f"{label}: {len(items)} done")

    def check(
        self,
        says: str,
        condition: object,
        hint: str = "",
        *,
        at_most: float | None = None,
        at_least: float | None = None,
        digits: int = 2,
    ) -> None:
        """Verify a sentence, or tell a reader whether an exercise is solved; never raises.

        With ``at_most`` or ``at_least``, ``condition`` is the number that is bounded, and both are shown.
        What is bounded by `ROUNDING` or less is shown as 0, since rounding differs between machines.

        >>> Chapter.check(None, "Exercise 1", 1 + 1 == 3, "add once more")
        ✗ Exercise 1: add once more
        >>> Chapter.check(None, "The weights sum to one", abs(0.1 + 0.2 - 0.3), at_most=1e-12)
        ✓ The weights sum to one: ≈ 0, at most 10⁻¹²
        """
        value = bound = ""
        holds = bool(condition)
        if at_most is not None or at_least is not None:
            number = float(getattr(condition, "detach", lambda: condition)())
            limits = {"at least": at_least, "at most": at_most}
            bound = ", ".join(f"{w} {raised(f'{x:g}')}" for w, x in limits.items() if x is not None)
            holds = (at_least is None or number >= at_least) and (at_most is None or number <= at_most)
            exact = holds and at_least is None and at_most <= ROUNDING
            value = "≈ 0" if exact else raised(rounded(number, digits))
        told = ", ".join(part for part in (value, bound, "" if holds else hint) if part)
        data = {"says": says, "holds": holds, "value": value, "bound": bound, "hint": "" if holds else hint}
        _emit(f"{'✓' if holds else '✗'} {says}{': ' if told else ''}{told}", CHECK, data)


def rounded(number: float, digits: int) -> str:
    """A number with that many significant digits. An ``int`` is a count and stays as it is; a float that
    happens to be whole prints as the floats beside it do, since another machine may land on one of these.

    >>> rounded(0.60574, 3), rounded(5, 3), rounded(5.0, 3), rounded(0.0, 3)
    ('0.606', '5', '5.00', '0.0')
    >>> rounded(9.996, 2), rounded(1234.5, 2), rounded(3.2e-31, 2)
    ('10', '1200', '3.2e-31')
    """
    if isinstance(number, Integral):
        return str(int(number))
    if not math.isfinite(number):
        return str(number)
    if number == 0:
        return "0.0"
    scientific = f"{number:.{digits - 1}e}"
    exponent = int(scientific.partition("e")[2])  # of the rounded number: 9.996 counts as 10
    if not -4 <= exponent < 6:
        return scientific
    decimals = digits - 1 - exponent
    return f"{round(number, decimals):.{max(decimals, 0)}f}"


def _emit(line: str, mime: str, data: Mapping[str, Any]) -> None:
    """Print a line; in a notebook, with machine-readable data beside it."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        print(line)
        return
    if get_ipython() is None:
        print(line)
    else:
        display({"text/plain": line, mime: dict(data)}, raw=True)


def _entry(slug: str) -> Entry:
    from unrolled.library.entries import load_entry

    return load_entry(slug)


def _prepare(seed: int, device: str) -> None:
    import numpy
    import torch

    if device.startswith("cuda"):
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what deterministic cuBLAS asks for
        if not torch.cuda.is_available():
            raise UsageError(f"no GPU here for device {device!r}", hint="set device = 'cpu'")
    elif device != "cpu":
        raise unknown("device", device, ["cpu", "cuda"], listing="devices: cpu, cuda")
    keep_freed_memory()
    torch.set_num_threads(int(os.environ.get("UNROLLED_THREADS") or 1))
    torch.set_deterministic_debug_mode("warn")  # the longer name for it imports the compiler: three seconds
    torch.utils.deterministic.fill_uninitialized_memory = False  # it costs time and hides nothing here
    torch.manual_seed(seed)
    numpy.random.seed(seed % 2**32)
    random.seed(seed)
