"""A pytest plugin that lets nbval compare notebooks as a reader would: numbers agree to a relative 1e-3.

Register it with ``pytest --nbval notebooks -p unrolled.execution.nbval_tolerance``. Text must be equal, and
so must whole numbers; numbers with a decimal point or an exponent may differ a little. Pictures are not
compared, nor is the data that stands beside a claim's line, which is not rounded. Kernels get the
environment in which chapters are executed: one thread, this package's source, a run store of their own.
"""

from __future__ import annotations

import functools
import json
import math
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unrolled.library.chapters import VALUE

RELATIVE, ABSOLUTE = 1e-3, 1e-8

NOT_COMPARED = ("image/svg+xml", "image/png", "image/jpeg", "application/pdf", VALUE)

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


@contextmanager
def _environment(scratch: Path) -> Iterator[None]:
    """The kernel's environment while it starts, and this process's own again afterwards."""
    from unrolled.execution.runner import kernel_environment

    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(kernel_environment(scratch, own_runs=True))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def pytest_configure(config: Any) -> None:
    """Teach nbval the tolerance; nothing happens where nbval is not asked for."""
    if not (config.getoption("--nbval", False) or config.getoption("--nbval-lax", False)):
        return
    # Imported here, not above: pytest wants to load its plugins before anybody else does.
    from nbval.plugin import IPyNbCell, IPyNbFile

    sanitize, setup, teardown = IPyNbCell.sanitize, IPyNbFile.setup, IPyNbFile.teardown
    if getattr(sanitize, "tolerant", False):
        return

    @functools.wraps(sanitize)
    def tolerantly(self: Any, text: Any) -> Any:
        return tolerant(sanitize(self, text))

    tolerantly.tolerant = True  # type: ignore[attr-defined]

    @functools.wraps(setup)
    def setup_apart(self: Any) -> None:
        self.skip_compare = (*self.skip_compare, *NOT_COMPARED)
        self.scratch = tempfile.TemporaryDirectory(prefix="unrolled-nbval-", ignore_cleanup_errors=True)
        with _environment(Path(self.scratch.name)):
            setup(self)

    @functools.wraps(teardown)
    def teardown_apart(self: Any) -> None:
        teardown(self)
        self.scratch.cleanup()

    IPyNbCell.sanitize, IPyNbFile.setup, IPyNbFile.teardown = tolerantly, setup_apart, teardown_apart
