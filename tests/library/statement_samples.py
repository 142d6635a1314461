"""An entry's statements and the runs behind them, for tests: small, and of every kind."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

from unrolled.base import keys
from unrolled.library import outputs, staleness
from unrolled.library.measurements import Run, run_name

BLOCK = """\
paper:
  - name: pmnist
    locus: {section: "5.1"}
    data: {task: pmnist}
    stand_ins: {task: [digits]}
    sizes: {hidden: 100}
    schedule: {updates: 100}
statements:
  - id: gain
    kind: ordering
    headline: true
    says: BN-LSTM ends higher than the LSTM.
    locus: {table: "1"}
    metric: test accuracy
    unit: "%"
    factor: 100
    result: test_accuracy
    runs: [bn_lstm]
    against: [lstm]
    pairing: paired
    seeds: 3
    direction: higher
  - id: accuracy
    kind: value
    says: BN-LSTM reaches 95.4 %.
    locus: {table: "1"}
    metric: test accuracy
    unit: "%"
    factor: 100
    result: test_accuracy
    runs: [bn_lstm]
    seeds: 3
    direction: higher
    paper: {value: 95.4, test_items: 10000}
  - id: cells
    kind: exact
    says: A layer has 44,900 parameters.
    locus: {section: "5", equation: "5"}
    metric: parameters
    paper: {value: 44900}
    value: parameters
  - id: ptb
    kind: value
    says: On Penn Treebank it reaches 1.32 bits per character.
    locus: {section: "Appendix B", table: "2"}
    metric: bits per character
    not_attempted: The data have a licence that forbids it.
findings:
  - id: baseline
    says: The LSTM is undertrained.
    metric: test accuracy
    unit: "%"
    factor: 100
    result: test_accuracy
    runs: [lstm]
    seeds: 3
checks:
  - id: equal
    says: Code and equation agree.
    tests: ["tests/oracles/test_bn_lstm.py::test_equation_6_bn_preactivations"]
omitted:
  - {what: "Table 3", locus: {table: "3"}, why: Another paper's numbers.}
  - {what: "Figure 1a", locus: {figure: "1a"}, why: A picture without numbers.}
"""

RUNS = """\
["{model}"]
updates = 1
each = { model = ["lstm", "bn_lstm"] }
"""

_LISTS = "claims|paper|statements|findings|checks|omitted"


def with_samples(text: str) -> str:
    """An entry's file with these statements in place of its own."""
    text = re.sub(rf"(?m)^(?:{_LISTS}):(?: \[\])?\n(?:[ \t-].*\n)*", "", text)
    text = re.sub(r"(?m)^    (?:claims|statements|checks): \[[^\]]*\]\n", "", text)
    text = re.sub(r"(?m)^status: \w+$", "status: verified", text)
    return text.replace("\ndepartures:\n", f"\n{BLOCK}departures:\n", 1)


@cache
def source() -> str:
    """The code part of a run's key; the tests that use it change no code."""
    return staleness.source_part("bn_lstm")


def result(preset: str = "bn_lstm", seed: int = 0, accuracy: float = 0.95, **fields) -> dict:
    """What ``result.json`` of a finished run says."""
    known = {
        "slug": "bn_lstm",
        "preset": preset,
        "seed": seed,
        "config": {"model": preset, "task": "pmnist", "hidden": 100, "updates": 100},
        "metrics": {
            "valid_error": 0.05,
            "last_valid_error": 0.06,
            "test_accuracy": accuracy,
            "train_loss": 0.1,
        },
        "selection": ["valid_error", "min"],
        "best_update": 50,
        "updates": 100,
        "updates_planned": 100,
        "complete": True,
        "fingerprint": {"losses": [2.3, 2.2], "gradient_norms": [1.0, 1.1], "after_update": 2.0},
        "device": "cpu",
        "seconds": 10.0,
        "peak_memory_mb": 100.0,
        "versions": {"torch": "2.13.0"},
        "commit": "abc",
        "command": f"unrolled train bn_lstm {preset}",
        "finished": "2026-01-02T00:00:00+00:00",
    }
    config = known["config"] | fields.pop("config", {})
    made = known | fields | {"config": config}
    made["metrics"] = known["metrics"] | fields.get("metrics", {})
    parts = {
        "source": source(),
        "config": keys.combine({"config": config, "seed": seed}),
        "data": keys.combine({}),
        "versions": "cpu: numpy 1, torch 2",
    }
    made["key_parts"] = parts | fields.get("key_parts", {})
    return made | {"key": keys.combine(made["key_parts"])}


def run(*arguments, **fields) -> Run:
    """The same as evidence keeps it."""
    found = result(*arguments, **fields)
    return Run.model_validate({name: found[name] for name in Run.model_fields if name in found})


HISTORY = [
    *({"update": update, "loss": 2.0 / update} for update in range(1, 101)),
    {"update": 50, "valid_error": 0.05},
    {"update": 100, "valid_error": 0.06},
]


def put(store: Path, found: dict, history: list[dict] | None = None) -> Path:
    """Write a run's result and history below a run store; its folder."""
    folder = store / found["slug"] / run_name(found["preset"], found["seed"], found["key"])
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps(found))
    lines = HISTORY if history is None else history
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


ACCURACIES = {"bn_lstm": (0.951, 0.953, 0.952), "lstm": (0.90, 0.91, 0.89)}


def put_all(store: Path) -> list[Path]:
    """Three seeds of both presets."""
    return [
        put(store, result(preset, seed, value))
        for preset, values in ACCURACIES.items()
        for seed, value in enumerate(values)
    ]


VALUE = "application/vnd.unrolled.value+json"


def notebook(key: str = "notebook", **values: float) -> dict:
    """An executed chapter that left these values."""
    shown = [
        {"output_type": "display_data", "metadata": {}, "data": {VALUE: {"name": name, "value": value}}}
        for name, value in values.items()
    ]
    record = {
        "key": key,
        "profile": "book",
        "seconds": 3.0,
        "peak_memory_mb": 400.0,
        "device": "cpu",
        "executed": "2026-01-03",
        "versions": {"torch": "2.13.0"},
    }
    cell = {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "source": "x",
        "execution_count": 1,
        "outputs": shown,
    }
    record["outputs"] = outputs.digests({"cells": [cell]})
    return {"cells": [cell], "metadata": {"unrolled": record}, "nbformat": 4, "nbformat_minor": 5}
