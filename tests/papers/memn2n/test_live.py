"""What the page shows is what trains: each shown function changes the loss of the first update."""

import pytest
import torch

from unrolled.papers.memn2n import model, sentences
from unrolled.papers.memn2n.experiment import EXPERIMENT
from unrolled.training.presets import preset
from unrolled.training.trainer import isolated_rng, place

SHOWN = {
    "live": (
        model,
        ["read", "next_state", "answer", "linear_hop", "adjacent", "position_encoding", "with_time"],
    ),
    "live_no_linear_start": (model, ["attention"]),
    "live_layer_wise": (model, ["layer_wise"]),
    "live_bag": (model, ["bag_of_words"]),
    "live_code": (sentences, ["position_weights_code"]),
}
CASES = [(name, where, shown) for name, (where, all_) in SHOWN.items() for shown in all_]
CASES.append(("live", sentences, "position_weights"))


def larger(value):
    """The value with every floating tensor in it 1 % larger."""
    if isinstance(value, torch.Tensor):
        return 1.01 * value if value.is_floating_point() else value
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(larger, value))
    return [larger(part) for part in value] if isinstance(value, list) else value


def first_loss(name):
    experiment = EXPERIMENT(preset(EXPERIMENT, name).config)
    with isolated_rng():
        torch.manual_seed(0)
        network, at = experiment.model(), place(0, 0)
        return experiment.loss(network, experiment.batch((), at), at).item()


@pytest.mark.parametrize(("name", "where", "shown"), CASES)
def test_a_shown_function_changes_the_loss(monkeypatch, name, where, shown):
    before, original = first_loss(name), getattr(where, shown)
    monkeypatch.setattr(where, shown, lambda *args, **options: larger(original(*args, **options)))
    assert abs(first_loss(name) - before) > 1e-5
