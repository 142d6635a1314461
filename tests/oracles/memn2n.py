"""The equations of "End-To-End Memory Networks", in plain NumPy float64, from the paper alone.

Matrices multiply column vectors: A is d x V, a word is a one-hot column. One question at a time.
"""

import numpy as np


def softmax(z):
    powers = np.exp(z - z.max())
    return powers / powers.sum()


def one_hot(word, V):
    x = np.zeros(V)
    x[word] = 1.0
    return x


def equation_1(u, m):
    """The weights p of memories m, one row a memory."""
    return softmax(np.array([u @ m_i for m_i in m]))


def equation_2(p, c):
    """o."""
    return sum(p_i * c_i for p_i, c_i in zip(p, c, strict=True))


def equation_3(W, o, u):
    """The answer of a single hop."""
    return softmax(W @ (o + u))


def equation_4(u, o):
    return u + o


def answer(W, u):
    return softmax(W @ u)


def bag_of_words(A, sentence):
    """m_i of a sentence, a list of words."""
    return sum(A @ one_hot(word, A.shape[1]) for word in sentence)


def l_printed(k, j, d, J):
    """The printed position weight, k and j from 1."""
    return (1 - j / J) - (k / d) * (1 - 2 * j / J)


def l_product(k, j, d, J):
    return 0.5 + 2 * (k / d - 0.5) * (j / J - 0.5)


def l_code(k, j, d, J):
    return 1 + 4 * (k - (d + 1) / 2) * (j - (J + 1) / 2) / (d * J)


def position_encoding(A, sentence, weight=l_printed, J=None):
    """m_i; J is the sentence's own length unless it is given."""
    d, V = A.shape
    J = J or len(sentence)
    m = np.zeros(d)
    for j, word in enumerate(sentence, 1):
        l_j = np.array([weight(k, j, d, J) for k in range(1, d + 1)])
        m += l_j * (A @ one_hot(word, V))
    return m


def with_time(m, T):
    """Memories plus their times; row i of T belongs to memory i."""
    return np.array([m_i + T[i] for i, m_i in enumerate(m)])


def linear_hop(u, m, c):
    """(I + sum_i c_i m_i^T) u."""
    M = np.eye(len(u))
    for m_i, c_i in zip(m, c, strict=True):
        M += np.outer(c_i, m_i)
    return M @ u


def network(story, question, A, C, B, W, T_A, T_C, sentence, H=None, linear=False, empty=0):
    """The logits of a network of len(A) hops.

    Args:
        story: sentences, the last one before the question first.
        A, C: lists of matrices d x V, one a hop; T_A, T_C: lists of rows, one a hop.
        sentence: how a sentence becomes a vector: sentence(matrix, words).
        H: d x d for layer-wise tying.
        empty: memories of the null symbol, whose embedding is zero, that fill up the story.
    """
    u = sentence(B, question)
    weights = []
    for A_k, C_k, TA_k, TC_k in zip(A, C, T_A, T_C, strict=True):
        m = with_time([sentence(A_k, x) for x in story], TA_k)
        c = with_time([sentence(C_k, x) for x in story], TC_k)
        m, c = np.pad(m, ((0, empty), (0, 0))), np.pad(c, ((0, empty), (0, 0)))
        if linear:
            o = linear_hop(u, m, c) - u
        else:
            p = equation_1(u, m)
            weights.append(p)
            o = equation_2(p, c)
        u = equation_4(u, o) if H is None else H @ u + o
    return W @ u, weights


def half_rectified(u):
    """ReLU on the second half of the state."""
    return np.where(np.arange(len(u)) < len(u) // 2, u, np.maximum(u, 0))


def language_model(words, A, C, T_A, T_C, H, W, hops):
    """The distribution of the next word; matrices here have one row a word, and u^1 is 0.1 throughout."""
    m, c = with_time([A[word] for word in words], T_A), with_time([C[word] for word in words], T_C)
    u, weights = np.full(A.shape[1], 0.1), []
    for _ in range(hops):
        p = equation_1(u, m)
        u = half_rectified(H @ u + equation_2(p, c))
        weights.append(p)
    return answer(W, u), np.array(weights)
