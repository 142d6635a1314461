"""The profiles of the VRNN experiment, and what its numbers count."""

import pytest
import torch

from unrolled.base.errors import UsageError
from unrolled.papers.vrnn.experiment import EXPERIMENT, Config
from unrolled.training.experiment import PROFILES, Experiment


def test_it_is_an_experiment():
    assert isinstance(EXPERIMENT, Experiment)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_networks_of_a_comparison_differ_in_the_model_alone(profile):
    runs = EXPERIMENT.variants(profile)
    assert len(set(runs.values())) == len(runs)
    for name, config in runs.items():
        rest = {k: v for k, v in config.plain().items() if k not in ("model", "hidden", "latent")}
        other = next(c for n, c in runs.items() if c.task == config.task and n != name)
        assert rest == {k: v for k, v in other.plain().items() if k not in ("model", "hidden", "latent")}


def test_the_paper_profiles_networks_are_equal_in_size():
    sizes = {
        name: sum(p.numel() for p in EXPERIMENT.model(config).parameters())
        for name, config in EXPERIMENT.variants("paper").items()
        if name in ("jsb_rnn", "jsb_vrnn")
    }
    assert sizes["jsb_rnn"] == pytest.approx(sizes["jsb_vrnn"], rel=0.05)


def test_bounds_are_in_nats_a_step_with_every_step_counted_once():
    config = Config.smoke()
    model = EXPERIMENT.model(config.changed({"model": "rnn"}))
    x = (torch.rand(5, 9, 88) < 0.1).to(torch.uint8)
    lengths = torch.tensor([9, 2, 5, 1, 9])
    metrics = EXPERIMENT.evaluate(model, (x, lengths))
    by_hand = (
        sum(
            model(x[n : n + 1, :t].float()).output.log_prob(x[n : n + 1, :t].float()).sum().item()
            for n, t in enumerate(lengths.tolist())
        )
        / lengths.sum().item()
    )
    assert metrics["bound"] == pytest.approx(by_hand, rel=1e-5)
    assert metrics["bound"] == pytest.approx(metrics["log_likelihood"] - metrics["kl"])
    assert -EXPERIMENT.loss(model, (x, lengths)).item() == pytest.approx(by_hand, rel=1e-5)


def test_the_test_has_the_importance_weighted_estimate():
    model = EXPERIMENT.model(Config.smoke())
    x, lengths = (torch.rand(3, 4, 88) < 0.1).to(torch.uint8), torch.tensor([4, 2, 3])
    metrics = EXPERIMENT.test(model, (x, lengths))
    assert metrics["importance"] > metrics["bound"] - 0.1
    assert {"bound", "log_likelihood", "kl", "importance"} == set(metrics)


def test_unknown_profile_is_told():
    with pytest.raises(UsageError, match="did you mean paper"):
        EXPERIMENT.variants("papers")
