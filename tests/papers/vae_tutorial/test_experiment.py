"""The presets of the tutorial, what is given, and what its numbers count."""

from dataclasses import replace

import pytest
import torch

from unrolled.papers.vae_tutorial.experiment import EXPERIMENT, given_pixels
from unrolled.papers.vae_tutorial.studies import prior_estimate
from unrolled.training.experiment import At
from unrolled.training.fit import fit
from unrolled.training.presets import presets

PRESETS = {name: preset.config for name, preset in presets(EXPERIMENT).items()}
SMOKE = PRESETS["smoke"]


@pytest.mark.parametrize("model", ["cvae", "regressor", "vae"])
def test_every_model_trains(model):
    run = fit(EXPERIMENT(replace(SMOKE, model=model)))
    assert set(run.metrics) >= {"valid_bound", "valid_sharpness"}


def test_what_is_given():
    column = given_pixels("column", 28).view(28, 28)
    assert column[:, 13].all()
    assert column.sum() == 28
    quarter = given_pixels("quarter", 28).view(28, 28)
    assert quarter[14:, :14].all()
    assert quarter.sum() == 14 * 14


def test_parts_are_the_whole_picture():
    experiment = EXPERIMENT(SMOKE)
    (x,) = experiment.data().valid
    condition, y = experiment.parts(x)
    assert condition.shape[1] + y.shape[1] == x.shape[1]
    torch.testing.assert_close(condition.sum() + y.sum(), x.sum())


def test_pictures_are_drawn_binary_anew_in_every_update():
    experiment = EXPERIMENT(SMOKE)
    x = (torch.full((400, 64), 0.25),)
    first, second = (
        experiment.batch(x, At(i, torch.Generator().manual_seed(i), torch.Generator()))[0] for i in (0, 1)
    )
    assert set(first.unique().tolist()) == {0.0, 1.0}
    assert not torch.equal(first, second)
    assert first.mean().item() == pytest.approx(0.25, abs=0.01)


def test_a_regressor_has_one_answer_and_the_model_many():
    one, many = (EXPERIMENT(replace(SMOKE, model=model)) for model in ("regressor", "cvae"))
    (x,) = one.data().valid
    assert one.test(one.model(), (x,))["variance"] == 0
    assert many.test(many.model(), (x,))["variance"] > 0


def test_prior_estimate_is_the_mean_likelihood():
    experiment = EXPERIMENT(replace(SMOKE, model="vae"))
    model, (x,) = experiment.model(), experiment.data().valid
    torch.manual_seed(3)
    found = prior_estimate(model, x[:4], 50)
    torch.manual_seed(3)
    z = torch.randn(50, 3)
    direct = torch.stack([model.decode(z).log_prob(picture) for picture in x[:4]], 1)
    torch.testing.assert_close(found, torch.logsumexp(direct, 0) - torch.tensor(50.0).log())


def test_compared_runs_differ_in_the_model_and_in_a_rate_that_both_tried():
    chosen = PRESETS["column_regressor"].learning_rate
    assert replace(PRESETS["column"], model="regressor", learning_rate=chosen) == PRESETS["column_regressor"]
    for name in ("column", "column_regressor"):
        tried = {preset.learning_rate for key, preset in PRESETS.items() if key.startswith(f"{name}_rate_")}
        assert tried == {1e-3, 2e-3, 4e-3}
        assert PRESETS[name].learning_rate in tried
    assert replace(PRESETS["quarter"], model="regressor") == PRESETS["quarter_regressor"]
    assert replace(PRESETS["column"], quirk=False) == PRESETS["column_plain"]
