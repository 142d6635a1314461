"""Every equation of the paper: code against NumPy transcription, gradients against differences."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck
from torch.func import functional_call

from unrolled.data.vocabulary import START
from unrolled.nn.attention import Attention, context_vector, masked_softmax
from unrolled.nn.cells import LSTMState
from unrolled.papers.luong_attention.experiment import EXPERIMENT
from unrolled.papers.luong_attention.model import LuongAttention, attentional_vector, lstm_update
from unrolled.papers.luong_attention.windows import gaussian, outside_window, predicted_position
from unrolled.tasks.translation import TranslationExperiment
from unrolled.training.presets import preset
from unrolled.training.trainer import place

_spec = importlib.util.spec_from_file_location(
    "oracle_luong_attention", Path(__file__).with_name("luong_attention.py")
)
oracle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(oracle)

SOURCE, TARGET, EMBEDDING, HIDDEN, D, TIME = 7, 6, 3, 4, 2, 6
EXACT = {"rtol": 0, "atol": 1e-10}
X, Y = [4, 6, 3, 5, 5, 2], [5, 3, 4, 3, 4, 3, 5, 2]
NO_PADDING = torch.zeros(TIME, 1, dtype=torch.bool)


def make(**options):
    torch.manual_seed(20150917)
    options = {"embedding": EMBEDDING, "hidden": HIDDEN, "window": D} | options
    model = LuongAttention((SOURCE, TARGET), **options).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, dtype=torch.float64))
    return model


@pytest.fixture
def draw():
    generator = torch.Generator().manual_seed(2015)

    def normal(*shape):
        return torch.randn(*shape, dtype=torch.float64, generator=generator).requires_grad_()

    return normal


def array(tensor):
    return tensor.detach().numpy()


class Paper:
    """The whole model with one layer as the oracle has it, with the parameters and annotations of ours."""

    def __init__(self, model):
        self.model = model
        state, memory = model.encode(torch.tensor([X]))
        self.h, self.c = array(state.h[0, 0]), array(state.c[0, 0])
        self.annotations = [array(row) for row in memory.annotations[:, 0]]
        self.E = array(model.embedding.weight)

    def weights(self, h, t):
        model, S = self.model, len(X)
        W_a = array(model.attention.weight_key)
        scores = [oracle.score_general(h, h_s, W_a) for h_s in self.annotations]
        if model.kind == "global":
            return oracle.equation_7(scores)
        if model.kind == "local-m":
            return oracle.local_align(scores, oracle.local_m(t, S), D)
        return oracle.equation_10(scores, oracle.equation_9(h, S, array(model.W_p), array(model.v_p)), D)

    def states(self):
        """The decoder's states without attention, after each word."""
        decoder, h, c = self.model.decoder, self.h, self.c
        W, b = array(decoder.weight_ih_l0), array(decoder.bias_ih_l0 + decoder.bias_hh_l0)
        for word in [START, *Y[:-1]]:
            h, c = oracle.equation_3(h, c, W @ self.E[word] + b, array(decoder.weight_hh_l0))
            yield h

    def translate(self):
        """For each target word: the distribution, the weights and the attentional vector."""
        model, h, c, attentional, found = self.model, self.h, self.c, np.zeros(HIDDEN), []
        decoder = model.decoder
        W, b = array(decoder.weight_ih_l0), array(decoder.bias_ih_l0 + decoder.bias_hh_l0)
        for t, word in enumerate([START, *Y[:-1]]):
            x = self.E[word]
            if model.feeding:
                W = np.hstack([array(decoder.weight_ih_l0), array(model.from_attentional)])
                x = oracle.input_feeding(x, attentional)
            gates = W @ x + b
            h, c = oracle.equation_3(h, c, gates, array(decoder.weight_hh_l0))
            a = self.weights(h, t)
            attentional = oracle.equation_5(oracle.context(a, self.annotations), h, array(model.W_c))
            found.append((oracle.equation_6(attentional, array(model.readout.weight)), a, attentional))
        return found


