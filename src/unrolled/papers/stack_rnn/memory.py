"""The two memories: stacks (equations 4 and 5) and lists, moved by a mixture of actions."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

EMPTY = -1.0
"""What a cell holds that nothing was pushed into."""


def rounded_actions(a: Float[Tensor, "*batch actions"]) -> Float[Tensor, "*batch actions"]:
    """The likeliest action alone; the first one of a tie. Used after training only.

    *Paper*: joulin2015inferring, Section 5 (rounding).

    *Shapes*: as annotated.

    >>> rounded_actions(torch.tensor([[0.6, 0.4], [0.5, 0.5], [0.1, 0.9]])).tolist()
    [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    """
    return functional.one_hot(a.argmax(-1), a.shape[-1]).to(a)


def stack_update(
    stack: Float[Tensor, "*batch cells"],
    a: Float[Tensor, "*batch actions"],
    pushed: Float[Tensor, "*batch"],
) -> Float[Tensor, "*batch cells"]:
    """A stack after a mixture of push and pop (and nothing).

    *Paper*: joulin2015inferring, equations 4 and 5, with ``pushed`` = σ(D h_t).

        s_t[0] = a_t[PUSH] σ(D h_t) + a_t[POP] s_{t-1}[1]              (+ a_t[NO-OP] s_{t-1}[0])
        s_t[i] = a_t[PUSH] s_{t-1}[i-1] + a_t[POP] s_{t-1}[i+1], i > 0 (+ a_t[NO-OP] s_{t-1}[i])

    *Shapes*: as annotated; two actions, or three with NO-OP. A pop brings `EMPTY` in from below.

    >>> stack = torch.tensor([0.7, 0.2, -1.0])
    >>> stack_update(stack, torch.tensor([1.0, 0.0]), torch.tensor(0.9)).tolist()
    [0.8999999761581421, 0.699999988079071, 0.20000000298023224]
    """
    push, pop, *noop = a.unsqueeze(-2).unbind(-1)
    above = torch.cat((pushed.unsqueeze(-1), stack[..., :-1]), -1)  # what a push puts into each cell
    below = torch.cat((stack[..., 1:], torch.full_like(stack[..., :1], EMPTY)), -1)  # what a pop puts there
    new = push * above + pop * below
    return new + noop[0] * stack if noop else new


def list_update(
    cells: Float[Tensor, "*batch cells"],
    a: Float[Tensor, "*batch actions"],
    inserted: Float[Tensor, "*batch"],
) -> Float[Tensor, "*batch cells"]:
    """A list after a mixture of moves to either side and an insertion at HEAD, the middle cell.

    *Paper*: joulin2015inferring, Section 3.2 (List RNN), with ``inserted`` = σ(D h_t).

        L_t[i] = a_t[RIGHT] L_{t-1}[i+1] + a_t[LEFT] L_{t-1}[i-1] + a_t[INSERT] w_i
        w_i = σ(D h_t) at HEAD, L_{t-1}[i+1] before it, L_{t-1}[i] behind it

    *Shapes*: as annotated; the actions are LEFT, RIGHT, INSERT, the number of cells is odd.
    """
    left, right, insert = a.unsqueeze(-2).unbind(-1)
    empty, head = torch.full_like(cells[..., :1], EMPTY), cells.shape[-1] // 2
    after = torch.cat((cells[..., 1:], empty), -1)
    before = torch.cat((empty, cells[..., :-1]), -1)
    w = torch.cat((after[..., :head], inserted.unsqueeze(-1), cells[..., head + 1 :]), -1)
    return right * after + left * before + insert * w
