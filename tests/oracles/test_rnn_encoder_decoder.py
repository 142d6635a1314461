"""Every equation of the paper: code against NumPy transcription, gradients against differences."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck
from torch.nn import functional
from torch.nn.functional import linear

from unrolled.data.vocabulary import START
from unrolled.nn.gru import gru_update, recurrent
from unrolled.nn.maxout import maxout
from unrolled.papers.rnn_encoder_decoder.experiment import EXPERIMENT, EncoderDecoderExperiment
from unrolled.papers.rnn_encoder_decoder.model import RNNEncoderDecoder, decoder_step, word_log_probs
from unrolled.papers.rnn_encoder_decoder.studies import log_linear
from unrolled.training.presets import preset
from unrolled.training.trainer import place

_spec = importlib.util.spec_from_file_location(
    "oracle_rnn_encoder_decoder", Path(__file__).with_name("rnn_encoder_decoder.py")
)
oracle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(oracle)

SOURCE, TARGET, EMBEDDING, HIDDEN, MAXOUT = 7, 6, 3, 4, 2
EXACT = {"rtol": 0, "atol": 1e-10}
X, Y = [4, 6, 3, 5, 2], [5, 3, 4, 2]


def one_hot(word, words):
    return np.eye(words)[word]


def array(tensor):
    return tensor.detach().numpy()


def blocks(tensor):
    """A matrix or bias of gates, as the paper's three: for the candidate, for z and for r."""
    r, z, n = (array(part) for part in tensor.chunk(3))
    return n, z, r


def make(**options):
    """A model in float64 whose parameters are all drawn."""
    torch.manual_seed(20141025)
    sizes = {"embedding": EMBEDDING, "hidden": HIDDEN, "maxout": MAXOUT}
    model = RNNEncoderDecoder((SOURCE, TARGET), **sizes, **options).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, dtype=torch.float64))
    return model


@pytest.fixture
def model():
    return make()


class Paper:
    """The whole model as the oracle has it, with the parameters of ours."""

    def __init__(self, model):
        self.reset = model.reset
        E = array(model.source_embedding.weight).T
        self.encoder = (E, *blocks(model.encoder.W_x), *blocks(model.encoder.W_h), *blocks(model.encoder.b))
        self.V = array(model.to_summary.weight), array(model.to_summary.bias)
        self.start = array(model.to_start.weight), array(model.to_start.bias)
        self.E = array(model.embedding.weight).T
        weights = model.from_y.weight, model.weight_hidden, model.weight_context, model.from_y.bias
        self.n, self.z, self.r = zip(*(blocks(part) for part in weights), strict=True)
        self.out = array(model.output_state), array(model.output_y.weight), array(model.output_context)
        self.out_b = array(model.output_y.bias)
        self.w = np.column_stack((array(model.readout.weight), array(model.readout.bias)))
        self.narrow = None if model.narrow is None else array(model.narrow.weight)

    def encode(self, words=X):
        states = oracle.equation_1([one_hot(word, SOURCE) for word in words], *self.encoder)
        c = oracle.summary(states[-1], *self.V)
        return c, oracle.decoder_start(c, *self.start)

    def gates(self, e_y, s, c):
        return oracle.decoder_gate(e_y, s, c, *self.r), oracle.decoder_gate(e_y, s, c, *self.z)

    def step(self, e_y, s, c):
        r, z = self.gates(e_y, s, c)
        candidate = oracle.decoder_candidate
        if self.reset == "before":
            candidate = oracle.decoder_candidate_as_equation_8
        return oracle.equation_7(s, z, candidate(e_y, s, c, r, *self.n))

    def probabilities(self, e_y, s, c):
        units = oracle.maxout(oracle.output_sum(e_y, s, c, *self.out, self.out_b))
        if self.narrow is not None:
            units = self.narrow @ units
        return oracle.equation_2(np.append(units, 1.0), self.w)

    def read(self, source=X, target=Y):
        """For each target word, the distribution."""
        c, s = self.encode(source)
        found = []
        for word in [START, *target[:-1]]:
            e_y = self.E @ one_hot(word, TARGET)
            s = self.step(e_y, s, c)
            found.append(self.probabilities(e_y, s, c))
        return found

    def probability(self, source=X, target=Y):
        words = zip(self.read(source, target), target, strict=True)
        return oracle.equation_3([p[word] for p, word in words])


@pytest.fixture
def draw():
    generator = torch.Generator().manual_seed(2014)

    def normal(*shape):
        return torch.randn(*shape, dtype=torch.float64, generator=generator).requires_grad_()

    return normal


