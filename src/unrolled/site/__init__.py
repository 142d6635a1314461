"""The book's generated pages and parts: the Sphinx extension ``unrolled.site``."""

from __future__ import annotations

from typing import Any


def setup(app: Any) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    from unrolled.site.extension import register

    return register(app)
