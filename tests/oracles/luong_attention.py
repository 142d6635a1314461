"""The equations of "Effective Approaches to Attention-based Neural Machine Translation", in plain NumPy
float64, written from the paper alone.

One sentence, vectors without a batch; source positions s are 0 … S-1. Gates of an LSTM are i, f, g, o.
"""

import numpy as np


def sigma(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    return np.exp(z) / np.exp(z).sum()


def equation_1(log_probs):
    """log p(y | x): the sum over the words."""
    return sum(log_probs)


def equation_2(g, W_s):
    """p(y_j | y_<j, s) = softmax(g(h_j)), with g a matrix."""
    return softmax(W_s @ g)


def equation_3(h, c, gates_x, U):
    """h_j = f(h_{j-1}, s): one step of an LSTM, ``gates_x`` being what its inputs bring."""
    i, f, g, o = np.split(gates_x + U @ h, 4)
    c = sigma(f) * c + sigma(i) * np.tanh(g)
    return sigma(o) * np.tanh(c), c


def equation_4(log_probs_of_pairs):
    """J: minus the sum of the log-probabilities of all pairs."""
    return sum(-log_prob for log_prob in log_probs_of_pairs)


def equation_5(c_t, h_t, W_c):
    """h~_t."""
    return np.tanh(W_c @ np.concatenate((c_t, h_t)))


def equation_6(attentional, W_s):
    """p(y_t | y_<t, x)."""
    return softmax(W_s @ attentional)


def equation_7(scores):
    """a_t(s)."""
    return softmax(np.array(scores))


def score_dot(h_t, h_s):
    return h_t @ h_s


def score_general(h_t, h_s, W_a):
    return h_t @ W_a @ h_s


def score_concat(h_t, h_s, W_a, v_a):
    return v_a @ np.tanh(W_a @ np.concatenate((h_t, h_s)))


def equation_8(h_t, W_a):
    """a_t of the score location: of the state alone."""
    return softmax(W_a @ h_t)


def context(a_t, annotations):
    """c_t."""
    return sum(a * h for a, h in zip(a_t, annotations, strict=True))


def local_m(t, S):
    """p_t = t, or the last position where the source has ended."""
    return min(t, S - 1)


def equation_9(h_t, S, W_p, v_p):
    """p_t."""
    return S * sigma(v_p @ np.tanh(W_p @ h_t))


def in_window(s, p_t, D):
    """Whether a position is among the 2D + 1 of the window."""
    return abs(s - np.floor(p_t)) <= D


def local_align(scores, p_t, D):
    """align over the window alone: what lies outside has no weight."""
    inside = [in_window(s, p_t, D) for s in range(len(scores))]
    weights = np.array([np.exp(e) if ok else 0.0 for e, ok in zip(scores, inside, strict=True)])
    return weights / weights.sum()


def equation_10(scores, p_t, D):
    """a_t(s) of local-p."""
    sigma_ = D / 2
    factors = [np.exp(-((s - p_t) ** 2) / (2 * sigma_**2)) for s in range(len(scores))]
    return local_align(scores, p_t, D) * np.array(factors)


def input_feeding(E_y, attentional):
    """The input of the next step."""
    return np.concatenate((E_y, attentional))
