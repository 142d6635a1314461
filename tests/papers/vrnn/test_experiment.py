"""The profiles of the VRNN experiment, and what its numbers count."""

import pytest
import torch

from unrolled.base.errors import UsageError
from unrolled.papers.vrnn.experiment import EXPERIMENT, WAVES, generated
from unrolled.training.experiment import PROFILES, Experiment
from unrolled.training.fit import fit


def test_it_is_an_experiment():
    assert isinstance(EXPERIMENT, Experiment)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_networks_of_a_comparison_differ_in_the_model_alone(profile):
    runs = EXPERIMENT.variants(profile)
    assert len(set(runs.values())) == len(runs)
    for config in runs.values():
        rest = {k: v for k, v in config.plain().items() if k not in ("model", "hidden", "latent")}
        own = ("model", "hidden", "latent")
        for other in runs.values():
            if (other.task, other.output) == (config.task, config.output):
                assert rest == {k: v for k, v in other.plain().items() if k not in own}


def test_the_paper_profiles_networks_are_equal_in_size():
    sizes = {
        name: sum(p.numel() for p in EXPERIMENT.model(config).parameters())
        for name, config in EXPERIMENT.variants("paper").items()
        if name in ("jsb_rnn", "jsb_vrnn")
    }
    assert sizes["jsb_rnn"] == pytest.approx(sizes["jsb_vrnn"], rel=0.05)


def test_bounds_are_in_nats_a_step_with_every_step_counted_once():
    model = EXPERIMENT.model(EXPERIMENT.variants("paper")["jsb_rnn"])
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
    model = EXPERIMENT.model(EXPERIMENT.variants("smoke")["chorales_vrnn"])
    x, lengths = (torch.rand(3, 4, 88) < 0.1).to(torch.uint8), torch.tensor([4, 2, 3])
    metrics = EXPERIMENT.test(model, (x, lengths))
    assert metrics["importance"] > metrics["bound"] - 0.1
    assert {"bound", "log_likelihood", "kl", "importance"} == set(metrics)


@pytest.mark.parametrize("name", list(EXPERIMENT.variants("smoke")))
def test_generated_data_train_every_network(name):
    config = EXPERIMENT.variants("smoke")[name]
    run = fit(EXPERIMENT, config, seed=0, profile="smoke", variant=name)
    assert run.complete
    metrics = run.metrics
    assert metrics["valid_bound"] == pytest.approx(metrics["valid_log_likelihood"] - metrics["valid_kl"])
    if config.copies > 1:
        each = [metrics[f"valid_bound_{copy}"] for copy in range(config.copies)]
        assert metrics["valid_bound"] == pytest.approx(sum(each) / len(each))
        assert len(set(each)) == config.copies


def test_copies_and_splits_have_sequences_of_their_own():
    made = [generated(task, split, s) for task in ("waves", "bimodal") for split in WAVES for s in (0, 1)]
    assert all(not torch.equal(a[:9], b[:9]) for i, a in enumerate(made) for b in made[:i])


def test_unknown_profile_is_told():
    with pytest.raises(UsageError, match="did you mean paper"):
        EXPERIMENT.variants("papers")
