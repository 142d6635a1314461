"""Every chapter runs from its first cell to its last, small."""

from __future__ import annotations

from pathlib import Path

import pytest

from unrolled.execution.notebooks import slugs
from unrolled.execution.runner import run


@pytest.mark.slow
@pytest.mark.parametrize("slug", slugs())
def test_the_chapter_runs_in_profile_smoke(slug: str, tmp_path: Path) -> None:
    assert run(slug, "smoke", output=tmp_path / f"{slug}.ipynb").notebook.is_file()
