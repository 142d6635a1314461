"""Tables of runs, comparisons and curves say what the stored runs say."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from site_samples import evidence_with, knowledge_with, run_with

from unrolled.library.comparisons import Comparison, Difference, System
from unrolled.library.measurements import Run
from unrolled.site import curves
from unrolled.site.knowledge import KnowledgeBase
from unrolled.site.markers import render

PAGE = "notebooks/bn_lstm"
NASTY = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>&amp;"


def with_runs(*runs) -> KnowledgeBase:
    return knowledge_with(evidence=evidence_with("x", runs=runs))


def test_runs_are_listed_by_preset_with_what_the_entry_reports() -> None:
    runs = [
        run_with(p, s, metrics={"test_bound": b + s, "other": 1.0})
        for p, b in (("a_b", -9), ("c", -8))
        for s in (0, 1)
    ]
    text = re.sub(r"<[^>]+>", " ", str(render(with_runs(*runs), "runs", "bn_lstm", PAGE)))
    assert re.search(r"a b\s+−8\s*\.50 ± 0\.71 \(2\)\s+c\s+−7\s*\.50", text)
    without = evidence_with("x").model_copy(update={"runs": {}})
    assert "No stored run" in render(knowledge_with(evidence=without), "runs", "bn_lstm", PAGE)


def test_runs_are_counted_as_a_reader_counts() -> None:
    runs = [run_with(f"task_{number}") for number in (10, 2, 1)]
    text = str(render(with_runs(*runs), "runs", "bn_lstm", PAGE))
    assert text.index("task 1<") < text.index("task 2<") < text.index("task 10<")


def test_comparisons_say_who_is_ahead_and_who_is_not_told_apart() -> None:
    names = {"a_b": 33.8, "c": 31.1, NASTY: 31.0}
    systems = [
        System(slug="bn_lstm", preset=name, run=f"{name}-s0-key", key="key", score=score)
        for name, score in names.items()
    ]
    pairs = [("a_b", "c", 2.7, 0.000999), ("c", NASTY, 0.1, 0.42)]
    comparison = Comparison(
        metric="test_bound",
        unit="BLEU",
        test="paired bootstrap",
        sentences=200,
        resamples=1000,
        systems=systems,
        differences=[
            Difference(ahead=f"bn_lstm:{ahead}", behind=f"bn_lstm:{behind}", difference=difference, p=p)
            for ahead, behind, difference, p in pairs
        ],
        signature="nrefs:1",
        device="cpu",
        seconds=1,
        command="unrolled evidence compare",
        collected="2026-11-22",
    )
    evidence = evidence_with("x").model_copy(update={"comparisons": (comparison,)})
    html = str(render(knowledge_with(evidence=evidence), "runs", "bn_lstm", PAGE))
    assert NASTY not in html
    text = re.sub(r"<[^>]+>", "", html)
    assert "(a b) is ahead of" in text
    assert "by 2.70 BLEU: 33.80 and 31.10 (paired bootstrap, 1,000 resamples, p = 0.001)" in text
    assert "(c) is not told apart from" in text
    assert "31.10 and 31.00 (paired bootstrap, 1,000 resamples, p = 0.42)" in text
    assert "Stale" not in text
    evidence = evidence.model_copy(update={"runs": {"c": run_with("c", key="other")}})
    assert "another run of c since" in render(knowledge_with(evidence=evidence), "runs", "bn_lstm", PAGE)


CURVE = {"update": (1, 10), "loss": (2.0, 0.5), "valid_error": (0.9, 0.41)}


def drawn(folder: Path, *runs: Run) -> tuple[str, list[str]]:
    """The page's part, and the drawings that it shows."""
    html = str(render(replace(with_runs(*runs), images=folder), "curves", "bn_lstm", PAGE))
    names = re.findall(r"_images/(\w+\.svg)", html)
    return html, [(folder / name).read_text(encoding="utf-8") for name in names]


def test_curves_are_drawn_from_the_evidence_and_named(tmp_path) -> None:
    runs = [run_with("lstm", curve=CURVE), run_with(NASTY, curve=CURVE), run_with("$x_1$", curve=CURVE)]
    html, svgs = drawn(tmp_path, *runs)
    assert html.count("<img") == 4  # two panels, light and dark
    assert "<script" not in html
    assert "lstm ends at 41" in html
    assert all(">$x 1$</text>" in svg for svg in svgs)
    assert html == drawn(tmp_path, *runs)[0]  # the same bytes each time
    without = evidence_with("x").model_copy(update={"runs": {}})
    assert "<img" not in render(knowledge_with(evidence=without), "curves", "bn_lstm", PAGE)


def test_seeds_are_thin_lines_about_their_median_on_an_axis_that_shows_decades(tmp_path) -> None:
    runs = [
        run_with("copy", seed, curve={"update": (1, 20_000), "loss": (50.0, 10.0 ** (seed - 3))})
        for seed in range(5)
    ]
    html, svgs = drawn(tmp_path, *runs)
    assert "copy ends between 0.001" in html
    assert "5 seeds" in html
    assert "updates, thousands" in svgs[0]
    assert {">0.01</text>", ">0.1</text>", ">1</text>"} <= set(re.findall(r">[\d.]+</text>", svgs[0]))
    assert svgs[0].count("stroke-width: 0.8") >= 5


def test_runs_that_are_compared_share_a_panel_and_every_preset_is_named_once(tmp_path) -> None:
    bound = {"update": (50, 100), "valid_bound": (-9.0, -8.0)}
    runs = [
        run_with(f"{d}_{m}", s, curve=bound)
        for d in ("jsb", "piano")
        for m in ("rnn", "vrnn")
        for s in range(3)
    ]
    html, svgs = drawn(tmp_path, *runs)
    assert html.count("<img") == 4
    assert "Validation bound: jsb" in html
    assert all(svg.count(">rnn</text>") == svg.count(">vrnn</text>") == 1 for svg in svgs)
    assert curves.panel("bn_lstm", runs, curves.LOSS) is None


def test_names_of_lines_that_end_together_do_not_overlap_or_leave_the_picture() -> None:
    found = curves.spread({f"v{i}": 0.9 + i / 1000 for i in range(8)}, 0.06)
    heights = sorted(found.values())
    assert list(found) == [f"v{i}" for i in range(8)]
    assert min(b - a for a, b in pairwise(heights)) >= 0.0599
    assert 0 < heights[0] < heights[-1] <= 1.0
