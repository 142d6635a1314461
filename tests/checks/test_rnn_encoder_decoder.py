"""What the equations of the gated unit and of the RNN Encoder-Decoder imply, on random weights."""

import pytest
import torch
from torch import nn

from unrolled.data.vocabulary import START, STOP
from unrolled.nn.gru import gru_step, recurrent
from unrolled.papers.rnn_encoder_decoder.model import RNNEncoderDecoder

PAPER = {"reset": "before", "update": "keep"}
HIDDEN = 16


@pytest.fixture(params=range(5))
def cell(request):
    torch.manual_seed(request.param)
    h, x = 2 * torch.rand(8, HIDDEN) - 1, torch.randn(8, 6)
    return h, x, torch.randn(3 * HIDDEN, 6), torch.randn(3 * HIDDEN, HIDDEN), torch.randn(3 * HIDDEN)


def with_gates(b, *, r=None, z=None):
    """Biases that hold gates open (1) or closed (0), whatever else enters them."""
    b = b.clone()
    for rows, gate in ((slice(0, HIDDEN), r), (slice(HIDDEN, 2 * HIDDEN), z)):
        if gate is not None:
            b[rows] = 1e6 if gate else -1e6
    return b


def test_an_update_gate_of_one_keeps_the_state_exactly(cell):
    h, x, W, U, b = cell
    assert torch.equal(gru_step(h, x, W, with_gates(b, z=1), recurrent(U), **PAPER), h)


def test_with_both_gates_closed_only_the_input_is_left(cell):
    h, x, W, U, b = cell
    new = gru_step(h, x, W, with_gates(b, r=0, z=0), recurrent(U), **PAPER)
    alone = torch.tanh(torch.addmm(b[2 * HIDDEN :], x, W[2 * HIDDEN :].T))
    torch.testing.assert_close(new, alone, rtol=0, atol=1e-7)


def test_the_new_state_lies_between_the_old_one_and_the_candidate(cell):
    h, x, W, U, b = cell
    candidate = gru_step(h, x, W, with_gates(b, z=0), recurrent(U), **PAPER)
    new = gru_step(h, x, W, b, recurrent(U), **PAPER)
    low, high = torch.minimum(h, candidate), torch.maximum(h, candidate)
    assert torch.maximum(low - new, new - high).max() <= 1e-6


def test_a_state_within_minus_one_and_one_stays_there(cell):
    h, x, W, U, b = cell
    for x_t in torch.randn(200, *x.shape):
        h = gru_step(h, x_t, W, b, recurrent(U), **PAPER)
        assert h.abs().max() <= 1.000001


def test_the_place_of_the_reset_gate_matters_unless_the_matrix_is_diagonal(cell):
    h, x, W, U, b = cell
    straight = U.clone()
    straight[2 * HIDDEN :] = torch.diag(U[2 * HIDDEN :].diagonal())
    dense, diagonal = (
        (gru_step(h, x, W, b, weights, reset="before") - gru_step(h, x, W, b, weights, reset="after")).abs()
        for weights in (recurrent(U), recurrent(straight))
    )
    assert dense.max() > 1e-3
    assert diagonal.max() < 1e-6


def test_with_the_reset_after_the_product_it_is_torchs_cell(cell):
    h, x, W, U, b = cell
    library, b_n = nn.GRUCell(6, HIDDEN), torch.randn(HIDDEN)
    with torch.no_grad():
        library.weight_ih.copy_(W)
        library.weight_hh.copy_(U)
        library.bias_ih.copy_(b)
        library.bias_hh.copy_(torch.cat((torch.zeros(2 * HIDDEN), b_n)))
        ours = gru_step(h, x, W, b, recurrent(U, b_n), reset="after", update="keep")
        assert (library(x, h) - ours).abs().max() <= 1e-6


def test_with_the_update_gate_negated_it_is_bahdanaus_cell(cell):
    h, x, *weights = cell
    turned = [part.clone() for part in weights]
    for part in turned:
        part[HIDDEN : 2 * HIDDEN] *= -1  # the rows of z
    W, U, b = turned
    other = gru_step(h, x, W, b, recurrent(U), reset="before", update="take")
    W, U, b = weights
    assert (gru_step(h, x, W, b, recurrent(U), **PAPER) - other).abs().max() <= 1e-6


@pytest.mark.parametrize("seed", range(5))
@torch.no_grad()
def test_probabilities_of_all_sequences_add_up_to_one_less_what_has_not_ended(seed):
    torch.manual_seed(seed)
    model = RNNEncoderDecoder((9, 3), embedding=6, hidden=10, maxout=6).double()
    s, summary = model.encode(torch.tensor([[4, 5, 6]]))
    words, going, ended = torch.tensor([START]), torch.ones(1).double(), 0.0
    for _ in range(8):
        s, log_p = model.stepper(summary.repeated(len(s)))(s, words)
        p = going[:, None] * log_p.exp()  # words 0 and 1; the stop symbol is 2
        ended += p[:, STOP].sum().item()
        going, words = p[:, :2].flatten(), torch.tensor([0, 1]).repeat(len(s))
        s = s.repeat_interleave(2, 0)
        assert abs(ended + going.sum().item() - 1) <= 1e-6
        assert ended <= 1.000001
