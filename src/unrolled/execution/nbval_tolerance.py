"""A pytest plugin that lets nbval compare notebooks as a reader would: numbers agree to a relative 1e-3.

Register it with ``pytest --nbval notebooks -p unrolled.execution.nbval_tolerance``. Text must be equal, and
so must whole numbers; numbers with a decimal point or an exponent may differ a little. Pictures are not
compared, nor is the data that stands beside the line of a value or a check. A cell tagged
``nbval-ignore-output`` follows a training: of what it prints, values are compared by their names alone.

Kernels get the environment in which chapters are executed: the caller's, with one thread (or
``--kernel-threads``), this package's source, a run store of their own. The summary names the level of
instructions that they ran at, and a kernel without the level that the environment asks for fails its chapter.
"""

from __future__ import annotations

import ast
import functools
import json
import math
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unrolled.base.errors import UnrolledError
from unrolled.execution import levels
from unrolled.library.chapters import CHECK, VALUE

RELATIVE, ABSOLUTE = 1e-3, 1e-8

NOT_COMPARED = ("image/svg+xml", "image/png", "image/jpeg", "application/pdf", VALUE, CHECK)

_NUMBER = re.compile(
    r"(?<![\w.])[-+]?(?:\d+\.\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+)(?![\d.])"
)


class Tolerant(str):
    """Text that equals another where the words are the same and the numbers nearly so.

    >>> Tolerant("loss 1.1251 at step 10") == "loss 1.1252 at step 10"
    True
    >>> Tolerant("loss 1.1251 at step 10") == "loss 1.1252 at step 11"
    False
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, str):
            return NotImplemented
        left, right = str(self), str(other)
        if left == right:
            return True
        if _NUMBER.sub("0.0", left) != _NUMBER.sub("0.0", right):
            return False
        pairs = zip(_NUMBER.findall(left), _NUMBER.findall(right), strict=True)
        return all(math.isclose(float(a), float(b), rel_tol=RELATIVE, abs_tol=ABSOLUTE) for a, b in pairs)

    def __ne__(self, other: object) -> bool:
        # str has its own: without this one, nbval's `!=` would never ask the method above.
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    def __hash__(self) -> int:
        return hash(_NUMBER.sub("0.0", str(self)))


def tolerant(content: Any) -> Any:
    """An output's content, ready to be compared; JSON becomes its canonical text."""
    if isinstance(content, dict | list):
        content = json.dumps(content, sort_keys=True)
    return Tolerant(content) if isinstance(content, str) else content


def named(outputs: Iterable[Mapping[str, Any]]) -> list[str]:
    """What is compared of outputs that follow a training: the names of the values that they leave."""
    data = (output.get("data", {}) for output in outputs)
    return [given[VALUE]["name"] for given in data if VALUE in given]


@contextmanager
def _environment(scratch: Path, threads: int) -> Iterator[None]:
    """The kernel's environment while it starts, and this process's own again afterwards."""
    from unrolled.execution.runner import kernel_environment

    before, wanted = dict(os.environ), kernel_environment(scratch, own_runs=True, threads=threads)
    os.environ.clear()
    os.environ.update(wanted)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _level(kernel: Any, threads: int) -> str:
    """The level of a running kernel, by its own report.

    Raises:
        UnrolledError: if it is not the level that this process's environment asks for.
    """
    question = "__import__('json').dumps(__import__('unrolled.execution.levels', fromlist=['_']).report())"
    request = kernel.kc.execute("", silent=True, user_expressions={"level": question})
    while (reply := kernel.get_message("shell", timeout=120))["parent_header"].get("msg_id") != request:
        continue
    answer = reply["content"]["user_expressions"]["level"]
    if answer["status"] != "ok":
        raise UnrolledError(f"the kernel cannot tell its level: {answer['ename']}: {answer['evalue']}")
    found = json.loads(ast.literal_eval(answer["data"]["text/plain"]))
    if faults := levels.shortfalls(found, os.environ, threads):
        raise UnrolledError(f"the kernel runs otherwise than asked: {'; '.join(faults)}")
    return levels.described(found)


_levels: dict[str, set[str]] = {}
"""The notebooks whose kernels ran at a level."""


def pytest_addoption(parser: Any) -> None:
    """The threads of a kernel."""
    parser.addoption(
        "--kernel-threads", type=int, default=1, help="threads of each nbval kernel (default: 1)"
    )


def pytest_runtest_logreport(report: Any) -> None:
    """Keep what the kernels reported; under xdist their reports reach this process so."""
    for name, value in report.user_properties:
        if name == "kernel level":
            _levels.setdefault(value, set()).add(report.nodeid.partition("::")[0])


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say at which levels the kernels ran."""
    for level, notebooks in sorted(_levels.items()):
        terminalreporter.write_line(f"kernels of {len(notebooks)} notebooks ran with {level}")


def pytest_configure(config: Any) -> None:
    """Teach nbval the tolerance; nothing happens where nbval is not asked for."""
    if not (config.getoption("--nbval", False) or config.getoption("--nbval-lax", False)):
        return
    # Imported here, not above: pytest wants to load its plugins before anybody else does.
    from nbval.plugin import IPyNbCell, IPyNbFile

    sanitize, runtest = IPyNbCell.sanitize, IPyNbCell.runtest
    setup, teardown = IPyNbFile.setup, IPyNbFile.teardown
    if getattr(sanitize, "tolerant", False):
        return
    threads = config.getoption("--kernel-threads")

    @functools.wraps(sanitize)
    def tolerantly(self: Any, text: Any) -> Any:
        return tolerant(sanitize(self, text))

    tolerantly.tolerant = True  # type: ignore[attr-defined]

    @functools.wraps(setup)
    def setup_apart(self: Any) -> None:
        self.skip_compare = (*self.skip_compare, *NOT_COMPARED)
        self.scratch = tempfile.TemporaryDirectory(prefix="unrolled-nbval-", ignore_cleanup_errors=True)
        with _environment(Path(self.scratch.name), threads):
            setup(self)
        self.level = _level(self.kernel, threads)

    @functools.wraps(runtest)
    def run_and_compare(self: Any) -> None:
        self.user_properties.append(("kernel level", self.parent.level))
        runtest(self)
        if not self.options["check"] and self.cell.execution_count is not None:
            stored, found = named(self.cell.outputs), named(self.test_outputs)
            if stored != found:
                self.raise_cell_error("Other values are left", f"stored: {stored}\nfound:  {found}")

    @functools.wraps(teardown)
    def teardown_apart(self: Any) -> None:
        teardown(self)
        self.scratch.cleanup()

    IPyNbCell.sanitize, IPyNbCell.runtest = tolerantly, run_and_compare
    IPyNbFile.setup, IPyNbFile.teardown = setup_apart, teardown_apart
