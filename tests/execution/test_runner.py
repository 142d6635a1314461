"""A chapter runs and is stored whole, or fails with the reason and leaves everything as it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from execution_cells import DEFAULTS, Write, code, markdown

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.execution import keys, runner
from unrolled.library import outputs
from unrolled.library.chapters import VALUE
from unrolled.library.evidence import load
from unrolled.library.statements import Outcome

VALUE_CELL = f"""\
from IPython.display import display
display({{"text/plain": "width: 3", "{VALUE}": dict(name="width", value=3.0)}}, raw=True)"""

WHERE_CELL = """\
import os, time
print(os.path.basename(os.getcwd()))
time.sleep(0.2)
print(os.environ["OMP_NUM_THREADS"])"""

WAIT_CELL = """\
import os, time
from pathlib import Path
Path("kernel").write_text(str(os.getpid()))
time.sleep(600)"""


def test_a_chapter_runs_in_its_folder_on_one_thread_and_is_stored_clean_with_its_evidence(
    write: Write, project: Path
) -> None:
    file = write(markdown("# Tiny"), code(WHERE_CELL), code(VALUE_CELL, "nbval-ignore-output"))
    seen = []
    done = runner.run("tiny", progress=lambda cell, cells: seen.append((cell, cells)))
    stored = json.loads(file.read_text())

    assert done.notebook == file
    assert seen[-1][1] == 4
    assert [cell.get("execution_count") for cell in stored["cells"]] == [1, None, 2, 3]
    assert stored["cells"][2]["outputs"] == [
        {"name": "stdout", "output_type": "stream", "text": ["notebooks\n", "1\n"]}
    ]
    assert [cell["metadata"] for cell in stored["cells"]] == [
        {"tags": ["parameters"]},
        {},
        {},
        {"tags": ["nbval-ignore-output"]},
    ]
    assert [cell["id"] for cell in stored["cells"]] == [f"cell-{place}" for place in range(4)]
    assert set(stored["metadata"]) == {"kernelspec", "language_info", "unrolled"}
    assert stored["metadata"]["unrolled"]["outputs"] == outputs.digests(stored)
    assert len(outputs.digests(stored)) == 3
    assert "version" not in stored["metadata"]["language_info"]
    record = stored["metadata"]["unrolled"]
    assert record["key"] == done.key == keys.notebook_key(file)
    assert 0.2 <= record["seconds"] < 60
    assert 20 < record["peak_memory_mb"] < 2000
    assert keys.stale(file) is None

    evidence = load("tiny")
    assert (evidence.chapter.key, evidence.chapter.values) == (done.key, {"width": 3.0})
    assert (evidence.chapter.seconds, evidence.chapter.device) == (record["seconds"], record["device"])
    assert evidence.measured("width").outcome == Outcome.HOLDS
    logs = project / "runs/logs"
    assert "Executing Cell 4" in (logs / "tiny-book.log").read_text()
    assert not (logs / "tiny-book.partial.ipynb").exists()


def test_other_profiles_and_parameters_leave_the_stored_chapter_alone(write: Write, project: Path) -> None:
    file = write(code("print(profile, seed)"))
    before = file.read_bytes()
    done = runner.run("tiny", "smoke", {"seed": 3})
    ran = json.loads(done.notebook.read_text())
    assert done.notebook == project / "runs/chapters/tiny-smoke.ipynb"
    assert ran["cells"][-1]["outputs"][0]["text"] == ["smoke 3\n"]
    assert [cell["id"] for cell in ran["cells"]] == ["cell-0", "injected-parameters", "cell-1"]
    assert file.read_bytes() == before
    assert not (project / "bib/evidence/tiny.json").exists()


def test_a_cell_that_raises_is_named_with_its_error_and_leaves_the_partial_notebook_beside_the_log(
    write: Write, project: Path
) -> None:
    file = write(code("print('before')"), code("x = 1\nx / 0"), code("print('after')"))
    before = file.read_bytes()
    with pytest.raises(runner.ChapterFailed) as caught:
        runner.run("tiny")
    error = caught.value
    assert error.problem == "code cell 3 raised ZeroDivisionError: division by zero"
    assert any("x / 0" in line for line in error.tail)
    assert "ZeroDivisionError" in str(error)
    assert error.partial.parent == error.log.parent == project / "runs/logs"
    assert "before" in error.partial.read_text()
    assert file.read_bytes() == before
    assert not (project / "bib/evidence/tiny.json").exists()


def test_a_chapter_over_its_limit_is_ended_with_all_its_processes(write: Write, project: Path) -> None:
    child = (
        "import subprocess, sys\np = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"
    )
    tell = "from pathlib import Path\nPath('child').write_text(str(p.pid))\nwhile True: pass"
    file = write(markdown("Wait."), code(f"{child}\n{tell}"))
    before = file.read_bytes()
    with pytest.raises(runner.ChapterFailed, match=r"took longer than 2 s \(profile book\), in code cell 2"):
        runner.run("tiny", limit=2)
    assert not _alive(int((project / "notebooks/child").read_text()))
    assert file.read_bytes() == before


def test_a_kernel_that_dies_is_told_from_a_cell_that_raises(write: Write) -> None:
    file = write(code("import os\nos._exit(3)"))
    before = file.read_bytes()
    with pytest.raises(runner.ChapterFailed, match="the kernel died"):
        runner.run("tiny")
    assert file.read_bytes() == before


def test_a_cell_that_exits_does_not_pass_as_a_finished_chapter(write: Write) -> None:
    write(code("raise SystemExit(0)"), code("print('never')"))
    with pytest.raises(runner.ChapterFailed, match="code cell 3 was not executed"):
        runner.run("tiny")


def test_a_killed_runner_leaves_the_stored_chapter_and_no_process(write: Write, project: Path) -> None:
    file = write(code(WAIT_CELL))
    before = file.read_bytes()
    process = subprocess.Popen([sys.executable, "-m", "unrolled", "run", "tiny"], stderr=subprocess.DEVNULL)
    kernel = project / "notebooks/kernel"
    _until(lambda: kernel.is_file() and kernel.read_text(), "the kernel to start")
    assert not (project / "notebooks/.tiny.ipynb").exists()
    process.send_signal(signal.SIGKILL)
    process.wait()
    _until(lambda: not _alive(int(kernel.read_text())), "the kernel to end")
    assert file.read_bytes() == before
    assert sorted(path.name for path in (project / "notebooks").iterdir()) == ["kernel", "tiny.ipynb"]
    assert (project / "runs/logs/tiny-book.partial.ipynb").is_file()


def test_a_chapter_that_is_edited_while_it_runs_keeps_the_edit(write: Write) -> None:
    file = write(
        code("from pathlib import Path\np = Path('tiny.ipynb')\np.write_text(p.read_text() + '\\n\\n')")
    )
    with pytest.raises(runner.ChapterFailed, match="was edited while it ran"):
        runner.run("tiny")
    assert file.read_text().endswith("\n\n")


def test_two_runs_of_one_chapter_exclude_each_other(write: Write, project: Path) -> None:
    from filelock import FileLock

    write(code("1"))
    (project / "runs/logs").mkdir(parents=True)
    with (
        FileLock(project / "runs/logs/tiny-book.lock"),
        pytest.raises(UnrolledError, match="is being executed by another process"),
    ):
        runner.run("tiny")


@pytest.mark.parametrize(
    ("cells", "parameters", "message"),
    [
        ((), None, "no parameters cell"),
        ((code("x = 1", "parameters"),), DEFAULTS, "2 parameters cells"),
        ((), "import os", "may only assign literals"),
        ((), "seed = 0", "no parameter 'profile'"),
        ((), DEFAULTS.replace("book", "smoke"), 'must say profile = "book"'),
    ],
)
def test_a_notebook_without_fit_parameters_is_refused_before_it_runs(
    write: Write, project: Path, cells: tuple, parameters: str | None, message: str
) -> None:
    write(*cells, parameters=parameters)
    with pytest.raises(UnrolledError, match=message):
        runner.run("tiny")
    assert not (project / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"slug": "tyni"}, r"no chapter 'tyni' \(did you mean tiny\?\)"),
        ({"slug": "tiny", "profile": "boko"}, r"no profile 'boko' \(did you mean book\?\)"),
        ({"slug": "tiny", "parameters": {"sed": 1}}, r"no parameter 'sed' \(did you mean seed\?\)"),
        ({"slug": "tiny", "parameters": {"seed": "one"}}, "seed must be of type int, not 'one'"),
        ({"slug": "tiny", "parameters": {"seed": True}}, "seed must be of type int, not True"),
    ],
)
def test_a_wrong_call_is_told_before_anything_runs(
    write: Write, project: Path, arguments: dict, message: str
) -> None:
    write(code("1"))
    with pytest.raises(UsageError, match=message):
        runner.run(**arguments)
    assert not (project / "runs").exists()


def test_a_damaged_evidence_file_is_told_before_anything_runs(write: Write, project: Path) -> None:
    write(code("1"))
    (project / "bib/evidence").mkdir()
    (project / "bib/evidence/tiny.json").write_text("{")
    with pytest.raises(UnrolledError, match=r"bib/evidence/tiny.json:1: invalid JSON"):
        runner.run("tiny")
    assert not (project / "runs").exists()


@pytest.mark.parametrize("factor", ["0", "-1", "much", "nan", "inf"])
def test_a_time_factor_that_is_no_positive_number_is_refused(
    write: Write, monkeypatch: pytest.MonkeyPatch, factor: str
) -> None:
    write(code("1"))
    monkeypatch.setenv("UNROLLED_TIME_FACTOR", factor)
    with pytest.raises(UsageError, match="UNROLLED_TIME_FACTOR"):
        runner.run("tiny")


def test_the_time_factor_widens_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNROLLED_TIME_FACTOR", "2")
    assert (runner.time_limit("book"), runner.time_limit("paper")) == (90.0, None)


def test_a_kernel_imports_what_the_key_covers(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PYTHONPATH", "relative")
    monkeypatch.chdir(tmp_path)
    (project / "src/unrolled").mkdir(parents=True)
    environment = runner.kernel_environment(tmp_path, own_runs=True)
    assert environment["PYTHONPATH"].split(os.pathsep) == [str(project / "src"), str(tmp_path / "relative")]
    assert environment["UNROLLED_RUNS"] == str(tmp_path / "runs")


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _until(condition: object, what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds:g} s for {what}"
        time.sleep(0.05)
