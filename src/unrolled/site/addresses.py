"""Where the book is served and kept: from the build's environment alone, so that no address is invented."""

from __future__ import annotations

import os


def site() -> str | None:
    """The address of the served book, without a slash at its end; None where it is not known."""
    address = os.environ.get("UNROLLED_SITE_URL", "").rstrip("/")
    return address if address.startswith(("https://", "http://")) else None


def repository() -> str | None:
    """The address of the repository; None where it is not known."""
    address = os.environ.get("UNROLLED_REPOSITORY", "").rstrip("/")
    return address if address.startswith("https://") else None


def branch() -> str:
    """The branch that the book is built from."""
    return os.environ.get("UNROLLED_BRANCH", "") or "main"
