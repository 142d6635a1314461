"""The decoder's loop by hand equals its steps, and its gradients those of autograd."""

import pytest
import torch
from torch.autograd import gradcheck

from unrolled.nn.gru import recurrent
from unrolled.nn.scan import scan
from unrolled.papers.rnn_encoder_decoder.loop import decoder_loop
from unrolled.papers.rnn_encoder_decoder.model import decoder_step

TIME, BATCH, HIDDEN = 4, 3, 2


@pytest.fixture
def given():
    torch.manual_seed(0)
    shapes = (TIME, BATCH, 3 * HIDDEN), (BATCH, HIDDEN), (BATCH, 3 * HIDDEN), (3 * HIDDEN, HIDDEN)
    return [torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in shapes]


def by_steps(from_y, s_0, from_c, U, reset):
    return scan(decoder_step, from_y, s_0, from_c, recurrent(U), reset).states


def by_hand(from_y, s_0, from_c, U, reset):
    return decoder_loop(from_y, s_0, from_c, recurrent(U), reset)


@pytest.mark.parametrize("reset", ["before", "after"])
def test_the_loop_equals_its_steps(given, reset):
    torch.testing.assert_close(by_hand(*given, reset), by_steps(*given, reset), rtol=0, atol=1e-14)
    ours, expected = (
        torch.autograd.grad(of(*given, reset).square().sum(), given) for of in (by_hand, by_steps)
    )
    torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("reset", ["before", "after"])
def test_gradients_agree_with_differences(given, reset):
    assert gradcheck(lambda *parts: by_hand(*parts, reset), given)


@pytest.mark.parametrize("reset", ["before", "after"])
def test_several_loops_run_as_one(given, reset):
    several = [torch.stack((part, 2 * part)).detach().requires_grad_() for part in given]
    together = torch.func.vmap(lambda *parts: by_hand(*parts, reset))(*several)
    together.square().sum().backward()
    for k in range(2):
        alone = [part[k].detach().requires_grad_() for part in several]
        states = by_hand(*alone, reset)
        torch.testing.assert_close(together[k], states)
        states.square().sum().backward()
        for part, own in zip(several, alone, strict=True):
            torch.testing.assert_close(part.grad[k], own.grad)
