"""The equations of "Tutorial on Variational Autoencoders" in plain NumPy float64, written from the text."""

import numpy as np


def marginal(likelihood, prior):
    """(1): log P(X) = log sum_z P(X|z) P(z), for X in columns."""
    return np.log(sum(likelihood[z] * prior[z] for z in range(len(prior))))


def divergence(q, p):
    """(2): E_Q[log Q - log P] over a finite set."""
    return sum(q[z] * (np.log(q[z]) - np.log(p[z])) for z in range(len(q)))


def posterior(likelihood, prior):
    """Bayes' rule, (3)."""
    joint = np.array([likelihood[z] * prior[z] for z in range(len(prior))])
    return joint / joint.sum(0)


def left_side(likelihood, prior, q):
    """(4), (5): log P(X) - D[Q || P(z|X)]."""
    return marginal(likelihood, prior) - divergence(q, posterior(likelihood, prior))


def right_side(likelihood, prior, q):
    """(4), (5): E_Q[log P(X|z)] - D[Q || P(z)]."""
    fit = sum(q[z] * np.log(likelihood[z]) for z in range(len(q)))
    return fit - divergence(q, prior)


def gaussian_divergence(m_0, S_0, m_1, S_1):
    """(6)."""
    inverse = np.linalg.inv(S_1)
    logs = np.log(np.linalg.det(S_1) / np.linalg.det(S_0))
    return 0.5 * (np.trace(inverse @ S_0) + (m_1 - m_0) @ inverse @ (m_1 - m_0) - len(m_0) + logs)


def standard_divergence(m, S):
    """(7)."""
    return 0.5 * (np.trace(S) + m @ m - len(m) - np.log(np.linalg.det(S)))


def objective(log_likelihood, epsilon, m, deviation):
    """(10) of one X, with the mean over samples of epsilon."""
    fit = np.mean([log_likelihood(m + deviation * e) for e in epsilon])
    return fit - standard_divergence(m, np.diag(deviation**2))


def weighted_error(x, f, deviation):
    """log P(X|z) of N(f(z), sigma^2 I): C - 1/2 ||X - f||^2 / sigma^2."""
    C = -0.5 * len(x) * np.log(2 * np.pi * deviation**2)
    return C - 0.5 * np.sum((x - f) ** 2) / deviation**2


def code_divergence(m, log_deviation):
    """mnist_vae.prototxt: 1/2 mu^2 + 1/2 sigma^2 - log sigma - 1/2, summed over latents."""
    return np.sum(0.5 * m**2 + 0.5 * np.exp(log_deviation) ** 2 - log_deviation - 0.5)


def relu(x):
    return np.maximum(x, 0)


def bernoulli(y, logits):
    """log P(Y | p) of binary pixels."""
    p = 1 / (1 + np.exp(-logits))
    return np.sum(y * np.log(p) + (1 - y) * np.log(1 - p))


def condition(w, x):
    """mnist_cvae.prototxt: the condition's second and fourth layers."""
    second = w["condition_2"](relu(w["condition_1"](x)))
    return second, w["condition_4"](relu(w["condition_3"](relu(second))))


def decoder(w, fourth, z):
    """The output's logits: the condition's fourth layer is summed into the first of the decoder."""
    h = relu(w["decoder_1"](z) + fourth)
    return w["output"](relu(w["decoder_3"](relu(w["decoder_2"](h)))))


def encoder(w, second, y):
    """Mean and log-deviation: the second layer is summed in; the latter reads layer 3 before its ReLU."""
    third = w["encoder_3"](relu(w["encoder_2"](relu(w["encoder_1"](y))) + second))
    return w["mean"](relu(third)), w["log_deviation"](third)


def conditional_bound(w, x, y, epsilon):
    """E_Q[log P(Y|z,X)] - D[Q(z|Y,X) || N(0, I)] with one sample."""
    second, fourth = condition(w, x)
    m, log_deviation = encoder(w, second, y)
    z = m + np.exp(log_deviation) * epsilon
    return bernoulli(y, decoder(w, fourth, z)) - code_divergence(m, log_deviation)
