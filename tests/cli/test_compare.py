"""`unrolled evidence compare` on tiny runs of two papers: what it writes, and what it refuses."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from unrolled.base import records
from unrolled.cli import main
from unrolled.data import multi30k
from unrolled.library import evidence as files
from unrolled.library.collecting import collect
from unrolled.library.entries import load_entry
from unrolled.papers.bahdanau_attention.experiment import EXPERIMENT as BAHDANAU
from unrolled.papers.luong_attention.experiment import EXPERIMENT as LUONG
from unrolled.tasks import translation
from unrolled.training.fit import fit
from unrolled.training.presets import preset
from unrolled.training.store import RunStore

ROOT = Path(__file__).resolve().parents[2]
LUONG_DE, BAHDANAU_DE = "luong_attention:multi30k_de", "bahdanau_attention:multi30k_de"
SMALL = {"subwords": 300, "embedding": 4, "hidden": 4, "sentences": 4, "beam": 2, "warmup": 1}
SHORT = {"updates": 2, "evaluate_every": 2, "checkpoint_every": 2, "learning_rate": 1e-2}


def captions(target="de"):
    """Twelve sentences of each split, whose translation counts in another language."""
    words = "ein zwei drei vier" if target == "de" else "un deux trois quatre"
    pairs = [(f"caption {i % 4} of {i}", f"{words.split()[i % 4]} {i} .") for i in range(12)]
    both = multi30k.Pairs(*map(list, zip(*pairs, strict=True)))
    return {"train": both, "valid": both, "test_2016_flickr": both}


def trained(kind, name, small, **options):
    """A run of some updates in the run store, under the name of a long preset."""
    config = replace(preset(kind, name).config, **SMALL, **small, **SHORT)
    return fit(kind(config), name, store=RunStore(), **options)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run store with finished runs of two papers, in German and French, and a stopped one."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNROLLED_RUNS", str(folder))
        patch.setattr(multi30k, "load", captions)
        translation._corpus.cache_clear()
        small = {"annotation": 8}
        trained(LUONG, "multi30k_de", small)
        trained(LUONG, "multi30k_fr", small)
        trained(LUONG, "multi30k_base_de", small, minutes=0)
        trained(BAHDANAU, "multi30k_de", {"alignment": 4, "maxout": 4})
        yield folder
    translation._corpus.cache_clear()


@pytest.fixture
def store(runs, tmp_path, monkeypatch):
    """A project with the two entries, and a copy of the run store."""
    project = tmp_path / "project"
    (project / "bib" / "entries").mkdir(parents=True)
    for slug in ("luong_attention", "bahdanau_attention", "bn_lstm"):
        shutil.copy(ROOT / "bib" / "entries" / f"{slug}.yaml", project / "bib" / "entries")
    shutil.copytree(runs, tmp_path / "runs")
    monkeypatch.setenv("UNROLLED_PROJECT", str(project))
    monkeypatch.setenv("UNROLLED_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(multi30k, "load", captions)
    return tmp_path / "runs"


@pytest.fixture
def compare(store, capsys):
    """Run the command; its exit code, standard output and standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["evidence", "compare", *arguments])
        shown = capsys.readouterr()
        return ended.value.code, shown.out, shown.err

    return run


def edit_result(store, **fields):
    (path,) = store.glob("bahdanau_attention/multi30k_de-s0-*/result.json")
    result = json.loads(path.read_text()) | fields
    path.write_text(json.dumps(result | {"digest": records.digest(result)}))
    return path


