"""Batches are a pure function of seed and update."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unrolled.base.errors import UsageError
from unrolled.training.batches import Batches, batch_indices
from unrolled.training.trainer import place

sizes = st.integers(1, 50).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n)))


@given(
    seed=st.integers(0, 2**63), updates=st.lists(st.integers(0, 10**6), min_size=2, max_size=8), size=sizes
)
def test_order_of_asking_does_not_matter(seed, updates, size):
    forward = [batch_indices(seed, u, *size).tolist() for u in updates]
    backward = [batch_indices(seed, u, *size).tolist() for u in reversed(updates)]
    assert forward == backward[::-1]


@given(seed=st.integers(0, 1000), epoch=st.integers(0, 1000), size=sizes)
def test_an_epoch_sees_no_example_twice(seed, epoch, size):
    examples, batch_size = size
    per_epoch = examples // batch_size
    seen = [i for u in range(per_epoch) for i in batch_indices(seed, epoch * per_epoch + u, *size).tolist()]
    assert len(seen) == len(set(seen)) == per_epoch * batch_size
    assert set(seen) <= set(range(examples))


def test_epochs_and_seeds_differ():
    orders = {tuple(batch_indices(seed, update, 20, 20)) for seed in range(3) for update in range(3)}
    assert len(orders) == 9


def test_batches_on_the_device_are_those_of_the_function():
    x = torch.arange(11)
    batches = Batches((x, x * 2), 4, seed=7)
    for update in (0, 1, 2, 5, 1):
        first, second = batches.at(update)
        assert first.tolist() == batch_indices(7, update, 11, 4).tolist()
        assert torch.equal(second, first * 2)


def test_processes_share_each_batch():
    x = torch.arange(12)
    whole = Batches((x,), 6, seed=0).at(3)[0]
    shares = [Batches((x,), 6, seed=0, rank=rank, world=3).at(3)[0] for rank in range(3)]
    assert torch.equal(torch.cat(shares), whole)
    with pytest.raises(UsageError, match="cannot share it evenly"):
        Batches((x,), 6, seed=0, world=4)


def test_every_seed_and_update_has_random_numbers_of_its_own():
    drawn = []
    for update in range(20):
        for seed in range(5):
            at = place(seed, update)
            drawn.append(torch.rand((), generator=at.generator).item())
            assert torch.equal(
                torch.rand(3, generator=at.shared), torch.rand(3, generator=place(9, update).shared)
            )
        drawn.append(torch.rand((), generator=place(0, update).shared).item())
    assert len(set(drawn)) == len(drawn)
