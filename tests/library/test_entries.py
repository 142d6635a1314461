"""Entries load with every fault at once, each with its line; nothing that a file holds brings a traceback."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from unrolled.base.errors import UsageError
from unrolled.library.entries import load_all, load_concepts, load_entry, read_entry
from unrolled.library.faults import Faulty
from unrolled.library.schema import entry_schema

ROOT = Path(__file__).resolve().parents[2]

SMALL = """\
slug: small
kind: paper
title: A Title
short: Small
key: a2000title
part: cells
year: 2000
status: planned
summary: What it is.
statements:
  - id: first
    kind: exact
    says: There are two.
    locus: {section: "1"}
    metric: a number
    paper: {value: 2}
equations:
  - {label: small-1, number: "1", name: one, latex: "x = 1", statements: [first]}
"""


@pytest.fixture
def small(tmp_path):
    """Write an entry file and read it."""

    def read(text: str | bytes, name: str = "small.yaml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_entry(path)

    return read


def test_every_entry_and_concept_of_the_book_loads():
    assert load_entry("dkt").statement("assistments-auc").paper.value == 0.86
    assert set(load_all()) >= {"dkt", "bn_lstm"}
    assert "lstm" in load_concepts()


def test_the_published_schema_is_the_models_own():
    published = (ROOT / "bib" / "entry.schema.json").read_text(encoding="utf-8")
    assert published == entry_schema(), "run 'unrolled schema --write'"


def test_an_unknown_slug_names_near_ones():
    with pytest.raises(UsageError, match=r"no entry 'bn_lsmt' \(did you mean bn_lstm\?\)"):
        load_entry("bn_lsmt")


def test_all_faults_of_a_file_come_at_once_with_their_lines(small):
    text = SMALL.replace("year: 2000", "year: soon").replace('number: "1"', "number: 1")
    text = text.replace("statements: [first]", "statements: [second]").replace("status:", "state:")
    entry, document = small(text)
    assert entry is None
    found = [(fault.line, fault.problem.partition(":")[0]) for fault in document.faults]
    assert found == [
        (1, "status"),
        (7, "year"),
        (8, "state"),
        (18, "equation names an unknown statement 'second'"),
        (18, "equations.0.number"),
    ]


def test_a_faulty_file_raises_one_line_a_fault(project, edit):
    edit("bib/entries/bn_lstm.yaml", "year: 2017", "year: soon")
    edit("bib/entries/bn_lstm.yaml", "status: verified", "status: done")
    with pytest.raises(Faulty) as error:
        load_entry("bn_lstm")
    lines = str(error.value).split("\n")
    assert [line.split(": ")[0] for line in lines] == [
        "bib/entries/bn_lstm.yaml:7",
        "bib/entries/bn_lstm.yaml:8",
    ]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "empty"),
        ("- a\n- b\n", 1, "mapping"),
        (SMALL.replace("title: A", "title: [A"), 4, "not YAML"),
        (SMALL + "title: Again\n", 19, "key 'title' twice"),
        (SMALL.replace("A Title", "&a Title"), 3, "anchors"),
        (SMALL.replace("A Title", "!!python/object:os.system x"), 3, "tag"),
        (SMALL.replace("A Title", "!!binary x"), 3, "tag"),
        (SMALL + "x: " + "[" * 60 + "]" * 60, 19, "levels deep"),
        (SMALL + "x: " + "[" * 50_000, 19, "levels deep"),
        (SMALL + "---\nslug: other\n", 19, "second YAML document"),
        (SMALL.replace("What", "Wh\0at"), 9, "not YAML"),
        (SMALL.replace("year: 2000", "year: " + "9" * 5000), 7, "number"),
        (SMALL.encode("utf-16"), 1, "not UTF-8"),
        (SMALL.replace("What", "W\xe4s").encode("latin-1"), 9, "not UTF-8"),
        (SMALL.replace("summary: What it is.", "summary: " + "word " * 81), 9, "81 words"),
        (SMALL.replace("slug: small", "slug: other"), 1, "named small.yaml"),
        (SMALL.replace('{section: "1"}', "{}"), 14, "names no place"),
        (SMALL.replace("value: 2", "value: .nan"), 16, "finite"),
        (SMALL.replace("{value: 2}", "{}"), 16, "missing"),
        (SMALL.replace("metric: a number", "metric: a number\n    runs: [a]"), 11, "how many were declared"),
        (SMALL + "checks:\n  - {id: first, says: x, tests: [y]}\n", 20, "id 'first' twice"),
        (SMALL.replace("    paper:", "    setting: none\n    paper:"), 16, "no setting 'none' in 'paper'"),
    ],
)
def test_bad_input_is_told_with_its_line(small, text, line, said):
    entry, document = small(text)
    assert entry is None
    assert (document.faults[0].line, said in document.faults[0].problem) == (line, True), document.faults


def test_many_aliases_do_not_grow(small):
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(12)
    )
    _, document = small(bomb)
    assert "anchors" in document.faults[0].problem


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(small):
    plain, _ = small(SMALL)
    windows, document = small(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert document.faults == []
    assert windows == plain


def test_a_changed_file_is_read_again(small):
    assert small(SMALL)[0].year == 2000
    assert small(SMALL.replace("year: 2000", "year: 2001"))[0].year == 2001


def test_concepts_tell_their_faults_too(project, edit):
    edit("bib/concepts.yaml", "name: long short-term memory", "nam: long short-term memory")
    with pytest.raises(
        Faulty, match=r"concepts\.yaml:3: 0\.nam: unknown field|concepts\.yaml:3: nam: unknown field"
    ):
        load_concepts()


def mutated(text: str, rng: random.Random) -> str:
    """A file with pieces removed, doubled, changed or moved, and lines indented."""
    for _ in range(rng.randint(1, 5)):
        at, length = rng.randrange(len(text)), rng.choice([1, 1, 3, 20, 200])
        signs = [
            *"{}[]:,-#&*!|>'\"%@`\n\t\0 ",
            "\n  ",
            ": ",
            "- ",
            "&a ",
            "*a",
            "!!set ",
            "<<: ",
            "é",
            "\x85",
            "1e999",
            "~",
        ]
        piece = rng.choice(["", text[at : at + length] * 2, *signs])
        text = text[:at] + piece + text[at + length :]
    return text


@pytest.mark.parametrize("files", [100, pytest.param(5000, marks=pytest.mark.long)])
def test_mutated_files_never_raise_and_every_fault_has_file_and_line(tmp_path, files, record_property):
    rng = random.Random(1603)
    source = (ROOT / "bib" / "entries" / "dkt.yaml").read_text(encoding="utf-8")
    faulty = 0
    for number in range(files):
        path = tmp_path / "dkt.yaml"
        data = mutated(source, rng).encode("utf-8", errors="replace")
        if number % 10 == 0:
            at = rng.randrange(len(data))
            data = data[:at] + bytes([rng.randrange(128, 256)]) + data[at:]
        path.write_bytes(data)
        entry, document = read_entry(path)
        lines = data.count(b"\n") + data.count(b"\r") + data.count("\x85".encode()) + 1
        assert (entry is None) == bool(document.faults)
        faulty += bool(document.faults)
        for fault in document.faults:
            assert fault.file == path
            assert 1 <= fault.line <= lines
            assert fault.problem
            assert "\n" not in str(fault)
    record_property("faulty", faulty)
    assert faulty > 0.4 * files
