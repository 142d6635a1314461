"""Equations 1 to 12 and Appendix D of "Auto-Encoding Variational Bayes", in plain NumPy float64.

Written from the paper alone: sums over pixels i and latents j are loops or sums, densities are products of
one-dimensional ones, and expectations are Gauss-Hermite sums.
"""

import numpy as np


def log_normal(value, mean, variance):
    """log N(value; mean, variance I), the sum over the last axis."""
    return (-0.5 * np.log(2 * np.pi * variance) - (value - mean) ** 2 / (2 * variance)).sum(-1)


def log_normal_full(value, mean, covariance):
    """log N(value; mean, covariance)."""
    difference = value - mean
    _, determinant = np.linalg.slogdet(covariance)
    quadratic = difference @ np.linalg.inv(covariance) @ difference
    return -0.5 * (len(value) * np.log(2 * np.pi) + determinant + quadratic)


def gaussian_expectation(f, mean, deviation, nodes=24):
    """E[f(z)] for z ~ N(mean, diag deviation^2) in two dimensions, by Gauss-Hermite quadrature."""
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    weights = weights / weights.sum()
    total = 0.0
    for a, w_a in zip(points, weights, strict=True):
        for b, w_b in zip(points, weights, strict=True):
            total += w_a * w_b * f(mean + deviation * np.array([a, b]))
    return total


def divergence_between(m_0, S_0, m_1, S_1):
    """D_KL of two Gaussians with full covariances."""
    inverse = np.linalg.inv(S_1)
    logs = np.linalg.slogdet(S_1)[1] - np.linalg.slogdet(S_0)[1]
    return 0.5 * (np.trace(inverse @ S_0) + (m_1 - m_0) @ inverse @ (m_1 - m_0) - len(m_0) + logs)


def equation_1(divergence_from_posterior, bound):
    """log p(x)."""
    return divergence_from_posterior + bound


def equation_2(log_joint, mean, deviation):
    """E_q[-log q(z|x) + log p(x, z)]."""
    return gaussian_expectation(lambda z: -log_normal(z, mean, deviation**2) + log_joint(z), mean, deviation)


def equation_3(log_likelihood, mean, deviation):
    """-D_KL(q(z|x) || p(z)) + E_q[log p(x|z)]."""
    J = len(mean)
    divergence = divergence_between(mean, np.diag(deviation**2), np.zeros(J), np.eye(J))
    return -divergence + gaussian_expectation(log_likelihood, mean, deviation)


def equation_4(epsilon, mean, deviation):
    """g(epsilon, x) of a Gaussian posterior."""
    return mean + deviation * epsilon


def equation_5(f, epsilons, mean, deviation):
    """1/L sum_l f(g(epsilon_l, x))."""
    L = len(epsilons)
    return sum(f(equation_4(epsilon, mean, deviation)) for epsilon in epsilons) / L


def equation_6(log_joint, log_posterior):
    """L^A from lists over l."""
    L = len(log_joint)
    return sum(log_joint[i] - log_posterior[i] for i in range(L)) / L


def equation_7(divergence, log_likelihood):
    """L^B from a divergence and a list over l."""
    return -divergence + sum(log_likelihood) / len(log_likelihood)


def equation_8(bounds, N):
    """The bound of the whole data set, from those of a minibatch."""
    return N / len(bounds) * sum(bounds)


def equation_9(z, mean, variance):
    """log q(z|x)."""
    return log_normal(z, mean, variance)


def equation_10(mean, log_variance, log_likelihood):
    """The bound of the variational auto-encoder for one data point."""
    total = 0.0
    for j in range(len(mean)):
        total += 0.5 * (1 + log_variance[j] - mean[j] ** 2 - np.exp(log_variance[j]))
    return total + sum(log_likelihood) / len(log_likelihood)


def equation_11(x, z, W_1, b_1, W_2, b_2):
    """log p(x|z) of a Bernoulli decoder; weights multiply from the left."""
    y = 1 / (1 + np.exp(-(W_2 @ np.tanh(W_1 @ z + b_1) + b_2)))
    return sum(x[i] * np.log(y[i]) + (1 - x[i]) * np.log(1 - y[i]) for i in range(len(x)))


def equation_12(x, z, W_3, b_3, W_4, b_4, W_5, b_5):
    """log p(x|z) of a Gaussian decoder."""
    h = np.tanh(W_3 @ z + b_3)
    return log_normal(x, W_4 @ h + b_4, np.exp(W_5 @ h + b_5))


def appendix_d(q, prior, likelihood):
    """p(x) from densities (not logarithms) at L posterior samples."""
    L = len(q)
    return 1 / (sum(q[i] / (prior[i] * likelihood[i]) for i in range(L)) / L)
