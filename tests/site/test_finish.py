"""Finished pages keep to a strict policy, have their formulas set, and lead on from old addresses."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from site_samples import knowledge_with

from unrolled.base.errors import UnrolledError
from unrolled.site import finish, formulas, meta, policy, redirects
from unrolled.site.formulas import Formulas
from unrolled.site.sheets import Sheets

PAGE = """<!DOCTYPE html>
<html lang="en" data-content_root="../">
<head>
<meta charset="utf-8" />
<script data-cfasync="false">document.documentElement.dataset.mode = "auto";</script>
<!-- Loaded before other Sphinx assets -->
<link href="../_static/styles/theme.css?digest=1" rel="stylesheet" />
<link rel="stylesheet" type="text/css" href="../_static/unrolled.css?v=2" />
<script src="../_static/doctools.js?v=1"></script>
<script>let toggleHintShow = 'Click';</script>
<script>let toggleHintShow = 'Click';</script>
<script>DOCUMENTATION_OPTIONS.pagename = 'notebooks/ntm';</script>
<script>window.MathJax = {"loader": {"load": ["ui/safe"]}}</script>
<script defer="defer" src="../_static/mathjax/tex-chtml.js"></script>
<script type="application/json">{"a": 1}</script>
</head>
<body><button onclick="window.print()" class="btn">Print</button>
<p>Words on onclick="x" and <a href="https://example.org">out</a> <a href="a.html">in</a></p>
<div class="math notranslate nohighlight" id="equation-x">
<span class="eqno">(1)<a class="headerlink" href="#equation-x">#</a></span>\\[a &lt; b\\]</div>
<script>later();</script>
</body>
</html>
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    styles = tmp_path / "_static" / "styles"
    styles.mkdir(parents=True)
    (styles / "theme.css").write_text('@import "../basic.css";\nb { src: url(../f.woff) }', encoding="utf-8")
    (tmp_path / "_static" / "basic.css").write_text(
        '@charset "UTF-8";a { c: url("data:x") }', encoding="utf-8"
    )
    (tmp_path / "_static" / "mathjax").mkdir()
    (tmp_path / "_static" / formulas.SHEET).write_text("m { n: o }", encoding="utf-8")
    (tmp_path / "_static" / "unrolled.css").write_text("d { e: f }", encoding="utf-8")
    return tmp_path


def finished(folder: Path, html: str = PAGE) -> tuple[str, finish.Finish]:
    how = finish.Finish(
        Sheets(folder), search=True, formulas=Formulas({("a < b", True): "<mjx-x>set</mjx-x>"}, "")
    )
    return how.page(html, "notebooks/ntm"), how


def test_no_script_and_no_handler_is_left_in_a_page(folder: Path) -> None:
    html, how = finished(folder)
    inline = re.findall(r"<script(?![^>]*src=)(?![^>]*application/json)", html)
    assert inline == []
    assert 'onclick="window' not in html
    assert 'data-action="print"' in html
    assert 'Words on onclick="x"' in html  # text stays text
    first, second = how.scripts.files.values()
    assert first.startswith("document.documentElement.dataset.mode")
    assert first.count("toggleHintShow") == 1
    assert "pagename" not in first
    assert second == "later();\n"
    assert '<script defer src="../_static/doctools.js?v=1">' in html
    assert '<script type="application/json">{"a": 1}</script>' in html


def test_the_page_of_the_plain_search_reads_its_scripts_in_order(folder: Path) -> None:
    html = finish.Finish(Sheets(folder)).page(PAGE.replace("../", "./"), "search")
    assert '<script src="./_static/doctools.js?v=1">' in html


def test_the_policy_comes_before_everything_that_it_is_for(folder: Path) -> None:
    html, _ = finished(folder)
    assert html.index("Content-Security-Policy") < html.index("<script")
    said = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    assert "script-src 'self' 'wasm-unsafe-eval';" in said
    assert "unsafe-eval'" not in said.replace("wasm-unsafe-eval", "")
    assert "script-src 'self' 'wasm-unsafe-eval' 'unsafe-inline'" not in said


def test_an_unknown_handler_fails_the_build() -> None:
    with pytest.raises(UnrolledError, match="inline handler 'run"):
        policy.acting('<a onmouseover="run()">')


def test_links_to_other_sites_have_no_hold_on_the_page(folder: Path) -> None:
    html, _ = finished(folder)
    assert '<a href="https://example.org" rel="noopener">' in html
    assert '<a href="a.html">' in html
    assert (
        policy.apart('<a rel="license" href="https://x.org">')
        == '<a rel="license noopener" href="https://x.org">'
    )


def test_a_page_loads_one_style_sheet_with_what_it_imports(folder: Path) -> None:
    html, how = finished(folder)
    assert len(re.findall(r'rel="stylesheet"', html)) == 1
    assert how.sheets.files
    (text,) = how.sheets.files.values()
    assert text.index("a {") < text.index("b {") < text.index("d {")
    assert 'url("f.woff")' in text
    assert 'url("data:x")' in text
    assert "@charset" not in text
    assert "@import" not in text


def test_formulas_are_set_and_nothing_loads_mathjax(folder: Path) -> None:
    html, how = finished(folder)
    assert "</span><mjx-x>set</mjx-x></div>" in html
    assert "(1)<a class" in html
    assert "tex-chtml" not in html
    assert not any("window.MathJax" in text for text in how.scripts.files.values())
    assert formulas.collected([PAGE]) == [("a < b", True)]


