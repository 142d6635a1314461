"""One way to execute a chapter: papermill in its own process, a limit, a live log, and nothing half done."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unrolled.base import paths
from unrolled.base.errors import UnrolledError, UsageError, unknown
from unrolled.base.files import atomic_write
from unrolled.execution import keys, notebooks
from unrolled.library import outputs

LIMITS: dict[str, float | None] = {"smoke": 30.0, "book": 45.0, "paper": None}
"""Seconds that the cells of a chapter may take together, by profile. The kernel's start does not count."""

START_TIMEOUT = 60
TAIL = 15

Progress = Callable[[int, int], None]


class ChapterFailed(UnrolledError):
    """A chapter that did not run to its end. The message ends with the tail of the log."""

    def __init__(self, problem: str, *, file: Path, log: Path, partial: Path) -> None:
        self.log, self.partial = log, partial
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
        self.tail = [line for line in map(_plain, lines) if line.strip()][-TAIL:]
        kept = f"log: {log}" + (f"; partial notebook: {partial}" if partial.is_file() else "")
        super().__init__(problem, file=file, hint=kept)

    def __str__(self) -> str:
        return "\n    ".join([super().__str__(), *getattr(self, "tail", [])])


@dataclass(frozen=True)
class Result:
    """A chapter that ran: where it was written, how long its cells took, and the kernel's peak memory."""

    slug: str
    profile: str
    notebook: Path
    log: Path
    cells: int
    seconds: float
    peak_memory_mb: float
    key: str
    evidence: Path | None = None


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)


def time_limit(profile: str) -> float | None:
    """The profile's limit in seconds, widened by ``UNROLLED_TIME_FACTOR`` (for slow or crowded machines)."""
    text = os.environ.get("UNROLLED_TIME_FACTOR", "1")
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 0 < factor < float("inf"):
        raise UsageError(f"UNROLLED_TIME_FACTOR is {text!r}", hint="give a number above 0")
    limit = LIMITS[profile]
    return None if limit is None else limit * factor


def kernel_environment(scratch: Path, *, own_runs: bool, threads: int = 1) -> dict[str, str]:
    """The environment of a kernel whose outputs are stored or compared.

    The caller's, with so many threads, the source that the key was made of, and none of the user's IPython
    settings. With ``own_runs`` the run store is a new one, so that the chapter trains what it shows and its
    seconds are honest.
    """
    environment = dict(os.environ)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "UNROLLED_THREADS"):
        environment[name] = str(threads)
    given = [
        str(Path(part).absolute()) for part in environment.get("PYTHONPATH", "").split(os.pathsep) if part
    ]
    environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([str(paths.sources().parent), *given]))
    environment["IPYTHONDIR"] = str(scratch / "ipython")
    environment["PYTHONHASHSEED"] = "0"
    environment["UNROLLED_QUIET"] = "1"
    for name in ("UNROLLED_PROJECT", "UNROLLED_RUNS"):
        if environment.get(name):
            environment[name] = str(Path(environment[name]).absolute())
    if own_runs:
        environment["UNROLLED_RUNS"] = str(scratch / "runs")
    environment.pop("MPLBACKEND", None)
    return environment


