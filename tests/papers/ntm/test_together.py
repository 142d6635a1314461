"""Seeds side by side: nothing passes between them, and they learn."""

import torch

from unrolled.data import algorithmic_tasks as tasks
from unrolled.papers.ntm.baseline import LSTMBaseline
from unrolled.papers.ntm.metrics import bits_per_sequence
from unrolled.papers.ntm.model import NTM
from unrolled.papers.ntm.together import train_together


def draw(n, length, generator):
    return tasks.copy(n, length, bits=2, generator=generator)


def machine():
    return NTM(3, 2, hidden_size=8, rows=6, columns=4)


def trained(updates, make=machine, copies=2):
    return train_together(
        [make() for _ in range(copies)],
        draw,
        seed=0,
        longest=2,
        updates=updates,
        batch_size=4,
        learning_rate=2e-3,
        points=3,
    )


def test_training_lowers_the_cost_of_every_seed():
    for make in (machine, lambda: LSTMBaseline(3, 2, hidden_size=8, layers=1)):
        run = trained(45, make)
        assert len(run.updates) == len(run.bits) == 3
        assert all(last < first for first, last in zip(run.bits[0], run.bits[-1], strict=True))


def test_nothing_passes_between_copies():
    """The first copy learns the same, whatever learns beside it."""

    def first(other):
        torch.manual_seed(5)
        networks = [machine()]
        torch.manual_seed(other)
        networks.append(machine())
        options = {"seed": 0, "longest": 2, "updates": 4, "batch_size": 4, "learning_rate": 2e-3}
        return train_together(networks, draw, **options).parameters["W_first"]

    one, another = first(1), first(2)
    assert torch.allclose(one[0], another[0], atol=1e-6)
    assert not torch.allclose(one[1], another[1], atol=1e-3)


def test_one_network_can_be_taken_out():
    run = trained(3)
    episodes = tasks.copy(5, 2, bits=2)
    together = run(episodes.inputs)
    assert bits_per_sequence(together, episodes).shape == (2, 5)
    for place in (0, 1):
        with torch.no_grad():
            alone = run.one(place)(episodes.inputs)
        assert torch.allclose(together[place], alone, atol=1e-5)


def test_what_is_not_trained_stays():
    run = trained(5, lambda: LSTMBaseline(3, 2, hidden_size=8, layers=1))
    assert not run.parameters["layers.0.core.bias_hh_l0"].any()