@pytest.mark.parametrize("kind", ["global", "local-m", "local-p"])
@pytest.mark.parametrize("feeding", [True, False])
def test_equation_6_distribution_and_input_feeding(kind, feeding):
    model = make(kind=kind, feeding=feeding)
    expected = Paper(model).translate()
    ours = model(torch.tensor([X]), torch.tensor([Y]))
    for t, (p, a, _) in enumerate(expected):
        np.testing.assert_allclose(array(ours.logits[0, t].softmax(0)), p, **EXACT)
        np.testing.assert_allclose(array(ours.alpha[0, t]), a, **EXACT)


@pytest.mark.parametrize("kind", ["global", "local-m", "local-p"])
def test_equation_1_log_probability(kind):
    model = make(kind=kind)
    expected = oracle.equation_1(
        [np.log(p[word]) for (p, _, _), word in zip(Paper(model).translate(), Y, strict=True)]
    )
    log_probs = model(torch.tensor([X]), torch.tensor([Y])).logits.log_softmax(2)
    np.testing.assert_allclose(log_probs[0, range(len(Y)), Y].sum().item(), expected, **EXACT)
    state, memory = model.encode(torch.tensor([X]))
    step, total = model.stepper(memory), 0.0
    for before, word in zip([START, *Y[:-1]], Y, strict=True):
        state, found = step(state, torch.tensor([before]))
        total += found[0, word].item()
    np.testing.assert_allclose(total, expected, **EXACT)


def test_equation_2_distribution_of_a_state():
    # The base model: no attention, the distribution follows from the decoder's state.
    model = make(kind="none", feeding=False)
    paper, W_s = Paper(model), array(model.readout.weight)
    expected = [oracle.equation_2(h, W_s) for h in paper.states()]
    ours = model(torch.tensor([X]), torch.tensor([Y])).logits[0].softmax(1)
    np.testing.assert_allclose(array(ours), np.stack(expected), **EXACT)

    def logits(weight):
        return functional_call(
            model, {"readout.weight": weight}, (torch.tensor([X]), torch.tensor([Y]))
        ).logits

    assert gradcheck(logits, (model.readout.weight.detach().requires_grad_(),))


def test_equation_3_state(draw):
    h, c, gates, U = draw(1, HIDDEN), draw(1, HIDDEN), draw(1, 4 * HIDDEN), draw(4 * HIDDEN, HIDDEN)
    expected = oracle.equation_3(*(array(part[0]) for part in (h, c, gates)), array(U))
    ours = lstm_update(LSTMState(h, c), gates, U)
    for part, wanted in zip(ours, expected, strict=True):
        np.testing.assert_allclose(array(part[0]), wanted, **EXACT)
    assert gradcheck(lambda h, c, gates, U: tuple(lstm_update(LSTMState(h, c), gates, U)), (h, c, gates, U))


def test_equation_4_loss():
    model = make()
    log_prob = oracle.equation_1(
        [np.log(p[word]) for (p, _, _), word in zip(Paper(model).translate(), Y, strict=True)]
    )
    # Our loss is a mean over words: over pairs it is that times their words.
    experiment = EXPERIMENT(preset(EXPERIMENT, "live").config)
    batch = torch.tensor([X, X]), torch.tensor([Y, Y]), torch.tensor([len(X), len(X)])
    loss = TranslationExperiment.loss(experiment, model, batch, place(0, 0))
    np.testing.assert_allclose(2 * len(Y) * loss.item(), oracle.equation_4([log_prob, log_prob]), **EXACT)

    def objective(weight):
        return experiment.loss(
            lambda *given: functional_call(model, {"W_c": weight}, given), batch, place(0, 0)
        )

    assert gradcheck(objective, (model.W_c.detach().requires_grad_(),))


def test_equation_5_attentional_vector(draw):
    context, h, W_c = draw(1, HIDDEN), draw(1, HIDDEN), draw(HIDDEN, 2 * HIDDEN)
    expected = oracle.equation_5(array(context[0]), array(h[0]), array(W_c))
    np.testing.assert_allclose(array(attentional_vector(context, h, W_c)[0]), expected, **EXACT)
    assert gradcheck(attentional_vector, (context, h, W_c))


def attention(score):
    layer = Attention(score, query_size=HIDDEN, annotation_size=HIDDEN, positions=TIME).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, dtype=torch.float64))
    return layer


