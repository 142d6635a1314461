"""Every kind of page in a real browser: quiet, reachable for everyone, and no wider than a phone."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
CHAPTERS = tuple(f"notebooks/{path.stem}.html" for path in sorted(NOTEBOOKS.glob("*.ipynb")))
PAGES = (
    "book/index.html",
    "book/how-to-read.html",
    "book/how-we-judge.html",
    "book/parts/cells.html",
    "book/parts/memory.html",
    "book/side-by-side.html",
    "book/side-by-side/attention.html",
    "book/side-by-side/cells.html",
    "book/ledger.html",
    "book/reading-list.html",
    "book/concepts.html",
    "book/bibliography.html",
    "book/api.html",
    "book/api/papers.html",
    "book/lineage.html",
    "book/timeline.html",
    "book/equations.html",
    "book/symbols.html",
    "book/datasets.html",
    "book/further-reading.html",
    "book/history.html",
    "entries/depth_gated_lstm.html",
    "entries/rnn_deep_dive.html",
    "genindex.html",
    "source/index.html",
    "source/unrolled/papers/bn_lstm/model.html",
    *CHAPTERS,
)
DESKTOP = [(path, 1280, "light") for path in PAGES if path not in CHAPTERS[1:]] + [
    (CHAPTERS[0], 1280, "dark")
]
"""Chapters have one style sheet and one make-up: on a phone each is looked at, on a desk the first."""
BROADER = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const boxes = "pre, .math, mjx-container, .unrolled-graph, [class*=bd-sidebar], dialog";
  return [...document.querySelectorAll("body *")]
    .filter((e) => e.getBoundingClientRect().right > width + 1 && !e.closest(boxes))
    .map((e) => `${e.tagName}.${e.className}`)
    .concat(["the page scrolls sideways"]);
}"""
THINNED = """(kept) => {
  for (const e of document.querySelectorAll("article *")) {
    const seen = {};
    for (const child of [...e.children]) {
      const kind = `${child.tagName}.${child.className}`;
      seen[kind] = (seen[kind] ?? 0) + 1;
      if (seen[kind] > kept) child.remove();
    }
  }
}"""
CHECK = """() => axe.run(
  { exclude: ["mjx-container > *"] }, { resultTypes: ["violations"], iframes: false }
)"""


def serious(page: object, axe: str) -> list[str]:
    """What axe finds that keeps somebody from reading the page.

    Of rows, lines and paragraphs of one kind under one roof a dozen are looked at, and what MathJax sets is
    its own affair: axe's time grows faster than a page does, and some pages hold hundreds of formulas.
    """
    page.evaluate(THINNED, 12)
    page.evaluate(axe)
    found = page.evaluate(CHECK)["violations"]
    return [
        f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in found if v["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("path", PAGES)
def test_on_a_dark_phone_a_page_is_quiet_local_narrow_and_open_to_everyone(visit, axe, path: str) -> None:
    seen = visit(width=390, scheme="dark")
    page = seen.go(path)
    page.wait_for_load_state("networkidle")
    assert seen.said == []
    assert seen.outside == []
    assert page.evaluate(BROADER) == []
    assert serious(page, axe) == []


@pytest.mark.parametrize(("path", "width", "scheme"), DESKTOP)
def test_on_a_desk_a_page_is_open_to_everyone(visit, axe, path: str, width: int, scheme: str) -> None:
    assert serious(visit(width=width, scheme=scheme).go(path), axe) == []
