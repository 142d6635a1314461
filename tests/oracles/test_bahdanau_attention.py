"""Every equation of the paper: code against NumPy transcription, gradients against differences."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck
from torch.nn.functional import linear

from unrolled.data.vocabulary import START
from unrolled.nn.attention import Attended, additive_energy, context_vector, masked_softmax
from unrolled.nn.gru import BiGRU, gru_update, recurrent
from unrolled.nn.maxout import maxout
from unrolled.papers.bahdanau_attention.model import RNNsearch, decoder_step

_spec = importlib.util.spec_from_file_location(
    "oracle_bahdanau_attention", Path(__file__).with_name("bahdanau_attention.py")
)
oracle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(oracle)

SOURCE, TARGET, EMBEDDING, HIDDEN, ALIGNMENT, MAXOUT, TIME = 7, 6, 3, 4, 5, 2, 5
EXACT = {"rtol": 0, "atol": 1e-10}
X, Y = [4, 6, 3, 5, 2], [5, 3, 4, 2]


def one_hot(word, words):
    return np.eye(words)[word]


def make(**options):
    """A model in float64 whose parameters are all drawn."""
    torch.manual_seed(20150507)
    sizes = {"embedding": EMBEDDING, "hidden": HIDDEN, "alignment": ALIGNMENT, "maxout": MAXOUT}
    model = RNNsearch((SOURCE, TARGET), **sizes, **options).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, dtype=torch.float64))
    return model


@pytest.fixture
def model():
    return make()


def blocks(tensor):
    """A matrix or bias of gates, as the paper's three: for the candidate, for z and for r."""
    r, z, n = (part.detach().numpy() for part in tensor.chunk(3))
    return n, z, r


def direction(layer, embedding):
    """The arguments of `oracle.equation_1` for one direction of the encoder."""
    E = embedding.weight.detach().numpy().T
    return (E, *blocks(layer.W_x), *blocks(layer.W_h), *blocks(layer.b))


class Paper:
    """The whole model as the oracle has it, with the parameters of ours."""

    def __init__(self, model, output_state="previous"):
        def array(tensor):
            return tensor.detach().numpy()

        self.left = direction(model.encoder.layer.left, model.encoder.embedding)
        self.right = direction(model.encoder.layer.right, model.encoder.embedding)
        self.E = array(model.embedding.weight).T
        self.start = array(model.to_start.weight), array(model.to_start.bias)
        self.a = (
            array(model.attention.v_a),
            array(model.attention.weight_query),
            array(model.attention.weight_key),
        )
        self.W, self.W_z, self.W_r = blocks(model.from_y.weight)
        self.b, self.b_z, self.b_r = blocks(model.from_y.bias)
        self.U, self.U_z, self.U_r = blocks(model.weight_hidden)
        self.C, self.C_z, self.C_r = blocks(model.weight_context)
        self.out = array(model.output_state_weight), array(model.output_y.weight), array(model.output_context)
        self.out_b = array(model.output_y.bias)
        self.read = array(model.readout.weight), array(model.readout.bias)
        self.output_state = output_state

    def encode(self):
        words = [one_hot(word, SOURCE) for word in X]
        backward = oracle.equation_1(words[::-1], *self.right)[::-1]
        return oracle.equation_7(words, self.left, self.right), oracle.decoder_start(backward[0], *self.start)

    def context(self, s, annotations):
        alpha = oracle.equation_6([oracle.alignment_energy(s, h, *self.a) for h in annotations])
        return oracle.equation_5(alpha, annotations), alpha

    def step(self, y, s, c):
        r = oracle.decoder_reset_gate(y, s, c, self.E, self.W_r, self.U_r, self.C_r, self.b_r)
        z = oracle.decoder_update_gate(y, s, c, self.E, self.W_z, self.U_z, self.C_z, self.b_z)
        candidate = oracle.decoder_candidate(y, s, c, r, self.E, self.W, self.U, self.C, self.b)
        return oracle.decoder_update(s, z, candidate)

    def probabilities(self, y, s, c):
        total = oracle.output_sum(y, s, c, self.E, *self.out, self.out_b)
        return oracle.output_distribution(oracle.maxout(total), *self.read)

    def translate(self):
        """For each target word: the distribution, the weights and the context."""
        annotations, s = self.encode()
        found = []
        for word in [START, *Y[:-1]]:
            y = one_hot(word, TARGET)
            c, alpha = self.context(s, annotations)
            new = self.step(y, s, c)
            found.append((self.probabilities(y, s if self.output_state == "previous" else new, c), alpha, c))
            s = new
        return found


@pytest.fixture
def draw():
    generator = torch.Generator().manual_seed(2015)

    def normal(*shape):
        return torch.randn(*shape, dtype=torch.float64, generator=generator).requires_grad_()

    return normal


