"""Presets of translation models: each that needs no download trains every parameter."""

import pytest

from unrolled.training.experiment import experiment
from unrolled.training.presets import presets
from unrolled.training.trainer import place


@pytest.mark.parametrize("slug", ["bahdanau_attention", "rnn_encoder_decoder"])
def test_every_preset_that_needs_no_download_gives_a_loss_with_gradients(slug):
    kind = experiment(slug)
    for name, found in presets(kind).items():
        one = kind(found.config)
        assert one.datasets() == (("multi30k",) if name.startswith("multi30k") else ())
        if not one.datasets():
            batch = tuple(part[:1] for part in one.data().train)
            model = one.model()
            one.loss(model, one.batch(batch, place(0, 0)), place(0, 0)).backward()
            assert all(parameter.grad is not None for parameter in model.parameters())
