"""How copies of long lists fail is told from what a machine gives out."""

from types import SimpleNamespace

import torch
from torch import nn

from unrolled.data.algorithmic_tasks import solve_copy
from unrolled.papers.ntm.studies import long_copies

ROWS = 40


class Copier(nn.Module):
    """The program for copy, which reads from row 0 on as it wrote; sequences 1, 4, 7, … begin to read at the
    last row and so come a step late; sequences 2, 5, 8, … are all zeros."""

    def trace(self, inputs):
        vectors = solve_copy(inputs) * 2 - 1
        n, length, bits = vectors.shape
        vectors[1::3] = vectors[1::3].roll(1, 1)
        vectors[2::3] = -1
        steps = torch.arange(length)
        read, written = torch.zeros(2, n, 2 * length + 1, dtype=torch.long)
        written[:, :length] = steps
        read[:, length + 1 :] = steps
        read[1::3, length + 1 :] = (steps - 1) % ROWS
        weighting = torch.nn.functional.one_hot(torch.stack((read, written), -1), ROWS).float()
        logits = torch.cat((torch.zeros(n, length + 1, bits), vectors), 1)
        return logits, SimpleNamespace(stages=SimpleNamespace(weighting=weighting))


def test_copies_are_sorted_by_their_fault():
    found = long_copies(Copier(), 30, 9)
    assert found.perfect.tolist() == [True, False, False] * 3
    assert found.late.tolist() == [False, True, False] * 3
    assert found.misplaced.tolist() == [False, True, False] * 3


def test_an_example_is_the_first_of_its_kind():
    found = long_copies(Copier(), 30, 9)
    assert torch.equal(found.one(found.late).inputs, found.episodes.inputs[1:2])
    assert torch.equal(found.one(torch.zeros(9, dtype=torch.bool)).inputs, found.episodes.inputs[:1])
