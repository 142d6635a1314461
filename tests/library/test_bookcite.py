"""Citing the book and its chapters: from CITATION.cff, with the version, in every style; bad files told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import bibtexparser
import pytest
import rispy
import yaml

from unrolled import __version__
from unrolled.base.errors import UnrolledError
from unrolled.library import bookcite
from unrolled.library.citing import render, styles
from unrolled.library.entries import load_entry

ROOT = Path(__file__).resolve().parents[2]


def test_the_version_in_citation_cff_is_the_packages():
    said = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert said["version"] == __version__


def test_the_book_is_cited_with_title_authors_year_and_version():
    book = bookcite.book_reference()
    (read,) = bibtexparser.parse_string(render([book])).entries
    assert (read.entry_type, read.key, read["year"]) == ("book", "unrolled", "2026")
    assert read["author"] == "{The Unrolled authors}"
    assert read["title"] == f"Unrolled: recurrent networks, paper by paper (version {__version__})"
    assert "url" not in book.fields  # none is known, so none is invented


def test_a_chapter_is_cited_as_part_of_the_book():
    chapter = bookcite.chapter_reference(load_entry("bn_lstm"), "https://example.org/book/")
    (item,) = json.loads(render([chapter], "csl-json"))
    assert item["type"] == "chapter"
    assert item["title"] == "BN-LSTM: recurrent batch normalization"
    assert item["container-title"] == f"Unrolled: recurrent networks, paper by paper (version {__version__})"
    assert item["URL"] == "https://example.org/book/notebooks/bn_lstm.html"
    (record,) = rispy.loads(render([chapter], "ris"))
    assert record["type_of_reference"] == "CHAP"


@pytest.mark.parametrize("style", styles())
def test_every_style_prints_book_and_chapter(style):
    text = render([bookcite.book_reference(), bookcite.chapter_reference(load_entry("bn_lstm"))], style)
    assert text.count(f"(version {__version__})") == 2
    assert "BN-LSTM" in text.replace("{", "").replace("}", "")


def test_an_entry_without_chapter_says_so():
    with pytest.raises(UnrolledError, match="vae_two_perspectives has no chapter yet"):
        bookcite.chapter_reference(load_entry("vae_two_perspectives"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("date-released: 2026-11-22", "", "lacks date-released"),
        ("date-released: 2026-11-22", "date-released: soon", "no day"),
        ("cff-version: 1.2.0", "cff-version: [", "not YAML"),
    ],
)
def test_a_broken_citation_file_is_told_with_its_name(project, old, new, said):
    shutil.copy(ROOT / "CITATION.cff", project)
    path = project / "CITATION.cff"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(UnrolledError, match=rf"CITATION\.cff:.*{said}"):
        bookcite.book_reference()


def test_a_missing_citation_file_is_told(project):
    with pytest.raises(UnrolledError, match=r"CITATION\.cff: cannot read"):
        bookcite.book_reference()


def test_what_a_chapter_cites_begins_with_its_paper_and_has_no_key_twice():
    entry = load_entry("bn_lstm")
    keys = bookcite.chapter_keys(entry, {"bn_lstm": entry})
    assert keys[0] == entry.key
    assert len(keys) == len(set(keys))
    assert set(entry.also_cite) <= set(keys)
