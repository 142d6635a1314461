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
    block = html.split('id="equation-bn-lstm-6"')[1][:800]
    assert 'href="#equation-bn-lstm-6"' in block
    assert re.search(r'class="chip"[^>]*>\(6\)</a>', block)
    assert "eqno" not in block


def chapter(built: building.Built) -> str:
    """The chapter's page, from its title to its end."""
    html = (built.folder / "notebooks" / "bn_lstm.html").read_text(encoding="utf-8")
    return html[html.index("<h1>") :]


def test_an_equation_stands_with_the_source_after_it_and_the_call_is_out_of_sight(built) -> None:
    html = chapter(built)
    pair = html[html.index('class="unrolled-pair ') :]
    assert 0 < pair.index('id="equation-bn-lstm-6"') < pair.index('<span class="nf">bn_lstm_step')
    assert "chapter.show" not in re.sub("<[^>]+>", "", html)


def test_imports_and_parameters_are_one_folded_set_up(built) -> None:
    html = chapter(built)
    assert html.count("Show set-up") == 1
    fold = html[html.index("Show set-up") :].partition("</details>")[0]
    text = re.sub("<[^>]+>", "", fold)
    assert "seed = 0" in text
    assert "import torch" in text


def test_what_is_folded_says_what_it_is(built) -> None:
    html = chapter(built)
    for said in ("solution", "plotting code"):
        assert re.search(rf'<summary><span class="show">Show {said}</span><span class="hide">Hide', html), (
            said
        )
    assert "code cell" not in html


def test_values_print_one_line_without_their_call(built) -> None:
    html = chapter(built)
    assert "steps <b>64 steps</b></span> · <span>wrong bits <b>0.5 %</b>" in html
    assert "chapter.value" not in re.sub("<[^>]+>", "", html)


def test_what_a_cell_verifies_is_one_table_that_escapes_its_words(built) -> None:
    html = chapter(built)
    table = html[html.index('<table class="unrolled-verified">') :].partition("</table>")[0]
    assert table.count("<tr") == 3
    assert "<td>≈ 0</td><td>at most 10⁻¹²</td>" in table
    assert '<tr class="fails">' in table
    assert "It &lt;b&gt;learns" in table
    assert "train longer" in table


def test_a_figure_is_a_light_and_a_dark_picture_for_each_panel_and_is_numbered_by_chapter(built) -> None:
    html = chapter(built)
    figure = html[html.index('id="fig-two"') :].partition("</figure>")[0]
    images = re.findall(r'<img src="\.\./(_images/\w+\.svg)" alt="([^"]+)" class="only-(\w+)"', figure)
    assert [ground for _, _, ground in images] == ["light", "dark", "light", "dark"]
    assert images[0][1] == "Two lines that rise, one in each panel."
    files = [(built.folder / name).read_text(encoding="utf-8") for name, _, _ in images]
    assert 'viewBox="190 0 210 160"' in files[2]
    assert "#0072b2" in files[0]
    assert "#0072b2" not in files[1]
    assert "Figure 1.1" in figure
    assert "Figure 1.1</span></a>" in html  # the reference


def test_the_card_says_how_long_it_takes_and_what_to_read(built) -> None:
    card = chapter(built).partition("</section>")[0]
    assert re.search(r"Chapter 1 · \d+ minutes? to read", card)
    assert "Read first" in card
    assert re.findall(r'class="button"[^>]*>(\w+)<', card) == ["Cite", "Notebook", "Source", "Tests"]


def test_icons_need_no_script_and_colours_none(built) -> None:
    html = (built.folder / "notebooks" / "bn_lstm.html").read_text(encoding="utf-8")
    assert "fontawesome" not in html
    assert not list((built.folder / "_static").rglob("*fontawesome*"))
    css = (built.folder / "_static" / "auto.css").read_text(encoding="utf-8")
    joined = re.search(r'rel="stylesheet" href="../(_static/book-\w+\.css)"', html)[1]
    assert css in (built.folder / joined).read_text(encoding="utf-8")
    assert "--unrolled-accent" in css
    assert css.count("@media (prefers-color-scheme: ") == 2


def test_pages_load_nothing_from_elsewhere(built: building.Built) -> None:
    outside = re.compile(r"""<(?:script|link|img|iframe|source)\b[^>]*\b(?:src|href)=["'](?:https?:)?//""")
    for page in built.folder.rglob("*.html"):
        html = page.read_text(encoding="utf-8")
        assert not outside.search(html), page
        assert "thebe" not in html.lower(), page
    fonts = built.folder / "_static" / "mathjax" / "output" / "chtml" / "fonts" / "woff-v2"
    assert (fonts / "MathJax_Main-Regular.woff").is_file()


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
