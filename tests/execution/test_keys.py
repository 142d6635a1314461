"""What makes a chapter stale, what does not, and that the reason is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from execution_cells import DEFAULTS, Write, code, markdown

from unrolled.base.errors import UnrolledError
from unrolled.base.keys import combine
from unrolled.execution import keys


@pytest.fixture
def package(project: Path) -> Path:
    """A source tree of the project's own: `unrolled.papers.tiny.model` imports `unrolled.nn.part`."""
    root = project / "src" / "unrolled"
    for folder in ("", "nn", "papers", "papers/tiny", "library"):
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / "__init__.py").write_text("")
    (root / "nn/part.py").write_text("def part():\n    return 1\n")
    (root / "nn/unused.py").write_text("x = 1\n")
    (root / "library/words.py").write_text("x = 1\n")
    (root / "papers/tiny/model.py").write_text(
        "from unrolled.library import words\nfrom unrolled.nn.part import part\n\nmodel = part\n"
    )
    return root


@pytest.fixture
def executed(package: Path, write: Write) -> Path:
    """A chapter as `unrolled run` leaves it, without having run."""
    file = write(code("from unrolled.papers.tiny.model import model"), markdown("Words."), code("model()"))
    return mark_executed(file)


def mark_executed(file: Path) -> Path:
    stored = json.loads(file.read_text())
    for count, cell in enumerate([c for c in stored["cells"] if c["cell_type"] == "code"], 1):
        cell["execution_count"] = count
    found = keys.parts(file)
    stored["metadata"]["unrolled"] = {
        "key": combine(found),
        "profile": "book",
        "versions": found["versions"],
        "parts": keys.compact(found),
    }
    file.write_text(json.dumps(stored))
    return file


def edit(file: Path, place: int, **changes: object) -> None:
    stored = json.loads(file.read_text())
    stored["cells"][place].update(changes)
    file.write_text(json.dumps(stored))


def test_an_executed_chapter_is_fresh(executed: Path) -> None:
    assert keys.stale(executed) is None


def test_an_edit_of_a_module_names_the_module_and_its_way_back_is_fresh(
    executed: Path, package: Path
) -> None:
    part = package / "nn/part.py"
    before = part.read_text()
    part.write_text("def part():\n    return 22\n")
    assert keys.stale(executed) == "module unrolled.nn.part changed"
    part.write_text(before)
    assert keys.stale(executed) is None


def test_an_edited_comment_makes_a_chapter_stale_because_its_page_shows_the_source(
    executed: Path, package: Path
) -> None:
    with open(package / "nn/part.py", "a") as file:
        file.write("# a remark\n")
    assert keys.stale(executed) == "module unrolled.nn.part changed"


def test_modules_that_are_not_imported_and_the_knowledge_base_change_nothing(
    executed: Path, package: Path
) -> None:
    (package / "nn/unused.py").write_text("x = 222\n")
    (package / "library/words.py").write_text("x = 222\n")
    assert keys.stale(executed) is None


def test_a_new_import_of_a_module_is_named(executed: Path, package: Path) -> None:
    (package / "nn/part.py").write_text("from unrolled.nn import unused\n\n\ndef part():\n    return 1\n")
    assert keys.stale(executed) == "module unrolled.nn.part changed; module unrolled.nn.unused is new"


def test_an_edited_code_cell_is_named(executed: Path) -> None:
    edit(executed, 3, source="model() + 1")
    assert keys.stale(executed) == "code cell 3 changed (model() + 1)"


def test_an_edited_sentence_or_tag_changes_nothing(executed: Path) -> None:
    edit(executed, 2, source="Better words.")
    edit(executed, 3, metadata={"tags": ["nbval-ignore-output"]})
    assert keys.stale(executed) is None


def test_a_changed_statement_changes_no_output(executed: Path, project: Path) -> None:
    entry = project / "bib/entries/tiny.yaml"
    entry.write_text(entry.read_text().replace("{value: 3}", "{value: 4}"))
    assert keys.stale(executed) is None


def test_another_pinned_version_is_named(executed: Path, project: Path) -> None:
    (project / "constraints").mkdir()
    pins = "\n".join(f"{name}=={number}" for name, number in keys.versions().items())
    (project / "constraints/cpu.txt").write_text(pins)
    assert keys.stale(executed) is None
    (project / "constraints/cpu.txt").write_text("numpy==0.1\n" + pins.partition("\n")[0])
    assert keys.stale(executed).endswith("became 0.1")


def test_cleared_outputs_make_a_chapter_stale(executed: Path) -> None:
    edit(executed, 3, execution_count=None, outputs=[])
    assert keys.stale(executed) == "code cell 3 was not executed"


def test_a_chapter_that_never_ran_says_so(write: Write) -> None:
    assert keys.stale(write(code("1"))) == "never executed by `unrolled run`"


