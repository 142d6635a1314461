"""The equations of "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine
Translation", in plain NumPy float64, written from the paper alone.

One phrase, words as one-hot columns, matrices as the paper shapes them: an embedding E is [m, K], W [n, m],
U, V and C [n, n], O_h and O_c [2l, n], O_y [2l, m], the softmax's rows w_j [n]. Biases, which the paper does
not print, are added where the code has them; numbers of equations are those of the entry.
"""

import numpy as np


def sigma(z):
    return 1 / (1 + np.exp(-z))


def equation_2(h, w):
    """p(x_tj = 1 | x_<t) for every j, with w_j the rows of ``w``."""
    odds = [np.exp(w_j @ h) for w_j in w]
    return np.array([o / sum(odds) for o in odds])


def equation_3(probabilities):
    """p(x): the product of the words' probabilities."""
    result = 1.0
    for p in probabilities:
        result *= p
    return result


def equation_4(probabilities):
    """The objective: the mean log-probability of the training pairs."""
    return sum(np.log(p) for p in probabilities) / len(probabilities)


def equation_5(x, h, W_r, U_r, b_r):
    """r."""
    return sigma(W_r @ x + U_r @ h + b_r)


def equation_6(x, h, W_z, U_z, b_z):
    """z."""
    return sigma(W_z @ x + U_z @ h + b_z)


def equation_7(h, z, candidate):
    """h^t: z = 1 keeps the old state."""
    return z * h + (1 - z) * candidate


def equation_8(x, h, r, W, U, b):
    """h~^t: the reset gate acts before the product."""
    return np.tanh(W @ x + U @ (r * h) + b)


def equation_1(words, E, W, W_z, W_r, U, U_z, U_r, b, b_z, b_r):
    """All states h_t = f(h_{t-1}, x_t), from h_0 = 0, with f the gated unit."""
    h, states = np.zeros(U.shape[0]), []
    for word in words:
        x = E @ word
        r, z = equation_5(x, h, W_r, U_r, b_r), equation_6(x, h, W_z, U_z, b_z)
        h = equation_7(h, z, equation_8(x, h, r, W, U, b))
        states.append(h)
    return states


def summary(h_N, V, b):
    """c."""
    return np.tanh(V @ h_N + b)


def decoder_start(c, V, b):
    """h'_0."""
    return np.tanh(V @ c + b)


def decoder_gate(e_y, s, c, W, U, C, b):
    """r' or z': as in equations 5 and 6, and with the summary."""
    return sigma(W @ e_y + U @ s + C @ c + b)


def decoder_candidate(e_y, s, c, r, W, U, C, b):
    """h~': the reset gate scales the product with the state and that with the summary."""
    return np.tanh(W @ e_y + b + r * (U @ s + C @ c))


def decoder_candidate_as_equation_8(e_y, s, c, r, W, U, C, b):
    """h~' with the gate at the place of equation 8."""
    return np.tanh(W @ e_y + b + U @ (r * s) + C @ c)


def output_sum(e_y, s, c, O_h, O_y, O_c, b):
    """s'_t."""
    return O_h @ s + O_y @ e_y + O_c @ c + b


def maxout(total):
    """s_t: s_ti = max(s'_{t,2i-1}, s'_{t,2i}), i from 1."""
    return np.array([max(total[2 * i - 2], total[2 * i - 1]) for i in range(1, len(total) // 2 + 1)])


def equation_9(features, weights):
    """log p(f | e) less log Z(e)."""
    return sum(w * f for w, f in zip(weights, features, strict=True))
