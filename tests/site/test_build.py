"""The book is built whole, once, and only where something has changed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from unrolled.base.errors import UnrolledError
from unrolled.site import build as building


@pytest.fixture(scope="module")
def built(project: Path) -> building.Built:
    """The small book, built with every warning an error."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNROLLED_PROJECT", str(project))
        patch.delenv("UNROLLED_REPOSITORY", raising=False)
        return building.build(project)


@pytest.fixture(autouse=True)
def in_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNROLLED_PROJECT", str(project))
    monkeypatch.delenv("UNROLLED_REPOSITORY", raising=False)


def test_the_book_has_exactly_the_pages_it_must_have(project: Path, built: building.Built) -> None:
    assert built.fresh
    assert building.pages(built.folder) == building.expected_pages(project)
    assert {"notebooks/bn_lstm", "book/ledger", "source/unrolled/papers/bn_lstm/model"} <= building.pages(
        built.folder
    )


def test_an_unchanged_book_is_not_built_again(project: Path, built: building.Built) -> None:
    again = building.build(project)
    assert not again.fresh
    assert again.pages == built.pages


def test_the_chapter_holds_every_generated_part(built: building.Built) -> None:
    html = (built.folder / "notebooks" / "bn_lstm.html").read_text(encoding="utf-8")
    for part in (
        "unrolled-card",
        "unrolled-diagram",
        "unrolled-chips",
        "unrolled-table notation",
        "unrolled-table statements",
    ):
        assert part in html, part
    for part in (
        "unrolled-table departures",
        "unrolled-relations",
        "unrolled-cite",
        "unrolled-errata",
        "unrolled-pair",
    ):
        assert part in html, part
    assert "<!-- unrolled:" not in html
    assert 'href="../_sources/notebooks/bn_lstm.ipynb"' in html
    assert (built.folder / "_sources" / "notebooks" / "bn_lstm.ipynb").is_file()


def test_equations_carry_the_number_they_have_in_the_paper(built: building.Built) -> None:
    html = (built.folder / "notebooks" / "bn_lstm.html").read_text(encoding="utf-8")
    block = html.split('id="equation-bn-lstm-6"')[1][:200]
    assert re.search(r'class="eqno">\(6\)', block)


def test_pages_load_nothing_from_elsewhere(built: building.Built) -> None:
    outside = re.compile(r"""<(?:script|link|img|iframe|source)\b[^>]*\b(?:src|href)=["'](?:https?:)?//""")
    for page in built.folder.rglob("*.html"):
        html = page.read_text(encoding="utf-8")
        assert not outside.search(html), page
        assert "thebe" not in html.lower(), page
    assert (built.folder / "_static" / "mathjax" / "tex-chtml.js").is_file()


def test_no_address_is_invented(built: building.Built) -> None:
    html = (built.folder / "notebooks" / "bn_lstm.html").read_text(encoding="utf-8")
    assert "jupyter-book" not in re.sub(r'content="[^"]*"', "", html)
    assert "colab.research" not in html


def test_internal_links_lead_somewhere(built: building.Built) -> None:
    anchors = {
        page: set(re.findall(r'\bid="([^"]+)"', page.read_text(encoding="utf-8")))
        for page in built.folder.rglob("*.html")
    }
    broken = []
    for page in anchors:
        if page.name in ("search.html", "genindex.html"):
            continue
        for href in set(re.findall(r'<a\b[^>]*\bhref="([^"]+)"', page.read_text(encoding="utf-8"))):
            if re.match(r"[a-z]+:", href):
                continue
            path, _, anchor = href.partition("#")
            if "book/api/" in path:
                anchor = ""  # this project's programming reference is empty
            target = (page.parent / path).resolve() if path else page
            if not target.exists() or (
                anchor and target.suffix == ".html" and anchor not in anchors.get(target, set())
            ):
                broken.append(f"{page.relative_to(built.folder)}: {href}")
    assert not broken


@pytest.mark.slow
def test_a_fault_fails_the_build_and_keeps_failing(project: Path, built: building.Built) -> None:
    page = project / "book" / "concepts.md"
    before = page.read_text(encoding="utf-8")
    try:
        page.write_text(
            before
            + "\n{cite}`nobody1900nothing` {statement}`bn_lstm/no-such` {value}`bn_lstm:none`\n"
            + "\n<!-- unrolled:clams -->\n",
            encoding="utf-8",
        )
        for _ in range(2):  # an incremental build would hide the warnings the second time
            with pytest.raises(UnrolledError) as caught:
                building.build(project)
            for said in ("nobody1900nothing", "no-such", "bn_lstm:none", "clams"):
                assert said in str(caught.value)
    finally:
        page.write_text(before, encoding="utf-8")


def test_a_page_that_does_not_exist_is_told_before_building(project: Path) -> None:
    toc = project / "_toc.yml"
    before = toc.read_text(encoding="utf-8")
    try:
        toc.write_text(before + "      - file: book/no-such-page\n", encoding="utf-8")
        with pytest.raises(UnrolledError, match="names book/no-such-page, which does not exist"):
            building.build(project)
    finally:
        toc.write_text(before, encoding="utf-8")


def test_the_fingerprint_sees_content_and_environment(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = building.fingerprint(project)
    entry = project / "bib" / "entries" / "bn_lstm.yaml"
    entry.touch()
    assert building.fingerprint(project) == before
    monkeypatch.setenv("UNROLLED_REPOSITORY", "https://example.org/a/b")
    assert building.fingerprint(project) != before


def test_files_for_programs_and_scholarly_tags_are_in_the_book(built: building.Built) -> None:
    for name in ("papers", "equations", "statements", "concepts", "graph", "schema/papers", "schema/graph"):
        json.loads((built.folder / "data" / f"{name}.json").read_text(encoding="utf-8"))
    assert (built.folder / "data" / "references.bib").is_file()
    chapter = (built.folder / "notebooks" / "bn_lstm.html").read_text(encoding="utf-8")
    assert 'href="../data/chapters/bn_lstm.bib"' in chapter
    head = chapter.partition("</head>")[0]
    assert re.search(r'<meta name="citation_title" content="[^"]+">', head)
    assert '<meta name="citation_author" content="The Unrolled authors">' in head
    assert "citation_title=Recurrent Batch Normalization; citation_author=Cooijmans, Tim;" in head
    assert "citation_title" not in (built.folder / "book" / "ledger.html").read_text(encoding="utf-8")
