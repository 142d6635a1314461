"""Several seeds as one program: each is the model that it would be alone."""

import torch

from unrolled.papers.luong_attention.model import LuongAttention
from unrolled.tasks.side_by_side import accuracies, clip_each, cross_entropies, read, train_together


def small():
    return LuongAttention((7, 7), embedding=4, hidden=6, feeding=False, score="dot")


def pairs(generator):
    source = torch.randint(4, 7, (8, 3), generator=generator)
    return source, torch.cat((source, torch.full((8, 1), 2)), 1)


def test_seeds_side_by_side_are_the_models_one_by_one():
    trained = train_together(small, range(3), pairs, updates=3, learning_rate=1e-2)
    source, target = pairs(torch.Generator().manual_seed(5))
    logits, alpha = read(trained, source, target)
    losses, right = cross_entropies(logits, target), accuracies(trained, source, target)
    for index in range(3):
        alone = small()
        alone.load_state_dict({name: value[index] for name, value in trained.parameters.items()})
        found = alone(source, target)
        torch.testing.assert_close(logits[index], found.logits, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(alpha[index], found.alpha, rtol=1e-4, atol=1e-5)
        expected = torch.nn.functional.cross_entropy(found.logits.flatten(0, 1), target.flatten())
        torch.testing.assert_close(losses[index], expected, rtol=1e-4, atol=1e-5)
        assert right[index] == (found.logits.argmax(2) == target).float().mean()
    assert not torch.equal(*trained.parameters["readout.weight"][:2])


def test_an_update_is_that_of_a_model_alone():
    together = train_together(small, [3, 4], pairs, updates=1, learning_rate=1e-2)
    generator = torch.Generator().manual_seed(3)
    source, target = pairs(generator)
    torch.manual_seed(4)
    alone = small()
    optimiser = torch.optim.Adam(alone.parameters(), lr=1e-2)
    logits = alone(source, target).logits
    torch.nn.functional.cross_entropy(logits.flatten(0, 1), target.flatten()).backward()
    torch.nn.utils.clip_grad_norm_(alone.parameters(), 1.0)
    optimiser.step()
    for name, value in alone.named_parameters():
        torch.testing.assert_close(together.parameters[name][1], value.detach(), rtol=1e-3, atol=2e-5)


def test_each_seed_is_clipped_by_itself():
    parameter = torch.zeros(2, 2, requires_grad=True)
    parameter.grad = torch.tensor([[3.0, 4.0], [0.3, 0.4]])
    clip_each([parameter, torch.zeros(1, requires_grad=True)], 1.0)
    torch.testing.assert_close(parameter.grad, torch.tensor([[0.6, 0.8], [0.3, 0.4]]))


def test_training_side_by_side_learns():
    trained = train_together(small, range(2), pairs, updates=150, learning_rate=3e-2)
    assert (accuracies(trained, *pairs(torch.Generator().manual_seed(9))) > 0.6).all()
