"""The conditional auto-encoder and its regressor: shapes, the quirk, and equal capacity."""

import pytest
import torch

from unrolled.nn.checks import ShapeError
from unrolled.papers.vae_tutorial.model import CVAE, Regressor


def test_released_sizes():
    with torch.device("meta"):
        model = CVAE(given=28, pixels=756)
    shapes = {name: tuple(layer.weight.shape) for name, layer in model.named_children()}
    assert shapes["encoder_1"] == (1000, 756)
    assert shapes["decoder_1"] == (250, 30)
    assert shapes["condition_4"] == (250, 250)
    assert shapes["output"] == (756, 1000)


def test_the_regressor_has_what_the_completion_uses_but_the_latent():
    both = CVAE(given=4, pixels=12, hidden=16, latent=3), Regressor(given=4, pixels=12, hidden=16)
    of_model, of_baseline = (dict(network.named_parameters()) for network in both)
    assert set(of_baseline) < set(of_model)
    extra = {name.partition(".")[0] for name in set(of_model) - set(of_baseline)}
    assert extra == {"encoder_1", "encoder_2", "encoder_3", "mean", "log_deviation", "decoder_1"}


def test_without_its_latent_the_model_answers_as_the_regressor():
    model, baseline = CVAE(given=4, pixels=12, hidden=16, latent=3), Regressor(4, 12, 16)
    baseline.load_state_dict(model.state_dict(), strict=False)
    torch.nn.init.zeros_(model.decoder_1.weight)
    torch.nn.init.zeros_(model.decoder_1.bias)
    x = torch.rand(5, 4)
    torch.testing.assert_close(model(x, torch.randn(5, 3)).logits, baseline(x).logits)


@pytest.mark.parametrize("quirk", [True, False])
def test_quirk_reads_units_that_the_mean_cannot_see(quirk):
    model = CVAE(given=2, pixels=6, hidden=8, latent=3, quirk=quirk)
    torch.nn.init.constant_(model.encoder_3.bias, -100.0)  # every unit of the third layer is cut off
    y = torch.rand(4, 6)
    mean, log_deviation = model.encode(model.condition(torch.rand(4, 2))[0], y)
    torch.testing.assert_close(mean, model.mean.bias.expand_as(mean))
    assert torch.allclose(log_deviation, model.log_deviation.bias.expand_as(mean)) is not quirk


def test_other_numbers_of_pixels_are_refused():
    model = CVAE(given=2, pixels=6, hidden=8, latent=3)
    with pytest.raises(ShapeError):
        model(torch.ones(1, 3), torch.ones(1, 3))
    with pytest.raises(ShapeError):
        model.bound(torch.ones(1, 2), torch.ones(1, 7), torch.ones(1, 3))
