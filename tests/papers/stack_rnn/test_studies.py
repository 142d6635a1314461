"""What the chapter measures with a trained network."""

import torch

from unrolled.papers.stack_rnn.experiment import BEYOND, SHORTEST
from unrolled.papers.stack_rnn.model import StackRNN
from unrolled.papers.stack_rnn.studies import right_by_size


def counter(sees_second_cell: bool = True) -> StackRNN:
    """A network set by hand that counts on one stack; its second cell tells where a string ends."""
    network = StackRNN(2, hidden_size=3, stacks=1, depth=2)
    with torch.no_grad():
        for weights in network.parameters():
            weights.zero_()
        network.U[:] = 40 * torch.tensor([[1, -1], [-1, 1], [-1, 0]])
        network.P[2, 0, int(sees_second_cell)] = -40
        network.A[0] = 40 * torch.tensor([[1, 0, 0], [0, 1, 0]])
        network.D[0, 0] = 40
        network.V[:] = torch.tensor([[1, 0, 9], [0, 4, 0]])
    return network


def test_a_counter_set_by_hand_is_right_at_every_size_rounded_or_not():
    for rounded in (False, True):
        assert right_by_size(counter(), "anbn", rounded=rounded).tolist() == [1.0] * (BEYOND - SHORTEST)


def test_a_counter_that_sees_the_top_alone_misses_where_the_string_ends():
    assert right_by_size(counter(sees_second_cell=False), "anbn").max() == 0


def test_a_counter_of_one_language_is_no_counter_of_another():
    assert right_by_size(counter(), "anb2n").max() == 0
