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


def sharper(found):
    """Which answers are sharper than the mean of them all."""
    return (found - 0.5).abs().mean(1) > (found.mean(0) - 0.5).abs().mean()


def test_nearly_every_answer_to_the_first_prompt_is_sharper_than_their_mean():
    assert sharper(answers(subject.GIVEN[0])).float().mean() > 0.95


@pytest.mark.parametrize("prompt", subject.PROMPTS, ids=lambda prompt: prompt.label)
def test_most_answers_are_sharper_than_their_mean_and_they_differ(prompt):
    found = answers(prompt.input["column"])
    assert sharper(found).float().mean() > 0.5
    assert found.var(0).mean() > 0.005


def test_the_first_prompt_is_the_stored_state():
    made = subject.demo()
    assert made.trace["column"] == subject.PROMPTS[0].input["column"]
    torch.testing.assert_close(
        made.graphs["step"](x=torch.tensor([subject.GIVEN[0]]).float(), z=made.graphs["step"].inputs["z"])[
            "pixels"
        ],
        made.trace["pixels"],
    )
