"""One form for YAML: values stay, the second time changes nothing, comments are kept or refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unrolled.library.entries import load_concepts, load_entry, read_concepts, read_entry, slugs
from unrolled.library.faults import Faulty
from unrolled.library.yamlformat import formatted
from unrolled.library.yamltext import read_yaml

ROOT = Path(__file__).resolve().parents[2]
ENTRY = ROOT / "bib" / "entries"

texts = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=200
) | st.sampled_from(
    [
        "yes",
        "1e5",
        "0x1",
        "2026-11-22",
        "a: b",
        "# no",
        "- x",
        "{a}",
        "it's",
        'say "so"',
        r"\frac{a}{b}",
        " ",
        "",
    ]
)
scalars = texts | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none()
rows = st.dictionaries(
    st.sampled_from(["kind", "url", "label", "locus", "rule", "note", "odd key"]),
    scalars | st.dictionaries(st.sampled_from(["section", "table", "bound"]), scalars, max_size=3),
    min_size=1,
    max_size=4,
)
entries = st.dictionaries(
    st.sampled_from(["year", "slug", "title", "summary", "links", "statements", "concepts", "strange"]),
    scalars | st.lists(scalars, max_size=4) | st.lists(rows, max_size=3),
    min_size=1,
)


@pytest.mark.parametrize("slug", slugs(ENTRY))
def test_formatting_an_entry_changes_no_value_and_is_idempotent(slug, tmp_path):
    path = tmp_path / f"{slug}.yaml"
    path.write_text(formatted(ENTRY / f"{slug}.yaml"), encoding="utf-8")
    assert read_entry(path)[0] == load_entry(slug, ENTRY)
    assert formatted(path).encode() == path.read_bytes()


def test_formatting_concepts_changes_no_value_and_keeps_the_comment_at_the_top(tmp_path):
    path = tmp_path / "concepts.yaml"
    path.write_text(formatted(ROOT / "bib" / "concepts.yaml"), encoding="utf-8")
    assert read_concepts(path)[0] == load_concepts(ROOT / "bib" / "concepts.yaml")
    first = (ROOT / "bib" / "concepts.yaml").read_text(encoding="utf-8").partition("\n")[0]
    assert first.startswith("#")
    assert path.read_text(encoding="utf-8").startswith(f"{first}\n- slug: ")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries, st.booleans(), st.integers(20, 200))
def test_any_file_keeps_its_values_and_a_second_time_changes_nothing(tmp_path, data, flow, width):
    path = tmp_path / "any.yaml"
    said = yaml.safe_dump(data, default_flow_style=flow, width=width, allow_unicode=flow, sort_keys=False)
    path.write_text(said, encoding="utf-8")
    before = read_yaml(path)
    if before.faults:
        with pytest.raises(Faulty):
            formatted(path)
        return
    once = formatted(path)
    path.write_text(once, encoding="utf-8")
    after = read_yaml(path)
    assert (after.data, after.faults) == (before.data, [])
    assert formatted(path) == once


def test_fields_stand_in_the_order_of_the_model(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text(
        "year: 2017\nlinks:\n- label: a\n  url: 'https://a.org'\n  kind: page\nslug: x\n", "utf-8"
    )
    assert formatted(path) == (
        'slug: x\nyear: 2017\nlinks:\n  - {kind: page, url: "https://a.org", label: a}\n'
    )


def test_numbers_keep_the_digits_they_were_written_with(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("year: 2017\nstatements:\n  - id: a\n    delta: 0.990\n    rule: {bound: 1.0e-10}\n")
    assert "delta: 0.990\n" in formatted(path)
    assert "{bound: 1.0e-10}" in formatted(path)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("slug: x\n# why\nyear: 1\n", 2),
        ("slug: x # why\nyear: 1\n", 1),
        ("# top\n\nslug: x\nsummary: >- # why\n  text\n", 4),
        ("slug: x\nsummary: >-\n  text\n# why\nyear: 1\n", 4),
        ("slug: x\nconcepts: [a, # why\n  b]\n", 2),
        ("slug: x\nyear: 1\n# the end\n", 3),
    ],
)
def test_a_comment_that_would_be_lost_is_refused_with_its_line(tmp_path, text, line):
    path = tmp_path / "x.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Faulty) as caught:
        formatted(path)
    assert [(fault.line, fault.problem) for fault in caught.value.faults] == [
        (line, "a comment would be lost")
    ]


@pytest.mark.parametrize(
    "text", ["slug: a#b\n", 'slug: "a # b"\n', "slug: >-\n  a # b\n  # c\n", "slug: 'a #'\n"]
)
def test_a_number_sign_in_text_is_no_comment(tmp_path, text):
    path = tmp_path / "x.yaml"
    path.write_text(text, encoding="utf-8")
    value = read_yaml(path).data
    path.write_text(formatted(path), encoding="utf-8")
    assert read_yaml(path).data == value
