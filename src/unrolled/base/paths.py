"""Where the project's own files lie: in a checkout, or in an installed package."""

from __future__ import annotations

import os
from pathlib import Path

from unrolled.base.errors import UnrolledError

PACKAGE = Path(__file__).resolve().parents[1]
"""The folder of the package ``unrolled`` itself."""


def project() -> Path:
    """The folder that holds ``bib/``: ``$UNROLLED_PROJECT``, else the checkout, else the installed package.

    Raises:
        UnrolledError: if ``UNROLLED_PROJECT`` names a folder without ``bib/``.
    """
    named = os.environ.get("UNROLLED_PROJECT")
    if named:
        root = Path(named).resolve()
        if not (root / "bib").is_dir():
            raise UnrolledError("no folder bib/ here", file=root, hint="set UNROLLED_PROJECT to a checkout")
        return root
    checkout = PACKAGE.parents[1]
    return checkout if (checkout / "bib").is_dir() else PACKAGE


def sources() -> Path:
    """The folder that holds the package's source text, ``unrolled/`` (a checkout's, if there is one)."""
    source = project() / "src" / "unrolled"
    return source if source.is_dir() else PACKAGE


def entries() -> Path:
    """The folder of the knowledge base's entries, one YAML file each."""
    return project() / "bib" / "entries"


def evidence() -> Path:
    """The folder of measured values, one JSON file an entry."""
    return project() / "bib" / "evidence"


def bibliography() -> Path:
    """The BibTeX file from which everything is cited."""
    return project() / "bib" / "references.bib"


def notebooks() -> Path:
    """The folder of chapters."""
    return project() / "notebooks"


def runs() -> Path:
    """The run store: ``$UNROLLED_RUNS``, else ``runs/`` in the checkout, else in the user's folder."""
    from unrolled.base.folders import home

    return Path(os.environ.get("UNROLLED_RUNS") or home() / "runs")
