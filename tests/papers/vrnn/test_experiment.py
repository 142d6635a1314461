"""The presets of the VRNN, the objective, and what its numbers count."""

from dataclasses import replace

import pytest
import torch

from unrolled.papers.vrnn.experiment import EXPERIMENT, WAVES, generated
from unrolled.papers.vrnn.inference import bound
from unrolled.training.experiment import At
from unrolled.training.fit import fit, fit_seeds
from unrolled.training.presets import presets

PRESETS = {name: preset.config for name, preset in presets(EXPERIMENT).items()}
SMOKE = PRESETS["smoke"]
OWN = ("model", "hidden", "latent", "fast")


def at(update=0):
    return At(update, torch.Generator(), torch.Generator())


def test_the_networks_of_a_comparison_differ_in_the_model_alone():
    long = {name: c for name, c in PRESETS.items() if not name.startswith(("smoke", "live"))}
    assert len(set(long.values())) == len(long)
    for config in long.values():
        rest = {k: v for k, v in config.plain().items() if k not in OWN}
        for other in long.values():
            if (other.task, other.output, other.components) == (
                config.task,
                config.output,
                config.components,
            ):
                assert rest == {k: v for k, v in other.plain().items() if k not in OWN}


@pytest.mark.parametrize("task", ["speech", "kanji", "pendigits", "strokes"])
def test_the_papers_networks_are_there_and_equal_in_size(task):
    sizes = {
        name: sum(p.numel() for p in EXPERIMENT(PRESETS[f"{task}_{name}"]).model().parameters())
        for name in ("rnn_gauss", "rnn_gmm", "vrnn_gauss", "vrnn_gmm", "vrnn_i_gauss")
    }
    assert sizes["rnn_gauss"] == pytest.approx(sizes["vrnn_gauss"], rel=0.03)
    assert sizes["rnn_gmm"] == pytest.approx(sizes["vrnn_gmm"], rel=0.03)


def test_bounds_are_in_nats_a_step_with_every_step_counted_once():
    experiment = EXPERIMENT(PRESETS["roll_jsb_rnn"])
    model = experiment.model()
    x = (torch.rand(5, 9, 88) < 0.1).to(torch.uint8)
    lengths = torch.tensor([9, 2, 5, 1, 9])
    metrics = experiment.evaluate(model, (x, lengths))
    by_hand = (
        sum(
            model(x[n : n + 1, :t].float()).output.log_prob(x[n : n + 1, :t].float()).sum().item()
            for n, t in enumerate(lengths.tolist())
        )
        / lengths.sum().item()
    )
    assert metrics["bound"] == pytest.approx(by_hand, rel=1e-5)
    assert metrics["bound"] == pytest.approx(metrics["log_likelihood"] - metrics["kl"])
    assert -experiment.loss(model, (x, lengths), at()).item() == pytest.approx(by_hand, rel=1e-5)


def test_a_batch_is_cut_to_its_longest_sequence():
    experiment, x, lengths = EXPERIMENT(PRESETS["chorales"]), torch.zeros(3, 9, 88), torch.tensor([4, 2, 5])
    assert experiment.batch((x, lengths), at())[0].shape == (3, 5, 88)
    assert experiment.batch((x,), at())[0] is x


def test_the_divergences_weight_rises_to_one_over_the_warm_up():
    experiment = EXPERIMENT(replace(SMOKE, updates=8))
    model, x = experiment.model(), experiment.data().train[0][:16]
    shares = []
    for update in range(6):
        torch.manual_seed(7)
        parts = bound(model(x), x)
        torch.manual_seed(7)
        loss = experiment.loss(model, (x,), at(update)) * x.shape[0] * x.shape[1]
        shares.append(((parts.log_likelihood.sum() + loss) / parts.kl.sum()).item())
    assert shares == pytest.approx([0, 0.25, 0.5, 0.75, 1, 1], abs=1e-3)


def test_the_test_has_the_importance_weighted_estimate():
    experiment = EXPERIMENT(replace(PRESETS["chorales"], hidden=8, features=8))
    x, lengths = (torch.rand(3, 4, 88) < 0.1).to(torch.uint8), torch.tensor([4, 2, 3])
    metrics = experiment.test(experiment.model(), (x, lengths))
    assert metrics["importance"] > metrics["bound"] - 0.1
    assert {"bound", "log_likelihood", "kl", "importance"} == set(metrics)


@pytest.mark.parametrize("model", ["vrnn", "vrnn_i", "rnn"])
@pytest.mark.parametrize("task", ["waves", "bimodal", "digits", "chorales"])
def test_generated_data_train_every_network(task, model):
    output = "gaussian" if task in ("waves", "bimodal") else "bernoulli"
    run = fit(EXPERIMENT(replace(SMOKE, task=task, model=model, output=output, updates=2)))
    metrics = run.metrics
    assert run.complete
    assert metrics["valid_bound"] == pytest.approx(metrics["valid_log_likelihood"] - metrics["valid_kl"])


@pytest.mark.parametrize("model", ["vrnn", "rnn"])
def test_seeds_train_as_one_program_as_they_do_alone(model):
    config = replace(SMOKE, model=model, updates=2)
    together = fit_seeds([EXPERIMENT(config, seed) for seed in (0, 1)])
    assert together[0].metrics["valid_bound"] != together[1].metrics["valid_bound"]
    if model == "rnn":  # the noise of several seeds is drawn as one block, so only what has none is equal
        alone = fit(EXPERIMENT(config, 1))
        assert together[1].metrics["valid_bound"] == pytest.approx(alone.metrics["valid_bound"], rel=1e-4)


def test_seeds_and_splits_have_sequences_of_their_own():
    made = [generated(task, split, s) for task in ("waves", "bimodal") for split in WAVES for s in (0, 1)]
    assert all(not torch.equal(a[:9], b[:9]) for i, a in enumerate(made) for b in made[:i])
