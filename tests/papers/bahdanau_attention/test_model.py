"""RNNsearch as a whole: padding, beams, the fixed vector, and the paper's initial values."""

import pytest
import torch
from torch.autograd import gradgradcheck
from torch.func import functional_call
from torch.nn import functional

from unrolled.data.vocabulary import START
from unrolled.nn.gru import gru_step, recurrent
from unrolled.nn.maxout import maxout
from unrolled.nn.scan import ShapeError
from unrolled.papers.bahdanau_attention.model import RNNsearch, initialise_as_the_paper
from unrolled.tasks.translating import exact, score, translate, weights

LENGTHS = torch.tensor([6, 3, 1, 5])


def make(dtype=torch.float64, **options):
    sizes = {"embedding": 5, "hidden": 8, "alignment": 7, "maxout": 5} | options
    return RNNsearch((11, 9), **sizes).to(dtype).eval()


@pytest.fixture
def batch():
    source, target = torch.randint(4, 11, (4, 6)), torch.randint(4, 9, (4, 5))
    source[torch.arange(6) >= LENGTHS[:, None]] = 0
    return source, target


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("fixed", [False, True])
def test_padding_changes_no_bit(batch, fixed, dtype):
    source, target = batch
    model = make(dtype, fixed=fixed)
    logits = model(source, target, LENGTHS).logits
    wider = torch.cat((source, torch.randint(0, 11, (4, 3))), 1)
    assert torch.equal(model(wider, target, LENGTHS).logits, logits)
    for row, length in enumerate(LENGTHS.tolist()):
        short = model(source[:, :length], target, LENGTHS.clamp(max=length)).logits
        assert torch.equal(short[row], logits[row])


def test_gradients_do_not_see_padding(batch):
    source, target = batch
    model = make()

    def gradients(source):
        model.zero_grad()
        model(source, target, LENGTHS).logits.square().sum().backward()
        return [p.grad.clone() for p in model.parameters()]

    other = source.clone()
    other[source == 0] = 7
    for ours, expected in zip(gradients(other), gradients(source), strict=True):
        assert torch.equal(ours, expected)


def test_second_derivatives_are_those_of_differences(batch):
    model, source, target = make(), batch[0][:1, :3], batch[1][:1, :2]
    weight = model.weight_context.detach().requires_grad_()

    def logits(weight):
        return functional_call(model, {"weight_context": weight}, (source, target)).logits

    assert gradgradcheck(logits, (weight,))


def test_words_after_a_word_do_not_change_what_is_said_of_it(batch):
    source, target = batch
    model, changed = make(), target.clone()
    changed[:, 3:] = 8
    ours, expected = model(source, changed, LENGTHS), model(source, target, LENGTHS)
    torch.testing.assert_close(ours.logits[:, :4], expected.logits[:, :4], rtol=0, atol=0)


def test_stepping_equals_reading(batch):
    source, target = batch
    for output_state in ("previous", "current"):
        model = make(output_state=output_state)
        expected = model(source, target, LENGTHS).logits.log_softmax(2)
        s, memory = model.encode(source, LENGTHS)
        step, before = model.stepper(memory), torch.full((4,), START)
        for t in range(target.shape[1]):
            s, log_probs = step(s, before)
            torch.testing.assert_close(log_probs, expected[:, t], rtol=1e-12, atol=1e-12)
            before = target[:, t]


def test_the_output_states_differ(batch):
    source, target = batch
    previous, current = make(), make(output_state="current")
    current.load_state_dict(previous.state_dict())
    assert not torch.allclose(previous(source, target).logits, current(source, target).logits)


def test_a_context_of_one_vector_is_an_encoder_decoder(batch):
    source, target = batch
    model = make(fixed=True)
    found = model.encoder(source, LENGTHS)
    c, s = torch.cat((found.forward, found.backward), 1), torch.tanh(model.to_start(found.backward))
    expected, before = [], torch.full((4,), START)
    W, U = torch.cat((model.from_y.weight, model.weight_context), 1), recurrent(model.weight_hidden)
    out = torch.cat((model.output_state_weight, model.output_y.weight, model.output_context), 1)
    for t in range(target.shape[1]):
        y = model.embedding(before)
        expected.append(
            model.readout(maxout(functional.linear(torch.cat((s, y, c), 1), out, model.output_y.bias)))
        )
        s = gru_step(s, torch.cat((y, c), 1), W, model.from_y.bias, U, reset="before", update="take")
        before = target[:, t]
    ours = model(source, target, LENGTHS).logits
    torch.testing.assert_close(ours, torch.stack(expected, 1), rtol=1e-12, atol=1e-12)


def test_the_papers_initial_values_look_everywhere_alike(batch):
    source, target = batch
    model = initialise_as_the_paper(RNNsearch((11, 9), embedding=5, hidden=8, alignment=7, maxout=5))
    alpha = model(source, target, LENGTHS).alpha
    for row, length in enumerate(LENGTHS.tolist()):
        torch.testing.assert_close(alpha[row, :, :length], torch.full((5, length), 1 / length))
        assert not alpha[row, :, length:].any()
    block = model.weight_hidden[:8]
    torch.testing.assert_close(block @ block.T, torch.eye(8), rtol=0, atol=1e-5)
    assert not model.attention.v_a.any()
    assert 0 < model.attention.weight_key.abs().max() < 0.01


def test_tied_weights_are_one_matrix():
    model = make(tied=True)
    assert model.readout.weight is model.embedding.weight
    with pytest.raises(ShapeError, match="as many maxout units"):
        make(tied=True, maxout=4)


def test_dropout_acts_in_training_alone(batch):
    source, target = batch
    model = make(dropout=0.5)
    assert torch.equal(model(source, target).logits, model(source, target).logits)
    model.train()
    assert not torch.equal(model(source, target).logits, model(source, target).logits)


@pytest.mark.parametrize("beam", [1, 3])
@pytest.mark.parametrize("fixed", [False, True])
def test_translations_of_a_batch_are_those_of_each_sentence(batch, beam, fixed):
    source, _ = batch
    model = make(fixed=fixed)
    with torch.no_grad():
        model.readout.weight.mul_(5)
    together = translate(model, source, LENGTHS, max_length=8, beam=beam)
    for row in range(4):
        alone = translate(
            model, source[row : row + 1, : LENGTHS[row]], LENGTHS[row : row + 1], max_length=8, beam=beam
        )
        assert torch.equal(together[row], alone[0])


def test_exactness_ends_at_the_stop():
    target = torch.tensor([[5, 2, 0], [5, 6, 2], [2, 0, 0]])
    assert exact(torch.tensor([[5, 2, 2, 2], [5, 6, 7, 2], [2, 2, 2, 2]]), target).tolist() == [
        True,
        False,
        True,
    ]


def test_scores_leave_out_words_without_a_correspondence():
    alpha = torch.tensor([[[0.1, 0.2, 0.7], [0.8, 0.1, 0.1], [0.3, 0.6, 0.1]]])
    accepted = torch.tensor([[[True, False, False], [False, False, False], [True, True, False]]])
    found = score(alpha, accepted)
    assert found.offsets.tolist() == [2, 0]
    assert found.share == 0.5
    assert found.mass == pytest.approx((0.1 + 0.9) / 2)


def test_weights_cover_every_column(batch):
    source, target = batch
    short = LENGTHS.clamp(max=4)
    assert weights(make(), source, short, target).shape == (4, 5, 6)
