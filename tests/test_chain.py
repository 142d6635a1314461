"""The chain breaks where one of its links is broken on purpose; the other links stand in tests/library."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODEL = "src/unrolled/papers/bn_lstm/model.py"


@pytest.fixture
def checkout(tmp_path):
    """A copy of what the chain is made of."""
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("src", "bib", "constraints", "tests/oracles", "notebooks"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def call(checkout: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(checkout / "src"), "UNROLLED_PROJECT": str(checkout)}
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "oracle"),
    [
        ("c = f * state.c + i * g", "c = f * state.c + i + g", "test_equation_7_bn_cell"),
        ("h = o * torch.tanh(batch_norm(c,", "h = o + torch.tanh(batch_norm(c,", "test_equation_8_bn_output"),
        ("beta + normalised", "beta - normalised", "test_equation_5_batch_norm"),
    ],
)
def test_changed_arithmetic_fails_its_oracle(checkout, old, new, oracle):
    edit(checkout / MODEL, old, new)
    answer = call(checkout, "pytest", "-q", "-x", f"tests/oracles/test_bn_lstm.py::{oracle}")
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert f"FAILED tests/oracles/test_bn_lstm.py::{oracle}" in answer.stdout


def test_edited_module_makes_the_chapter_stale_and_says_which(checkout):
    edit(checkout / MODEL, "c = f * state.c + i * g", "c = i * g + f * state.c")
    answer = call(checkout, "unrolled", "status")
    assert answer.returncode == 1
    assert "unrolled.papers.bn_lstm.model changed" in answer.stdout


@pytest.mark.slow
def test_edited_evidence_is_a_fault(checkout):
    path = checkout / "bib" / "evidence" / "dkt.json"
    evidence = json.loads(path.read_text(encoding="utf-8"))
    evidence["archived"][0]["value"] += 0.01
    path.write_text(json.dumps(evidence), encoding="utf-8")
    answer = call(checkout, "unrolled", "check", "dkt")
    assert answer.returncode == 1
    assert "the evidence was edited" in answer.stdout


@pytest.mark.slow
def test_every_oracle_fails_when_its_implementation_is_broken():
    answer = call(ROOT, "pytest", "-q", "--broken", "tests/oracles")
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.slow
def test_an_oracle_that_compares_the_code_with_itself_is_told_when_the_code_is_broken(checkout):
    edit(
        checkout / "tests/oracles/test_bn_lstm.py",
        'bn_step(*code).c.detach().numpy(), oracle.equation_7(a["c"], preactivations)',
        "bn_step(*code).c.detach().numpy(), bn_step(*code).c.detach().numpy()",
    )
    answer = call(checkout, "pytest", "-q", "--broken", "tests/oracles/test_bn_lstm.py")
    assert answer.returncode == 1, answer.stdout + answer.stderr
    name = "tests/oracles/test_bn_lstm.py::test_equation_7_bn_cell"
    assert f"{name} passes although unrolled.papers.bn_lstm.model:bn_lstm_step is broken" in answer.stdout
    assert set(re.findall(r"(\S+) passes although", answer.stdout)) == {name}
