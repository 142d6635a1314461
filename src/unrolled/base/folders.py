"""Where an installed package without a checkout writes: never into itself.

In a checkout everything lies in the checkout. Without one, what programs write goes to the user's data folder
(`platformdirs`), or, where that cannot be written, to ``unrolled/`` in the working directory.
"""

from __future__ import annotations

import os
from pathlib import Path

from unrolled.base import paths
from unrolled.base.errors import UsageError


def installed() -> bool:
    """Whether this is an installed package without a checkout."""
    return paths.project() == paths.PACKAGE


def checkout() -> Path:
    """The checkout.

    Raises:
        UsageError: where there is none, with the way to one.
    """
    if installed():
        raise UsageError(
            "this needs a checkout of Unrolled: chapters, tests and pages are not in the installed package",
            hint="clone the repository, and work in it or name its folder in UNROLLED_PROJECT",
        )
    return paths.project()


def home() -> Path:
    """The folder below which programs write."""
    if not installed():
        return paths.project()
    from platformdirs import user_data_path

    wanted = user_data_path("unrolled", appauthor=False)
    there = next(folder for folder in (wanted, *wanted.parents) if folder.exists())
    return wanted if there.is_dir() and os.access(there, os.W_OK | os.X_OK) else Path.cwd() / "unrolled"


def written(*names: str) -> Path:
    """A file that programs write, by its place in the project: ``written("bib", "evidence", "ntm.json")``."""
    return home().joinpath(*names)


def found(*names: str) -> Path:
    """That file where it was written, else as the package brought it."""
    own = written(*names)
    return own if own.exists() else paths.project().joinpath(*names)
