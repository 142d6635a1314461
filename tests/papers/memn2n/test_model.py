"""The network's invariants: padding, order, time, restarts, noise, tying."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.base.errors import UsageError
from unrolled.papers.memn2n.language import MemoryLanguageModel
from unrolled.papers.memn2n.model import MemN2N
from unrolled.papers.memn2n.noise import with_noise
from unrolled.papers.memn2n.sentences import places, slope_of

V, WORDS, MEMORY = 9, 4, 6


def network(**options):
    torch.manual_seed(0)
    return MemN2N(V, 8, MEMORY, words=WORDS, deviation=0.5, **options).eval()


def sentences(seed=0, count=12):
    draw = torch.Generator().manual_seed(seed)
    table = torch.randint(1, V, (count, WORDS), generator=draw)
    for row in range(count):
        table[row, torch.randint(1, WORDS + 1, (1,), generator=draw).item() :] = 0
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
    model = network(encoding=encoding, tying=tying, restarts=2, attend_empty=attend_empty)
    model.linear.fill_(linear)
    plain = model(model.bags(sentences()), STORY, QUERY)
    wide = torch.nn.functional.pad(sentences(), (0, columns))
    padded = model(model.bags(wide), torch.nn.functional.pad(STORY, (0, slots)), QUERY)
    assert torch.equal(plain.logits, padded.logits)
    assert torch.equal(plain.alpha, padded.alpha)


def test_what_an_empty_slot_means_is_never_read():
    model = network()
    table = sentences()
    junk = model.bags(table)
    junk.rows[0] = 3  # words of weight 0
    assert torch.equal(model(model.bags(table), STORY, QUERY).logits, model(junk, STORY, QUERY).logits)


def test_weights_are_a_distribution_over_the_full_slots():
    model = network(restarts=3)
    alpha = model(model.bags(sentences()), STORY, QUERY).alpha
    assert alpha.shape == (3, 2, 3, MEMORY)
    assert (alpha >= 0).all()
    assert torch.allclose(alpha.sum(-1), torch.ones(3, 2, 3))
    assert not alpha[:, 0, :, 3:].any()


def test_attention_can_rest_on_empty_memories():
    model = network(attend_empty=True)
    masked, free = (network(attend_empty=a)(model.bags(sentences()), STORY, QUERY) for a in (False, True))
    alpha = free.alpha[0, 0]
    assert (alpha.sum(-1) < 1).all()
    assert not alpha[:, 3:].any()
    # The sentences share what the empty memories leave to them as they would share the whole.
    torch.testing.assert_close(alpha[0] / alpha[0].sum(), masked.alpha[0, 0, 0])


@pytest.mark.parametrize("attend_empty", [False, True])
def test_a_full_memory_has_no_empty_slot_to_attend_to(attend_empty):
    model, story = network(attend_empty=attend_empty), torch.tensor([[1, 2, 3, 4, 5, 6]])
    trace = model(model.bags(sentences()), story, QUERY[:1])
    assert torch.allclose(trace.alpha.sum(-1), torch.ones(1, 1, 3))


def test_a_story_without_a_sentence_leaves_the_question_as_it_is():
    model = network()
    trace = model(model.bags(sentences()), torch.zeros(1, 2, dtype=torch.int64), QUERY[:1])
    assert torch.equal(trace.u[0], trace.u[-1])
    assert not trace.alpha.any()


def test_restarts_side_by_side_are_the_restarts_one_by_one():
    model = network(restarts=3, tying="layer-wise")
    table = model.bags(sentences())
    together = model(table, STORY, QUERY).logits
    for restart in range(3):
        single = network(tying="layer-wise")
        for name, parameter in model.named_parameters():
            axis = 0 if name == "between_hops" else 1
            single.get_parameter(name).data = parameter.data.narrow(axis, restart, 1).clone()
        assert torch.allclose(single(table, STORY, QUERY).logits[0], together[restart], atol=1e-6)


def test_layer_wise_tying_has_fewer_matrices_for_many_hops():
    counts = {
        tying: sum(p.numel() for p in network(tying=tying, hops=6).parameters())
        for tying in ("adjacent", "layer-wise")
    }
    assert counts["adjacent"] == 7 * (V + MEMORY) * 8
    assert counts["layer-wise"] == 4 * V * 8 + 2 * MEMORY * 8 + 8 * 8


@pytest.mark.parametrize("encoding", ["printed", "code"])
def test_an_encoding_is_a_constant_plus_place_times_index(encoding):
    slope, place = slope_of(encoding, 8), places(encoding, 4, 5)
    assert slope.index.shape == (8,)
    assert place.shape == (4,)
    assert (slope.index.diff() > 0).all()
    assert (place.diff() > 0).all()


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
        most = -(-length * share // 1)
        if kind == "gaps":
            assert torch.equal(timed.story[row], story[row])
            numbers = timed.numbers[row, :length].tolist()
            assert numbers == sorted(numbers)
            assert all(number <= min(7, length + most) for number in numbers)
            assert int(timed.mask[row].sum()) == length
        else:
            kept = [n for n in timed.story[row].tolist() if n]
            assert kept == list(range(1, len(kept) + 1))
            empty = int(timed.mask[row].sum()) - len(kept)
            assert 0 <= empty <= most
            assert timed.mask[row, : int(timed.mask[row].sum())].all()


def test_noise_is_there_in_training_alone():
    model = network(noise=0.5, noise_kind="empty")
    table = model.bags(sentences())
    assert torch.equal(model(table, STORY, QUERY).logits, model(table, STORY, QUERY).logits)
    model.train()
    torch.manual_seed(1)
    counts = {int(model(table, STORY, QUERY).mask.sum()) for _ in range(10)}
    assert len(counts) > 1


def test_gaps_and_empty_memories_change_the_logits():
    for kind in ("gaps", "empty"):
        model = network(noise=0.6, noise_kind=kind)
        quiet = model(model.bags(sentences()), STORY, QUERY).logits
        model.train()
        torch.manual_seed(3)
        noisy = torch.stack([model(model.bags(sentences()), STORY, QUERY).logits for _ in range(5)])
        assert (noisy - quiet).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hops": 0}, "hops is 0"),
        ({"restarts": 0}, "restarts is 0"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        network(**options)


def test_wrong_sizes_and_stories_are_refused():
    with pytest.raises(UsageError, match="embedding is 0"):
        MemN2N(5, 0, words=3)
    model = network()
    with pytest.raises(UsageError, match="a story has 7 slots; the memory has 6"):
        model(model.bags(sentences()), torch.zeros(1, 7, dtype=torch.int64), QUERY[:1])


def test_language_model_sees_the_order_of_its_words():
    torch.manual_seed(0)
    model = MemoryLanguageModel(20, embedding=6, memory=4, hops=2, deviation=0.5)
    words = torch.tensor([[1, 2, 3, 4]])
    assert (model(words) - model(words.flip(1))).abs().max() > 1e-4
    with pytest.raises(UsageError, match="must be even"):
        MemoryLanguageModel(20, embedding=5)
    with pytest.raises(UsageError, match="there are 3 words"):
        model(words[:, :3])
