"""The comparison runs, and prints ratios."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def benchmarks(*arguments):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))}
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "contenders"),
    [
        ("bn_lstm", ["torch.nn.LSTM", "textbook loop", "eager"]),
        ("bn_lstm_50", ["torch.nn.LSTM", "textbook loop", "eager"]),
        ("vrnn", ["torch.nn.GRU", "textbook loop", "eager"]),
        ("rnn_encoder_decoder", ["torch.nn.GRU", "textbook loop", "idiomatic", "eager"]),
        ("vrnn_8", ["torch.nn.GRU", "textbook loop", "eager"]),
        ("ntm", ["torch.nn.LSTM", "textbook loop", "eager"]),
        ("stack_rnn", ["torch.nn.RNN", "textbook loop", "idiomatic", "one by one", "eager"]),
        ("ram", ["torch.nn.RNN", "textbook loop", "eager"]),
        ("ram_60", ["torch.nn.RNN", "textbook loop", "eager"]),
        ("dkt", ["torch.nn.LSTM", "textbook loop", "eager"]),
        ("dkt_1200", ["torch.nn.LSTM", "textbook loop", "eager"]),
    ],
)
def test_every_contender_has_its_ratios(model, contenders):
    result = benchmarks("--only", model, "--steps", "2", "--rounds", "1", "--no-compile", "--json")
    assert result.returncode == 0, result.stderr
    rows = json.loads(result.stdout)["rows"]
    assert [row["contender"] for row in rows] == contenders
    assert rows[0]["share_of_fused"] == rows[1]["times_textbook"] == 1
    assert all(row["share_of_fused"] > 0 and "milliseconds" not in row for row in rows)


def test_wrong_use_has_code_2_and_no_traceback():
    result = benchmarks("--steps", "0")
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
