"""Properties that stacks and lists must have, whatever a network does with them."""

import pytest
import torch

from unrolled.papers.stack_rnn.memory import EMPTY, list_update, rounded_actions, stack_update
from unrolled.papers.stack_rnn.model import StackRNN

PROGRAMS, STEPS, CELLS = 10_000, 20, 12


def programs(actions, seed=0):
    """Random whole actions ``[programs, steps, actions]`` and values to push."""
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randint(actions, (PROGRAMS, STEPS), generator=generator)
    values = torch.rand(PROGRAMS, STEPS, dtype=torch.float64, generator=generator)
    return chosen, values


@pytest.mark.parametrize("actions", [2, 3])
def test_whole_actions_move_a_stack_as_a_program_does(actions):
    chosen, values = programs(actions)
    stack = torch.full((PROGRAMS, STEPS), EMPTY, dtype=torch.float64)
    for t in range(STEPS):
        a = torch.nn.functional.one_hot(chosen[:, t], actions).double()
        stack = stack_update(stack, a, values[:, t])
    for row in range(PROGRAMS):
        cells = []
        for action, value in zip(chosen[row].tolist(), values[row].tolist(), strict=True):
            if action == 0:
                cells.insert(0, value)
            elif action == 1 and cells:
                cells.pop(0)
        expected = torch.tensor(cells + [EMPTY] * (STEPS - len(cells)), dtype=torch.float64)
        assert (stack[row] - expected).abs().max() <= 1e-12


def test_whole_actions_move_a_list_as_a_program_does():
    chosen, values = programs(3)
    size = 2 * STEPS + 1
    cells = torch.full((200, size), EMPTY, dtype=torch.float64)
    for t in range(STEPS):
        a = torch.nn.functional.one_hot(chosen[:200, t], 3).double()
        cells = list_update(cells, a, values[:200, t])
    for row in range(200):
        left, right = [EMPTY] * STEPS, [EMPTY] * (STEPS + 1)  # right[0] is at HEAD
        for action, value in zip(chosen[row].tolist(), values[row].tolist(), strict=True):
            if action == 0:
                right.insert(0, left.pop())
                left.insert(0, EMPTY)
                right.pop()
            elif action == 1:
                left.append(right.pop(0))
                left.pop(0)
                right.append(EMPTY)
            else:
                left.append(right[0])
                left.pop(0)
                right[0] = value
        assert cells[row].tolist() == left + right


@pytest.mark.parametrize("memory", ["stack", "list"])
def test_cells_stay_between_empty_and_full(memory):
    model = StackRNN(4, hidden_size=6, stacks=3, memory=memory)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 20)
    stacks = model.trace(torch.randint(4, (8, 50))).stacks
    assert stacks.min() >= EMPTY - 1e-6
    assert stacks.max() <= 1 + 1e-6


def test_half_a_push_and_half_a_pop_do_not_wait():
    """They smear: after one such step the top has changed, although as much was pushed as popped."""
    stack = torch.tensor([1.0, 0.0, EMPTY, EMPTY])
    moved = stack_update(stack, torch.tensor([0.5, 0.5]), torch.tensor(1.0))
    assert moved.tolist() == [0.5, 0.0, -0.5, -1.0]


def test_popping_an_empty_stack_waits():
    empty = torch.full((CELLS,), EMPTY)
    assert torch.equal(stack_update(empty, torch.tensor([0.0, 1.0]), torch.tensor(0.3)), empty)


def test_rounding_keeps_whole_actions_and_takes_the_first_of_a_tie():
    whole = torch.eye(3)
    assert torch.equal(rounded_actions(whole), whole)
    assert rounded_actions(torch.full((2,), 0.5)).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("memory", ["stack", "list"])
def test_deeper_stacks_than_a_sequence_can_reach_change_nothing(memory):
    model = StackRNN(3, hidden_size=6, stacks=2, memory=memory).double()
    x = torch.randint(3, (4, 13))
    state, found = model.initial(4, 400), []
    for t in range(13):
        state, step = model.step(state, x[:, t])
        found.append(step.logits)
    torch.testing.assert_close(torch.stack(found, 1), model(x), rtol=0, atol=1e-14)


def test_too_few_cells_are_noticed():
    model = StackRNN(3, hidden_size=6, stacks=2).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(10)
    x = torch.randint(3, (4, 30))
    assert not torch.equal(model(x, cells=3), model(x))
    assert torch.equal(model(x, cells=200), model(x))