def test_a_comparison_is_written_into_the_evidence_of_the_first_paper(compare, store):
    code, out, err = compare(LUONG_DE, BAHDANAU_DE, "--resamples", "100")
    assert code == 0, err
    (found,) = files.load("luong_attention").comparisons
    assert files.load("bahdanau_attention") is None
    assert [system.name for system in found.systems] == [LUONG_DE, BAHDANAU_DE]
    for system in found.systems:
        result = json.loads((store / system.slug / system.run / "result.json").read_text())
        assert system.key == result["key"]
        assert system.score == pytest.approx(result["metrics"]["test_bleu_beam"], abs=1e-5)
    (pair,) = found.differences
    scores = {system.name: system.score for system in found.systems}
    assert pair.difference == pytest.approx(scores[pair.ahead] - scores[pair.behind], abs=1e-5)
    assert (found.resamples, found.sentences) == (100, 12)
    assert "bs:100" in found.signature
    assert found.command == f"unrolled evidence compare {LUONG_DE} {BAHDANAU_DE} --resamples 100"
    assert out.split("\t")[:2] == [pair.ahead, pair.behind]


def test_the_same_question_asked_again_replaces_its_answer_and_collecting_keeps_it(compare):
    for resamples in ("100", "101"):
        assert compare(LUONG_DE, BAHDANAU_DE, "--resamples", resamples)[0] == 0
    (found,) = files.load("luong_attention").comparisons
    assert found.resamples == 101
    outcome = collect(load_entry("luong_attention"), replace=True)
    assert outcome.evidence.comparisons == (found,)


def test_a_dry_run_writes_nothing(compare):
    code, out, _ = compare(LUONG_DE, BAHDANAU_DE, "--resamples", "100", "--dry-run")
    assert code == 0
    assert "told apart" in out
    assert files.load("luong_attention") is None


@pytest.mark.parametrize(
    ("systems", "said"),
    [
        ((LUONG_DE, "bahdanau_atention:multi30k_de"), "did you mean bahdanau_attention"),
        ((LUONG_DE, "bahdanau_attention:multi30k_d"), "did you mean multi30k_de"),
        ((LUONG_DE, "bahdanau_attention"), "name it as SLUG:PRESET"),
        ((LUONG_DE, "bn_lstm:lstm"), "bn_lstm does not translate"),
        ((LUONG_DE, "bahdanau_attention:multi30k_fixed_de"), "multi30k_fixed_de --seeds 0"),
        ((LUONG_DE, BAHDANAU_DE, "--seed", "3"), "no run of luong_attention:multi30k_de with seed 3"),
        ((LUONG_DE, "luong_attention:multi30k_base_de"), "stopped after 1 of 2 updates"),
        ((LUONG_DE, "luong_attention:multi30k_fr"), "differ in the target language: de, and fr"),
        ((LUONG_DE,), "name two or more"),
        ((LUONG_DE, LUONG_DE), "each once"),
    ],
)
def test_what_cannot_be_compared_is_told_in_one_line_and_nothing_is_written(compare, systems, said):
    code, out, err = compare(*systems)
    assert code in (1, 2)
    assert (out, err.count("\n")) == ("", 1)
    assert said in err
    assert files.load("luong_attention") is None


def test_a_model_that_translates_otherwise_than_its_run_recorded_is_refused(compare, store):
    path = next(store.glob("bahdanau_attention/multi30k_de-s0-*/result.json"))
    metrics = json.loads(path.read_text())["metrics"] | {"test_bleu_beam": 31.1}
    edit_result(store, metrics=metrics)
    code, _, err = compare(LUONG_DE, BAHDANAU_DE)
    assert code == 1
    assert "its run recorded 31.1" in err
    assert files.load("luong_attention") is None


def test_runs_on_other_data_are_refused_before_anything_is_translated(compare, store):
    parts = {"source": "x", "data": "other"}
    edit_result(store, key_parts=parts)
    code, _, err = compare(LUONG_DE, BAHDANAU_DE)
    assert code == 2
    assert "differ in the checksums of the data" in err
    assert "translating" not in err


def test_a_run_of_another_configuration_is_told(compare, store):
    edit_result(store, config={"surprise": 1})
    code, _, err = compare(LUONG_DE, BAHDANAU_DE)
    assert code == 1
    assert "another configuration than the code" in err
