"""What the long runs of an entry measured, a row a preset, and which systems are ahead of which."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence

from markupsafe import Markup

from unrolled.library.comparisons import LEVEL, Comparison, System, stale_comparison
from unrolled.library.models import Reported
from unrolled.site.html import Place, element, join
from unrolled.site.knowledge import KnowledgeBase
from unrolled.site.numbers import aligned, with_spread
from unrolled.site.tables import Row, entry_link, nothing, table


def runs(kb: KnowledgeBase, slug: str, place: Place) -> Markup:
    """The reported metrics of every preset, then the systems that were held against each other."""
    evidence = kb.evidence.get(slug)
    comparisons = evidence.comparisons if evidence else ()
    return join((_reported(kb, slug), *(_comparison(kb, slug, item, place) for item in comparisons)))


def _reported(kb: KnowledgeBase, slug: str) -> Markup:
    """A row a preset: mean and deviation over its seeds."""
    entry, evidence = kb.entries[slug], kb.evidence.get(slug)
    if not entry.reported:
        return nothing("This entry names no numbers of its runs to report.")
    presets: dict[str, list[dict[str, float]]] = {}
    for run in evidence.runs.values() if evidence else ():
        if any(one.metric in run.metrics for one in entry.reported):
            presets.setdefault(run.preset, []).append(run.metrics)
    if not presets:
        return nothing("No stored run is in the evidence yet.")
    presets = {name: presets[name] for name in sorted(presets, key=_counting)}
    columns = [aligned([_value(seeds, one) for seeds in presets.values()]) for one in entry.reported]
    rows = [Row((name.replace("_", " "), *cells)) for name, *cells in zip(presets, *columns, strict=True)]
    heads = ["Run", *(f"{one.name}, {one.unit}" if one.unit else one.name for one in entry.reported)]
    return table(heads, rows, class_="runs", caption="What the stored runs measured: mean ± spread (seeds)")


def _counting(name: str) -> list[tuple[int, str]]:
    """A key that sorts the numbers in a name as numbers: task 2 before task 10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]


def _value(seeds: Sequence[dict[str, float]], one: Reported) -> str | None:
    values = [one.scale * metrics[one.metric] for metrics in seeds if one.metric in metrics]
    if not values:
        return None
    spread = statistics.stdev(values) if len(values) > 1 else None
    return with_spread(statistics.fmean(values), spread, len(values))


def _comparison(kb: KnowledgeBase, slug: str, comparison: Comparison, place: Place) -> Markup:
    """In words: every two systems, and how the test was made."""

    def named(system: System) -> Markup:
        known = system.slug in kb.entries
        paper = kb.entries[system.slug].short if known else system.slug
        elsewhere = known and system.slug != slug
        paper = entry_link(kb, system.slug, place) if elsewhere else paper
        return join((paper, f" ({system.preset.replace('_', ' ')})"))

    lines = []
    for pair in comparison.differences:
        ahead, behind = comparison.system(pair.ahead), comparison.system(pair.behind)
        said = (
            (" is ahead of ", f" by {pair.difference:.2f} {comparison.unit}")
            if pair.told_apart
            else (" is not told apart from ", "")
        )
        found = (
            f": {ahead.score:.2f} and {behind.score:.2f}"
            f" ({comparison.test}, {comparison.resamples:,} resamples, p = {_p(pair.p)})."
        )
        lines.append(element("li", named(ahead), said[0], named(behind), said[1], found))
    reason = stale_comparison(comparison, kb.evidence)
    return element(
        "div",
        element("p", "Held against each other on the same test sentences", class_="unrolled-rubric"),
        element("ul", *lines),
        element("p", _made(comparison), class_="unrolled-carried"),
        element("p", f"Stale: {reason}.", class_="unrolled-nothing") if reason else None,
        class_="unrolled-comparison",
    )


def _made(comparison: Comparison) -> str:
    """How the test was made, and what it does not say."""
    return (
        f"A resample draws {comparison.sentences:,} test sentences with repetition, the same ones for both "
        f"systems; the smallest p that {comparison.resamples:,} resamples can give is "
        f"{_p(1 / (comparison.resamples + 1))}. Two systems count as told apart below {LEVEL}. Each is one "
        "trained model: what another seed would give is not tested."
    )


def _p(value: float) -> str:
    """A p-value to two digits, or three decimals where it is small.

    >>> _p(0.000999), _p(0.0312), _p(0.42)
    ('0.001', '0.031', '0.42')
    """
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"
