"""Expectimax against a plain recursion, the fixed orders, and lessons."""

import pytest
import torch

from unrolled.base.errors import UsageError
from unrolled.papers.dkt import studies
from unrolled.papers.dkt.model import DKT

EXERCISES = 3


@pytest.fixture(params=["lstm", "rnn", "appendix"])
def model(request):
    torch.manual_seed(1)
    return DKT(EXERCISES, hidden_size=4, cell=request.param, inputs="one_hot").double().eval()


def histories(students=2, seed=0):
    """What some students were asked, and answered."""
    generator = torch.Generator().manual_seed(seed)
    asked = torch.randint(EXERCISES, (students, 2), generator=generator)
    return asked, torch.randint(2, (students, 2), generator=generator)


def plain(model, exercises, answers, depth):
    """Expected knowledge of one student by the definition: the whole stream is read again for each branch."""
    y = model.predict(model(exercises[None], answers[None]).h[0, -1])
    values = []
    for exercise in range(EXERCISES):
        value = 0.0
        for answer in (0, 1):
            longer = (
                torch.cat([exercises, torch.tensor([exercise])]),
                torch.cat([answers, torch.tensor([answer])]),
            )
            share = y[exercise] if answer else 1 - y[exercise]
            if depth == 1:
                later = model.predict(model(longer[0][None], longer[1][None]).h[0, -1]).mean()
            else:
                later = max(plain(model, *longer, depth - 1))
            value = value + share * later
        values.append(value)
    return torch.stack(values)


@pytest.mark.parametrize("depth", [1, 2])
@torch.no_grad()
def test_expectimax_is_the_recursion_over_all_branches(model, depth):
    asked, answered = histories()
    found = studies.expected_knowledge(model, studies.read(model, asked, answered), depth)
    for student in range(2):
        expected = plain(model, asked[student], answered[student], depth)
        assert torch.allclose(found[student], expected, atol=1e-12)


@torch.no_grad()
def test_narrow_search_looks_into_the_best_only(model):
    pupils = studies.read(model, *histories())
    wide, narrow = (studies.expected_knowledge(model, pupils, 2, width) for width in (EXERCISES, 1))
    best = studies.expected_knowledge(model, pupils, 1).argmax(-1)
    assert torch.equal(narrow.argmax(-1), best)
    assert torch.isinf(narrow).sum() == 2 * (EXERCISES - 1)
    assert torch.equal(wide, studies.expected_knowledge(model, pupils, 2))
    assert (narrow.amax(-1) <= wide.amax(-1)).all()


@pytest.mark.parametrize(("depth", "width"), [(0, None), (1, 0)])
def test_search_of_nothing_is_refused(model, depth, width):
    with pytest.raises(UsageError, match="at least 1"):
        studies.expected_knowledge(model, studies.read(model, *histories()), depth, width)


def test_fixed_orders_ask_every_exercise_once():
    concepts = torch.tensor([2, 0, 1, 1, 0, 0, 2])
    for order in (studies.blocking(concepts), studies.mixing(concepts)):
        assert sorted(order.tolist()) == list(range(7))
    assert concepts[studies.blocking(concepts)].tolist() == [0, 0, 0, 1, 1, 2, 2]
    assert concepts[studies.mixing(concepts)].tolist() == [0, 1, 2, 0, 1, 2, 0]


def test_lesson_is_what_the_network_reads(model):
    asked, answered = histories(students=5)
    order = torch.tensor([2, 0])
    lesson = studies.teach(
        model, studies.in_order(order), asked, answered, 3, torch.Generator().manual_seed(0)
    )
    assert lesson.exercises.tolist() == [[2, 0, 2]] * 5
    for step in range(4):
        stream = (
            torch.cat([asked, lesson.exercises[:, :step]], 1),
            torch.cat([answered, lesson.answers[:, :step]], 1),
        )
        expected = studies.read(model, *stream).knowledge
        assert torch.allclose(lesson.knowledge[:, step], expected, atol=1e-12)


def test_students_answer_as_often_right_as_predicted(model):
    asked, answered = (part[:1].expand(4000, -1) for part in histories())
    order = studies.in_order(torch.tensor([1]))
    lesson = studies.teach(model, order, asked, answered, 1, torch.Generator().manual_seed(0))
    share = studies.read(model, asked[:1], answered[:1]).y[0, 1].detach()
    assert abs(float(lesson.answers.double().mean() - share)) < 0.04


@torch.no_grad()
def test_search_is_expected_to_do_no_worse_than_any_fixed_order(model):
    pupils = studies.read(model, *histories())
    best = studies.expected_knowledge(model, pupils, 2).amax(-1)
    for first in range(EXERCISES):
        for second in range(EXERCISES):
            after, shares = studies.both_answers(model, pupils, torch.full((2, 1), first))
            last, later = studies.both_answers(model, after, torch.full((4, 1), second))
            value = (later * last.knowledge.reshape(later.shape)).sum(-1).reshape(shares.shape)
            assert ((shares * value).sum((1, 2)) <= best + 1e-12).all()


def test_lesson_needs_a_step_before_it(model):
    nothing = torch.zeros(2, 0, dtype=torch.long)
    with pytest.raises(UsageError, match="at least one step"):
        studies.teach(model, studies.expectimax(1), nothing, nothing, 2)


def test_own_concept_counts_the_strongest_influence_and_leaves_the_exercise_itself_out():
    torch.manual_seed(0)
    model = DKT(6, hidden_size=5).eval()
    concepts = torch.tensor([0, 0, 1, 1, 2, 2])
    J = studies.influence(model)
    right = 0
    for j in range(6):
        others = [i for i in range(6) if i != j]
        best = max(others, key=lambda i: J[i, j].item())
        right += int(concepts[best] == concepts[j])
    assert studies.own_concept(model, concepts) == pytest.approx(right / 6)
