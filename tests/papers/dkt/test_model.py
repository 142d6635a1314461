"""The network: what every option keeps of the mathematics, and what it refuses."""

import pytest
import torch

from unrolled.nn.cells import rnn_step
from unrolled.nn.scan import ShapeError
from unrolled.papers.dkt.model import (
    DKT,
    asked_logits,
    encode,
    pair_index,
    predicted_mask,
    random_projection,
    readout,
)
from unrolled.papers.dkt.studies import decode, influence, influences

CELLS = ("rnn", "lstm", "appendix")
INPUTS = ("one_hot", "gaussian", "learned")


@pytest.fixture
def stream():
    return torch.randint(0, 6, (4, 9)), torch.randint(0, 2, (4, 9))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("inputs", INPUTS)
def test_a_prediction_does_not_see_the_future(cell, inputs, stream):
    exercises, answers = stream
    model = DKT(6, hidden_size=5, cell=cell, inputs=inputs, input_size=3)
    changed = answers.clone()
    changed[:, 5] = 1 - changed[:, 5]
    before, after = (model(exercises, given).h for given in (answers, changed))
    torch.testing.assert_close(before[:, :5], after[:, :5])
    assert not torch.allclose(before[:, 5], after[:, 5])


@pytest.mark.parametrize("cell", CELLS)
def test_a_stream_in_two_parts_is_the_whole_stream(cell, stream):
    exercises, answers = stream
    model = DKT(6, hidden_size=5, cell=cell).double()
    whole = model(exercises, answers)
    first = model(exercises[:, :4], answers[:, :4])
    second = model(exercises[:, 4:], answers[:, 4:], initial=first.last)
    torch.testing.assert_close(whole.h, torch.cat((first.h, second.h), 1))


@pytest.mark.parametrize("cell", CELLS)
def test_the_first_state_is_learned(cell, stream):
    model = DKT(6, hidden_size=5, cell=cell)
    model.losses(*stream).sum().backward()
    learned = [p.grad for name, p in model.named_parameters() if name.endswith(("h_0", "c_0"))]
    assert learned
    assert all(gradient.abs().sum() > 0 for gradient in learned)


def test_fused_rnn_is_equation_1(stream):
    model = DKT(6, hidden_size=5, cell="rnn").double()
    core, h = model.layer.core, model.layer.h_0.expand(4, -1)
    x = encode(pair_index(*stream, 6), torch.eye(12, dtype=torch.float64))
    for x_t in x.unbind(1):
        h = rnn_step(h, x_t, core.weight_ih_l0, core.weight_hh_l0, core.bias_ih_l0)
    torch.testing.assert_close(model(*stream).last, h)


def test_the_look_up_of_a_row_is_the_product_with_a_one_hot_vector(stream):
    one_hot, learned = DKT(6, hidden_size=5), DKT(6, hidden_size=5, inputs="learned", input_size=3)
    with torch.no_grad():
        for name, parameter in one_hot.layer.named_parameters():
            if name == "core.weight_ih_l0":
                parameter.copy_(learned.layer.core.weight_ih_l0 @ learned.projection.T)
            else:
                parameter.copy_(learned.layer.get_parameter(name))
    torch.testing.assert_close(one_hot(*stream).h, learned(*stream).h)


def test_only_the_asked_logit_is_computed_and_it_is_the_right_one():
    h, weight_y, bias_y = torch.randn(4, 9, 5), torch.randn(6, 5), torch.randn(6)
    asked = torch.randint(0, 6, (4, 9))
    whole = readout(h, weight_y, bias_y).gather(2, asked[..., None])[..., 0]
    torch.testing.assert_close(asked_logits(h, asked, weight_y, bias_y), whole)


def test_what_stands_after_the_end_does_not_count(stream):
    exercises, answers = stream
    model = DKT(6, hidden_size=5)
    lengths = torch.tensor([9, 4, 2, 1])
    losses = model.losses(exercises, answers, lengths)
    short = model.losses(exercises[1:2, :4], answers[1:2, :4])
    torch.testing.assert_close(losses[1:2], short)
    assert losses[3] == 0  # one answer, nothing before it


def test_one_step_has_nothing_to_predict():
    one = torch.zeros(2, 1, dtype=torch.long)
    assert DKT(6, hidden_size=5).losses(one, one).tolist() == [0, 0]
    assert predicted_mask(torch.tensor([1, 1]), 1).shape == (2, 0)


def test_dropout_acts_on_what_is_read_out_and_not_in_the_recurrence(stream):
    model = DKT(6, hidden_size=5, dropout=0.9).train()
    torch.testing.assert_close(model(*stream).h, model(*stream).h)
    assert not torch.allclose(model.losses(*stream), model.losses(*stream))
    model.eval()
    torch.testing.assert_close(model.losses(*stream), model.losses(*stream))


def test_the_appendix_keeps_its_cell_positive(stream):
    model = DKT(6, hidden_size=5, cell="appendix")
    with torch.no_grad():
        for parameter in model.layer.parameters():
            parameter.normal_(std=5)
    assert model(*stream).h.min() >= 0


def test_gaussian_vectors_stay_and_learned_ones_do_not(stream):
    for inputs in INPUTS:
        model = DKT(6, hidden_size=5, inputs=inputs, input_size=3)
        model.losses(*stream).sum().backward()
        names = {name for name, _ in model.named_parameters()}
        assert ("projection" in names) == (inputs == "learned")
        assert ("projection" in model.state_dict()) == (inputs != "one_hot")


def test_projected_pairs_are_told_apart_where_there_is_room():
    generator = torch.Generator().manual_seed(0)
    for size, exact in ((100, True), (4, False)):
        projection = random_projection(248, size, generator)
        assert torch.equal(decode(projection, projection), torch.arange(248)) == exact


def test_influences_on_an_exercise_add_up_to_one():
    J = influence(DKT(6, hidden_size=5))
    torch.testing.assert_close(J.sum(0), torch.ones(6))
    assert influences(torch.eye(2) + 1)[0, 0] > 0.5  # row i is the cause, column j the effect


def test_streams_that_do_not_fit_are_refused(stream):
    exercises, answers = stream
    with pytest.raises(ShapeError, match=r"\[4, 9\] and \[4, 8\]"):
        DKT(6, hidden_size=5)(exercises, answers[:, :8])