def test_a_module_that_is_gone_is_named_with_its_cell(executed: Path, package: Path) -> None:
    (package / "papers/tiny/model.py").unlink()
    assert "code cell 2 imports unrolled.papers.tiny.model, which does not exist" in keys.stale(executed)


def test_the_key_follows_profile_and_parameters(write: Write) -> None:
    file = write(code("1"))
    found = {
        keys.notebook_key(file),
        keys.notebook_key(file, "paper"),
        keys.notebook_key(file, "book", {"seed": 1}),
    }
    assert len(found) == 3


def test_the_checksum_of_a_data_set_of_the_entry_enters_the_key(
    executed: Path, project: Path, package: Path
) -> None:
    (package / "data").mkdir()
    registry = package / "data/registry.toml"
    registry.write_text('[digits]\ntitle = "Digits"\n[digits.files]\nx = { sha256 = "1" }\n')
    entry = project / "bib/entries/tiny.yaml"
    entry.write_text(entry.read_text() + "datasets: [digits]\n")
    mark_executed(executed)
    registry.write_text(registry.read_text().replace("Digits", "Ten digits"))
    assert keys.stale(executed) is None
    registry.write_text(registry.read_text().replace('"1"', '"2"'))
    assert keys.stale(executed) == "data set digits changed"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": 1}', '{"cells": [1]}', '{"cells": [{}]}'])
def test_a_file_that_is_no_notebook_gives_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.ipynb"
    file.write_text(text)
    with pytest.raises(UnrolledError, match="not a notebook") as caught:
        keys.stale(file)
    assert "\n" not in str(caught.value)


def test_a_cell_that_is_not_python_is_named(write: Write) -> None:
    with pytest.raises(UnrolledError, match="code cell 2 is not Python"):
        keys.notebook_key(write(code("def")))


def test_magics_and_shell_lines_are_no_fault(write: Write) -> None:
    file = write(
        code("%pip install unrolled\n!ls\nif True:\n    %time 1\nimport unrolled"), code("%%html\n<b>")
    )
    assert "unrolled" in keys.parts(file)["modules"]


def test_defaults_are_part_of_the_key(write: Write) -> None:
    before = keys.notebook_key(write(code("1")))
    assert before != keys.notebook_key(write(code("1"), parameters=DEFAULTS.replace("seed = 0", "seed = 7")))


@pytest.fixture
def trains(package: Path, write: Write) -> Path:
    """A chapter that trains a preset, whose experiment it does not import."""
    (package / "papers/tiny/experiment.py").write_text("x = 1\n")
    (package / "papers/tiny/runs.toml").write_text(
        "[base]\nhidden = 3\n[live]\nfrom = 'base'\n[other]\nhidden = 9\n"
    )
    return mark_executed(write(code("run = chapter.train('live')")))


def test_a_chapter_depends_on_the_experiment_and_preset_that_it_trains(trains: Path, package: Path) -> None:
    assert keys.stale(trains) is None
    presets, experiment = package / "papers/tiny/runs.toml", package / "papers/tiny/experiment.py"
    presets.write_text(presets.read_text().replace("hidden = 9", "hidden = 10") + "[new]\nhidden = 4\n")
    assert keys.stale(trains) is None
    presets.write_text(presets.read_text().replace("[live]", "[live]\nabout = 'a word'"))
    assert keys.stale(trains) is None
    presets.write_text(presets.read_text().replace("hidden = 3", "hidden = 5"))
    assert keys.stale(trains) == "file preset live changed"
    presets.write_text(presets.read_text().replace("hidden = 5", "hidden = 3"))
    experiment.write_text("x = 2\n")
    assert keys.stale(trains) == "module unrolled.papers.tiny.experiment changed"


def test_a_chapter_depends_on_the_stored_runs_and_weights_that_it_draws(
    package: Path, project: Path, write: Write
) -> None:
    (package / "execution").mkdir()
    (package / "execution/__init__.py").write_text("")
    (package / "execution/stored.py").write_text("def runs(slug):\n    return {}\n")
    evidence, weights = project / "bib/evidence/tiny.json", project / "bib/weights/tiny/copy.safetensors"
    for file, text in ((evidence, '{"runs": {"copy-s0-1": {"metrics": {"loss": 1.0}}}}'), (weights, "one")):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    text = 'from unrolled import load\nfrom unrolled.execution.stored import runs\nload("tiny/copy")'
    file = mark_executed(write(code(text)))
    assert keys.stale(file) is None
    evidence.write_text('{"digest": "other", "runs": {"copy-s0-1": {"metrics": {"loss": 1.0}}}}')
    assert keys.stale(file) is None
    evidence.write_text('{"runs": {"copy-s0-1": {"metrics": {"loss": 2.0}}}}')
    weights.write_text("two")
    traces = project / "bib/traces/tiny.json"
    traces.parent.mkdir()
    traces.write_text("{}")
    told = "file stored runs changed; file traces is new; file weights tiny/copy changed"
    assert keys.stale(file) == told
