"""The hand-derived backward pass: equal to autograd's, whatever is asked of it."""

import copy
import gc
import logging
import weakref

import pytest
import torch
from torch.autograd import gradcheck

from unrolled.nn.cells import LSTMState
from unrolled.papers.bn_lstm import fast
from unrolled.papers.bn_lstm.model import BNLSTM

EXACT = {"rtol": 1e-10, "atol": 1e-10}
BATCH, HIDDEN = 5, 7


def drawn_layer(input_size, max_length=40):
    layer = BNLSTM(input_size, HIDDEN, max_length=max_length, gamma=0.3).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return layer


def everything(layer, engine, x, initial, loss):
    """Outputs, all gradients and the averages, from a copy of the layer."""
    layer = copy.deepcopy(layer)
    layer.engine = engine
    result = layer(x, initial=initial)
    asked = [p for name, p in layer.named_parameters() if name not in ("h_0", "c_0")] + list(initial)
    asked += [x] if x.requires_grad else []
    gradients = torch.autograd.grad(loss(result), asked, allow_unused=True, materialize_grads=True)
    return [result.h, *result.last, *gradients, *layer.buffers()]


LOSSES = {
    "all states": lambda r: (r.h * torch.linspace(-1, 1, r.h.numel(), dtype=r.h.dtype).view_as(r.h)).sum(),
    "last h": lambda r: r.last.h.square().sum(),
    "last c": lambda r: r.last.c.square().sum(),
    "all together": lambda r: r.h.square().sum() + r.last.h.sum() + r.last.c.square().sum(),
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize(("input_size", "by_input"), [(1, False), (1, True), (3, True)])
def test_equals_autograd(input_size, by_input, loss):
    layer = drawn_layer(input_size)
    x = torch.randn(BATCH, 9, input_size, dtype=torch.float64, requires_grad=by_input)
    initial = LSTMState(*(torch.randn(BATCH, HIDDEN, dtype=torch.float64).requires_grad_() for _ in "hc"))
    ours = everything(layer, "derived", x, initial, loss)
    torch.testing.assert_close(ours, everything(layer, "autograd", x, initial, loss), **EXACT)


@pytest.mark.parametrize("time", [1, 2, 15, 16, 17, 33])
def test_every_block_of_the_weights_gradient_is_summed(time):
    layer = drawn_layer(1)
    x = torch.randn(BATCH, time, 1, dtype=torch.float64)
    initial = LSTMState(*(torch.randn(BATCH, HIDDEN, dtype=torch.float64).requires_grad_() for _ in "hc"))
    loss = LOSSES["all states"]
    ours = everything(layer, "derived", x, initial, loss)
    torch.testing.assert_close(ours, everything(layer, "autograd", x, initial, loss), **EXACT)


@pytest.mark.parametrize("input_size", [1, 2])
def test_gradients_are_those_of_finite_differences(input_size):
    def draw(*shape):
        return torch.randn(*shape, dtype=torch.float64).requires_grad_()

    batch, time, hidden = 3, 3, 2
    x = draw(batch, time, input_size).detach().transpose(0, 1)
    state, W_x, W_h = (draw(batch, hidden), draw(batch, hidden)), draw(8, input_size), draw(8, hidden)

    def outputs(h, c, W_x, W_h, b, gamma_x, gamma_h, gamma_c, beta_c):
        term = fast.input_term(x, W_x, gamma_x, b, 1e-5)
        return fast.run(h, c, term, b, W_h, gamma_h, gamma_c, beta_c, 1e-5)[:3]

    assert gradcheck(outputs, (*state, W_x, W_h, draw(8), draw(8), draw(8), draw(2), draw(2)))


def test_learned_initial_states_take_gradients():
    layers = {engine: drawn_layer(1) for engine in ("derived", "autograd")}
    layers["autograd"].load_state_dict(layers["derived"].state_dict())
    x = torch.randn(BATCH, 4, 1, dtype=torch.float64)
    for engine, layer in layers.items():
        layer.engine = engine
        layer(x).h.sum().backward()
    for name in ("h_0", "c_0"):
        ours, expected = (getattr(layers[engine], name).grad for engine in ("derived", "autograd"))
        torch.testing.assert_close(ours, expected, **EXACT)


def test_float32_stays_close_to_float64():
    wide = drawn_layer(1)
    narrow = copy.deepcopy(wide).float()
    x = torch.rand(BATCH, 30, 1)
    torch.testing.assert_close(narrow(x).h.double(), wide(x.double()).h, rtol=1e-3, atol=1e-4)


def test_two_passes_before_one_backward_do_not_mix():
    layer = drawn_layer(1)
    first, second = torch.randn(2, BATCH, 4, 1, dtype=torch.float64)
    together = torch.autograd.grad(layer(first).h.sum() + layer(second).h.square().sum(), layer.W_h)[0]
    apart = torch.autograd.grad(layer(first).h.sum(), layer.W_h)[0]
    apart = apart + torch.autograd.grad(layer(second).h.square().sum(), layer.W_h)[0]
    torch.testing.assert_close(together, apart, **EXACT)


def test_the_graph_is_freed_without_the_garbage_collector():
    layer, x = drawn_layer(1), torch.randn(BATCH, 4, 1, dtype=torch.float64)
    gc.disable()
    try:
        result = layer(x)
        alive = weakref.ref(result.last.h.grad_fn.kept[0][0])
        del result
        assert alive() is None
    finally:
        gc.enable()


def test_a_second_derivative_is_refused():
    layer, x = drawn_layer(1), torch.randn(BATCH, 4, 1, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(layer(x).h.square().sum(), layer.gamma_c, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def test_without_a_compiler_it_runs_eager_and_says_so_once(monkeypatch, caplog):
    def refuse(*_, **__):
        raise RuntimeError("no C++ compiler found\nand a long explanation")

    monkeypatch.setattr(torch, "compile", refuse)
    fast.compiled_step.cache_clear()
    fast._say.cache_clear()
    layer, x = drawn_layer(1), torch.randn(BATCH, 4, 1, dtype=torch.float64)
    expected = layer(x).h
    layer.engine = "compiled"
    try:
        with caplog.at_level(logging.WARNING):
            layer(x).h.sum().backward()
            torch.testing.assert_close(layer(x).h, expected, **EXACT)
    finally:
        fast.compiled_step.cache_clear()
        fast._say.cache_clear()
    assert [record.message for record in caplog.records] == [
        "not compiled, runs eager: no C++ compiler found"
    ]
