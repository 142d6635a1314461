"""What a chapter's cells call: show the code, run experiments, judge claims, and leave stable outputs."""

from __future__ import annotations

import math
import os
import random
import statistics
from collections.abc import Iterable, Iterator, Mapping
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from unrolled.base.allocator import keep_freed_memory
from unrolled.base.errors import UnrolledError, UsageError, unknown
from unrolled.execution.mime import CLAIM, VALUE
from unrolled.execution.sources import Shown

if TYPE_CHECKING:
    from unrolled.library.models import Claim, Entry

PROFILES = ("smoke", "book", "paper")

Reduce = Literal["mean", "median", "min", "max", "wins"]
Item = TypeVar("Item")


class ClaimFailed(UnrolledError):
    """A claim that does not hold by its rule."""


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
        """The source of functions or classes, as they ran; to be the last expression of its cell."""
        return Shown(symbols, docstring=docstring)

    def claim(
        self,
        identifier: str,
        *,
        value: float | None = None,
        per_seed: Mapping[int, float] | None = None,
        reduce: Reduce | None = None,
        digits: int = 3,
    ) -> None:
        """Judge a measured claim by the entry's rule, print one line, and leave the numbers for the evidence.

        Over seeds the values are reduced: by ``reduce``, else by the claim's own measure; else they are
        counted where they are positive, if the claim's unit is "seeds", and averaged otherwise. ``digits``
        is the number of significant digits that are printed: as many as are the same on every machine, and
        0 for none.

        Raises:
            UsageError: if the entry has no such claim, or there is no value.
            ClaimFailed: if the rule does not hold, except in profile ``smoke``.
        """
        from unrolled.library.claims import holds

        claim = self._claim(identifier)
        if (value is None) == (per_seed is None) or (per_seed is not None and not per_seed):
            raise UsageError(f"claim {identifier} needs value= or a per_seed= that is not empty")
        seeds = {} if per_seed is None else {str(seed): float(x) for seed, x in per_seed.items()}
        how = reduce or (
            claim.measure.reduce if claim.measure else "wins" if claim.unit == "seeds" else "mean"
        )
        measured = reduced(seeds.values(), how) if seeds else _number(value)
        verdict = holds(claim.rule, measured, claim.paper_value)
        line = f"claim {identifier}: {_measured(claim, measured, seeds, how, digits)}; needs {needs(claim)}: "
        line += "holds" if verdict else "fails"
        data = {
            "claim": identifier,
            "value": float(measured),
            "spread": statistics.stdev(seeds.values()) if len(seeds) > 1 and how != "wins" else None,
            "per_seed": seeds,
            "n": len(seeds) or 1,
            "unit": claim.unit,
            "holds": verdict,
            "profile": self.profile,
        }
        _emit(line, CLAIM if _finite(data) else None, data)
        if not verdict and self.profile != "smoke":
            raise ClaimFailed(line)

    def value(self, name: str, number: float, *, unit: str = "", digits: int = 3) -> None:
        """Record a number that prose may cite by ``{claim}`slug:name```, and print it; an ``int`` is a count.

        Raises:
            UsageError: if it is not finite.
        """
        number = _number(number)
        if not math.isfinite(number):
            raise UsageError(f"value {name} is {number}")
        _emit(
            f"{name}: {rounded(number, digits)}{' ' + unit if unit else ''}",
            VALUE,
            {"name": name, "value": float(number)},
        )

    def run(self, experiment: Any, variant: str, seed: int | None = None, **options: Any) -> Any:
        """The finished run of one variant of an experiment: trained now, or taken from the run store.

        Raises:
            UsageError: if the experiment has no such variant in this profile.
        """
        variants = experiment.variants(self.profile)
        if variant not in variants:
            raise unknown("variant", variant, variants, listing=f"variants: {', '.join(variants)}")

        from unrolled.training.fit import fit
        from unrolled.training.store import RunStore

        return fit(
            experiment,
            variants[variant],
            seed=self.seed if seed is None else seed,
            profile=self.profile,
            device=self.device,
            store=RunStore(),
            variant=variant,
            progress=not self.quiet,
            command=f"unrolled run {self.slug} --profile {self.profile}",
            **options,
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

    def check(self, name: str, condition: object, hint: str = "") -> bool:
        """Tell a reader whether an exercise is solved; never raises.

        >>> Chapter.check(None, "Exercise 1", 1 + 1 == 3, "add once more")
        Exercise 1: not yet; add once more
        False
        """
        solved = bool(condition)
        print(f"{name}: " + ("correct" if solved else f"not yet{'; ' + hint if hint else ''}"))
        return solved

    def _claim(self, identifier: str) -> Claim:
        found = self.entry.claim(identifier)
        if found is None:
            raise unknown(f"claim of {self.slug}", identifier, [claim.id for claim in self.entry.claims])
        return found


def reduced(values: Iterable[float], how: Reduce) -> float:
    """One number over seeds; ``wins`` counts the positive ones.

    >>> reduced([0.1, -0.2, 0.3], "wins")
    2.0
    """
    values = list(values)
    if any(math.isnan(x) for x in values):
        return math.nan
    if how == "wins":
        return float(sum(x > 0 for x in values))
    functions = {"mean": statistics.fmean, "median": statistics.median, "min": min, "max": max}
    return float(functions[how](values))


def _number(value: Any) -> float:
    return int(value) if isinstance(value, Integral) else float(value)


def needs(claim: Claim) -> str:
    """The rule in words, as the claim's line prints it."""
    rule = claim.rule
    if rule.comparator == "within":
        return f"{claim.paper_value:g} ± {rule.tolerance:g}"
    if rule.comparator == "between":
        return f"{rule.bound:g} to {rule.upper:g}"
    return f"{rule.comparator} {rule.bound:g}"


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


def _measured(claim: Claim, value: float, seeds: Mapping[str, float], how: str, digits: int) -> str:
    if how == "wins" and seeds:
        return f"{value:.0f} of {len(seeds)} seeds"
    words = [rounded(value, digits)] if digits else ["measured"]
    if claim.unit:
        words.append(claim.unit)
    if len(seeds) > 1:
        words.append(f"({how} of {len(seeds)} seeds)")
    return " ".join(words)


def _finite(data: Mapping[str, Any]) -> bool:
    return all(math.isfinite(x) for x in (data["value"], data["spread"] or 0.0, *data["per_seed"].values()))


def _emit(line: str, mime: str | None, data: Mapping[str, Any]) -> None:
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
        display({"text/plain": line} | ({mime: dict(data)} if mime else {}), raw=True)


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