@pytest.fixture
def cell(draw):
    """A step of the encoder: for the code, and the paper's names of the same numbers."""
    h, x = draw(1, HIDDEN), draw(1, EMBEDDING)
    W, U, b = draw(3 * HIDDEN, EMBEDDING), draw(3 * HIDDEN, HIDDEN), draw(3 * HIDDEN)
    rows = (array(x)[0], array(h)[0])
    n, z, r = zip(*(blocks(part) for part in (W, U, b)), strict=True)
    gates = oracle.equation_5(*rows, *r), oracle.equation_6(*rows, *z)
    return (h, x, W, U, b), (*gates, oracle.equation_8(*rows, gates[0], *n))


def encoder_step(h, x, W, U, b):
    return gru_update(h, linear(x, W, b), recurrent(U), reset="before", update="keep")


def _taking(b):
    """Biases with an update gate of 0: the new state is the candidate."""
    b = b.detach().clone()
    b[HIDDEN : 2 * HIDDEN] = -1e6
    return b


def test_equation_1_states_of_the_encoder(model):
    expected = oracle.equation_1([one_hot(word, SOURCE) for word in X], *Paper(model).encoder)
    x = model.source_embedding(torch.tensor([X])).detach().requires_grad_()
    np.testing.assert_allclose(array(model.encoder(x).h[0]), np.stack(expected), **EXACT)
    lengths = torch.tensor([len(X)])
    np.testing.assert_allclose(array(model.encoder(x, lengths).h[0]), np.stack(expected), **EXACT)
    assert gradcheck(lambda x: model.encoder(x, lengths).h, (x,))


def test_equation_2_softmax(draw):
    h, w = draw(1, HIDDEN), draw(TARGET, HIDDEN)
    ours = word_log_probs(h, w).exp()[0]
    np.testing.assert_allclose(array(ours), oracle.equation_2(array(h)[0], array(w)), **EXACT)
    assert gradcheck(word_log_probs, (h, w))


def test_equation_3_probability_of_a_phrase(model):
    expected = Paper(model).probability()
    ours = model.log_prob(torch.tensor([X]), torch.tensor([Y])).exp()
    np.testing.assert_allclose(ours.item(), expected, rtol=1e-10)
    # The decoder that writes gives the same numbers, word by word.
    s, summary = model.encode(torch.tensor([X]))
    step, total = model.stepper(summary), 0.0
    for before, word in zip([START, *Y[:-1]], Y, strict=True):
        s, found = step(s, torch.tensor([before]))
        total += found[0, word].item()
    np.testing.assert_allclose(np.exp(total), expected, rtol=1e-10)


def test_equation_4_objective(model):
    # Our loss is a mean over words: over pairs it is that times words a pair, with the sign turned.
    paper, others = Paper(model), [[3, 4, 2], [4, 2]]
    expected = oracle.equation_4(
        [paper.probability(x, y) for x, y in zip([X, others[0]], [Y, others[1]], strict=True)]
    )
    source, target = torch.zeros(2, 5, dtype=torch.int64), torch.zeros(2, 4, dtype=torch.int64)
    source[0], source[1, :3] = torch.tensor(X), torch.tensor(others[0])
    target[0], target[1, :2] = torch.tensor(Y), torch.tensor(others[1])
    experiment = EXPERIMENT(preset(EXPERIMENT, "live").config)
    batch = source, target, torch.tensor([5, 3])
    loss = EncoderDecoderExperiment.loss(experiment, model, batch, place(0, 0))
    np.testing.assert_allclose(-loss.item() * 6 / 2, expected, rtol=1e-10)

    class Objective(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self):
            return experiment.loss(self.model, batch, place(0, 0))

    def objective(weight):
        return torch.func.functional_call(Objective(), {"model.weight_context": weight}, ())

    assert gradcheck(objective, (model.weight_context.detach().requires_grad_(),))


def test_equation_5_reset_gate(cell):
    # With U = 1, W = 0 and b = 0 for it, the candidate is tanh(r * h): the gate can be read off.
    (h, x, W, U, b), (r, _, _) = cell
    b, W, U = _taking(b), W.detach().clone(), U.detach().clone()
    W[2 * HIDDEN :], b[2 * HIDDEN :], U[2 * HIDDEN :] = 0.0, 0.0, torch.eye(HIDDEN)
    ours = torch.atanh(encoder_step(h, x, W, U, b)[0]) / h[0]
    np.testing.assert_allclose(array(ours), r, **EXACT)
    assert gradcheck(lambda h, x: encoder_step(h, x, W, U, b), (h, x))


def test_equation_6_update_gate(cell):
    # With an old state of 0 and a candidate of 1, the new state is 1 less the update gate.
    (h, x, W, U, b), _ = cell
    h, b = torch.zeros_like(h), b.detach().clone()
    b[2 * HIDDEN :] = 1e6
    z_rows = slice(HIDDEN, 2 * HIDDEN)
    expected = oracle.equation_6(
        array(x)[0], array(h)[0], array(W)[z_rows], array(U)[z_rows], array(b)[z_rows]
    )
    np.testing.assert_allclose(array(1 - encoder_step(h, x, W, U, b)[0]), expected, **EXACT)
    assert gradcheck(lambda *given: encoder_step(h, *given), (x, W, U, b.requires_grad_()), atol=1e-4)