@pytest.mark.skipif(formulas.node() is None, reason="there is no Node")
def test_node_sets_formulas_and_refuses_what_it_cannot_read() -> None:
    made = formulas.typeset([(r"\alpha_{tj}", False), (r"\frac{a}{b}", True)], formulas.node())
    assert "mjx-c1D6FC" in made.made[r"\alpha_{tj}", False]
    assert "<math" in made.made[r"\frac{a}{b}", True]  # for those who listen
    assert "mjx-mfrac" in made.css
    for wrong in (r"\frac{a", r"\nosuchthing", r"\href{javascript:alert(1)}{x}"):
        with pytest.raises(UnrolledError, match="MathJax cannot read"):
            formulas.typeset([(wrong, False)], formulas.node())


def test_a_page_says_what_it_is_and_invents_no_address(monkeypatch) -> None:
    monkeypatch.delenv("UNROLLED_SITE_URL", raising=False)
    monkeypatch.delenv("UNROLLED_REPOSITORY", raising=False)
    kb = knowledge_with('"><script>')
    said = meta.description(kb, "notebooks/bn_lstm", "Title", None)
    html = meta.tags("notebooks/bn_lstm", "Title", said, "Book")
    assert "<script" not in html
    assert 'name="description"' in html
    assert "http" not in html
    assert meta.report("notebooks/bn_lstm", "Title") is None
    monkeypatch.setenv("UNROLLED_SITE_URL", "https://example.org/book")
    html = meta.tags("notebooks/bn_lstm", "Title", said, "Book")
    assert 'content="https://example.org/book/notebooks/bn_lstm.html"' in html
    assert 'content="https://example.org/book/_static/social.png"' in html
    assert (Path(__file__).resolve().parents[2] / "book" / "static" / "social.png").is_file()


def test_errors_are_reported_where_the_repository_is(monkeypatch) -> None:
    monkeypatch.setenv("UNROLLED_REPOSITORY", "https://github.com/someone/unrolled")
    address = meta.report("notebooks/ntm", "NTM & more")
    assert address.startswith("https://github.com/someone/unrolled/issues/new?title=Error+on+the+page")
    assert "NTM+%26+more" in address
    assert "notebooks%2Fntm.html" in address
    monkeypatch.setenv("UNROLLED_REPOSITORY", "https://gitlab.com/someone/unrolled")
    assert "/-/issues/new?issue%5Btitle%5D=" in meta.report("notebooks/ntm", "NTM")


def with_redirects(root: Path, text: str) -> tuple[object, Path]:
    for page in ("book/new", "notebooks/bn_lstm"):
        file = root / "html" / f"{page}.html"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(
            "<title>New page &#8212; Book</title>\n<section id='x'></section>"
            '<h2 id="now">N</h2><table><tr id="row"><th scope="row">R</th></tr></table>',
            encoding="utf-8",
        )
    (root / "book").mkdir()
    (root / redirects.FILE).write_text(text, encoding="utf-8")
    return replace(knowledge_with(), root=root), root / "html"


def test_old_addresses_lead_on(tmp_path: Path) -> None:
    kb, folder = with_redirects(
        tmp_path,
        "pages: {book/old: 'book/new#now'}\nanchors: {book/new: {then: now, line: row}}\n",
    )
    redirects.write(kb, folder)
    old = (folder / "book" / "old.html").read_text(encoding="utf-8")
    assert 'content="0; url=new.html#now"' in old
    assert "<title>New page</title>" in old
    new = (folder / "book" / "new.html").read_text(encoding="utf-8")
    assert '<h2 id="now"><span id="then"></span>' in new
    assert '<tr id="row"><th scope="row"><span id="line"></span>' in new  # inside a cell, where it may stand


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pages: {book/old: book/gone}\n", "book/gone, which is no page"),
        ("pages: {book/old: 'book/new#gone'}\n", "which does not exist"),
        ("pages: {book/new: book/new}\n", "is a page again"),
        ("anchors: {book/new: {old: gone}}\n", "#gone, which does not exist"),
        ("anchors: {book/new: {row: now}}\n", "exists again"),
        ("page: {a: b}\n", "Extra inputs"),
    ],
)
def test_a_redirect_to_nowhere_fails_the_build(tmp_path: Path, text: str, said: str) -> None:
    kb, folder = with_redirects(tmp_path, text)
    with pytest.raises(UnrolledError, match=re.escape(said)):
        redirects.write(kb, folder)


def test_every_claim_of_the_first_version_has_its_anchor(monkeypatch) -> None:
    from unrolled.library.entries import load_all
    from unrolled.site.knowledge import KnowledgeBase

    root = Path(__file__).resolve().parents[2]
    monkeypatch.setenv("UNROLLED_PROJECT", str(root))
    entries = load_all()
    found = redirects.claims(KnowledgeBase(root, entries))
    known = {
        f"statement-{name}"
        for entry in entries.values()
        for name in (
            *(item.id for item in (*entry.statements, *entry.findings)),
            *(f"check-{check.id}" for check in entry.checks),
        )
    }
    assert sum(map(len, found.values())) > 300
    assert {new for anchors in found.values() for new in anchors.values()} <= known


def test_the_lost_page_works_from_any_depth(folder: Path, monkeypatch) -> None:
    monkeypatch.setenv("UNROLLED_SITE_URL", "https://example.org/book/")
    how = finish.Finish(Sheets(folder))
    html = (
        '<html data-content_root="./"><head></head><a href="book/index.html">x</a><form action="search.html">'
    )
    made = how.page(html, "404")
    assert ' data-content_root="https://example.org/book/./"' in made
    assert ' href="https://example.org/book/book/index.html"' in made
    assert ' action="https://example.org/book/search.html"' in made
    assert how.page(html, "other") == html
