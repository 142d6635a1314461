"""The gated recurrent unit: both places of the reset, both meanings of z, and torch's own layer."""

import numpy as np
import pytest
import torch
from torch import nn

from unrolled.nn.gru import GRU, BiGRU, gru_step, recurrent

CLOSE = {"rtol": 1e-12, "atol": 1e-12}
CONVENTIONS = [(reset, update) for reset in ("before", "after") for update in ("keep", "take")]


def drawn(layer):
    """Parameters without a zero among them."""
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape))
    return layer.double()


def test_reset_after_equals_torchs_layer():
    torchs = nn.GRU(3, 5, batch_first=True).double()
    ours = GRU(3, 5, reset="after", update="keep").double()
    with torch.no_grad():
        ours.W_x.copy_(torchs.weight_ih_l0)
        ours.W_h.copy_(torchs.weight_hh_l0)
        ours.b.copy_(torchs.bias_ih_l0)
        ours.b[:10] += torchs.bias_hh_l0[:10]
        ours.b_n.copy_(torchs.bias_hh_l0[10:])
    x = torch.randn(4, 7, 3, dtype=torch.float64)
    expected, last = torchs(x)
    result = ours(x)
    torch.testing.assert_close(result.h, expected, **CLOSE)
    torch.testing.assert_close(result.last, last[0], **CLOSE)


@pytest.mark.parametrize(("reset", "update"), CONVENTIONS)
def test_a_step_is_the_formula_of_its_convention(reset, update):
    rng = np.random.default_rng(1)
    h, x = rng.normal(size=(4, 5)), rng.normal(size=(4, 3))
    W, U, b, b_n = rng.normal(size=(15, 3)), rng.normal(size=(15, 5)), rng.normal(size=15), rng.normal(size=5)
    if reset == "before":
        b_n = np.zeros(5)

    def sigma(a):
        return 1 / (1 + np.exp(-a))

    r = sigma(x @ W[:5].T + h @ U[:5].T + b[:5])
    z = sigma(x @ W[5:10].T + h @ U[5:10].T + b[5:10])
    inside = (r * h) @ U[10:].T if reset == "before" else r * (h @ U[10:].T + b_n)
    n = np.tanh(x @ W[10:].T + b[10:] + inside)
    expected = z * h + (1 - z) * n if update == "keep" else (1 - z) * h + z * n
    h, x, W, U, b, b_n = (torch.from_numpy(part) for part in (h, x, W, U, b, b_n))
    ours = gru_step(h, x, W, b, recurrent(U, b_n), reset=reset, update=update)
    np.testing.assert_allclose(ours.numpy(), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("reset", ["before", "after"])
def test_the_two_meanings_of_z_are_one_with_its_weights_negated(reset):
    keep, take = drawn(GRU(3, 5, reset=reset)), GRU(3, 5, reset=reset, update="take").double()
    take.load_state_dict(keep.state_dict())
    x = torch.randn(2, 4, 3, dtype=torch.float64)
    assert not torch.allclose(take(x).h, keep(x).h)
    with torch.no_grad():
        for weight in (take.W_x, take.W_h, take.b):
            weight[5:10] *= -1
    torch.testing.assert_close(take(x).h, keep(x).h, **CLOSE)


def test_the_two_resets_differ():
    before, after = drawn(GRU(3, 5, reset="before")), GRU(3, 5, reset="after").double()
    after.load_state_dict(before.state_dict(), strict=False)
    x = torch.randn(2, 4, 3, dtype=torch.float64)
    assert not torch.allclose(before(x).h, after(x).h)


@pytest.mark.parametrize(("reset", "update"), CONVENTIONS)
def test_reverse_reads_each_sequence_from_its_own_end(reset, update):
    layer = drawn(GRU(3, 5, reset=reset, update=update, reverse=True))
    forward = GRU(3, 5, reset=reset, update=update).double()
    forward.load_state_dict(layer.state_dict())
    x, lengths = torch.randn(2, 4, 3, dtype=torch.float64), torch.tensor([4, 2])
    ours = layer(x, lengths)
    for row, length in enumerate(lengths.tolist()):
        turned = forward(x[row : row + 1, :length].flip(1)).h.flip(1)[0]
        torch.testing.assert_close(ours.h[row, :length], turned, **CLOSE)
        torch.testing.assert_close(ours.last[row], turned[0], **CLOSE)


def test_recurrent_weights_start_orthogonal():
    for block in GRU(3, 8, reset="before").W_h.chunk(3):
        torch.testing.assert_close(block @ block.T, torch.eye(8), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("reset", "update"), CONVENTIONS)
def test_both_directions_at_once_equal_two_layers(reset, update):
    both = drawn(BiGRU(3, 5, reset=reset, update=update))
    right = GRU(3, 5, reset=reset, update=update, reverse=True).double()
    right.load_state_dict(both.right.state_dict())
    x = torch.randn(4, 6, 3, dtype=torch.float64)
    for lengths in (None, torch.tensor([6, 2, 5, 1])):
        from_left, from_right, ours = both.left(x, lengths), right(x, lengths), both(x, lengths)
        torch.testing.assert_close(ours.forward, from_left.last, **CLOSE)
        torch.testing.assert_close(ours.backward, from_right.last, **CLOSE)
        expected = torch.cat((from_left.h, from_right.h), 2)
        for row, length in enumerate([6] * 4 if lengths is None else lengths.tolist()):
            torch.testing.assert_close(ours.h[row, :length], expected[row, :length], **CLOSE)
            assert not ours.h[row, length:].any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_padding_changes_no_bit_of_either_direction(dtype):
    layer = drawn(BiGRU(48, 32, reset="before", update="take")).to(dtype)
    x, lengths = torch.randn(16, 17, 48, dtype=dtype), torch.randint(1, 18, (16,))
    lengths[0] = 17
    padded = layer(x, lengths)
    x[1, lengths[1] :] = torch.nan
    assert torch.equal(layer(x, lengths).h, padded.h)
    for row, length in enumerate(lengths.tolist()):
        short = layer(x[:, :length], lengths.clamp(max=length))
        assert torch.equal(padded.h[row, :length], short.h[row])
        assert torch.equal(padded.forward[row], short.forward[row])
        assert torch.equal(padded.backward[row], short.backward[row])