@pytest.fixture
def cell(draw):
    """A step of the encoder: for the code, and the paper's names of the same numbers."""
    h, x = draw(1, HIDDEN), draw(1, EMBEDDING)
    W, U, b = draw(3 * HIDDEN, EMBEDDING), draw(3 * HIDDEN, HIDDEN), draw(3 * HIDDEN)
    W_n, W_z, W_r = blocks(W)
    U_n, U_z, U_r = blocks(U)
    b_n, b_z, b_r = blocks(b)
    names = {"h": h.detach().numpy()[0], "x": x.detach().numpy()[0], "E": np.eye(EMBEDDING)}
    names |= {"W": W_n, "W_z": W_z, "W_r": W_r, "U": U_n, "U_z": U_z, "U_r": U_r}
    return (h, x, W, U, b), names | {"b": b_n, "b_z": b_z, "b_r": b_r}


def encoder_step(h, x, W, U, b):
    return gru_update(h, linear(x, W, b), recurrent(U), reset="before", update="take")


def gates_of(names):
    r = oracle.encoder_reset_gate(*(names[k] for k in ("x", "h", "E", "W_r", "U_r", "b_r")))
    z = oracle.encoder_update_gate(*(names[k] for k in ("x", "h", "E", "W_z", "U_z", "b_z")))
    candidate = oracle.encoder_candidate(names["x"], names["h"], r, *(names[k] for k in ("E", "W", "U", "b")))
    return r, z, candidate


def test_encoder_state(cell):
    code, names = cell
    _, z, candidate = gates_of(names)
    ours = encoder_step(*code)[0].detach().numpy()
    np.testing.assert_allclose(ours, oracle.encoder_state(names["h"], z, candidate), **EXACT)
    assert gradcheck(encoder_step, code)


def test_encoder_update_gate(cell):
    # With an old state of 0 and a candidate of 1, the new state is the update gate.
    (h, x, W, U, b), names = cell
    h, names["h"] = torch.zeros_like(h), np.zeros(HIDDEN)
    b = b.detach().clone()
    b[2 * HIDDEN :] = 1e6
    ours = encoder_step(h, x, W, U, b)[0].detach().numpy()
    np.testing.assert_allclose(ours, gates_of(names)[1], **EXACT)
    assert gradcheck(lambda *given: encoder_step(h, *given), (x, W, U, b.requires_grad_()), atol=1e-4)


def _taking(b):
    """Biases with an update gate of 1: the new state is the candidate."""
    b = b.detach().clone()
    b[HIDDEN : 2 * HIDDEN] = 1e6
    return b


def test_encoder_candidate(cell):
    (h, x, W, U, b), names = cell
    ours = encoder_step(h, x, W, U, _taking(b))[0].detach().numpy()
    np.testing.assert_allclose(ours, gates_of(names)[2], **EXACT)
    assert gradcheck(lambda *given: encoder_step(*given, _taking(b)), (h, x, W, U))


def test_encoder_reset_gate(cell):
    # With U = 1, W = 0 and b = 0 for it, the candidate is tanh(r * h): the gate can be read off.
    (h, x, W, U, b), names = cell
    b, W, U = _taking(b), W.detach().clone(), U.detach().clone()
    W[2 * HIDDEN :], b[2 * HIDDEN :], U[2 * HIDDEN :] = 0.0, 0.0, torch.eye(HIDDEN)
    ours = torch.atanh(encoder_step(h, x, W, U, b)[0] / 1.0) / h[0]
    np.testing.assert_allclose(ours.detach().numpy(), gates_of(names)[0], **EXACT)
    assert gradcheck(lambda h, x: encoder_step(h, x, W, U, b), (h, x))


def test_equation_1_states_of_one_direction(model):
    words = [one_hot(word, SOURCE) for word in X]
    expected = oracle.equation_1(words, *direction(model.encoder.layer.left, model.encoder.embedding))
    x = model.encoder.embedding(torch.tensor([X])).detach().requires_grad_()
    ours = model.encoder.layer(x).h[0, :, :HIDDEN]
    np.testing.assert_allclose(ours.detach().numpy(), np.stack(expected), **EXACT)
    assert gradcheck(lambda x: model.encoder.layer(x).h, (x,))


def test_equation_7_annotations(model):
    expected, _ = Paper(model).encode()
    ours = model.encoder(torch.tensor([X])).h[0]
    np.testing.assert_allclose(ours.detach().numpy(), np.stack(expected), **EXACT)
    layer = BiGRU(2, 3, reset="before", update="take").double()
    x = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda x: layer(x, torch.tensor([3, 2])), (x,))


