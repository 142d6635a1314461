"""The bibliography loads what can be read, names the line of what cannot, and writes what reads the same."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.library import bibliography
from unrolled.library.bibformat import write
from unrolled.library.faults import Faulty

GOOD = "@article{one,\n  author = {Ada Lovelace},\n  title = {First},\n  year = 1843\n}\n"


def test_the_book_s_own_bibliography_has_no_fault_and_is_in_its_written_form():
    found = bibliography.load()
    assert found.faults == []
    assert write(found) == found.file.read_text(encoding="utf-8")


def test_a_broken_block_is_named_by_its_line_and_the_others_load():
    text = (
        GOOD + "\n@article{two,\n  title = {never closed,\n  year = 2000\n\n" + GOOD.replace("one", "three")
    )
    found = bibliography.parse(text)
    assert set(found.entries) == {"one", "three"}
    assert [fault.line for fault in found.faults] == [7]
    assert "two" in found.faults[0].problem
    assert found.broken == {"two"}


def test_line_numbers_stay_right_after_lines_that_end_in_a_backslash():
    text = GOOD.replace("First", "First \\\n line \\\n break") + "@article{two,\n  title = {x,\n"
    assert [fault.line for fault in bibliography.parse(text).faults] == [8]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (GOOD + GOOD, 6, "'one' twice"),
        (GOOD + GOOD.replace("one", "ONE"), 6, "'ONE' twice"),
        (GOOD.replace("year = 1843", "title = {Again}"), 1, "title twice"),
        (GOOD.replace("year = 1843", "TITLE = {Again}"), 4, "title twice"),
        (GOOD.replace("1843", "{18{43}"), 1, "broken"),
        (GOOD.replace("1843", "unknown"), 4, "no @string is named 'unknown'"),
        (GOOD.replace("1843", ""), 4, "no value"),
        (GOOD.replace("{First}", "{First \\{ brace}"), 3, "does not close"),
        (GOOD.replace("{one,", "{one two,"), 1, "no key"),
        (GOOD + "\narticle{two,\n title = {x}}\n", 7, "looks like an entry"),
        (GOOD + "@comment{never closed\n", 6, "end of file"),
    ],
)
def test_each_kind_of_fault_has_its_line_and_says_what_is_wrong(text, line, said):
    faults = bibliography.parse(text).faults
    assert faults[0].line == line
    assert said in str(faults[0])


def test_a_file_in_another_encoding_is_a_fault_with_its_line_and_the_rest_loads(tmp_path):
    path = tmp_path / "latin.bib"
    path.write_bytes(GOOD.encode() + "@misc{two, author = {Müller}, title = {x}}\n".encode("latin-1"))
    found = bibliography.load(path)
    assert [(fault.line, "not UTF-8" in fault.problem) for fault in found.faults] == [(6, True)]
    assert "one" in found.entries


def test_a_missing_file_is_one_clear_error(tmp_path):
    with pytest.raises(UnrolledError, match=r"none\.bib: cannot read"):
        bibliography.load(tmp_path / "none.bib")


def test_byte_order_mark_and_windows_line_ends_read_as_plain_text(tmp_path):
    plain, windows = tmp_path / "plain.bib", tmp_path / "windows.bib"
    plain.write_text(GOOD, encoding="utf-8")
    windows.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert bibliography.load(windows).entries == bibliography.load(plain).entries
    assert bibliography.load(windows).faults == []


def test_strings_months_and_concatenations_are_read_and_kept_as_written():
    text = (
        '@string{nips = "Neural Information"}\n@misc{a, title = nips # { 2014}, month = jan, year = 2014}\n'
    )
    found = bibliography.parse(text)
    assert found.entries["a"]["title"] == "Neural Information 2014"
    assert found.entries["a"]["month"] == "January"
    assert "nips # { 2014}" in write(found)
    assert bibliography.parse(write(found)) == found


def test_comments_stay_with_their_entry_and_the_header_on_top():
    text = "% header\n\n% on z\n@misc{z, title = {Z}}\n% on a\n@misc{a, title = {A}}\n\n% the end\n"
    written = write(bibliography.parse(text))
    assert written.startswith("% header\n\n% on a\n@misc{a,")
    assert "% on z\n@misc{z," in written
    assert written.endswith("% the end\n")


def test_nothing_is_written_where_a_block_would_be_lost():
    with pytest.raises(Faulty, match="twice"):
        write(bibliography.parse(GOOD + GOOD))


def test_find_reads_only_what_it_needs_and_tells_near_keys(project):
    path = project / "bib" / "references.bib"
    path.write_text(path.read_text(encoding="utf-8") + "\n@misc{broken, title = {x\n", encoding="utf-8")
    assert bibliography.find(["ioffe2015batch"])[0]["year"] == "2015"
    with pytest.raises(UsageError, match="did you mean ioffe2015batch"):
        bibliography.find(["ioffe2015"])


word = st.text(st.sampled_from("abcXYZ äöéçğ0123456789:;-/&~^@=,.()#'$!?\n\t"), max_size=12)
accent = st.sampled_from(
    [r"{\"u}", r"{\c{c}}", r"{\u{g}}", r"\'e", r"\&", r"\%", "{LSTM}", "{}", r"$h_t$", '{"}']
)
# an @ that starts a line starts an entry, for bibtexparser: it would be a fault
value = (
    st.lists(st.one_of(word, accent), max_size=6)
    .map(" ".join)
    .map(lambda text: re.sub(r"\n\s*@", " @", text))
)
corporate = st.sampled_from(
    ["{Theano Development Team}", "{Barnes and Noble}", "van den Berg, C{\\'e}sar", "Le, Quoc"]
)
authors = st.lists(corporate, min_size=1, max_size=4).map(" and ".join)
comment = st.sampled_from(["", "% a comment", 'free text, = and "quotes"', "@comment{kept {as} it is}"])


@st.composite
def files(draw) -> str:
    """A file without faults: @string, comments, quotes, parentheses as delimiters, integers, CRLF, a BOM."""
    blocks = ['@string{acm = "ACM Press"}'] if draw(st.booleans()) else []
    has_string = bool(blocks)
    keys = draw(st.lists(st.from_regex(r"[a-z][a-z0-9:_-]{0,8}", fullmatch=True), unique=True, max_size=5))
    for key in keys:
        fields = [
            f"author = {{{draw(authors)}}}",
            f"title = {{{draw(value)}}}",
            f"year = {draw(st.integers(0, 9999))}",
        ]
        if draw(st.booleans()):
            quoted = draw(value).replace('"', "")
            fields.append(f'note = "{quoted}"')
        if has_string and draw(st.booleans()):
            fields.append("publisher = acm # { and sons}")
        blocks.append(draw(comment))
        blocks.append(
            f"@{draw(st.sampled_from(['article', 'Misc', 'online']))}{{{key},\n "
            + ",\n ".join(fields)
            + ",\n}"
        )
    end = draw(st.sampled_from(["\n", "\r\n"]))
    mark = draw(st.sampled_from(["", "\ufeff"]))
    return mark + "\n\n".join(block for block in blocks if block).replace("\n", end) + end


@given(files())
@settings(max_examples=150, deadline=None)
def test_what_is_written_reads_the_same_and_writing_again_gives_the_same_bytes(text):
    first = bibliography.parse(text)
    assert first.faults == []
    written = write(first)
    second = bibliography.parse(written)
    assert second.faults == []
    assert second.entries == first.entries
    assert second.strings == first.strings
    assert write(second) == written


@given(files(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_doubled_keys_are_faults_and_never_lose_the_first(text, rng):
    found = bibliography.parse(text)
    if not found.entries:
        return
    key = rng.choice(sorted(found.entries))
    again = bibliography.parse(f"{text}\n@misc{{{key},\n title = {{Other}}\n}}\n")
    assert again.entries == found.entries
    assert [repr(key) in fault.problem and fault.line > 1 for fault in again.faults] == [True]


@pytest.mark.long
def test_ten_thousand_entries_round_trip():
    one = (
        "@inproceedings{{key{n},\n"
        '  author = {{G{{\\"u}}l{{\\c{{c}}}}ehre, {{\\c{{C}}}}a{{\\u{{g}}}}lar and Le, Quoc}},\n'
        "  title = {{Paper {n} on {{LSTM}}s}},\n  booktitle = {{Proceedings of the {n}th Meeting}},\n"
        "  year = {{2016}},\n  pages = {{1--{n}}},\n  url = {{https://example.org/{n}}}\n}}\n"
    )
    text = "\n".join(one.format(n=n) for n in range(10_000))
    first = bibliography.parse(text)
    written = write(first)
    second = bibliography.parse(written)
    assert len(first.entries) == 10_000
    assert second.entries == first.entries


def mutated(text: str, rng: random.Random) -> str:
    """A file with a few characters removed, doubled, changed or moved."""
    for _ in range(rng.randint(1, 6)):
        at, length = rng.randrange(len(text) + 1), rng.choice([1, 1, 2, 5, 40])
        piece = rng.choice(
            ["", text[at : at + length] * 2, *'{}"@,=#%\\\n\r\0()', "@string{", "\ufeff", "é", "\ud7ff"]
        )
        text = text[:at] + piece + text[at + length :]
    return text


@pytest.mark.parametrize("files", [40, pytest.param(1000, marks=pytest.mark.long)])
def test_mutated_files_never_raise_and_every_fault_has_file_and_line(tmp_path, files, record_property):
    rng = random.Random(2017)
    source = bibliography.bibliography_file().read_text(encoding="utf-8")
    path, faulty = tmp_path / "fuzzed.bib", 0
    for number in range(files):
        data = mutated(source, rng).encode("utf-8", errors="replace")
        if number % 10 == 0:
            at = rng.randrange(len(data))
            data = data[:at] + bytes([rng.randrange(128, 256)]) + data[at:]
        path.write_bytes(data)
        found = bibliography.load(path)
        lines = data.count(b"\n") + data.count(b"\r") + 1
        faulty += bool(found.faults)
        for fault in found.faults:
            assert fault.file == path
            assert 1 <= fault.line <= lines
            assert fault.problem
        if not found.faults:
            assert bibliography.parse(write(found)).entries == found.entries
    record_property("faulty", faulty)
    assert faulty > files / 5
