"""From a chapter's outputs to its evidence: the values that its claims measured, written by a program."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unrolled.base import paths
from unrolled.base.errors import UnrolledError
from unrolled.execution.mime import CLAIM, VALUE
from unrolled.execution.notebooks import outputs_of


def command(slug: str) -> str:
    """The command that repeats a chapter's evidence."""
    return f"unrolled run {slug}"


def commit() -> str | None:
    """The commit of the checkout, marked where the sources differ from it; None outside of git."""
    root = paths.project()

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        found = git("rev-parse", "HEAD")
        return found + ("+changes" if git("status", "--porcelain", "--", "src") else "") if found else None
    except OSError:
        return None


def processor() -> str:
    """The processor's name, as far as the system tells it."""
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return f"CPU, 1 thread ({line.partition(':')[2].strip()})"
    return f"CPU, 1 thread ({platform.machine()})"


def write_evidence(
    slug: str, executed: Mapping[str, Any], record: Mapping[str, Any], previous: Mapping[str, Any]
) -> Path:
    """Merge what an executed chapter measured into ``bib/evidence/<slug>.json``.

    The chapter's earlier measurements, values and cost are replaced; what came from training runs stays.

    Raises:
        UnrolledError: if a claim was measured twice, or the file that is there is not valid.
    """
    from unrolled.library.evidence import load, save
    from unrolled.library.models import Cost, Evidence, Measurement

    old = load(slug) or Evidence(slug=slug)
    device, taken = processor(), record["executed"]
    common = {
        "profile": "book",
        "device": device,
        "seconds": record["seconds"],
        "peak_memory_mb": record["peak_memory_mb"],
        "versions": record["versions"],
        "commit": commit(),
        "command": command(slug),
        "key": record["key"],
        "collected": taken,
    }
    measured: dict[str, Measurement] = {}
    for claim in outputs_of(executed, CLAIM):
        if claim["claim"] in measured:
            raise UnrolledError(
                f"claim {claim['claim']} is measured twice", file=paths.notebooks() / f"{slug}.ipynb"
            )
        fields = {name: claim[name] for name in ("claim", "value", "spread", "per_seed", "n", "unit")}
        measured[claim["claim"]] = Measurement(**fields, **common)
    values = {item["name"]: item["value"] for item in outputs_of(executed, VALUE)}
    former = {item["name"] for item in outputs_of(previous, VALUE)}
    kept = [
        m
        for m in old.measurements
        if m.claim not in measured and not (m.profile == "book" and m.command == command(slug))
    ]
    cost = Cost(
        profile="book",
        seconds=record["seconds"],
        peak_memory_mb=record["peak_memory_mb"],
        device=device,
        executed=taken,
    )
    return save(
        old.model_copy(
            update={
                "measurements": (*kept, *measured.values()),
                "costs": (*(item for item in old.costs if item.profile != "book"), cost),
                "values": {name: x for name, x in old.values.items() if name not in former} | values,
            }
        )
    )
