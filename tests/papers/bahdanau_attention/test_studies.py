"""What the chapter asks of a trained model: other weights for one step, and programs with one mistake."""

import pytest
import torch

from unrolled.nn.gru import GRU
from unrolled.papers.bahdanau_attention import studies
from unrolled.papers.bahdanau_attention.model import RNNsearch
from unrolled.tasks.translating import weights

LENGTHS = torch.tensor([6, 3, 5])


@pytest.fixture(params=["previous", "current"])
def model(request):
    sizes = {"embedding": 5, "hidden": 8, "alignment": 7, "maxout": 5}
    return RNNsearch((11, 9), **sizes, output_state=request.param).double().eval()


@pytest.fixture
def pairs():
    source, target = torch.randint(4, 11, (3, 6)), torch.randint(4, 9, (3, 4))
    source[torch.arange(6) >= LENGTHS[:, None]] = 0
    accepted = torch.zeros(3, 3, 5, dtype=torch.bool)
    accepted[0, 0, 2] = accepted[0, 1, 0] = accepted[0, 1, 1] = accepted[1, 2, 1] = True
    return studies.Pairs(source, LENGTHS, target, torch.full((3,), 4), accepted)


def test_with_its_own_weights_every_word_is_what_the_model_says(model, pairs):
    alpha = weights(model, *pairs[:3])
    logits = model(pairs.source, pairs.target, pairs.lengths).logits
    assert torch.equal(studies.right_with(model, pairs, alpha), logits.argmax(2) == pairs.target)


def test_other_weights_change_their_own_step_alone(model, pairs):
    alpha, target = weights(model, *pairs[:3]), []
    for changed in (0, 2):
        other = alpha.clone()
        other[:, changed] = studies.everywhere(pairs)[:, changed]
        target.append(studies.right_with(model, pairs, other))
    own = studies.right_with(model, pairs, alpha)
    assert torch.equal(target[0][:, 1:], own[:, 1:])
    assert torch.equal(target[1][:, :2], own[:, :2])
    assert torch.equal(target[1][:, 3], own[:, 3])


def test_equal_weights_lie_on_words_alone(pairs):
    alpha = studies.everywhere(pairs)
    assert alpha.shape == (3, 4, 6)
    assert alpha[1].tolist() == [[pytest.approx(1 / 3)] * 3 + [0.0] * 3] * 4


def test_pointed_weights_lie_on_the_correspondence_or_beside_it(pairs):
    alpha = studies.pointed(pairs)
    assert alpha[0, 0].tolist() == [0, 0, 1, 0, 0, 0]
    assert alpha[0, 1].tolist() == [0.5, 0.5, 0, 0, 0, 0]
    assert not alpha[2].any()
    beside = studies.pointed(pairs, offset=4)
    assert beside[0, 0].argmax() == 5  # not beyond the source
    assert beside[1, 2].argmax() == 2


def test_a_mistake_changes_the_program_and_leaves_the_weights(model, pairs):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    own = model(*pairs[:3:2], pairs.lengths).logits
    for name, other in studies.mistaken(model).items():
        assert not torch.allclose(other(*pairs[:3:2], pairs.lengths).logits, own), name
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(model(*pairs[:3:2], pairs.lengths).logits, own)


def test_the_mask_is_missed_by_short_sentences_alone(model, pairs):
    own = model(*pairs[:3:2], pairs.lengths).logits
    other = studies.mistaken(model)["no mask on padding"](*pairs[:3:2], pairs.lengths).logits
    torch.testing.assert_close(other[0], own[0])
    assert not torch.allclose(other[1], own[1])


def test_the_gate_that_keeps_is_the_units_other_convention(model):
    layer = studies.mistaken(model)["an update gate that keeps"].encoder.layer.left
    keeping = GRU(5, 8, reset="before", update="keep").double()
    keeping.load_state_dict(model.encoder.layer.left.state_dict())
    x = torch.randn(2, 4, 5, dtype=torch.float64)
    torch.testing.assert_close(layer(x).h, keeping(x).h)


def test_numbers_are_right_where_the_model_writes_them(pairs):
    model = RNNsearch((11, 9), embedding=5, hidden=8, alignment=7, maxout=5).eval()
    written = torch.full((3, 4), 2)  # the stop symbol at once
    assert studies.right_numbers(model, pairs._replace(target=written)).dtype == torch.bool
    with torch.no_grad():
        model.readout.bias[2] = 100.0
    assert studies.right_numbers(model, pairs._replace(target=written)).all()
