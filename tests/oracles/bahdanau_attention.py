"""The equations of "Neural Machine Translation by Jointly Learning to Align and Translate", in plain NumPy
float64, written from the paper alone.

One sentence, words as one-hot columns, matrices as the paper shapes them: E is [m, K], W [n, m], U [n, n],
C [n, 2n], U_o [2l, n], V_o [2l, m], C_o [2l, 2n], W_o [K_y, l]. Biases, which the paper does not print, are
added where the code has them.
"""

import numpy as np


def sigma(z):
    return 1 / (1 + np.exp(-z))


def encoder_reset_gate(x, h, E, W_r, U_r, b_r):
    """r_i of the forward encoder."""
    return sigma(W_r @ (E @ x) + U_r @ h + b_r)


def encoder_update_gate(x, h, E, W_z, U_z, b_z):
    """z_i of the forward encoder."""
    return sigma(W_z @ (E @ x) + U_z @ h + b_z)


def encoder_candidate(x, h, r, E, W, U, b):
    """h~_i of the forward encoder: the reset gate acts before the product."""
    return np.tanh(W @ (E @ x) + U @ (r * h) + b)


def encoder_state(h, z, candidate):
    """h_i of the forward encoder: z = 1 takes the candidate."""
    return (1 - z) * h + z * candidate


def equation_1(words, E, W, W_z, W_r, U, U_z, U_r, b, b_z, b_r):
    """All states h_t = f(x_t, h_{t-1}) of one direction, from h_0 = 0."""
    h, states = np.zeros(U.shape[0]), []
    for x in words:
        r = encoder_reset_gate(x, h, E, W_r, U_r, b_r)
        z = encoder_update_gate(x, h, E, W_z, U_z, b_z)
        h = encoder_state(h, z, encoder_candidate(x, h, r, E, W, U, b))
        states.append(h)
    return states


def equation_7(words, left, right):
    """h_j = [forward h_j; backward h_j]; ``left`` and ``right`` are the arguments of `equation_1`."""
    forward = equation_1(words, *left)
    backward = equation_1(words[::-1], *right)[::-1]
    return [np.concatenate(pair) for pair in zip(forward, backward, strict=True)]


def summary(forward, backward):
    """c = q({h_1, ..., h_T}): the last state of each reading."""
    return np.concatenate((forward[-1], backward[0]))


def decoder_start(backward_1, W_s, b_s):
    """s_0."""
    return np.tanh(W_s @ backward_1 + b_s)


def alignment_energy(s, h_j, v_a, W_a, U_a):
    """e_ij = a(s_{i-1}, h_j)."""
    return v_a @ np.tanh(W_a @ s + U_a @ h_j)


def equation_6(energies):
    """alpha_ij."""
    exponentials = [np.exp(e) for e in energies]
    return [e / sum(exponentials) for e in exponentials]


def equation_5(alpha, annotations):
    """c_i."""
    return sum(a * h for a, h in zip(alpha, annotations, strict=True))


def decoder_reset_gate(y, s, c, E, W_r, U_r, C_r, b_r):
    """r_i of the decoder."""
    return sigma(W_r @ (E @ y) + U_r @ s + C_r @ c + b_r)


def decoder_update_gate(y, s, c, E, W_z, U_z, C_z, b_z):
    """z_i of the decoder."""
    return sigma(W_z @ (E @ y) + U_z @ s + C_z @ c + b_z)


def decoder_candidate(y, s, c, r, E, W, U, C, b):
    """s~_i."""
    return np.tanh(W @ (E @ y) + U @ (r * s) + C @ c + b)


def decoder_update(s, z, candidate):
    """s_i."""
    return (1 - z) * s + z * candidate


def output_sum(y, s, c, E, U_o, V_o, C_o, b):
    """t~_i, from the state that the appendix prints: s_{i-1}."""
    return U_o @ s + V_o @ (E @ y) + C_o @ c + b


def maxout(total):
    """t_i: t_ij = max(t~_{i,2j-1}, t~_{i,2j}), j from 1."""
    return np.array([max(total[2 * j - 2], total[2 * j - 1]) for j in range(1, len(total) // 2 + 1)])


def output_distribution(t, W_o, b):
    """p(y_i)."""
    odds = np.exp(W_o @ t + b)
    return odds / odds.sum()


def equation_2(probabilities):
    """p(y): the product of the words' probabilities."""
    result = 1.0
    for p in probabilities:
        result *= p
    return result
