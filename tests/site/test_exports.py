"""The files for programs: each fits its schema, and the files agree with each other and with the entries."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import bibtexparser
import jsonschema
import pytest
from site_samples import knowledge_with

from unrolled.library.models import INVERSES
from unrolled.site import exports
from unrolled.site.knowledge import KnowledgeBase, load_knowledge_base
from unrolled.site.works import Work

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def kb() -> KnowledgeBase:
    return load_knowledge_base(ROOT, frozenset({"bn_lstm"}))


@pytest.fixture(scope="module")
def folder(kb, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("html")
    exports.write(kb, target)
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


def test_every_entry_equation_statement_and_concept_is_there(kb, folder):
    papers = content(folder, "papers")["papers"]
    assert {paper["slug"] for paper in papers} == set(kb.entries)
    equations = {equation["label"] for equation in content(folder, "equations")["equations"]}
    assert equations == {label for paper in papers for label in paper["equations"]} == set(kb.equations)
    for name in ("statements", "findings"):
        found = {(item["entry"], item["id"]) for item in content(folder, "statements")[name]}
        assert found == {(paper["slug"], identifier) for paper in papers for identifier in paper[name]}
    concepts = {concept["slug"] for concept in content(folder, "concepts")["concepts"]}
    assert {concept for paper in papers for concept in paper["concepts"]} <= concepts


def test_statements_carry_outcome_evidence_and_place():
    kb = knowledge_with()
    target = Work("hochreiter1997long", "LSTM", (), "", "1997")  # of a relation
    found = exports.contents(replace(kb, works={**kb.works, target.key: target}))["statements"]
    jsonschema.validate(found, exports.schema("statements"))
    gain, untried, old = found["statements"]
    assert (gain["outcome"], gain["scale"], gain["reproduced"]) == ("holds", "reduced", False)
    assert gain["evidence"]["parts"][0]["mean"] == 5.213
    assert gain["page"] == "notebooks/bn_lstm.html#statement-gain"
    assert (untried["outcome"], untried["evidence"]) == ("not attempted", None)
    assert (old["outcome"], old["archived"]["value"]) == ("archived", 91.273)
    assert found["findings"][0]["evidence"]["parts"][0]["ours"]["n"] == 5
    assert found["findings"][0]["outcome"] is None


def test_every_edge_of_the_graph_joins_two_of_its_nodes(folder):
    graph = content(folder, "graph")
    names = [node["id"] for node in graph["nodes"]]
    assert len(names) == len(set(names))
    for edge in graph["edges"]:
        assert {edge["source"], edge["target"]} <= set(names)
        assert edge["inverse"] == (INVERSES | {"builds-on": "is built on by"})[edge["type"]]


def test_the_bibliography_and_each_chapters_references_read_again(kb, folder):
    whole = bibtexparser.parse_file(str(folder / "references.bib"))
    assert whole.failed_blocks == []
    for slug, entry in kb.entries.items():
        own = bibtexparser.parse_file(str(folder / "chapters" / f"{slug}.bib"))
        assert own.failed_blocks == []
        assert own.entries[0].key == entry.key
        assert {e.key for e in own.entries} <= {e.key for e in whole.entries}


def test_writing_twice_gives_the_same_bytes(kb, folder, tmp_path):
    for path in exports.write(kb, tmp_path):
        assert path.read_bytes() == (folder / path.relative_to(tmp_path / "data")).read_bytes()
