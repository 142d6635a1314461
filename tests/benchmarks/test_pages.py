"""Pages of many entries, as the benchmark of the pages makes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import pages
from unrolled.site.knowledge import load_knowledge_base

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def in_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNROLLED_PROJECT", str(ROOT))


@pytest.mark.slow
def test_every_further_entry_is_one_page_more():
    own, more = pages.measure((0, 180))
    assert own["entries"] >= 36
    assert more["pages"] - own["pages"] == 180 - own["entries"]


@pytest.mark.slow
def test_an_enlarged_knowledge_base_repeats_entries_under_new_names_with_relations_of_their_own():
    kb = load_knowledge_base(ROOT, frozenset())
    large = pages.enlarged(kb, 100)
    assert len(large.entries) == 100
    assert len(large.equations) > 2 * len(kb.equations)
    copy = large.entries["vrnn_1"] if "vrnn_1" in large.entries else next(reversed(large.entries.values()))
    targets = {r.target for r in copy.relations if r.target.removesuffix("_1") in kb.entries}
    assert all(target.endswith("_1") for target in targets)
