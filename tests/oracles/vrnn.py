"""Equations 1 to 11 of "A Recurrent Latent Variable Model for Sequential Data", in plain NumPy float64.

One sequence and one step at a time, written from the paper alone. Networks are functions; where a test needs
numbers, a network is a list of (W, b), W [out, in], with rectified linear units between its layers. The
transition f is an LSTM whose gates are stacked i, f, g, o.
"""

import numpy as np

FLOOR = 1e-4


def sigma(a):
    return 1 / (1 + np.exp(-a))


def softplus(a):
    return np.log1p(np.exp(-np.abs(a))) + np.maximum(a, 0)


def network(layers, *inputs):
    """Rectified linear layers on the joined inputs, and a linear one."""
    a = np.concatenate(inputs)
    for W, b in layers[:-1]:
        a = np.maximum(W @ a + b, 0)
    W, b = layers[-1]
    return W @ a + b


def moments(a):
    """Mean and deviation from what a network gives."""
    d = len(a) // 2
    return a[:d], softplus(a[d:]) + FLOOR


def lstm(W_x, W_h, b, inputs, h, c):
    i, f, g, o = np.split(W_x @ inputs + W_h @ h + b, 4)
    c = sigma(f) * c + sigma(i) * np.tanh(g)
    return sigma(o) * np.tanh(c), c


def log_normal(x, mean, deviation):
    """log N(x; mean, diag(deviation^2))."""
    return sum(
        -0.5 * np.log(2 * np.pi * s**2) - (v - m) ** 2 / (2 * s**2)
        for v, m, s in zip(x, mean, deviation, strict=True)
    )


def equation_1(weights, x_t, h, c):
    """h_t = f(x_t, h_{t-1}), here an LSTM; with its cell."""
    return lstm(*weights, x_t, h, c)


def equation_2(log_probabilities):
    """log p(x_1, ..., x_T) from the log-probabilities of the steps."""
    total = 0.0
    for value in log_probabilities:
        total += value
    return total


def equation_3(layers, h):
    """The parameters of p(x_{t+1} | x_<=t) = g(h_t), for a Gaussian output."""
    return moments(network(layers, h))


def equation_4(log_likelihood, divergence):
    """The bound of a variational auto-encoder, with one sample in place of the expectation."""
    return -divergence + log_likelihood


def equation_5(prior, h):
    """mu_0 and sigma_0 of z_t."""
    return moments(network(prior, h))


def equation_6(decoder, z_features, h):
    """mu_x and sigma_x of x_t."""
    return moments(network(decoder, z_features, h))


def equation_7(W_x, W_z, W_h, b, x_features, z_features, h, c):
    """h_t = f(phi^x(x_t), phi^z(z_t), h_{t-1}); with its cell."""
    return lstm(np.concatenate((W_x, W_z), 1), W_h, b, np.concatenate((x_features, z_features)), h, c)


def equation_8(x, z, output_moments, prior_moments):
    """log p(x_<=T, z_<=T)."""
    return sum(
        log_normal(x_t, *of_x) + log_normal(z_t, *of_z)
        for x_t, z_t, of_x, of_z in zip(x, z, output_moments, prior_moments, strict=True)
    )


def equation_9(encoder, x_features, h):
    """mu_z and sigma_z of z_t given x_t."""
    return moments(network(encoder, x_features, h))


def equation_10(z, posterior_moments):
    """log q(z_<=T | x_<=T)."""
    return sum(log_normal(z_t, *of_z) for z_t, of_z in zip(z, posterior_moments, strict=True))


def divergence(mu_z, sigma_z, mu_0, sigma_0):
    """KL(N(mu_z, sigma_z) || N(mu_0, sigma_0)), summed over dimensions."""
    return 0.5 * np.sum(
        2 * np.log(sigma_0) - 2 * np.log(sigma_z) + (sigma_z**2 + (mu_z - mu_0) ** 2) / sigma_0**2 - 1
    )


def equation_11(x, output_moments, posterior_moments, prior_moments):
    """The bound, with one sample of every z_t in place of the expectation."""
    return sum(
        -divergence(*of_q, *of_p) + log_normal(x_t, *of_x)
        for x_t, of_x, of_q, of_p in zip(x, output_moments, posterior_moments, prior_moments, strict=True)
    )


def unrolled(p, x, noise):
    """A whole pass over a sequence x [T, d_x] with noise [T, d_z]: z, and the moments of x_t, q and p."""
    h, c = p["h_0"], p["c_0"]
    z, of_x, of_q, of_p = [], [], [], []
    for x_t, noise_t in zip(x, noise, strict=True):
        x_features = np.maximum(network(p["x_features"], x_t), 0)
        of_p.append(equation_5(p["prior"], h))
        of_q.append(equation_9(p["encoder"], x_features, h))
        z.append(of_q[-1][0] + of_q[-1][1] * noise_t)
        z_features = np.maximum(network(p["z_features"], z[-1]), 0)
        of_x.append(equation_6(p["decoder"], z_features, h))
        h, c = equation_7(p["W_x"], p["W_z"], p["W_h"], p["b"], x_features, z_features, h, c)
    return z, of_x, of_q, of_p
