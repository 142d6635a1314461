"""The translation model as a whole: padding, input feeding, beams, and the base model."""

from typing import get_args

import pytest
import torch
from torch.autograd import gradgradcheck
from torch.func import functional_call, grad
from torch.nn import functional

from unrolled.base.errors import UsageError
from unrolled.data.vocabulary import START
from unrolled.nn.scan import ShapeError
from unrolled.papers.luong_attention.encoder import Encoder
from unrolled.papers.luong_attention.model import Kind, LuongAttention
from unrolled.tasks.translating import translate, weights

LENGTHS = torch.tensor([6, 3, 1, 5])
KINDS = get_args(Kind)
EXACT = {"rtol": 0, "atol": 1e-10}


def make(dtype=torch.float64, **options):
    options = {"embedding": 5, "hidden": 8, "window": 1, "positions": 9} | options
    options["feeding"] = options.get("feeding", True) and options.get("kind") != "none"
    return LuongAttention((11, 9), **options).to(dtype).eval()


@pytest.fixture
def batch():
    source, target = torch.randint(4, 11, (4, 6)), torch.randint(4, 9, (4, 8))
    source[torch.arange(6) >= LENGTHS[:, None]] = 0
    return source, target


def gradients(model, *given):
    model.zero_grad()
    found = model(*given)
    functional.cross_entropy(found.logits.flatten(0, 1), given[1].flatten()).backward()
    return found, {name: p.grad.clone() for name, p in model.named_parameters()}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("feeding", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_no_bit(batch, kind, feeding, dtype):
    source, target = batch
    model = make(dtype, kind=kind, feeding=feeding, hidden=24, bidirectional=True)
    expected = model(source, target, LENGTHS).logits
    for width in (1, 3, 40):
        wider = torch.cat((source, torch.randint(0, 11, (4, width))), 1)
        wider[:, :6][source == 0] = 7
        assert torch.equal(model(wider, target, LENGTHS).logits, expected)
    for row, length in enumerate(LENGTHS.tolist()):
        alone = model(source[row : row + 1, :length], target[row : row + 1]).logits
        close = {"rtol": 0, "atol": 1e-12 if dtype is torch.float64 else 1e-5}
        torch.testing.assert_close(alone[0], expected[row], **close)


@pytest.mark.parametrize("feeding", [True, False])
def test_gradients_do_not_see_padding(batch, feeding):
    source, target = batch
    model, other = make(feeding=feeding, bidirectional=True), source.clone()
    other[source == 0] = 7
    _, ours = gradients(model, other, target, LENGTHS)
    _, expected = gradients(model, source, target, LENGTHS)
    assert all(torch.equal(ours[name], expected[name]) for name in ours)


SORTS = [{"kind": kind, "feeding": feeding} for kind in KINDS for feeding in (True, False)] + [
    {"score": score, "feeding": feeding}
    for score in ("dot", "concat", "location")
    for feeding in (True, False)
]


@pytest.mark.parametrize("options", [*SORTS, {"layers": 2}, {"layers": 2, "feeding": False}])
def test_stepping_equals_reading(batch, options):
    source, target = batch
    model = make(**options)
    read = model(source, target, LENGTHS)
    expected = read.logits.log_softmax(2)
    state, memory = model.encode(source, LENGTHS)
    step, before = model.stepper(memory), torch.full((4,), START)
    for t in range(target.shape[1]):
        state, log_probs = step(state, before)
        torch.testing.assert_close(log_probs, expected[:, t], **EXACT)
        before = target[:, t]
    assert (read.alpha is None) == (model.attention is None)


def test_words_after_a_word_do_not_change_what_is_said_of_it(batch):
    source, target = batch
    model, changed = make(), target.clone()
    changed[:, 3:] = 8
    ours, expected = model(source, changed, LENGTHS), model(source, target, LENGTHS)
    assert torch.equal(ours.logits[:, :4], expected.logits[:, :4])
    assert not torch.equal(ours.logits[:, 4:], expected.logits[:, 4:])


@pytest.mark.parametrize("beam", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_translations_of_a_batch_are_those_of_each_sentence(batch, beam, kind):
    source, _ = batch
    model = make(kind=kind)
    with torch.no_grad():
        model.readout.weight.mul_(5)
    together = translate(model, source, LENGTHS, max_length=8, beam=beam)
    for row in range(4):
        alone = translate(
            model, source[row : row + 1, : LENGTHS[row]], LENGTHS[row : row + 1], max_length=8, beam=beam
        )
        assert torch.equal(together[row], alone[0])


@pytest.mark.parametrize("feeding", [True, False])
def test_functional_gradients_are_the_models(batch, feeding):
    model = make(feeding=feeding)
    parameters = {name: value.detach() for name, value in model.named_parameters()}
    ours = grad(lambda given: functional_call(model, given, batch).logits.square().sum())(parameters)
    model(*batch).logits.square().sum().backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(ours[name], parameter.grad, rtol=1e-10, atol=1e-10)


def test_second_derivatives_are_those_of_differences(batch):
    model, source, target = make(), batch[0][:1, :3], batch[1][:1, :2]
    weight = model.W_c.detach().requires_grad_()
    assert gradgradcheck(lambda W: functional_call(model, {"W_c": W}, (source, target)).logits, (weight,))


def test_the_base_model_knows_the_source_by_its_last_state_alone(batch):
    source, target = batch
    model = make(kind="none")
    state, memory = model.encode(source, LENGTHS)
    other, _ = model.encode(source.flip(0), LENGTHS.flip(0))
    step = model.stepper(memory)
    words = target[:, 0]
    assert not torch.equal(step(state, words)[1], step(other, words)[1])
    nothing = memory._replace(annotations=torch.zeros_like(memory.annotations))
    assert torch.equal(step(state, words)[1], model.stepper(nothing)(state, words)[1])
    assert model.attention is None


def test_input_feeding_reads_the_attentional_vector(batch):
    model = make()
    state, memory = model.encode(batch[0], LENGTHS)
    step, words = model.stepper(memory), batch[1][:, 0]
    other = state._replace(attentional=torch.ones_like(state.attentional))
    assert not torch.equal(step(state, words)[1], step(other, words)[1])
    plain = make(feeding=False)
    state, memory = plain.encode(batch[0], LENGTHS)
    other = state._replace(attentional=torch.ones_like(state.attentional))
    assert torch.equal(*(plain.stepper(memory)(given, words)[1] for given in (state, other)))


def test_an_encoder_of_two_directions_holds_an_encoder_of_one():
    one, two = Encoder(11, embedding=3, units=4), Encoder(11, embedding=3, units=8, bidirectional=True)
    one.embedding = two.embedding
    source, inside = torch.randint(4, 11, (4, 6)), torch.arange(6) < LENGTHS[:, None]
    both = two(source, LENGTHS)
    for suffix, half, one.reverse in (("", slice(4), False), ("_reverse", slice(4, 8), True)):
        weights = {name: getattr(two.layers, name + suffix) for name, _ in one.layers.named_parameters()}
        one.layers.load_state_dict(weights)
        read = one(source, LENGTHS)
        torch.testing.assert_close(both.annotations[..., half][inside], read.annotations[inside])
        torch.testing.assert_close(both.last.c[:, 0, half], read.last.c[:, 0])


def test_dropout_acts_in_training_alone(batch):
    for options in ({}, {"feeding": False}, {"layers": 2}):
        model = make(dropout=0.5, **options)
        assert torch.equal(model(*batch).logits, model(*batch).logits)
        model.train()
        assert not torch.equal(model(*batch).logits, model(*batch).logits)


def test_weights_cover_every_column(batch):
    source, target = batch
    assert weights(make(), source, LENGTHS.clamp(max=4), target).shape == (4, 8, 6)


def test_what_does_not_fit_is_said():
    assert make(tied=True, embedding=8).readout.weight.shape == (9, 8)
    with pytest.raises(ShapeError, match="tied weights need an embedding of 8 values, not 5"):
        make(tied=True)
    with pytest.raises(ShapeError, match="even number of units, not 7"):
        make(bidirectional=True, annotation=7)
    with pytest.raises(UsageError, match="no attentional vector to feed"):
        LuongAttention((9, 7), embedding=3, hidden=4, kind="none")
    with pytest.raises(ShapeError, match="at least one word"):
        make()(torch.zeros(2, 0, dtype=torch.long), torch.ones(2, 1, dtype=torch.long))