def test_summary_of_a_basic_encoder():
    fixed = make(fixed=True)
    words = [one_hot(word, SOURCE) for word in X]
    left, right = (
        direction(layer, fixed.encoder.embedding)
        for layer in (fixed.encoder.layer.left, fixed.encoder.layer.right)
    )
    forward, backward = oracle.equation_1(words, *left), oracle.equation_1(words[::-1], *right)[::-1]
    s_0, memory = fixed.encode(torch.tensor([X]))
    ours = fixed.attend(s_0, memory).context[0].detach().numpy()
    np.testing.assert_allclose(ours, oracle.summary(forward, backward), **EXACT)


def test_equation_3_distribution_with_one_vector():
    # g(y, s, c) with the same c at every step, by the decoder of the appendix.
    fixed = make(fixed=True)
    attending = make()
    attending.load_state_dict(fixed.state_dict(), strict=False)
    paper = Paper(attending)
    _, s = paper.encode()
    c = fixed.encode(torch.tensor([X]))[1].annotations[0, 0].detach().numpy()
    ours = fixed(torch.tensor([X]), torch.tensor([Y])).logits.softmax(2)[0].detach().numpy()
    for i, word in enumerate([START, *Y[:-1]]):
        y = one_hot(word, TARGET)
        np.testing.assert_allclose(ours[i], paper.probabilities(y, s, c), **EXACT)
        s = paper.step(y, s, c)


@pytest.mark.parametrize("output_state", ["previous", "current"])
def test_equation_4_distribution_with_its_own_context(output_state):
    model = make(output_state=output_state)
    expected = Paper(model, output_state).translate()
    ours = model(torch.tensor([X]), torch.tensor([Y]))
    for i, (p, alpha, c) in enumerate(expected):
        np.testing.assert_allclose(ours.logits[0, i].softmax(0).detach().numpy(), p, **EXACT)
        np.testing.assert_allclose(ours.alpha[0, i].detach().numpy(), alpha, **EXACT)
        np.testing.assert_allclose(ours.context[0, i].detach().numpy(), c, **EXACT)


def test_equation_2_probability_of_a_translation(model):
    expected = oracle.equation_2(
        [p[word] for (p, _, _), word in zip(Paper(model).translate(), Y, strict=True)]
    )
    logits = model(torch.tensor([X]), torch.tensor([Y])).logits
    log_probs = logits.log_softmax(2).gather(2, torch.tensor([Y]).unsqueeze(2))
    np.testing.assert_allclose(log_probs.sum().exp().item(), expected, rtol=1e-10)
    # The decoder that translates gives the same numbers, word by word.
    s_0, memory = model.encode(torch.tensor([X]))
    step, s, total = model.stepper(memory), s_0, 0.0
    for before, word in zip([START, *Y[:-1]], Y, strict=True):
        s, found = step(s, torch.tensor([before]))
        total += found[0, word].item()
    np.testing.assert_allclose(np.exp(total), expected, rtol=1e-10)


def test_equation_5_context(draw):
    alpha, annotations = draw(TIME, 1), draw(TIME, 1, 2 * HIDDEN)
    expected = oracle.equation_5(alpha[:, 0].detach().numpy(), annotations[:, 0].detach().numpy())
    np.testing.assert_allclose(context_vector(alpha, annotations)[0].detach().numpy(), expected, **EXACT)
    assert gradcheck(context_vector, (alpha, annotations))


def test_equation_6_weights(draw):
    energy = draw(TIME, 1)
    ours = masked_softmax(energy)[:, 0].detach().numpy()
    np.testing.assert_allclose(ours, oracle.equation_6(energy[:, 0].detach().numpy()), **EXACT)
    padding = torch.tensor([[False], [False], [True], [True], [True]])
    padded = masked_softmax(energy, padding)[:, 0].detach().numpy()
    np.testing.assert_allclose(padded[:2], oracle.equation_6(energy[:2, 0].detach().numpy()), **EXACT)
    assert gradcheck(lambda e: masked_softmax(e, padding), (energy,))


def test_alignment_energy(draw):
    s, h = draw(1, HIDDEN), draw(TIME, 1, 2 * HIDDEN)
    W_a, U_a, v_a = draw(ALIGNMENT, HIDDEN), draw(ALIGNMENT, 2 * HIDDEN), draw(ALIGNMENT)

    def energies(s, h, W_a, U_a, v_a):
        return additive_energy(s @ W_a.T, h @ U_a.T, v_a)

    arrays = [part.detach().numpy() for part in (v_a, W_a, U_a)]
    expected = [oracle.alignment_energy(s[0].detach().numpy(), h_j[0].detach().numpy(), *arrays) for h_j in h]
    np.testing.assert_allclose(energies(s, h, W_a, U_a, v_a)[:, 0].detach().numpy(), expected, **EXACT)
    assert gradcheck(energies, (s, h, W_a, U_a, v_a))


