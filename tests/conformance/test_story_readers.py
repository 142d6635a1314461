"""What every network that reads a story keeps to: padding, types, determinism, its state as a dictionary."""

import copy
from itertools import product

import pytest
import torch

from unrolled.papers.memn2n.model import MemN2N

VOCABULARY, WORDS, SLOTS, EMBEDDING = 9, 6, 6, 8
SENTENCES = torch.tensor([[0, 0, 0, 0], [1, 2, 3, 4], [5, 6, 0, 0], [7, 8, 1, 0], [2, 3, 4, 5]])
STORY, QUERY = (
    torch.tensor([[1, 2, 3, 4, 1, 2], [3, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]]),
    torch.tensor([2, 4, 1]),
)

READERS = {
    f"memn2n {encoding} {tying}{' attending to empty slots' * empty}": {
        "encoding": encoding,
        "tying": tying,
        "attend_empty": empty,
    }
    for encoding, tying, empty in product(
        ("bag", "printed", "code"), ("adjacent", "layer-wise"), (False, True)
    )
}


@pytest.fixture(params=READERS)
def options(request):
    return READERS[request.param]


def build(options, dtype=torch.float64, seed=1):
    torch.manual_seed(seed)
    return MemN2N(VOCABULARY, EMBEDDING, SLOTS, words=WORDS, deviation=0.5, **options).to(dtype).eval()


def read(model, story=STORY, query=QUERY, sentences=SENTENCES, linear=False):
    return model(sentences, story, query, linear=linear)


def gradients(model, **inputs):
    answers = read(model, **inputs).answer
    weights = torch.linspace(-1, 1, answers.numel(), dtype=answers.dtype).view_as(answers)
    return torch.autograd.grad((answers * weights).sum(), list(model.parameters()))


def same(ours, theirs):
    return all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_results_have_the_parameters_type_and_shape(options, dtype):
    trace = read(build(options, dtype))
    assert trace.answer.dtype is trace.alpha.dtype is dtype
    assert trace.answer.shape == (3, VOCABULARY)
    assert trace.alpha.shape == (3, 3, SLOTS)


def test_float32_agrees_with_float64(options):
    wide, narrow = build(options), build(options).float()
    torch.testing.assert_close(read(narrow).answer.double(), read(wide).answer, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("linear", [False, True])
def test_padded_stories_and_sentences_equal_shorter_ones_bit_for_bit(options, linear):
    model = build(options)
    wide = torch.nn.functional.pad(SENTENCES, (0, 2))
    for row, length in enumerate((6, 2, 0)):
        chosen = {"story": STORY[[row], :length], "query": QUERY[[row]], "linear": linear}
        short = read(model, **chosen)
        padded = read(model, STORY[[row]], QUERY[[row]], sentences=wide, linear=linear)
        assert same((short.answer, short.alpha), (padded.answer, padded.alpha))
        assert same(gradients(model, **chosen), gradients(model, **{**chosen, "story": STORY[[row]]}))


def test_a_story_is_read_alike_alone_and_in_a_batch(options):
    model = build(options)
    together = read(model).answer
    for row in range(3):
        alone = read(model, STORY[[row]], QUERY[[row]]).answer
        torch.testing.assert_close(alone[0], together[row], rtol=1e-12, atol=1e-12)


def test_an_empty_story_leaves_the_question(options):
    model = build({**options, "tying": "adjacent"})
    u = read(model).u[2]
    assert torch.equal(u[0], u[-1])


def test_state_dict_round_trip(options):
    model, other = build(options), build(options, seed=9)
    other.load_state_dict(copy.deepcopy(model.state_dict()))
    assert torch.equal(read(other).answer, read(model).answer)


def test_same_seed_same_numbers(options):
    first, second = (build(options, torch.float32) for _ in range(2))
    assert same((read(first).answer, *gradients(first)), (read(second).answer, *gradients(second)))
