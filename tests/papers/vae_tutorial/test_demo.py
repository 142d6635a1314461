"""What the prompts of the demo say holds for the weights that it runs."""

import functools

import pytest
import torch

from unrolled import load
from unrolled.papers.vae_tutorial import demo as subject


@functools.cache
def answers(column):
    """Pixels of many completions of a column, ``[samples, pixels]``."""
    model = load(subject.WEIGHTS)
    x = torch.tensor([column], dtype=torch.float32)
    z = torch.randn(512, model.latent, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return subject.Step(model)(x, z)[0]


@pytest.mark.parametrize("prompt", subject.PROMPTS, ids=lambda prompt: prompt.label)
def test_every_answer_is_sharper_than_their_mean(prompt):
    found = answers(prompt.input["column"])
    sharpness = (found - 0.5).abs().mean(1)
    assert (sharpness > (found.mean(0) - 0.5).abs().mean()).float().mean() > 0.95


def test_the_first_prompt_is_the_stored_state():
    made = subject.demo()
    assert made.trace["column"] == subject.PROMPTS[0].input["column"]
    torch.testing.assert_close(
        made.graphs["step"](x=torch.tensor([subject.GIVEN[0]]).float(), z=made.graphs["step"].inputs["z"])[
            "pixels"
        ],
        made.trace["pixels"],
    )
