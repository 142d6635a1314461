"""Facts that the project keeps, each read in one place: the data registry's checksums, the pinned versions,
the state of git, and the results of runs."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import subprocess
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from unrolled.base.errors import UnrolledError, unknown
from unrolled.base.paths import project, runs, sources

RESULT = frozenset(
    {
        "slug",
        "preset",
        "seed",
        "config",
        "key",
        "key_parts",
        "metrics",
        "updates",
        "updates_planned",
        "complete",
    }
)
"""What the result of a run has at least."""


def checksums(datasets: tuple[str, ...] | list[str]) -> dict[str, dict[str, str]]:
    """The SHA-256 of every file of some data sets, by set and file.

    Raises:
        UsageError: for a set that is not registered.
    """
    if not datasets:
        return {}
    path = sources() / "data" / "registry.toml"
    known = _registered(path, path.stat().st_mtime_ns)
    for name in datasets:
        if name not in known:
            raise unknown("data set", name, known)
    return {name: known[name] for name in datasets}


@lru_cache(maxsize=4)
def _registered(path: Path, stamp: int) -> dict[str, dict[str, str]]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnrolledError(f"not TOML: {error}", file=path) from error
    found: dict[str, dict[str, str]] = {}
    for name, table in tables.items():
        files = {file: about["sha256"] for file, about in table.get("files", {}).items() if "sha256" in about}
        listing = path.parent / str(table.get("listing", ""))
        if table.get("listing") and listing.is_file():
            for line in listing.read_text(encoding="utf-8").splitlines():
                digest, _, file, *_ = line.split()
                files[file] = digest
        found[name] = files
    return found


def pinned(kind: str = "cpu") -> dict[str, str]:
    """The versions that change numbers, from ``constraints/<kind>.txt``; empty where none are."""
    path = project() / "constraints" / f"{kind}.txt"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    pins = dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;#+]+)", text, flags=re.MULTILINE))
    return {name: pins[name] for name in ("numpy", "torch") if name in pins}


def installed() -> dict[str, str]:
    """The versions of Python, torch and numpy that run."""
    found = {"python": platform.python_version()}
    for name in ("torch", "numpy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def version_line(kind: str, versions: dict[str, str]) -> str:
    """``"cpu: numpy 2.4.6, torch 2.13.0"``; what follows a plus sign names a build, and is left out."""
    numbers = {name: text.partition("+")[0] for name, text in versions.items()}
    return f"{kind}: numpy {numbers['numpy']}, torch {numbers['torch']}"


def commit() -> str | None:
    """The checkout's commit, with ``+changes`` where files differ from it; None outside a checkout."""

    def git(*words: str) -> str | None:
        try:
            answer = subprocess.run(
                ["git", "-C", str(project()), *words], capture_output=True, text=True, timeout=10, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return answer.stdout.strip() if answer.returncode == 0 else None

    head = git("rev-parse", "HEAD")
    if not head:
        return None
    return head + ("+changes" if git("status", "--porcelain", "--untracked-files=no", "--", "src") else "")


def read_result(path: Path) -> dict[str, Any]:
    """The result of a run, ``result.json``.

    Raises:
        UnrolledError: if it is missing, damaged, or lacks a field.
    """
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UnrolledError("is missing", file=path) from None
    except (OSError, ValueError, RecursionError) as error:
        raise UnrolledError(f"is damaged: {error}", file=path) from error
    if not isinstance(result, dict) or RESULT - set(result):
        missing = sorted(RESULT - set(result)) if isinstance(result, dict) else ["everything"]
        raise UnrolledError(f"is damaged: lacks {', '.join(missing)}", file=path)
    if "digest" in result and result["digest"] != digest(result):  # results of older code have none
        raise UnrolledError("is damaged: it differs from its digest", file=path)
    return result


def digest(result: Mapping[str, Any]) -> str:
    """A SHA-256 over all that a result says, but for the digest itself."""
    said = {name: value for name, value in result.items() if name != "digest"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def results(slug: str, store: Path | None = None) -> tuple[dict[Path, dict[str, Any]], list[UnrolledError]]:
    """The results of a paper's runs by folder, and what could not be read."""
    found, damaged = {}, []
    for path in sorted(((store or runs()) / slug).glob("*/result.json")):
        try:
            found[path.parent] = read_result(path)
        except UnrolledError as error:
            damaged.append(error)
    return found, damaged
