"""Fingerprints: equal for code that does the same, different for code that does not."""

import json

import pytest
from tiny import TinyConfig, TinyExperiment

from unrolled.training.fingerprint import compare, measure
from unrolled.training.fit import fit

CONFIG = TinyConfig(dropout=0.0)


@pytest.fixture(scope="module")
def run():
    return fit(TinyExperiment(CONFIG, 4), fingerprint=True)


def test_unchanged_code_has_an_equal_fingerprint(run):
    kept = json.loads((run.folder / "result.json").read_text())["fingerprint"]
    assert set(kept) == {"losses", "gradient_norms", "after_update", "metrics"}
    assert len(kept["losses"]) == len(kept["gradient_norms"]) == 5
    assert compare(kept, measure(TinyExperiment(CONFIG, 4), run.weights())) == []


class Louder(TinyExperiment):
    def loss(self, model, batch, at):
        return super().loss(model, batch, at) * 1.0001


class Steeper(TinyExperiment):
    def learning_rate(self, update):
        return 2 * super().learning_rate(update)


class Stricter(TinyExperiment):
    def evaluate(self, model, arrays):
        return {name: value + 0.01 for name, value in super().evaluate(model, arrays).items()}


@pytest.mark.parametrize(
    ("kind", "message"), [(Louder, "losses 1"), (Steeper, "after one update"), (Stricter, "valid_error")]
)
def test_changed_code_differs(run, kind, message):
    found = compare(run.result["fingerprint"], measure(kind(CONFIG, 4), run.weights()))
    assert any(message in line for line in found)


def test_another_seed_differs(run):
    assert compare(run.result["fingerprint"], measure(TinyExperiment(CONFIG, 5)))
