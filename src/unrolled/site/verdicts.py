"""Verdicts as word, shape and colour, so that none of the three has to carry the meaning alone."""

from __future__ import annotations

from markupsafe import Markup

from unrolled.library.models import Verdict
from unrolled.site.html import element

OUTER = '<circle class="out" cx="8" cy="8" r="6.2"/>'

SHAPES: dict[Verdict, str] = {
    Verdict.REPRODUCED: '<circle cx="8" cy="8" r="7"/><path class="in" d="M4.5 8.3l2.4 2.4 4.6-5"/>',
    Verdict.BETTER: '<path d="M8 1l7 13H1z"/><path class="in" d="M8 11.5V6.2M6 8l2-2 2 2"/>',
    Verdict.TREND_ONLY: f'{OUTER}<path d="M8 1.8a6.2 6.2 0 010 12.4z"/>',
    Verdict.NOT_REPRODUCED: '<path d="M1.5 1.5h13v13h-13z"/><path class="in" d="M5 5l6 6M11 5l-6 6"/>',
    Verdict.NOT_ATTEMPTED: OUTER,
    Verdict.STALE: f'{OUTER}<path class="out" d="M8 4.5V8l2.5 1.5"/>',
}
"""Drawings in a square of 16 by 16."""

MEANINGS: dict[Verdict, str] = {
    Verdict.REPRODUCED: "our number meets the claim's rule",
    Verdict.BETTER: "our number lies beyond the paper's, on the good side",
    Verdict.TREND_ONLY: "the ordering holds, at a reduced scale",
    Verdict.NOT_REPRODUCED: "our number breaks the claim's rule",
    Verdict.NOT_ATTEMPTED: "there is no measurement; the ledger says why",
    Verdict.STALE: "the code or data behind the number has changed since it was measured",
}


def badge(verdict: Verdict, count: int | None = None) -> Markup:
    """One verdict; with ``count``, how many claims have it."""
    shape = Markup(
        '<svg class="shape-mark" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">{}</svg>'
    ).format(Markup(SHAPES[verdict]))
    words = verdict.value if count is None else f"{count} {verdict.value}"
    name = verdict.value.replace(" ", "-")
    return element("span", shape, element("span", words), class_=f"verdict {name}")


def legend() -> Markup:
    """What each verdict means."""
    rows = [
        Markup("{}{}").format(element("dt", badge(v)), element("dd", text)) for v, text in MEANINGS.items()
    ]
    return element("dl", *rows, class_="unrolled-legend")
