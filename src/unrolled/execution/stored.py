"""Stored runs for a chapter's figures: what evidence keeps of them, so that a clean clone draws them too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unrolled.base.errors import UnrolledError

if TYPE_CHECKING:
    from unrolled.library.measurements import Run


def runs(slug: str, *presets: str) -> dict[str, list[Run]]:
    """The stored runs of presets, each preset's by seed, with their metrics and curves.

    A chapter that imports this module is stale when the runs in its evidence change.

    Raises:
        UnrolledError: if the evidence has no run of a preset.
    """
    from unrolled.library.evidence import evidence_file, load

    evidence = load(slug)
    found = sorted(evidence.runs.values() if evidence else (), key=lambda run: run.seed)
    groups = {preset: [run for run in found if run.preset == preset] for preset in presets}
    for preset, group in groups.items():
        if not group:
            hint = f"unrolled train {slug} {preset}, then: unrolled evidence collect {slug}"
            raise UnrolledError(f"no stored run of {preset}", file=evidence_file(slug), hint=hint)
    return groups