@pytest.mark.parametrize("score", ["dot", "general", "concat"])
def test_equation_7_and_scores(draw, score):
    layer, h, annotations = attention(score), draw(1, HIDDEN), draw(1, TIME, HIDDEN)
    states = [array(row) for row in annotations[0]]
    if score == "dot":
        scores = [oracle.score_dot(array(h[0]), h_s) for h_s in states]
    elif score == "general":
        scores = [oracle.score_general(array(h[0]), h_s, array(layer.weight_key)) for h_s in states]
    else:
        W_a = np.hstack([array(layer.weight_query), array(layer.weight_key)])
        scores = [oracle.score_concat(array(h[0]), h_s, W_a, array(layer.v_a)) for h_s in states]

    def weights(h, annotations):
        return layer(h, layer.memory(annotations)).alpha

    ours = layer(h, layer.memory(annotations))
    np.testing.assert_allclose(array(ours.energy[:, 0]), scores, **EXACT)
    np.testing.assert_allclose(array(ours.alpha[:, 0]), oracle.equation_7(scores), **EXACT)
    assert gradcheck(weights, (h, annotations))


def test_equation_8_location(draw):
    layer, h, annotations = attention("location"), draw(1, HIDDEN), draw(1, TIME, HIDDEN)
    expected = oracle.equation_8(array(h[0]), array(layer.weight_query))
    np.testing.assert_allclose(array(layer(h, layer.memory(annotations)).alpha[:, 0]), expected, **EXACT)
    assert gradcheck(lambda h: layer(h, layer.memory(annotations.detach())).alpha, (h,))


def test_context(draw):
    alpha, annotations = draw(TIME, 1), draw(TIME, 1, HIDDEN)
    expected = oracle.context(array(alpha[:, 0]), [array(row[0]) for row in annotations])
    np.testing.assert_allclose(array(context_vector(alpha, annotations)[0]), expected, **EXACT)
    assert gradcheck(context_vector, (alpha, annotations))


def test_local_m_window(draw):
    energy = draw(TIME, 1)
    for t in range(TIME + 3):
        p = torch.tensor([float(oracle.local_m(t, TIME))], dtype=torch.float64)
        ours = masked_softmax(energy, outside_window(p, NO_PADDING, D))
        expected = oracle.local_align(array(energy[:, 0]), p.item(), D)
        np.testing.assert_allclose(array(ours[:, 0]), expected, **EXACT)
    assert gradcheck(lambda e: masked_softmax(e, outside_window(p, NO_PADDING, D)), (energy,))


def test_equation_9_predicted_position(draw):
    h, W_p, v_p, lengths = draw(2, HIDDEN), draw(5, HIDDEN), draw(5), torch.tensor([6, 3])
    ours = predicted_position(h, lengths, W_p, v_p)
    for row in range(2):
        expected = oracle.equation_9(array(h[row]), int(lengths[row]), array(W_p), array(v_p))
        np.testing.assert_allclose(ours[row].item(), expected, **EXACT)
    assert gradcheck(lambda h, W, v: predicted_position(h, lengths, W, v), (h, W_p, v_p))


def test_equation_10_local_p_weights(draw):
    energy, p = draw(TIME, 1), torch.tensor([2.7], dtype=torch.float64, requires_grad=True)

    def weights(energy, p):
        return masked_softmax(energy, outside_window(p, NO_PADDING, D)) * gaussian(p, TIME, D)

    expected = oracle.equation_10(array(energy[:, 0]), p.item(), D)
    np.testing.assert_allclose(array(weights(energy, p)[:, 0]), expected, **EXACT)
    assert gradcheck(weights, (energy, p))


@pytest.mark.parametrize("options", [{"layers": 2, "bidirectional": True}, {"reverse": True}, {"layers": 2}])
@pytest.mark.parametrize("kind", ["global", "local-m", "local-p"])
def test_weights_of_padding_are_zero_and_a_sentence_alone_is_the_same(kind, options):
    model = make(kind=kind, **options)
    lengths = torch.tensor([6, 3, 1])
    source, target = torch.randint(4, SOURCE, (3, 6)), torch.randint(4, TARGET, (3, 8))
    expected = model(source, target, lengths)
    for row, length in enumerate(lengths.tolist()):
        alone = model(source[row : row + 1, :length], target[row : row + 1])
        torch.testing.assert_close(alone.logits[0], expected.logits[row], **EXACT)
        assert not expected.alpha[row, :, length:].any()
