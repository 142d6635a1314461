"""Addresses that may be followed: web addresses, since other schemes may run what they name."""

from __future__ import annotations

import re

_REFUSED = r"\s\"'<>\\^`{|}\x00-\x20\x7f"
_WEB = re.compile(rf"https?://[^{_REFUSED}/?#][^{_REFUSED}]*", re.IGNORECASE)


def is_web(address: str) -> bool:
    """Whether an address is http or https with a host, and holds nothing that could end an attribute.

    >>> is_web("https://example.org/a%20b"), is_web("javascript:alert(1)"), is_web("//example.org")
    (True, False, False)
    """
    return bool(_WEB.fullmatch(address))
