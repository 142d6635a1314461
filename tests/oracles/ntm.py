"""Equations 1 to 10 of "Neural Turing Machines", in plain NumPy float64, written from the paper alone.

One head of one sequence: M is [N, M], w is [N], vectors are [M]. The shift s is a function on 0, ..., N - 1
(given as an array), its argument taken modulo N, as the paper has it.
"""

import numpy as np


def equation_1(w):
    """By how much w breaks sum = 1, and by how much the worst entry leaves [0, 1]."""
    return abs(np.sum(w) - 1), max(0.0, np.max(-w), np.max(w - 1))


def equation_2(w, M):
    """r_t."""
    r = np.zeros(M.shape[1])
    for i in range(len(M)):
        r += w[i] * M[i]
    return r


def equation_3(M, w, e):
    """M~_t, after one head has erased."""
    return np.stack([M[i] * (1 - w[i] * e) for i in range(len(M))])


def equation_4(M_tilde, w, a):
    """M_t, after one head has added."""
    return np.stack([M_tilde[i] + w[i] * a for i in range(len(M_tilde))])


def equation_5(k, beta, M):
    """w^c_t."""
    scores = np.array([np.exp(beta * equation_6(k, row)) for row in M])
    return scores / scores.sum()


def equation_6(u, v):
    """K[u, v]."""
    return np.dot(u, v) / (np.sqrt(np.dot(u, u)) * np.sqrt(np.dot(v, v)))


def equation_7(g, w_c, w_before):
    """w^g_t."""
    return g * w_c + (1 - g) * w_before


def equation_8(w_g, s):
    """w~_t."""
    N = len(w_g)
    return np.array([sum(w_g[j] * s[(i - j) % N] for j in range(N)) for i in range(N)])


def equation_9(w_tilde, gamma):
    """w_t."""
    return w_tilde**gamma / np.sum(w_tilde**gamma)


def equation_10(N_1, N_0):
    """P(B = 1 | N_1, N_0, c)."""
    return (N_1 + 0.5) / (N_1 + N_0 + 1)


def sigma(z):
    return 1 / (1 + np.exp(-z))


def lstm_controller(x, r, h, c, W_x, W_r, W_h, b):
    """h_t and c_t; the rows of the weights stand as i, f, g, o."""
    i, f, g, o = np.split(W_x @ x + W_r @ r + W_h @ h + b, 4)
    c_t = sigma(f) * c + sigma(i) * np.tanh(g)
    return sigma(o) * np.tanh(c_t), c_t


def feedforward_controller(x, r, W_x, W_r, b):
    """h_t."""
    return np.tanh(W_x @ x + W_r @ r + b)
