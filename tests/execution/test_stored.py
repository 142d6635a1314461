"""What a chapter gets of the runs in its evidence."""

import pytest

from unrolled.base.errors import UnrolledError
from unrolled.execution.stored import runs
from unrolled.library.evidence import save
from unrolled.library.measurements import Evidence, Run


def run(preset, seed):
    return Run(
        preset=preset,
        seed=seed,
        config={},
        key=f"{seed:012d}",
        key_parts={},
        metrics={"valid_loss": float(seed)},
        updates=1,
        updates_planned=1,
        complete=True,
        device="cpu",
        seconds=1.0,
        command="unrolled train",
        finished="2026-11-30",
    )


def test_runs_come_by_preset_and_in_the_order_of_their_seeds(project):
    made = [run("copy", 2), run("copy", 10), run("sort", 0)]
    save(Evidence(slug="tiny", runs={one.name: one for one in made}))
    found = runs("tiny", "sort", "copy")
    assert [(one.preset, one.seed) for group in found.values() for one in group] == [
        ("sort", 0),
        ("copy", 2),
        ("copy", 10),
    ]
    with pytest.raises(UnrolledError, match="no stored run of sorted"):
        runs("tiny", "sorted")
