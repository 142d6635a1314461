"""The networks' invariants: padding, time, memories, tying, noise, refusals."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.base.errors import UsageError
from unrolled.papers.memn2n.language import MemoryLanguageModel
from unrolled.papers.memn2n.model import MemN2N
from unrolled.papers.memn2n.noise import in_order, with_noise
from unrolled.papers.memn2n.sentences import weights_by_length

V, WORDS, MEMORY = 9, 7, 6


def network(**options):
    torch.manual_seed(0)
    return MemN2N(V, 8, MEMORY, words=WORDS, deviation=0.5, **options).eval()


def sentences(seed=0, count=12, words=4):
    draw = torch.Generator().manual_seed(seed)
    table = torch.randint(1, V, (count, words), generator=draw)
    for row in range(count):
        table[row, torch.randint(1, words + 1, (1,), generator=draw).item() :] = 0
    table[0] = 0
    return table


STORY, QUERY = torch.tensor([[1, 2, 3, 0], [4, 5, 6, 7]]), torch.tensor([8, 9])


@given(
    slots=st.integers(0, 2),
    columns=st.integers(0, 3),
    encoding=st.sampled_from(["bag", "printed", "code"]),
    tying=st.sampled_from(["adjacent", "layer-wise"]),
    linear=st.booleans(),
    attend_empty=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_padding_changes_no_result_by_a_single_bit(slots, columns, encoding, tying, linear, attend_empty):
    model = network(encoding=encoding, tying=tying, attend_empty=attend_empty)
    plain = model(sentences(), STORY, QUERY, linear=linear)
    wide = torch.nn.functional.pad(sentences(), (0, columns))
    padded = model(wide, torch.nn.functional.pad(STORY, (0, slots)), QUERY, linear=linear)
    assert torch.equal(plain.answer, padded.answer)
    assert torch.equal(plain.alpha, padded.alpha)


@pytest.mark.parametrize("encoding", ["bag", "printed", "code"])
def test_the_vector_of_no_word_is_never_read(encoding):
    model = network(encoding=encoding)
    before = model(sentences(), STORY, QUERY).u
    with torch.no_grad():
        for matrix in model.embeddings:
            matrix[0] = 1000.0
    assert torch.equal(model(sentences(), STORY, QUERY).u, before)


def test_masked_weights_are_a_distribution_over_the_full_slots():
    alpha = network()(sentences(), STORY, QUERY).alpha
    assert alpha.shape == (2, 3, MEMORY)
    assert torch.allclose(alpha.sum(-1), torch.ones(2, 3))
    assert not alpha[0, :, 3:].any()


def test_attention_can_rest_on_empty_memories():
    masked, free = (
        network(attend_empty=empty)(sentences(), STORY, QUERY).alpha[0, 0] for empty in (False, True)
    )
    assert torch.allclose(free.sum(), torch.tensor(1.0))
    assert (free[3:] > 0).all()
    # The sentences share what the empty memories leave to them as they would share everything.
    torch.testing.assert_close(free[:3] / free[:3].sum(), masked[:3])


def test_a_full_memory_has_no_empty_slot_to_attend_to():
    story = torch.tensor([[1, 2, 3, 4, 5, 6]])
    traces = [network(attend_empty=empty)(sentences(), story, QUERY[:1]) for empty in (False, True)]
    assert torch.equal(traces[0].answer, traces[1].answer)


def test_a_story_without_a_sentence_leaves_the_question_as_it_is():
    trace = network()(sentences(), torch.zeros(1, 2, dtype=torch.int64), QUERY[:1])
    assert torch.equal(trace.u[:, 0], trace.u[:, -1])
    assert not trace.alpha.any()


def test_layer_wise_tying_has_fewer_matrices_for_many_hops():
    counts = {
        tying: sum(p.numel() for p in network(tying=tying, hops=6).parameters())
        for tying in ("adjacent", "layer-wise")
    }
    assert counts["adjacent"] == 7 * (V + MEMORY) * 8
    assert counts["layer-wise"] == 4 * V * 8 + 2 * MEMORY * 8 + 8 * 8


@pytest.mark.parametrize("encoding", ["bag", "printed", "code"])
def test_position_weights_end_with_the_sentence(encoding):
    weights = weights_by_length(encoding, 5, 8)
    for length in range(6):
        assert not weights[length, length:].any()
        assert (weights[length, :length] != 0).all()


def test_several_networks_as_one_program_are_the_networks_one_by_one():
    models = []
    for seed in range(3):
        torch.manual_seed(seed)
        models.append(MemN2N(V, 8, MEMORY, words=WORDS, tying="layer-wise", deviation=0.5))
    stacked, buffers = torch.func.stack_module_state(models)
    inputs = (sentences(), STORY, QUERY)

    def one(parameters, buffers):
        return torch.func.functional_call(models[0], (parameters, buffers), inputs).answer

    together = torch.func.vmap(one)(stacked, buffers)
    for model, answers in zip(models, together, strict=True):
        torch.testing.assert_close(model(sentences(), STORY, QUERY).answer, answers)


@given(
    lengths=st.lists(st.integers(0, 8), min_size=1, max_size=4),
    share=st.floats(0.01, 0.6),
    kind=st.sampled_from(["empty", "gaps"]),
    seed=st.integers(0, 999),
)
@settings(max_examples=60, deadline=None)
def test_noise_keeps_the_sentences_in_order_and_their_number_small(lengths, share, kind, seed):
    story = torch.zeros(len(lengths), 8, dtype=torch.int64)
    for row, length in enumerate(lengths):
        story[row, :length] = torch.arange(1, length + 1)
    timed = with_noise(story, share, kind, torch.Generator().manual_seed(seed))
    for row, length in enumerate(lengths):
        most, when = -(-length * share // 1), timed.when[row]
        timely = int((when < 8).sum())
        if kind == "gaps":
            assert torch.equal(timed.story[row], story[row])
            times = when[:length].tolist()
            assert times == sorted(times)
            assert all(time <= min(7, length + most) for time in times)
            assert timely == length
        else:
            kept = [n for n in timed.story[row].tolist() if n]
            assert kept == list(range(1, len(kept) + 1))
            assert 0 <= timely - len(kept) <= most
            assert when[:timely].tolist() == list(range(timely))


def test_without_noise_a_sentence_has_the_time_of_its_slot():
    model = network()
    ordered = model(sentences(), STORY, QUERY, in_order(STORY).when.clamp(max=MEMORY))
    assert not torch.equal(in_order(STORY).when, torch.arange(4).expand(2, 4))
    torch.testing.assert_close(model(sentences(), STORY, QUERY).u[1], ordered.u[1])


@pytest.mark.parametrize("kind", ["gaps", "empty"])
def test_noise_changes_the_answers(kind):
    model, quiet = network(), network()(sentences(), STORY, QUERY).answer
    timed = with_noise(torch.cat([STORY] * 10), 0.9, kind, torch.Generator().manual_seed(3))
    noisy = model(sentences(), timed.story, torch.cat([QUERY] * 10), timed.when).answer
    assert (noisy - quiet.repeat(10, 1)).abs().max() > 1e-3


def test_wrong_sizes_stories_and_sentences_are_refused():
    with pytest.raises(UsageError, match="embedding is 0"):
        MemN2N(5, 0, words=3)
    with pytest.raises(UsageError, match="hops is 0"):
        network(hops=0)
    model = network()
    with pytest.raises(UsageError, match="a story has 7 slots; the memory has 6"):
        model(sentences(), torch.zeros(1, 7, dtype=torch.int64), QUERY[:1])
    with pytest.raises(UsageError, match="a sentence has 8 words; the network takes 7"):
        model(torch.nn.functional.pad(sentences(), (0, 4)), STORY, QUERY)


def test_language_model_sees_the_order_of_its_words():
    torch.manual_seed(0)
    model = MemoryLanguageModel(20, embedding=6, memory=4, hops=2, deviation=0.5)
    words = torch.tensor([[1, 2, 3, 4]])
    assert (model(words).answer - model(words.flip(1)).answer).abs().max() > 1e-4
    with pytest.raises(UsageError, match="must be even"):
        MemoryLanguageModel(20, embedding=5)
    with pytest.raises(UsageError, match="there are 3 words"):
        model(words[:, :3])