def test_energies_of_the_model(model):
    paper = Paper(model)
    annotations, s = paper.encode()
    s_0, memory = model.encode(torch.tensor([X]))
    expected = [oracle.alignment_energy(s, h, *paper.a) for h in annotations]
    ours = model.attention.energies(s_0, memory)[:, 0].detach().numpy()
    np.testing.assert_allclose(ours, expected, **EXACT)


def test_decoder_start(model):
    _, expected = Paper(model).encode()
    s_0, _ = model.encode(torch.tensor([X]))
    np.testing.assert_allclose(s_0[0].detach().numpy(), expected, **EXACT)
    backward = torch.randn(2, HIDDEN, dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda h: torch.tanh(model.to_start(h)), (backward,))


@pytest.fixture
def decoder(model):
    """One step of the decoder: ours as a function of (s, from_y, c), and the paper's of the same numbers."""
    paper = Paper(model)
    y, s, c = one_hot(3, TARGET), np.linspace(-1, 1, HIDDEN), np.linspace(-2, 1, 2 * HIDDEN)

    def step(s, from_y, c, weight_hidden=model.weight_hidden, weight_context=model.weight_context):
        weights = recurrent(weight_hidden), weight_context
        return decoder_step(s, from_y, *weights, lambda s: Attended(c, c.new_ones(1, 1), c.new_ones(1, 1)))[0]

    from_y = model.from_y(model.embedding(torch.tensor([3]))).detach()
    code = torch.from_numpy(s)[None], from_y, torch.from_numpy(c)[None]
    r = oracle.decoder_reset_gate(y, s, c, paper.E, paper.W_r, paper.U_r, paper.C_r, paper.b_r)
    z = oracle.decoder_update_gate(y, s, c, paper.E, paper.W_z, paper.U_z, paper.C_z, paper.b_z)
    candidate = oracle.decoder_candidate(y, s, c, r, paper.E, paper.W, paper.U, paper.C, paper.b)
    return step, code, (r, z, candidate), s


def test_decoder_update(decoder):
    step, code, (_, z, candidate), s = decoder
    ours = step(*code)[0].detach().numpy()
    np.testing.assert_allclose(ours, oracle.decoder_update(s, z, candidate), **EXACT)
    assert gradcheck(step, tuple(part.clone().requires_grad_() for part in code))


def test_decoder_candidate(decoder):
    step, (s, from_y, c), (_, _, candidate), _ = decoder
    from_y = from_y.clone()
    from_y[:, HIDDEN : 2 * HIDDEN] = 1e6  # the update gate takes it whole
    np.testing.assert_allclose(step(s, from_y, c)[0].detach().numpy(), candidate, **EXACT)
    assert gradcheck(
        lambda s, c: step(s, from_y, c), (s.clone().requires_grad_(), c.clone().requires_grad_())
    )


def test_decoder_update_gate(decoder):
    step, (s, from_y, c), (_, z, candidate), s_np = decoder
    # s_i - s_{i-1} = z_i (s~_i - s_{i-1}): the gate can be read off.
    ours = (step(s, from_y, c)[0].detach().numpy() - s_np) / (candidate - s_np)
    np.testing.assert_allclose(ours, z, **EXACT)
    assert gradcheck(lambda f: step(s, f, c), (from_y.clone().requires_grad_(),))


def test_decoder_reset_gate(decoder, model):
    step, (s, from_y, c), (r, _, _), s_np = decoder
    from_y, U, C = from_y.clone(), model.weight_hidden.detach().clone(), model.weight_context.detach().clone()
    from_y[:, HIDDEN : 2 * HIDDEN], from_y[:, 2 * HIDDEN :] = 1e6, 0.0
    U[2 * HIDDEN :], C[2 * HIDDEN :] = torch.eye(HIDDEN), 0.0
    ours = np.arctanh(step(s, from_y, c, U, C)[0].detach().numpy()) / s_np
    np.testing.assert_allclose(ours, r, **EXACT)
    assert gradcheck(lambda s: step(s, from_y, c, U, C), (s.clone().requires_grad_(),))


def test_output_sum_and_distribution(model):
    paper = Paper(model)
    y, s, c = one_hot(4, TARGET), np.linspace(-1, 1, HIDDEN), np.linspace(-2, 1, 2 * HIDDEN)
    given = torch.from_numpy(s)[None], model.embedding(torch.tensor([4])).detach(), torch.from_numpy(c)[None]
    ours = model.output(*given).softmax(1)[0].detach().numpy()
    np.testing.assert_allclose(ours, paper.probabilities(y, s, c), **EXACT)
    assert gradcheck(model.output, tuple(part.clone().requires_grad_() for part in given))


def test_maxout(draw):
    total = draw(3, 2 * MAXOUT)
    expected = np.stack([oracle.maxout(row) for row in total.detach().numpy()])
    np.testing.assert_allclose(maxout(total).detach().numpy(), expected, **EXACT)
    assert gradcheck(maxout, (total,))
