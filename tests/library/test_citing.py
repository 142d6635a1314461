"""Citing: what is printed reads again in independent readers, in Unicode where the format has it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import bibtexparser
import pytest
import rispy

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.library import bibliography
from unrolled.library.bibliography import parse
from unrolled.library.citing import cite, render, styles
from unrolled.library.faults import Faulty

ALL = list(bibliography.load().entries)


def test_an_entry_is_cited_by_its_slug_and_a_work_by_its_key():
    assert cite("bn_lstm").startswith("@inproceedings{cooijmans2017recurrent,\n")
    assert cite("cooijmans2017recurrent") == cite("bn_lstm")
    assert cite(["bn_lstm", "cooijmans2017recurrent"]) == cite("bn_lstm")


def test_bibtex_of_every_reference_parses_again_in_bibtexparser():
    read = bibtexparser.parse_string(cite(ALL))
    assert read.failed_blocks == []
    assert [entry.key for entry in read.entries] == ALL
    title = read.entries_dict["laurent2016batch"]["booktitle"]
    assert "{ICASSP}" in title


def test_ris_of_every_reference_reads_in_an_independent_reader():
    read = rispy.loads(cite(ALL, "ris"))
    assert [record["id"] for record in read] == ALL
    paper = next(record for record in read if record["id"] == "cooijmans2017recurrent")
    assert paper["authors"][3] == "Gülçehre, Çağlar"
    assert paper["year"] == "2017"
    article = next(record for record in read if record["id"] == "hochreiter1997long")
    assert (article["start_page"], article["end_page"]) == ("1735", "1780")


def test_csl_json_is_unicode_with_names_in_parts():
    items = {item["id"]: item for item in json.loads(cite(ALL, "csl-json"))}
    assert list(items) == ALL
    assert items["cooijmans2017recurrent"]["author"][3] == {"family": "Gülçehre", "given": "Çağlar"}
    assert items["hochreiter1997long"]["type"] == "article-journal"
    assert items["hochreiter1997long"]["page"] == "1735–1780"
    assert not any("\\" in json.dumps(item, ensure_ascii=False).replace('\\"', "") for item in items.values())


def test_apa_prints_what_the_style_asks_for():
    assert cite("hochreiter1997long", "apa") == (
        "Hochreiter, S., & Schmidhuber, J. (1997). Long Short-Term Memory. Neural Computation, 9(8), "
        "1735–1780. https://doi.org/10.1162/neco.1997.9.8.1735\n"
    )


def test_ieee_prints_what_the_style_asks_for():
    assert cite("lecun1998gradient", "ieee").startswith(
        "Y. LeCun, L. Bottou, Y. Bengio, and P. Haffner, “Gradient-Based Learning Applied to Document "
        "Recognition,” Proceedings of the IEEE, vol. 86, no. 11, pp. 2278–2324, 1998."
    )


@pytest.mark.parametrize("style", styles())
def test_every_style_prints_every_reference(style):
    text = cite(ALL, style)
    assert "Gülçehre" in text or style == "bibtex" or "Cooijmans, T. et al." in text
    assert text.endswith("\n")


def test_corporate_authors_particles_and_others_keep_their_form():
    people = "{Theano Development Team} and van den Berg, Rianne and others"
    text = f"@misc{{a, author = {{{people}}}, title = {{T}}, year = 2016}}"
    reference = parse(text).entries["a"]
    people = json.loads(render([reference], "csl-json"))[0]["author"]
    assert people[0] == {"literal": "Theano Development Team"}
    assert people[1] == {"family": "Berg", "given": "Rianne", "non-dropping-particle": "van den"}
    assert "AU  - Theano Development Team\nAU  - van den Berg, Rianne" in render([reference], "ris")
    assert render([reference], "apa").startswith(
        "Theano Development Team, van den Berg, R. et al. (2016). T."
    )


def test_html_in_a_field_is_shown_as_text():
    text = "@misc{a, author = {Eve, <b>}, title = {<script>alert(1)</script> {\\&} more}, year = 2016}"
    shown = render([parse(text).entries["a"]], "apa", html=True)
    assert "<script>" not in shown
    assert "<b>" not in shown
    assert "&lt;script&gt;" in shown


def test_addresses_keep_their_per_cent_signs_and_lose_latex_escapes():
    text = r"@misc{a, title = {100\% sure}, url = {https://example.org/a%20b\_c}, year = 2016}"
    item = json.loads(render([parse(text).entries["a"]], "csl-json"))[0]
    assert (item["URL"], item["title"]) == ("https://example.org/a%20b_c", "100% sure")


def test_unknown_names_and_styles_tell_near_ones():
    with pytest.raises(UsageError, match="did you mean bn_lstm"):
        cite("bn_lsmt")
    with pytest.raises(UsageError, match="did you mean bibtex"):
        cite("bn_lstm", "bibtx")


def test_a_broken_block_is_told_when_it_is_the_one_asked_for(edit):
    edit("bib/references.bib", "{Recurrent Batch Normalization}", "{Recurrent Batch Normalization")
    with pytest.raises(Faulty, match=r"references\.bib:\d+: broken entry 'cooijmans2017recurrent'"):
        cite("bn_lstm")
    assert cite("ioffe2015batch").startswith("@inproceedings{ioffe2015batch,")


def test_a_file_that_is_no_style_is_one_clear_error(tmp_path):
    bad = tmp_path / "bad.csl"
    bad.write_text("<style>", encoding="utf-8")
    with pytest.raises(UnrolledError, match=r"bad\.csl: no CSL style"):
        cite("bn_lstm", str(bad))


def test_citing_imports_nothing_heavy():
    code = (
        "import sys\nfrom unrolled.cli import main\n"
        "try:\n    main(['cite', 'bn_lstm'])\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('torch', 'numpy', 'matplotlib', 'citeproc', 'rich') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.splitlines()[-1] == "[]"
