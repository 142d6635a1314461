"""The wheel without a checkout, also below a home that cannot be written: commands are right, or say why."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    """The folder into which the wheel was installed, as pip does it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*pip, "--target", str(folder / "site"), str(wheel)], check=True, capture_output=True)
    return folder / "site"


@pytest.fixture(scope="module")
def before(package) -> set[Path]:
    """The files of the installed package before any command."""
    return {path for path in package.rglob("*") if "__pycache__" not in path.parts}


@pytest.fixture(params=["home", "no home"])
def call(request, package, before, tmp_path):
    """Run the installed command in an empty folder; ``call.home`` is where it may write."""
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    if request.param == "home":
        home.mkdir()
    else:
        home.write_text("a file: no folder can be made below it, not even by root")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("UNROLLED_", "XDG_", "PYTHON"))}
    environment = kept | {"HOME": str(home), "PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1"}

    def run(*words: str, code: str | None = None, **more: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-c", code] if code else [sys.executable, "-m", "unrolled", *words]
        done = subprocess.run(command, cwd=work, env=environment | more, capture_output=True, text=True)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    run.folder = home / ".local" / "share" / "unrolled" if request.param == "home" else work / "unrolled"
    yield run
    after = {path for path in package.rglob("*") if "__pycache__" not in path.parts}
    assert after == before, "something was written into the installed package"


def test_the_library_is_all_there(call):
    assert len(call("list").stdout.splitlines()) > 20
    assert "Neural Turing Machines" in call("show", "ntm").stdout
    assert call("cite", "ntm", "-s", "apa").stdout.startswith(
        "Graves, A., Wayne, G., & Danihelka, I. (2014)."
    )
    assert call("cite", "--book").stdout.startswith("@book{unrolled")
    assert "mnist" in call("data", "list").stdout
    assert call("schema").stdout.startswith("{")


def test_training_and_collecting_write_below_the_users_folder(call):
    done = call("train", "dkt", "smoke", "--set", "updates=2")
    assert done.returncode == 0, done.stderr
    (result,) = (call.folder / "runs" / "dkt").glob("*/result.json")
    assert json.loads(result.read_text())["updates"] == 2
    collected = call("evidence", "collect", "dkt")
    assert collected.returncode == 0, collected.stderr
    assert call("evidence", "show", "dkt").returncode == 0


def test_weights_are_loaded_and_credited(call):
    code = "import unrolled; m = unrolled.load('ntm/copy'); print(type(m).__name__, unrolled.cite(m).keys[0])"
    done = call(code=code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "NTM"


@pytest.mark.parametrize(
    "words",
    [["run", "ntm"], ["run", "--all"], ["status"], ["check"], ["check", "ntm"], ["book"], ["fmt"], ["look"],
     ["new", "x", "--bibtex", "x.bib"], ["archive"], ["schema", "--write"], ["cite", "--chapter", "bn_lstm"]],
)  # fmt: skip
def test_what_needs_a_checkout_says_so_and_how_to_get_one(call, words):
    done = call(*words)
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert "needs a checkout of Unrolled" in line
    assert "UNROLLED_PROJECT" in line


def test_a_checkout_that_is_named_is_used(call):
    assert call("cite", "--chapter", "ntm", UNROLLED_PROJECT=str(ROOT)).stdout.startswith(
        "@incollection{unrolled_ntm"
    )


def test_a_missing_extra_is_named_with_the_command_that_brings_it(call):
    hidden = (
        "import sys; sys.modules['papermill'] = sys.modules['sphinx'] = None; from unrolled.cli import main; "
    )
    done = call(code=hidden + "main(['book'])", UNROLLED_PROJECT=str(ROOT))
    assert done.returncode == 1
    assert "pip install 'unrolled[book]'" in done.stderr