def run(
    slug: str,
    profile: str = "book",
    parameters: Mapping[str, Any] | None = None,
    limit: float | None = None,
    output: str | Path | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Result:
    """Execute a chapter and write it whole, or leave everything as it was.

    A ``book`` run with the notebook's own parameters goes to ``notebooks/`` and writes the chapter's
    evidence. Any other run goes to ``output``, or to ``runs/chapters/``. A chapter that fails leaves its
    partial notebook beside its log, in ``runs/logs/``.

    Args:
        slug: the chapter.
        profile: ``smoke``, ``book`` or ``paper``.
        parameters: further values for the parameters cell, by name.
        limit: seconds for all cells together; by default the profile's.
        output: a file for the executed notebook, in place of the usual one.
        device: passed as the parameter ``device``.
        progress: called with the cell that begins, from 1, and the number of cells.

    Raises:
        UsageError: if the chapter, the profile or a parameter is unknown.
        ChapterFailed: if a cell raises, the kernel dies, or the limit is passed.
        UnrolledError: if the notebook cannot be executed, or is being executed already.
    """
    from filelock import FileLock, Timeout

    source = notebooks.chapter_file(slug)
    if profile not in LIMITS:
        raise unknown("profile", profile, LIMITS, listing=f"profiles: {', '.join(LIMITS)}")
    limit = time_limit(profile) if limit is None else limit
    text = source.read_bytes()
    notebook = keys.read_notebook(source)
    defaults = notebooks.parameter_defaults(notebook, source)
    given = {"profile": profile} | ({"device": device} if device != "cpu" or "device" in defaults else {})
    changed = notebooks.overrides(defaults, given | dict(parameters or {}), source)
    further = {name: value for name, value in changed.items() if name != "profile"}
    stored = output is None and profile == "book" and not further
    if stored and changed:
        raise UnrolledError('the parameters cell must say profile = "book"', file=source)
    found = keys.parts(source, profile, further)
    if stored:
        from unrolled.library import evidence as evidence_files

        evidence_files.load(slug)  # a damaged file is told now, not after the run

    logs = paths.runs() / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    log, partial = logs / f"{slug}-{profile}.log", logs / f"{slug}-{profile}.partial.ipynb"
    try:
        with (
            FileLock(logs / f"{slug}-{profile}.lock", timeout=0),
            tempfile.TemporaryDirectory(prefix="unrolled-", ignore_cleanup_errors=True) as scratch,
        ):
            partial.unlink(missing_ok=True)
            execution = _Execution(source, Path(scratch), log, partial, limit, profile)
            report = execution.execute(text, changed, _numbers(notebook, injected=bool(changed)), progress)
            executed = _finished(execution, report)
            if stored and source.read_bytes() != text:
                raise ChapterFailed("was edited while it ran", file=source, log=log, partial=partial)
            seconds = _seconds(executed)
            notebooks.tidy(executed, [cell.get("id") for cell in notebook["cells"]])
            record = _record(found, profile, seconds, report["peak_memory_mb"])
            record["outputs"] = outputs.digests(executed)
            executed.metadata["unrolled"] = record
            target = (
                source if stored else Path(output or paths.runs() / "chapters" / f"{slug}-{profile}.ipynb")
            )
            evidence = None
            try:
                if stored:
                    from unrolled.execution.harvest import write_evidence

                    # Before the notebook: were the process killed in between, the chapter would be run again.
                    evidence = write_evidence(slug, executed, record)
                atomic_write(target, _written(executed))
            except OSError as error:  # a finished run is never lost
                kept = atomic_write(_elsewhere(f"{slug}-{profile}.ipynb"), _written(executed))
                raise UnrolledError(
                    f"cannot be written: {error.strerror}",
                    file=target,
                    hint=f"the executed notebook is {kept}",
                ) from error
            partial.unlink(missing_ok=True)
    except Timeout as error:
        raise UnrolledError(f"profile {profile} is being executed by another process", file=source) from error
    cells = len(outputs.code_cells(notebook))
    memory = record["peak_memory_mb"]
    return Result(slug, profile, target, log, cells, seconds, memory, record["key"], evidence)


def _elsewhere(name: str) -> Path:
    """A place in the run store, or, where that cannot be written either, in the system's temporary folder."""
    folder = paths.runs() / "chapters"
    try:
        return atomic_write(folder / name, "")
    except OSError:
        return Path(tempfile.mkdtemp(prefix="unrolled-kept-")) / name


@dataclass(frozen=True)
class _Execution:
    """One call of papermill: its files, its limit, and the words for its failure."""

    source: Path
    scratch: Path
    log: Path
    partial: Path
    limit: float | None
    profile: str

    def execute(
        self, text: bytes, parameters: dict[str, Any], numbers: list[int], progress: Progress | None
    ) -> dict[str, Any]:
        """Run the worker to its end and return its report.

        ``numbers`` holds, for every cell as papermill counts them, how many code cells there are up to it.
        """
        job, report = self.scratch / "job.json", self.scratch / "report.json"
        (self.scratch / "input.ipynb").write_bytes(text)
        settings = {
            "input": str(self.scratch / "input.ipynb"),
            "output": str(self.partial.absolute()),
            "report": str(report),
            "folder": str(self.source.parent.absolute()),
            "parameters": parameters,
            "start_timeout": START_TIMEOUT,
        }
        job.write_text(json.dumps(settings), encoding="utf-8")
        with open(self.log, "wb") as log:
            began = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
            log.write(f"{self.source.name}, profile {self.profile}, {began}\n".encode())
            log.flush()
            process = subprocess.Popen(
                [sys.executable, "-m", "unrolled.execution._worker", str(job)],
                stdin=subprocess.PIPE,  # its end tells the worker that this process has ended
                stdout=log,
                stderr=subprocess.STDOUT,
                env=kernel_environment(self.scratch, own_runs=self.profile != "paper"),
                start_new_session=True,
            )
            try:
                self._wait(process, numbers, progress)
            finally:
                if process.poll() is None:
                    _end(process)
                process.stdin.close()
        if not report.is_file():
            self.fail(f"papermill ended with code {process.returncode}")
        return json.loads(report.read_text(encoding="utf-8"))

    def _wait(self, process: subprocess.Popen, numbers: list[int], progress: Progress | None) -> None:
        began, cell = None, 0
        with open(self.log, encoding="utf-8", errors="replace") as log:
            while True:
                try:
                    process.wait(0.1)
                except subprocess.TimeoutExpired:
                    pass
                else:
                    return
                for number in re.findall(r"Executing Cell (\d+)", log.read()):
                    began, cell = began or time.monotonic(), int(number)
                    if progress:
                        progress(cell, len(numbers))
                if began and self.limit is not None and time.monotonic() - began > self.limit:
                    _end(process)
                    place = f"code cell {numbers[cell - 1]}"
                    self.fail(f"took longer than {self.limit:g} s (profile {self.profile}), in {place}")

    def fail(self, problem: str) -> None:
        """Raise the error of this execution."""
        raise ChapterFailed(problem, file=self.source, log=self.log, partial=self.partial)


def _end(process: subprocess.Popen) -> None:
    from unrolled.execution._worker import end_tree

    end_tree(process.pid)
    process.kill()
    process.wait()


def _finished(execution: _Execution, report: Mapping[str, Any]) -> Any:
    """The executed notebook, once it is certain that every cell ran."""
    import nbformat

    fault = report["fault"]
    if fault == "kernel":
        execution.fail("the kernel died (killed, out of memory, or it ended itself)")
    elif fault == "papermill":
        execution.fail(f"papermill failed: {report['error'].splitlines()[0]}")
    executed = nbformat.read(execution.partial, as_version=4)
    if fault == "cell":
        cells = [c for c in executed.cells if "papermill-error-cell-tag" not in notebooks.tags(c)]
        place = report["cell"] + 1
        number = sum(_counts(cell) for cell in cells[:place])
        execution.fail(f"code cell {number} raised {report['error'].splitlines()[0]}")
    for number, cell in enumerate((c for c in executed.cells if _counts(c)), 1):
        if cell.execution_count is None:
            execution.fail(f"code cell {number} was not executed: a cell before it ended the run")
    seconds = _seconds(executed)
    if execution.limit is not None and seconds > execution.limit:
        execution.fail(
            f"took {seconds:.1f} s, longer than {execution.limit:g} s (profile {execution.profile})"
        )
    return executed


def _numbers(notebook: Mapping[str, Any], *, injected: bool) -> list[int]:
    numbers, number = [], 0
    for cell in notebook["cells"]:
        number += cell.get("cell_type") == "code" and bool(cell["source"].strip())
        # Papermill's own cell follows the parameters cell, and is no cell of the author's.
        numbers += [number] * (2 if injected and notebooks.PARAMETERS in notebooks.tags(cell) else 1)
    return numbers


def _counts(cell: Any) -> bool:
    return (
        cell.cell_type == "code"
        and bool(cell.source.strip())
        and notebooks.INJECTED not in notebooks.tags(cell)
    )


def _seconds(executed: Any) -> float:
    return round(sum(cell.metadata.papermill.duration or 0.0 for cell in executed.cells), 1)


def _record(found: dict[str, Any], profile: str, seconds: float, peak_memory_mb: float) -> dict[str, Any]:
    from unrolled.base.keys import combine
    from unrolled.execution.harvest import processor

    return {
        "key": combine(found),
        "profile": profile,
        "seconds": seconds,
        "peak_memory_mb": peak_memory_mb,
        "device": processor(),
        "executed": datetime.now(UTC).date().isoformat(),
        "versions": found["versions"],
        "parts": keys.compact(found),
    }


def _written(executed: Any) -> str:
    import nbformat

    executed["nbformat"], executed["nbformat_minor"] = 4, max(5, executed["nbformat_minor"])
    nbformat.validate(executed)
    return nbformat.writes(executed).rstrip("\n") + "\n"
