"""A comparison of two systems, for tests."""

from unrolled.library.comparisons import Comparison, Difference, System

NAMES = ("bn_lstm:lstm", "bn_lstm:bn_lstm")


def comparison(**changes: object) -> Comparison:
    """One that says the second is not told apart from the first."""
    systems = [
        System(slug="bn_lstm", preset=name.partition(":")[2], run=f"{name}-s0-k", key="k", score=30)
        for name in NAMES
    ]
    fields = {
        "metric": "test_bleu_beam",
        "unit": "BLEU",
        "test": "paired bootstrap",
        "sentences": 200,
        "resamples": 1000,
        "systems": systems,
        "differences": [Difference(ahead=NAMES[0], behind=NAMES[1], difference=0.1, p=0.4)],
        "signature": "nrefs:1",
        "device": "cpu",
        "seconds": 1.0,
        "command": "unrolled evidence compare",
        "collected": "2026-01-01",
    }
    return Comparison(**(fields | changes))
