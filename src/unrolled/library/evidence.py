"""Evidence files, ``bib/evidence/<slug>.json``: read, written, and told whether they are stale."""

from __future__ import annotations

import itertools
import json
import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from unrolled.base import keys, paths
from unrolled.base.errors import UnrolledError
from unrolled.base.files import atomic_write
from unrolled.library.claims import judge
from unrolled.library.faults import Fault, Faulty, read_text
from unrolled.library.models import Entry, Evidence, Measurement, Verdict

__all__ = ["judge", "load", "save", "stale_claims", "stale_reason", "verdicts"]


def evidence_file(slug: str) -> Path:
    """Where an entry's evidence lies."""
    return paths.evidence() / f"{slug}.json"


def load(slug: str, path: Path | None = None) -> Evidence | None:
    """An entry's evidence, or None where nothing has been measured.

    Raises:
        Faulty: if the file does not hold evidence, with all its faults.
    """
    path = path or evidence_file(slug)
    if not path.is_file():
        return None
    text, faults = read_text(path)
    if faults:
        raise Faulty(faults)
    try:
        evidence = Evidence.model_validate_json(text)
    except ValidationError as error:
        raise Faulty(_fault(path, text, item) for item in error.errors(include_url=False)) from error
    if evidence.slug != slug:
        problem = f"evidence of {evidence.slug!r} in a file named {path.name}"
        raise Faulty([Fault(path, _line(text, ("slug",)), problem, "collect it again")])
    return evidence


def save(evidence: Evidence, path: Path | None = None) -> Path:
    """Write evidence whole or not at all, in an order that makes small differences."""
    ordered = evidence.model_copy(
        update={
            "measurements": tuple(sorted(evidence.measurements, key=lambda item: item.claim)),
            "fingerprints": tuple(sorted(evidence.fingerprints, key=lambda item: item.run)),
            "costs": tuple(sorted(evidence.costs, key=lambda item: (item.profile, item.device))),
            "values": dict(sorted(evidence.values.items())),
            "curves": dict(sorted(evidence.curves.items())),
            "finals": dict(sorted(evidence.finals.items())),
            "comparisons": tuple(
                sorted(evidence.comparisons, key=lambda item: [system.name for system in item.systems])
            ),
        }
    )
    text = json.dumps(ordered.model_dump(mode="json", exclude_defaults=True), indent=1, ensure_ascii=False)
    # a list of numbers on one line: a curve is one line of a difference, not sixty
    text = re.sub(r"\[\s+((?:-?[\d.eE+-]+,?\s*)+)\]", lambda match: f"[{' '.join(match[1].split())}]", text)
    return atomic_write(path or evidence_file(evidence.slug), text + "\n")


def _fault(path: Path, text: str, item: Mapping) -> Fault:
    place = ".".join(str(part) for part in item["loc"])
    line = _line(text, item["loc"])
    if item["type"] == "json_invalid":
        found = re.search(r"line (\d+)", item["msg"])
        line = min(int(found[1]) if found else 1, text.count("\n") + 1)
    message = item["msg"][:1].lower() + item["msg"][1:]
    return Fault(path, line, f"{place}: {message}" if place else message, "collect the evidence again")


def _line(text: str, place: tuple) -> int:
    """The line of a value in JSON text: the name is looked up, since JSON readers keep no lines."""
    offset = 0
    for part in place:
        if isinstance(part, str):
            found = text.find(f'"{part}"', offset)
            offset = found if found >= 0 else offset
        else:  # `save` starts the items of a list two spaces in
            hit = next(
                itertools.islice(re.compile(r"^  \{", re.MULTILINE).finditer(text, offset), part, None), None
            )
            offset = hit.start() if hit else offset
    return text.count("\n", 0, offset) + 1


def verdicts(entry: Entry, evidence: Evidence | None, notebook_key: str | None = None) -> dict[str, Verdict]:
    """The verdict on every claim of an entry."""
    stale = stale_claims(evidence, entry.datasets, notebook_key) if evidence else {}
    measured = {item.claim: item for item in evidence.measurements} if evidence else {}
    return {claim.id: judge(claim, measured.get(claim.id), claim.id in stale) for claim in entry.claims}


def stale_claims(
    evidence: Evidence, datasets: tuple[str, ...] = (), notebook_key: str | None = None
) -> dict[str, str]:
    """The claims whose evidence no longer follows from what it depended on, each with the reason.

    Args:
        datasets: the data sets that the entry names.
        notebook_key: the chapter's present key; without it, measurements from notebooks are not looked at.
    """
    reasons = {
        item.claim: stale_reason(evidence.slug, item, datasets, notebook_key)
        for item in evidence.measurements
    }
    return {claim: reason for claim, reason in reasons.items() if reason}


def stale_reason(
    slug: str, measurement: Measurement, datasets: tuple[str, ...] = (), notebook_key: str | None = None
) -> str | None:
    """Why a measurement is stale, or None."""
    parts = measurement.key_parts
    if parts is None:
        differs = notebook_key is not None and measurement.key != notebook_key
        return "the chapter's code, data or parameters have changed since" if differs else None
    try:
        if parts.source != source_part(slug):
            return "the experiment's code has changed since"
    except UnrolledError as error:
        return f"the experiment's code cannot be read: {error}"
    for run, data in parts.data.items():
        if data not in data_parts(datasets):
            return f"the checksums of the data of {run} have changed since"
    for versions in parts.versions:
        kind = versions.partition(":")[0]
        pinned = pinned_versions(kind)
        if pinned is not None and versions != pinned:
            return f"the pinned versions have changed since: {versions} then, {pinned} now"
    return None


def source_part(slug: str) -> str:
    """The hash of the code that a paper's runs execute, read from source text as runs compute it."""
    return keys.source_key([f"unrolled.papers.{slug}.experiment", "unrolled.training.fit"])


def data_parts(datasets: tuple[str, ...]) -> set[str]:
    """The hashes that the data part of a run's key can have: one for each choice of the entry's data sets.

    A run's key tells no names. The registry's table is small, so all choices are looked at.
    """
    known = _registry(paths.sources() / "data" / "registry.toml")
    named = [name for name in dict.fromkeys(datasets) if name in known][:8]
    return {
        keys.combine({name: known[name] for name in chosen})
        for size in range(len(named) + 1)
        for chosen in itertools.combinations(named, size)
    }


def _registry(path: Path) -> dict[str, dict[str, str]]:
    if not path.is_file():
        return {}
    return _checksums(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _checksums(path: Path, stamp: int) -> dict[str, dict[str, str]]:
    """Data set -> file -> SHA-256, from the registry's text."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnrolledError(f"not TOML: {error}", file=path) from error
    found: dict[str, dict[str, str]] = {}
    for name, table in tables.items():
        if not isinstance(table, dict):
            continue
        files = {file: about["sha256"] for file, about in table.get("files", {}).items() if "sha256" in about}
        listing = path.parent / str(table.get("listing", ""))
        if table.get("listing") and listing.is_file():
            for line in listing.read_text(encoding="utf-8").splitlines():
                digest, _, file, *_ = line.split()
                files[file] = digest
        found[name] = files
    return found


def pinned_versions(kind: str) -> str | None:
    """The pinned versions that change numbers, as runs write them; None where the project pins none.

    What follows a plus sign is left out: it names a build.
    """
    path = paths.project() / "constraints" / f"{kind}.txt"
    if not path.is_file():
        return None
    pins = dict(
        re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;#+]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    )
    if "torch" not in pins or "numpy" not in pins:
        return None
    return f"{kind}: numpy {pins['numpy']}, torch {pins['torch']}"
