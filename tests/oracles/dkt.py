"""The equations of "Deep Knowledge Tracing" and its appendix, in plain NumPy float64, from the paper alone.

Everything is the paper's: x_t is a vector of its own for each pair, one-hot or Gaussian, and every product
is W times a column.
"""

import numpy as np


def sigma(z):
    return 1 / (1 + np.exp(-z))


def delta(q, size):
    """The vector that is 1 at q and 0 elsewhere."""
    vector = np.zeros(size)
    vector[q] = 1
    return vector


def one_hot_input(q, a, exercises):
    """x_t of a pair; our order: the wrong answers of all exercises, then the right ones."""
    return delta(q + exercises * a, 2 * exercises)


def projected_input(q, a, n):
    """x_t = n_{q,a}; ``n[q][a]`` is the vector that was drawn for the pair."""
    return n[q][a]


def equation_1(h, x, W_hx, W_hh, b_h):
    """h_t of one student."""
    return np.tanh(W_hx @ x + W_hh @ h + b_h)


def equation_2(h, W_yh, b_y):
    """y_t of one student."""
    return sigma(W_yh @ h + b_y)


def equation_3(y, q, a):
    """L of one student: y_0 predicts the answer a_1 to the exercise q_1, and so on."""
    total = 0.0
    for t in range(len(q) - 1):
        p = y[t] @ delta(q[t + 1], len(y[t]))
        total += -a[t + 1] * np.log(p) - (1 - a[t + 1]) * np.log(1 - p)
    return total


def equation_4(y):
    """J, from ``y[i][j]`` = y(j | i)."""
    size = len(y)
    J = np.empty((size, size))
    for i in range(size):
        for j in range(size):
            J[i, j] = y[i][j] / sum(y[k][j] for k in range(size))
    return J


def appendix_gate(x, h, W_x, W_h, b):
    """Each of i_t, f_t, o_t and also g_t."""
    return sigma(W_x @ x + W_h @ h + b)


def appendix_cell(m, i, f, g):
    """m_t."""
    return f * m + i * g


def appendix_output(m_t, o):
    """h_t."""
    return o * m_t


def appendix_readout(m_t, W_zm, b_z):
    """z_t."""
    return W_zm @ m_t + b_z


def simulated_probability(alpha, beta, c=0.25):
    """p(right) of a skill alpha at a difficulty beta."""
    return c + (1 - c) / (1 + np.exp(-(alpha - beta)))
