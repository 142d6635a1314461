"""What the long runs of an entry measured: a row a variant, with the numbers that the entry asks for."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from markupsafe import Markup

from unrolled.library.models import Reported
from unrolled.site.html import Place
from unrolled.site.numbers import aligned, with_spread
from unrolled.site.shelf import Shelf
from unrolled.site.tables import Row, nothing, table


def runs(shelf: Shelf, slug: str, place: Place) -> Markup:
    """The reported metrics of every variant: mean and deviation over its seeds."""
    entry, evidence = shelf.entries[slug], shelf.evidence.get(slug)
    if not entry.reported:
        return nothing("This entry names no numbers of its runs to report.")
    variants: dict[str, list[dict[str, float]]] = {}
    for name, metrics in (evidence.finals if evidence else {}).items():
        if any(one.metric in metrics for one in entry.reported):
            variants.setdefault(name.rpartition("-s")[0], []).append(metrics)
    if not variants:
        return nothing("No run at the paper's scale is in the evidence yet.")
    columns = [aligned([_value(seeds, one) for seeds in variants.values()]) for one in entry.reported]
    rows = [
        Row((variant.replace("_", " "), *cells)) for variant, *cells in zip(variants, *columns, strict=True)
    ]
    heads = ["Run", *(f"{one.name}, {one.unit}" if one.unit else one.name for one in entry.reported)]
    return table(heads, rows, class_="runs", caption="What the runs at the paper's scale measured")


def _value(seeds: Sequence[dict[str, float]], one: Reported) -> str | None:
    values = [one.scale * metrics[one.metric] for metrics in seeds if one.metric in metrics]
    if not values:
        return None
    spread = statistics.stdev(values) if len(values) > 1 else None
    return with_spread(statistics.fmean(values), spread, len(values) if len(values) > 1 else None)
