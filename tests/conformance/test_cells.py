"""What every recurrent layer keeps to, whatever its equations."""

import importlib.util
from pathlib import Path

import pytest
import torch
from torch.autograd import gradcheck
from torch.func import functional_call

from unrolled.nn.scan import ShapeError, map_tensors, tensors

_spec = importlib.util.spec_from_file_location("conformance_cells", Path(__file__).with_name("cells.py"))
_cells = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_cells)

BATCH, TIME, INPUT, HIDDEN = 4, 6, 3, 5
LENGTHS = torch.tensor([6, 2, 4, 0])


@pytest.fixture(params=_cells.CELLS, ids=lambda cell: cell.name)
def cell(request):
    return request.param


def build(cell, dtype=torch.float64, seed=1, **options):
    """A layer whose parameters are all drawn, so that no zero hides a fault."""
    torch.manual_seed(seed)
    layer = cell.make(INPUT, HIDDEN, **options).to(dtype)
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if not name.endswith("bias_hh_l0"):
                parameter.add_(0.3 * torch.randn_like(parameter))
    return layer


def sequences(dtype=torch.float64, time=TIME):
    return torch.randn(BATCH, time, INPUT, dtype=dtype, generator=torch.Generator().manual_seed(2))


def flat(result):
    return [result.h, *tensors(result.last)]


def gradients(layer, x, lengths=None):
    """Derivatives of a weighted sum of all hidden states by every parameter."""
    h = layer(x, lengths).h
    weights = torch.linspace(-1, 1, h.numel(), dtype=h.dtype).view_as(h)
    parameters = [p for p in layer.parameters() if p.requires_grad]
    return torch.autograd.grad((h * weights).sum(), parameters, allow_unused=True, materialize_grads=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_results_have_the_inputs_type_and_shape(cell, dtype):
    result = build(cell, dtype)(sequences(dtype))
    assert result.h.shape == (BATCH, TIME, HIDDEN)
    assert all(part.dtype is dtype for part in flat(result))
    assert tensors(result.last)[0].shape == (BATCH, HIDDEN)
    assert all(len(part) == BATCH for part in tensors(result.last))


def test_last_state_is_that_of_the_last_step(cell):
    result = build(cell)(sequences())
    assert torch.equal(tensors(result.last)[0], result.h[:, -1])


def test_one_step_at_a_time_equals_the_whole(cell):
    layer, x = build(cell), sequences()
    whole, steps, state = layer(x), [], None
    for t in range(TIME):
        result = layer(x[:, t : t + 1], initial=state)
        steps.append(result.h)
        state = result.last
    torch.testing.assert_close(torch.cat(steps, 1), whole.h, rtol=1e-12, atol=1e-12)
    for ours, expected in zip(tensors(state), tensors(whole.last), strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-12)


def test_masked_sequences_equal_shorter_ones_bit_for_bit(cell):
    layer, x = build(cell), sequences()
    padded = layer(x, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        short = layer(x[:, :length], LENGTHS.clamp(max=length))
        assert torch.equal(padded.h[row, :length], short.h[row])
        for ours, expected in zip(tensors(padded.last), tensors(short.last), strict=True):
            assert torch.equal(ours[row], expected[row])


def test_states_are_carried_over_padding(cell):
    h = build(cell)(sequences(), LENGTHS).h
    assert torch.equal(h[1, 2:], h[1, 1].expand(TIME - 2, -1))


def test_full_lengths_change_nothing(cell):
    layer, x = build(cell), sequences()
    full = layer(x, torch.full((BATCH,), TIME))
    torch.testing.assert_close(full.h, layer(x).h, rtol=1e-12, atol=1e-12)


def test_gradients_do_not_see_padding(cell):
    layer, x = build(cell), sequences()
    expected = gradients(layer, x, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        x[row, length:] = torch.nan
    for ours, clean in zip(gradients(layer, x, LENGTHS), expected, strict=True):
        assert torch.equal(ours, clean)


def test_length_zero_gives_the_initial_state(cell):
    layer = build(cell)
    state = map_tensors(torch.randn_like, layer(sequences()).last)
    result = layer(sequences(time=0), initial=state)
    assert result.h.shape == (BATCH, 0, HIDDEN)
    assert all(torch.equal(a, b) for a, b in zip(tensors(result.last), tensors(state), strict=True))


def test_length_one_is_one_step(cell):
    layer, x = build(cell), sequences()
    torch.testing.assert_close(layer(x[:, :1]).h, layer(x).h[:, :1], rtol=1e-12, atol=1e-12)


def test_gradients_are_those_of_finite_differences(cell):
    layer, x = build(cell), sequences(time=2).requires_grad_()
    names = [name for name, parameter in layer.named_parameters() if parameter.requires_grad]
    parameters = [dict(layer.named_parameters())[name] for name in names]

    def outputs(x, *values):
        # The averages that a layer keeps would differ from call to call: they are no outputs.
        buffers = {name: buffer.clone() for name, buffer in layer.named_buffers()}
        return tuple(flat(functional_call(layer, dict(zip(names, values, strict=True)) | buffers, (x,))))

    assert gradcheck(outputs, (x, *parameters), fast_mode=True)


def test_same_seed_same_numbers(cell):
    x = sequences(torch.float32)
    first, second = build(cell, torch.float32), build(cell, torch.float32)
    assert torch.equal(first(x).h, second(x).h)
    assert all(torch.equal(a, b) for a, b in zip(gradients(first, x), gradients(second, x), strict=True))


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "padded"])
def test_batch_first_equals_time_first(cell, lengths):
    x = sequences()
    ours = build(cell, batch_first=False)(x.transpose(0, 1), lengths)
    expected = build(cell, batch_first=True)(x, lengths)
    torch.testing.assert_close(ours.h.transpose(0, 1), expected.h, rtol=1e-12, atol=1e-12)


def test_a_wrong_number_of_features_names_the_shape(cell):
    with pytest.raises(ShapeError, match=r"3 features.*\[4, 6, 4\]"):
        build(cell)(torch.zeros(BATCH, TIME, INPUT + 1, dtype=torch.float64))


def test_a_wrong_number_of_lengths_is_an_error(cell):
    with pytest.raises(ShapeError):
        build(cell)(sequences(), torch.tensor([1, 2]))


class OneStep(torch.nn.Module):
    """A layer over one step: from an input and the parts of its state to the parts of the next."""

    def __init__(self, layer, state):
        super().__init__()
        self.layer, self.state = layer, state

    def forward(self, x, *parts):
        given = iter(parts)
        state = map_tensors(lambda _: next(given), self.state)
        return tuple(flat(self.layer(x, initial=state)))


@pytest.mark.slow
def test_a_step_exported_to_onnx_gives_the_same(cell, tmp_path):
    import onnxruntime

    layer = build(cell, torch.float32).eval()
    with torch.no_grad():
        state = layer(sequences(torch.float32)).last
        x = sequences(torch.float32, time=1)
        expected = flat(layer(x, initial=state))
    file = tmp_path / "step.onnx"
    program = torch.onnx.export(
        OneStep(layer, state).eval(), (x, *tensors(state)), dynamo=True, external_data=False, verbose=False
    )
    program.save(file)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    named = zip(session.get_inputs(), (x, *tensors(state)), strict=True)
    found = session.run(None, {given.name: value.numpy() for given, value in named})
    for ours, wanted in zip(found, expected, strict=True):
        torch.testing.assert_close(torch.from_numpy(ours), wanted, rtol=1e-5, atol=1e-6)
