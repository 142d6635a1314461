"""The five tasks: their formats, their solutions, and the best guess of the n-grams."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.base.errors import UsageError
from unrolled.data import algorithmic_tasks as tasks
from unrolled.data import ngrams

SIZE = st.integers(1, 6)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


DRAWS = {
    "copy": (lambda g: tasks.copy(3, 5, generator=g), tasks.solve_copy),
    "repeat_copy": (lambda g: tasks.repeat_copy(3, 4, 3, generator=g), tasks.solve_repeat_copy),
    "associative_recall": (
        lambda g: tasks.associative_recall(3, 5, generator=g),
        tasks.solve_associative_recall,
    ),
    "priority_sort": (lambda g: tasks.priority_sort(3, generator=g), tasks.solve_priority_sort),
    "dynamic_ngrams": (lambda g: ngrams.dynamic_ngrams(3, generator=g).episodes, None),
}


def scored(episodes):
    n, bits = episodes.targets.shape[0], episodes.targets.shape[2]
    return episodes.targets[episodes.counts].view(n, -1, bits)


@pytest.mark.parametrize("name", DRAWS)
def test_episodes_follow_from_the_generator(name):
    draw, _ = DRAWS[name]
    first, again, other = (draw(generator(seed)) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first.inputs, other.inputs)


@pytest.mark.parametrize("name", [name for name, (_, solver) in DRAWS.items() if solver])
def test_while_an_answer_is_due_nothing_comes_in_and_before_it_nothing_is_asked(name):
    episodes = DRAWS[name][0](generator())
    due = episodes.counts.unsqueeze(-1)
    assert not (episodes.inputs * due).any()
    assert not (episodes.targets * ~due).any()
    assert (episodes.counts.int().diff(dim=1) >= 0).all()


@settings(deadline=None)
@given(SIZE, SIZE, SIZE, st.integers(0, 99))
def test_the_solver_of_copy_agrees(n, length, bits, seed):
    episodes = tasks.copy(n, length, bits=bits, generator=generator(seed))
    assert torch.equal(tasks.solve_copy(episodes.inputs), scored(episodes))


@settings(deadline=None)
@given(SIZE, SIZE, st.integers(1, 12), SIZE, st.integers(0, 99))
def test_the_solver_of_repeat_copy_agrees(n, length, repeats, bits, seed):
    episodes = tasks.repeat_copy(n, length, repeats, bits=bits, generator=generator(seed))
    answers = tasks.solve_repeat_copy(episodes.inputs)
    assert torch.equal(answers, scored(episodes))
    assert answers.shape[1] == length * repeats + 1
    assert answers[..., -1].sum() == n


@settings(deadline=None)
@given(SIZE, st.integers(2, 8), SIZE, st.integers(3, 6), st.integers(0, 99))
def test_the_solver_of_associative_recall_agrees(n, items, item_length, bits, seed):
    episodes = tasks.associative_recall(
        n, items, item_length=item_length, bits=bits, generator=generator(seed)
    )
    assert torch.equal(tasks.solve_associative_recall(episodes.inputs), scored(episodes))


@settings(deadline=None)
@given(SIZE, st.integers(1, 9), SIZE, st.integers(0, 99))
def test_the_solver_of_priority_sort_agrees(n, items, bits, seed):
    answers = max(1, items - 2)
    episodes = tasks.priority_sort(n, items, answers, bits=bits, generator=generator(seed))
    assert torch.equal(tasks.solve_priority_sort(episodes.inputs), scored(episodes))


def test_repeat_counts_have_mean_zero_and_variance_one_over_the_training_range():
    values = torch.stack([tasks.repeat_copy(1, 1, r).inputs[0, 1, -1] for r in range(1, 11)])
    assert values.mean().item() == pytest.approx(0, abs=1e-6)
    assert values.var(unbiased=False).item() == pytest.approx(1, abs=1e-6)


def test_items_of_an_episode_differ_even_where_they_nearly_run_out():
    episodes = tasks.associative_recall(50, 8, item_length=1, bits=3, generator=generator())
    items = episodes.inputs[:, 1:16:2, :3]
    for episode in items:
        assert len(episode.unique(dim=0)) == 8


def test_questions_reach_every_item_but_the_last():
    episodes = tasks.associative_recall(200, 4, generator=generator())
    items = episodes.inputs[:, :16].view(200, 4, 4, 8)[:, :, 1:, :6]
    question = episodes.inputs[:, 17:20, :6].unsqueeze(1)
    assert (items == question).flatten(2).all(-1).any(0).tolist() == [True, True, True, False]


def test_ngram_tables_have_the_mean_and_variance_of_the_beta_distribution():
    _, chances = ngrams.dynamic_ngrams(4000, 7, order=6, generator=generator())
    drawn = chances[:, 4]  # the first step with a whole context: one entry of each table
    assert drawn.mean().item() == pytest.approx(0.5, abs=0.02)
    assert drawn.var().item() == pytest.approx(1 / 8, abs=0.01)


def test_the_same_context_has_the_same_chance_throughout_an_episode():
    episodes, chances = ngrams.dynamic_ngrams(1, 200, order=3, generator=generator())
    bits = episodes.inputs[0, :, 0]
    seen = {}
    for t in range(1, 199):
        seen.setdefault((bits[t - 1].item(), bits[t].item()), set()).add(chances[0, t].item())
    assert len(seen) == 4
    assert all(len(values) == 1 for values in seen.values())


def test_counts_of_contexts_agree_with_counting_by_hand():
    episodes, _ = ngrams.dynamic_ngrams(2, 60, order=4, generator=generator(5))
    ones, zeros = ngrams.ngram_counts(episodes, order=4)
    for row in range(2):
        bits = torch.cat((episodes.inputs[row, :, 0], episodes.targets[row, -1:, 0])).int().tolist()
        for t in range(2, 59):
            context = bits[t - 2 : t + 1]
            after = [bits[s + 1] for s in range(2, t) if bits[s - 2 : s + 1] == context]
            assert (ones[row, t], zeros[row, t]) == (sum(after), len(after) - sum(after))


def test_the_best_guess_is_better_than_other_pseudocounts_and_worse_than_the_truth():
    episodes, chances = ngrams.dynamic_ngrams(3000, generator=generator())
    ones, zeros = ngrams.ngram_counts(episodes)

    def loss(guess):
        wrong = torch.where(episodes.targets[..., 0] > 0, guess, 1 - guess)
        return -(wrong.log2() * episodes.counts).sum(1).mean().item()

    best = loss(ngrams.optimal_estimate(ones, zeros))
    assert loss(chances) < best < min(loss(ngrams.optimal_estimate(ones, zeros, p)) for p in (0.3, 0.8, 1.0))
    assert math.isclose(ngrams.optimal_estimate(torch.zeros(1), torch.zeros(1), 0.0).item(), 0.5)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: tasks.copy(1, 0),
        lambda: tasks.repeat_copy(1, 1, 0),
        lambda: tasks.associative_recall(1, 1),
        lambda: tasks.associative_recall(1, 9, item_length=1, bits=3),
        lambda: ngrams.dynamic_ngrams(1, 5, order=6),
        lambda: tasks.priority_sort(1, 3, 4),
    ],
)
def test_impossible_sizes_are_refused(draw):
    with pytest.raises(UsageError):
        draw()
