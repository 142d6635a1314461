"""The files for programs: each fits its schema, and the files agree with each other and with the entries."""

from __future__ import annotations

import json
from pathlib import Path

import bibtexparser
import jsonschema
import pytest

from unrolled.library.models import INVERSES
from unrolled.site import exports
from unrolled.site.shelf import Shelf, load_shelf

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    return load_shelf(ROOT, frozenset({"bn_lstm"}))


@pytest.fixture(scope="module")
def folder(shelf, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("html")
    exports.write(shelf, target)
    return target / "data"


def content(folder: Path, name: str) -> dict:
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", exports.FILES)
def test_every_file_fits_the_schema_that_it_names(folder, name):
    found = content(folder, name)
    schema = json.loads((folder / found["$schema"]).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(found)
    assert found["schema_version"] == exports.SCHEMA_VERSION


@pytest.mark.parametrize("name", exports.FILES)
def test_a_schema_rejects_a_field_that_it_does_not_know_and_a_missing_one(folder, name):
    found, schema = content(folder, name), exports.schema(name)
    first = next(value for value in found.values() if isinstance(value, list))[0]
    first["surprise"] = 1
    with pytest.raises(jsonschema.ValidationError, match="surprise"):
        jsonschema.validate(found, schema)
    del first["surprise"], found["schema_version"]
    with pytest.raises(jsonschema.ValidationError, match="schema_version"):
        jsonschema.validate(found, schema)


def test_every_entry_equation_claim_and_concept_is_there(shelf, folder):
    papers = content(folder, "papers")["papers"]
    assert {paper["slug"] for paper in papers} == set(shelf.entries)
    equations = {equation["label"] for equation in content(folder, "equations")["equations"]}
    assert equations == {label for paper in papers for label in paper["equations"]} == set(shelf.equations)
    claims = {(claim["entry"], claim["id"]) for claim in content(folder, "claims")["claims"]}
    assert claims == {(paper["slug"], claim) for paper in papers for claim in paper["claims"]}
    concepts = {concept["slug"] for concept in content(folder, "concepts")["concepts"]}
    assert {concept for paper in papers for concept in paper["concepts"]} <= concepts


def test_claims_carry_verdict_evidence_and_place(shelf, folder):
    claims = {(claim["entry"], claim["id"]): claim for claim in content(folder, "claims")["claims"]}
    measured = claims["bn_lstm", "tanh-derivative-small"]
    finding = shelf.finding("bn_lstm", "tanh-derivative-small")
    assert measured["verdict"] == finding.verdict.value
    assert measured["evidence"]["value"] == finding.measurement.value
    assert measured["page"] == "notebooks/bn_lstm.html#claim-tanh-derivative-small"
    assert all(
        claim["evidence"] is not None or claim["verdict"] == "not attempted" for claim in claims.values()
    )
    assert all(any(claim["locus"].values()) for claim in claims.values())


def test_every_edge_of_the_graph_joins_two_of_its_nodes(folder):
    graph = content(folder, "graph")
    names = [node["id"] for node in graph["nodes"]]
    assert len(names) == len(set(names))
    for edge in graph["edges"]:
        assert {edge["source"], edge["target"]} <= set(names)
        assert edge["inverse"] == (INVERSES | {"builds-on": "is built on by"})[edge["type"]]


def test_the_bibliography_and_each_chapters_references_read_again(shelf, folder):
    whole = bibtexparser.parse_file(str(folder / "references.bib"))
    assert whole.failed_blocks == []
    for slug, entry in shelf.entries.items():
        own = bibtexparser.parse_file(str(folder / "chapters" / f"{slug}.bib"))
        assert own.failed_blocks == []
        assert own.entries[0].key == entry.key
        assert {e.key for e in own.entries} <= {e.key for e in whole.entries}


def test_writing_twice_gives_the_same_bytes(shelf, folder, tmp_path):
    for path in exports.write(shelf, tmp_path):
        assert path.read_bytes() == (folder / path.relative_to(tmp_path / "data")).read_bytes()
