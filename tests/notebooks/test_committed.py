"""Every stored chapter is fit to be shown: executed, without error, fresh, with alt texts and all its claims.

nbval compares what cells print, but passes over a cell that was never executed; these tests do not.
"""

from __future__ import annotations

import pytest

from unrolled.execution.committed import faults
from unrolled.execution.notebooks import chapter_file, slugs


@pytest.mark.parametrize("slug", slugs())
def test_the_stored_chapter_is_fit_to_be_shown(slug: str) -> None:
    assert faults(chapter_file(slug)) == []
