"""A visit with its gradient by hand: that of the parts it is made of, and finite at the extremes."""

import torch

from unrolled.nn.memory import Head, address, read, write
from unrolled.nn.memory_visit import Writing, visit, visit_gradient


def asked(readers=2, writers=2, rows=9, columns=4, shifts=3):
    generator = torch.Generator().manual_seed(7)

    def normal(*shape):
        return torch.randn(2, *shape, dtype=torch.float64, generator=generator).requires_grad_()

    def share(*shape):
        return normal(*shape).detach().sigmoid().requires_grad_()

    heads = readers + writers
    weightings = normal(heads, rows).detach().softmax(-1).requires_grad_()
    moved = normal(heads, shifts).detach().softmax(-1).requires_grad_()
    head = Head(normal(heads, columns), 3 * share(heads), share(heads), moved, 1 + 3 * share(heads))
    return head, Writing(share(writers, columns), normal(writers, columns)), weightings, normal(columns, rows)


def test_a_visit_and_its_gradient_are_those_of_its_parts():
    head, writing, before, memory = given = asked()
    weighting = address(head, before, memory.mT).weighting
    written = write(memory.mT, weighting[:, 2:], *writing)
    expected = weighting, written.mT, read(weighting[:, :2], written)
    slopes = [torch.randn_like(part) for part in expected]
    with torch.no_grad():
        visited = visit(*given)
        d_head, d_writing, *d_rest = visit_gradient(*given, visited, *slopes)
    for ours, theirs in zip(visited[:3], expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    gradients = torch.autograd.grad(expected, (*head, *writing, before, memory), slopes)
    for ours, theirs in zip((*d_head, *d_writing, *d_rest), gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-11)


def test_gradients_stay_finite_at_weightings_of_zeros():
    """Heads so sharp that most weights vanish, keys and memory of zeros, and shares at both ends."""
    memory, before = torch.zeros(2, 4, 9), torch.eye(9)[:3].expand(2, 3, 9)
    ones = torch.ones(2, 3)
    head = Head(torch.zeros(2, 3, 4), 50 * ones, 0 * ones, torch.eye(3)[1].expand(2, 3, 3), 1e4 * ones)
    writing = Writing(torch.ones(2, 2, 4), torch.ones(2, 2, 4))
    visited = visit(head, writing, before, memory)
    slopes = torch.randn(2, 3, 9), torch.randn(2, 4, 9), torch.randn(2, 1, 4)
    d_head, d_writing, *d_rest = visit_gradient(head, writing, before, memory, visited, *slopes)
    assert torch.equal(visited.weighting, before)
    assert all(part.isfinite().all() for part in (*d_head, *d_writing, *d_rest))
