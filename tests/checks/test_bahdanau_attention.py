"""What the equations of RNNsearch imply, on networks with random weights and sentences of several lengths."""

import pytest
import torch
from torch.nn import functional

from unrolled.data.vocabulary import words_before
from unrolled.nn.attention import Attended, masked_softmax
from unrolled.nn.gru import gru_step, recurrent
from unrolled.nn.maxout import maxout
from unrolled.papers.bahdanau_attention.model import RNNsearch, initialise_as_the_paper

LENGTHS = torch.tensor([9, 4, 1, 7, 9, 2])
INSIDE = torch.arange(9) < LENGTHS[:, None]


@pytest.fixture(params=range(5))
def translator(request):
    torch.manual_seed(request.param)
    model = RNNsearch((30, 30), embedding=16, hidden=24, maxout=12).eval()
    source = torch.randint(4, 30, (6, 9)) * INSIDE
    return model, source, torch.randint(4, 30, (6, 8))


@torch.no_grad()
def test_weights_are_a_distribution_over_the_words_that_are_there(translator):
    model, source, target = translator
    alpha = model(source, target, LENGTHS).alpha
    assert alpha.min() >= 0
    assert (alpha.sum(2) - 1).abs().max() < 1e-6
    assert not alpha.masked_fill(INSIDE[:, None], 0.0).any()


@torch.no_grad()
def test_a_constant_added_to_all_energies_leaves_the_weights(translator):
    model, source, _ = translator
    s, memory = model.encode(source, LENGTHS)
    energy = model.attention.energies(s, memory)
    change = masked_softmax(energy + 3, memory.padding) - masked_softmax(energy, memory.padding)
    assert change.abs().max() < 1e-6


@torch.no_grad()
def test_the_context_lies_between_the_annotations(translator):
    model, source, target = translator
    context = model(source, target, LENGTHS).context
    _, memory = model.encode(source, LENGTHS)
    h, padding = memory.annotations, memory.padding[..., None]
    low, high = h.masked_fill(padding, torch.inf).amin(0), h.masked_fill(padding, -torch.inf).amax(0)
    assert (low[:, None] - context).max() <= 1e-6
    assert (context - high[:, None]).max() <= 1e-6


@torch.no_grad()
def test_weights_are_uniform_at_the_papers_initial_values(translator):
    model, source, target = translator
    alpha = initialise_as_the_paper(model)(source, target).alpha
    assert (alpha - 1 / 9).abs().max() < 1e-6


@torch.no_grad()
def test_what_stands_beyond_the_end_of_a_source_changes_no_bit(translator):
    model, source, target = translator
    wider = torch.cat((source.masked_fill(~INSIDE, 7), torch.full((6, 4), 7)), 1)
    assert torch.equal(model(wider, target, LENGTHS).logits, model(source, target, LENGTHS).logits)


@torch.no_grad()
def test_with_the_last_forward_state_as_context_it_is_an_encoder_decoder(translator, monkeypatch):
    model, source, target = translator
    read = model.encoder(source)
    n, c, s = read.forward.shape[1], read.forward, torch.tanh(model.to_start(read.backward))
    # The encoder-decoder: word and vector are one input, their weights one matrix.
    W = torch.cat((model.from_y.weight, model.weight_context[:, :n]), 1)
    out = torch.cat((model.output_state_weight, model.output_y.weight, model.output_context[:, :n]), 1)
    weights, found = (W, model.from_y.bias, recurrent(model.weight_hidden)), []
    for before in words_before(target).unbind(1):
        y = model.embedding(before)
        total = functional.linear(torch.cat((s, y, c), 1), out, model.output_y.bias)
        found.append(model.readout(maxout(total)))
        s = gru_step(s, torch.cat((y, c), 1), *weights, reset="before", update="take")
    constant = torch.cat((c, torch.zeros_like(c)), 1)
    everywhere = torch.ones(9, 6)
    monkeypatch.setattr(model, "attend", lambda s, memory: Attended(constant, everywhere, everywhere))
    assert (model(source, target).logits - torch.stack(found, 1)).abs().max() <= 1e-5
