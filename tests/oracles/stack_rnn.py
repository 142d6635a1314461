"""The equations of "Inferring Algorithmic Patterns with Stack-Augmented Recurrent Nets", in plain NumPy
float64, written from the paper alone.

One sequence: x is one-hot [d], h is [m]. A stack s is [cells], its top at index 0. For one stack A is
[actions, m], D is [m] and P is [m, k]. What lies below the last cell, or beside a list, is -1.
"""

import numpy as np


def sigma(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


def cell(s, i):
    """s[i], or -1 where there is no cell."""
    return s[i] if 0 <= i < len(s) else -1.0


def equation_1(U, R, x, h):
    """h_t of a network without stacks."""
    return sigma(U @ x + R @ h)


def equation_2(V, h):
    """y_t."""
    return softmax(V @ h)


def equation_3(A, h):
    """a_t."""
    return softmax(A @ h)


def equation_4(a, D, h, s):
    """s_t[0]; a third action is NO-OP."""
    top = a[0] * sigma(D @ h) + a[1] * cell(s, 1)
    return top + a[2] * s[0] if len(a) == 3 else top


def equation_5(a, s, i):
    """s_t[i], i > 0."""
    new = a[0] * s[i - 1] + a[1] * cell(s, i + 1)
    return new + a[2] * s[i] if len(a) == 3 else new


def equation_6(U, R, P, x, h, stacks):
    """h_t; ``P`` and ``stacks`` have an entry for each stack, R may be None."""
    z = U @ x
    if R is not None:
        z = z + R @ h
    for P_s, s in zip(P, stacks, strict=True):
        z = z + P_s @ s[: P_s.shape[1]]
    return sigma(z)


def list_equation(a, D, h, L, i):
    """L_t[i]; the actions are LEFT, RIGHT and INSERT, HEAD is the middle cell."""
    head = len(L) // 2
    w = sigma(D @ h) if i == head else cell(L, i + 1) if i < head else L[i]
    return a[1] * cell(L, i + 1) + a[0] * cell(L, i - 1) + a[2] * w
