"""Equations 1 to 8 of "Recurrent Batch Normalization", in plain NumPy float64, written from the paper alone.

Everything is the paper's: gates stacked f, i, o, g; W_h is [d_h, 4 d_h] and W_x [d_x, 4 d_h], so that a
batch of rows is multiplied from the right (the paper prints these shapes, and the product from the left).
"""

import numpy as np

EPSILON = 1e-5


def sigma(z):
    return 1 / (1 + np.exp(-z))


def equation_1(h, x, W_h, W_x, b):
    """h_t of the simple recurrent network, with phi = tanh."""
    return np.tanh(h @ W_h + x @ W_x + b)


def equation_2(h, x, W_h, W_x, b):
    """The pre-activations f~, i~, o~, g~ of an LSTM, side by side."""
    return h @ W_h + x @ W_x + b


def equation_3(c, preactivations):
    """c_t."""
    f, i, _, g = np.split(preactivations, 4, axis=1)
    return sigma(f) * c + sigma(i) * np.tanh(g)


def equation_4(c_t, preactivations):
    """h_t."""
    o = np.split(preactivations, 4, axis=1)[2]
    return sigma(o) * np.tanh(c_t)


def equation_5(h, gamma, beta):
    """BN(h; gamma, beta), with the mean and the variance over the rows."""
    mean = h.sum(axis=0) / h.shape[0]
    variance = ((h - mean) ** 2).sum(axis=0) / h.shape[0]
    return beta + gamma * (h - mean) / np.sqrt(variance + EPSILON)


def equation_6(h, x, W_h, W_x, b, gamma_h, gamma_x):
    """The pre-activations of a BN-LSTM, with beta_h = beta_x = 0."""
    return equation_5(h @ W_h, gamma_h, 0.0) + equation_5(x @ W_x, gamma_x, 0.0) + b


def equation_7(c, preactivations):
    """c_t of a BN-LSTM: that of the LSTM, not normalised."""
    return equation_3(c, preactivations)


def equation_8(c_t, preactivations, gamma_c, beta_c):
    """h_t of a BN-LSTM."""
    o = np.split(preactivations, 4, axis=1)[2]
    return sigma(o) * np.tanh(equation_5(c_t, gamma_c, beta_c))
