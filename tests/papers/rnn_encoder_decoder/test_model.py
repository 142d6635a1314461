"""The RNN Encoder-Decoder as a whole: padding, where the summary goes, beams, and the paper's start."""

import pytest
import torch
from torch.nn import functional

from unrolled.data.vocabulary import START
from unrolled.papers.rnn_encoder_decoder.model import RNNEncoderDecoder, initialise_as_the_paper
from unrolled.tasks.translating import translate

LENGTHS = torch.tensor([6, 3, 1, 5])


def make(dtype=torch.float64, **options):
    sizes = {"embedding": 5, "hidden": 8, "maxout": 4} | options
    return RNNEncoderDecoder((11, 9), **sizes).to(dtype).eval()


@pytest.fixture
def batch():
    source, target = torch.randint(4, 11, (4, 6)), torch.randint(4, 9, (4, 5))
    source[torch.arange(6) >= LENGTHS[:, None]] = 0
    return source, target


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("reset", ["before", "after"])
def test_padding_changes_no_bit(batch, reset, dtype):
    source, target = batch
    model = make(dtype, reset=reset)
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


def test_the_score_ends_at_the_stop(batch):
    source, target = batch
    model = make()
    target[0, 2], target[0, 3:] = 2, 0
    whole = model.log_prob(source, target, LENGTHS)
    torch.testing.assert_close(whole[0], model.log_prob(source[:1], target[:1, :3], LENGTHS[:1])[0])
    expected = model(source, target, LENGTHS).logits.log_softmax(2)[1].gather(1, target[1][:, None]).sum()
    torch.testing.assert_close(whole[1], expected)


def test_stepping_equals_reading(batch):
    source, target = batch
    for options in ({}, {"reset": "before"}, {"rank": 3}):
        model = make(**options)
        expected = model(source, target, LENGTHS).logits.log_softmax(2)
        s, summary = model.encode(source, LENGTHS)
        step, before = model.stepper(summary), torch.full((4,), START)
        for t in range(target.shape[1]):
            s, log_probs = step(s, before)
            torch.testing.assert_close(log_probs, expected[:, t], rtol=1e-12, atol=1e-12)
            before = target[:, t]


def test_the_summary_reaches_every_step_and_the_output(batch):
    source, target = batch
    model = make()
    with torch.no_grad():
        for part in ("weight_context", "output_context"):
            cut = make()
            cut.load_state_dict(model.state_dict())
            getattr(cut, part).zero_()
            change = (cut(source, target).logits - model(source, target).logits).abs()
            assert (change.amax(2) > 1e-6).all()
    (gradient,) = torch.autograd.grad(model(source, target).logits[:, -1].sum(), model.weight_context)
    assert (gradient.abs().sum(1) > 0).all()


def test_the_places_of_the_reset_gate_differ(batch):
    source, target = batch
    after, before = make(), make(reset="before")
    before.load_state_dict(after.state_dict())
    assert not torch.allclose(after(source, target).logits, before(source, target).logits)


def test_a_gate_of_ones_makes_the_places_agree(batch):
    source, target = batch
    after, before = make(), make(reset="before")
    with torch.no_grad():
        after.from_y.bias[:8] = 1e6
    before.load_state_dict(after.state_dict())
    ours, expected = after(source, target).logits, before(source, target).logits
    torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-12)


def test_a_rank_factors_the_output():
    model = make(rank=2)
    assert model.readout.weight.shape == (9, 2)
    assert model.narrow.weight.shape == (2, 4)


def test_dropout_acts_in_training_alone(batch):
    source, target = batch
    model = make(dropout=0.5)
    assert torch.equal(model(source, target).logits, model(source, target).logits)
    model.train()
    assert not torch.equal(model(source, target).logits, model(source, target).logits)


def test_the_papers_initial_values():
    model = initialise_as_the_paper(RNNEncoderDecoder((11, 9), embedding=50, hidden=40, maxout=20))
    for weights in (model.weight_hidden, model.encoder.W_h):
        for block in weights.chunk(3):
            torch.testing.assert_close(block @ block.T, torch.eye(40), rtol=0, atol=1e-5)
    assert not model.from_y.bias.any()
    assert 0.008 < model.weight_context.std() < 0.012


@pytest.mark.parametrize("beam", [1, 3])
def test_translations_of_a_batch_are_those_of_each_phrase(batch, beam):
    source, _ = batch
    model = make()
    with torch.no_grad():
        model.readout.weight.mul_(5)
    together = translate(model, source, LENGTHS, max_length=8, beam=beam)
    for row in range(4):
        alone = translate(
            model, source[row : row + 1, : LENGTHS[row]], LENGTHS[row : row + 1], max_length=8, beam=beam
        )
        assert torch.equal(together[row], alone[0])


def test_the_loss_of_a_word_is_the_score_of_its_pair(batch):
    source, target = batch
    model = make()
    logits = model(source, target, LENGTHS).logits
    loss = functional.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="sum")
    torch.testing.assert_close(-model.log_prob(source, target, LENGTHS).sum(), loss)
