"""The reading list as a whole: the sheets' bibliography, citations that read again, links."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import bibtexparser
import pytest
import rispy

from unrolled.library import bibliography
from unrolled.library.bibliography import Reference, parse
from unrolled.library.check import check
from unrolled.library.citing import cite
from unrolled.library.entries import load_all
from unrolled.library.latex import names, plain_field
from unrolled.library.models import INVERSES
from unrolled.site.knowledge import load_knowledge_base

ROOT = Path(__file__).resolve().parents[2]
SHEETS = Path(os.environ.get("UNROLLED_SHEETS", ROOT.parent / "shared" / "papers"))
ENTRIES = load_all()
PAPERS = """
rnn_review lstm_odyssey depth_gated_lstm bn_lstm visualizing_rnns pycaffe_recurrent
rnn_encoder_decoder bahdanau_attention luong_attention scheduled_sampling ram show_attend_tell video_lstm
lstm_e memory_networks memn2n ntm stack_rnn vae vae_tutorial vrnn srnn dkt
"""


def sheet_references() -> list[tuple[str, Reference]]:
    """Every reference of every BibTeX block of every sheet, with the sheet's name."""
    found = []
    for sheet in sorted(SHEETS.glob("*.md")):
        for block in re.findall(r"^```bibtex\n(.*?)^```", sheet.read_text(encoding="utf-8"), re.M | re.S):
            found += [(sheet.name, reference) for reference in parse(block, sheet).entries.values()]
    return found


def test_the_list_is_whole():
    assert sorted(slug for slug, entry in ENTRIES.items() if entry.kind != "reading") == sorted(
        PAPERS.split()
    )
    assert sum(entry.kind == "reading" for entry in ENTRIES.values()) == 13
    assert {entry.slug for entry in ENTRIES.values() if entry.kind == "project"} == {"pycaffe_recurrent"}


@pytest.mark.skipif(
    not SHEETS.is_dir(), reason=f"the papers' sheets are not beside the checkout ({SHEETS.name})"
)
def test_bibliographic_fields_equal_the_sheets():
    ours, compared, differ = bibliography.load().entries, 0, []
    for sheet, reference in sheet_references():
        mine = ours.get(reference.key)
        if mine is None:
            differ.append(f"{sheet}: {reference.key} is missing")
            continue
        if mine.type != reference.type:
            differ.append(f"{sheet}: {reference.key}: type {mine.type}, not {reference.type}")
        for name, value in reference.fields.items():
            if value.startswith("unknown"):  # the sheet says so, and a bibliography leaves the field out
                continue
            compared += 1
            if plain_field(name, mine.get(name)) != plain_field(name, value):
                differ.append(f"{sheet}: {reference.key}: {name}: {mine.get(name)!r}, not {value!r}")
    assert not differ, "\n".join(differ)
    assert compared > 200


@pytest.mark.parametrize("slug", ENTRIES)
def test_every_entry_is_cited_in_bibtex_ris_and_csl_json(slug):
    reference = bibliography.load().entries[ENTRIES[slug].key]
    title, year = plain_field("title", reference["title"]), reference.get("year")
    read = bibtexparser.parse_string(cite(slug))
    assert read.failed_blocks == []
    assert [(entry.key, entry.fields_dict["title"].value) for entry in read.entries] == [
        (reference.key, reference["title"])
    ]
    (record,) = rispy.loads(cite(slug, "ris"))
    assert (record["id"], record["title"], record.get("year", "")) == (reference.key, title, year)
    people = names(reference.get("author"))
    assert len(record.get("authors", [])) == sum(name.literal != "others" for name in people)
    (item,) = json.loads(cite(slug, "csl-json"))
    assert (item["id"], item["title"]) == (reference.key, title)
    assert not year or item["issued"]["date-parts"][0][0] == int(year) == ENTRIES[slug].year
    assert len(item.get("author", [])) == len(people)


@pytest.mark.slow
def test_no_entry_has_a_fault():
    found = [str(fault) for fault in check() if fault.level == "fault" and fault.file.suffix == ".yaml"]
    assert found == []


def test_every_statement_names_its_place_in_the_paper():
    found = [(slug, statement) for slug, entry in ENTRIES.items() for statement in entry.statements]
    assert found
    assert [f"{slug}/{item.id}" for slug, item in found if len(str(item.locus)) < 5] == []


def test_each_relation_and_its_inverse_agree():
    arrows = {
        (slug, relation.type, relation.target)
        for slug, entry in ENTRIES.items()
        for relation in entry.relations
    }
    for source, kind, target in arrows:
        assert kind in INVERSES
        assert source != target
        if kind != "contradicts":  # the one relation that may hold both ways
            assert (target, kind, source) not in arrows, f"{source} {kind} {target}, and the other way"
    opposed = {("generalises", "special-case-of"), ("special-case-of", "generalises")}
    for source, kind, target in arrows:
        for one, other in opposed:
            if kind == one:
                assert (source, other, target) not in arrows, f"{source} both {one} and {other} {target}"
    assert len(set(INVERSES.values())) == len(INVERSES)


@pytest.mark.slow
def test_every_relation_shows_on_the_page_of_its_other_end():
    from unrolled.site.html import Place
    from unrolled.site.lineage import relations

    kb = load_knowledge_base(ROOT, frozenset())
    for slug, entry in ENTRIES.items():
        for relation in entry.relations:
            if relation.target in ENTRIES:
                there = str(relations(kb, relation.target, Place("book/x")))
                assert INVERSES[relation.type] in there.lower(), (slug, relation.type, relation.target)


def test_every_relation_names_its_evidence_and_every_reading_its_chapters():
    assert all(relation.evidence for entry in ENTRIES.values() for relation in entry.relations)
    readings = [entry for entry in ENTRIES.values() if entry.kind == "reading"]
    assert all(entry.chapters and entry.concepts and entry.teaches for entry in readings)
    assert all(any(link.kind == "archive" for link in entry.links) for entry in readings)