def test_equation_7_new_state(cell):
    code, (_, z, candidate) = cell
    expected = oracle.equation_7(array(code[0])[0], z, candidate)
    np.testing.assert_allclose(array(encoder_step(*code)[0]), expected, **EXACT)
    assert gradcheck(encoder_step, code)


def test_equation_8_candidate(cell):
    (h, x, W, U, b), (_, _, candidate) = cell
    np.testing.assert_allclose(array(encoder_step(h, x, W, U, _taking(b))[0]), candidate, **EXACT)
    assert gradcheck(lambda *given: encoder_step(*given, _taking(b)), (h, x, W, U))


def test_equation_9_log_linear():
    features, weights = np.array([-1.5, -0.5, 1.0, 3.0, -4.0]), np.array([0.7, 0.2, -0.3, 0.1, 0.5])
    np.testing.assert_allclose(log_linear(features, weights), oracle.equation_9(features, weights), **EXACT)
    many = np.stack((weights, -weights), 1)
    np.testing.assert_allclose(log_linear(features, many)[1], -log_linear(features, weights), **EXACT)


def test_summary_and_decoder_start(model):
    c, start = Paper(model).encode()
    s_0, summary = model.encode(torch.tensor([X]))
    np.testing.assert_allclose(array(summary.c[0]), c, **EXACT)
    np.testing.assert_allclose(array(s_0[0]), start, **EXACT)
    h = torch.randn(2, HIDDEN, dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda h: torch.tanh(model.to_start(torch.tanh(model.to_summary(h)))), (h,))


@pytest.fixture
def decoder(model):
    """One step of the decoder: ours as a function of its numbers, and the paper's of the same."""
    paper = Paper(model)
    e_y, s, c = paper.E @ one_hot(3, TARGET), np.linspace(-1, 1, HIDDEN), np.linspace(-2, 1, HIDDEN)
    from_y = model.from_y(model.embedding(torch.tensor([3]))).detach()
    U, C = model.weight_hidden.detach(), model.weight_context.detach()
    code = [torch.from_numpy(s)[None], from_y, torch.from_numpy(c)[None], U, C]
    return paper, (e_y, s, c), [part.clone().requires_grad_() for part in code]


def step(s, from_y, c, U, C, reset="after"):
    return decoder_step(s, from_y, c @ C.T, recurrent(U), reset)


def test_decoder_state(decoder):
    paper, numbers, code = decoder
    np.testing.assert_allclose(array(step(*code)[0]), paper.step(*numbers), **EXACT)
    assert gradcheck(step, code)


def test_decoder_state_with_the_reset_before_the_product(decoder):
    paper, numbers, code = decoder
    paper.reset = "before"
    np.testing.assert_allclose(array(step(*code, "before")[0]), paper.step(*numbers), **EXACT)
    assert gradcheck(lambda *given: step(*given, "before"), code)


def test_decoder_candidate(decoder):
    paper, (e_y, s, c), code = decoder
    r, _ = paper.gates(e_y, s, c)
    expected = oracle.decoder_candidate(e_y, s, c, r, *paper.n)
    taking = code[1].detach().clone()
    taking[:, HIDDEN : 2 * HIDDEN] = -1e6
    ours = step(code[0], taking, *code[2:])
    np.testing.assert_allclose(array(ours[0]), expected, **EXACT)
    assert gradcheck(lambda s, c, U, C: step(s, taking, c, U, C), [code[0], *code[2:]])


@pytest.mark.parametrize("options", [{}, {"reset": "before"}, {"rank": 3}])
def test_decoder_output(options):
    model = make(**options)
    expected = np.stack(Paper(model).read())
    ours = model(torch.tensor([X]), torch.tensor([Y])).logits[0].softmax(1)
    np.testing.assert_allclose(array(ours), expected, **EXACT)


def test_output_sum(model):
    paper = Paper(model)
    e_y, s, c = paper.E @ one_hot(3, TARGET), np.linspace(-1, 1, HIDDEN), np.linspace(-2, 1, HIDDEN)
    expected = oracle.maxout(oracle.output_sum(e_y, s, c, *paper.out, paper.out_b))
    s, e_y, c = (torch.from_numpy(part)[None].requires_grad_() for part in (s, e_y, c))
    _, summary = model.encode(torch.tensor([X]))

    def units(s, e_y, c):
        return model.output(s, e_y, summary._replace(to_output=functional.linear(c, model.output_context)))

    np.testing.assert_allclose(array(units(s, e_y, c)[0]), expected, **EXACT)
    assert gradcheck(units, (s, e_y, c))


def test_maxout(draw):
    total = draw(1, 2 * MAXOUT)
    np.testing.assert_allclose(array(maxout(total)[0]), oracle.maxout(array(total)[0]), **EXACT)
    assert gradcheck(maxout, (total,))
