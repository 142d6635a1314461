"""The equations of "Recurrent Models of Visual Attention", in plain NumPy float64, from the paper alone.

Matrices multiply column vectors, one example at a time. A location is (down, right).
"""

import numpy as np


def retina(x, l, g_w, k, reach):
    """rho(x, l): k patches around l, each twice as wide as the one before, all brought to g_w x g_w.

    The paper says "resized"; here every number is the mean of the square of pixels that it stands for, and
    pixels outside of the image are 0. l = 1 lies `reach` pixels from the centre, rounded to whole pixels.
    """
    height, width = x.shape
    row = int(np.floor(height / 2 + reach * l[0] + 0.5))
    column = int(np.floor(width / 2 + reach * l[1] + 0.5))

    def pixel(i, j):
        return x[i, j] if 0 <= i < height and 0 <= j < width else 0.0

    numbers = []
    for scale in range(k):
        side = 2**scale
        top, left = row - g_w * side // 2, column - g_w * side // 2
        for i in range(g_w):
            for j in range(g_w):
                square = [
                    pixel(top + i * side + a, left + j * side + b) for a in range(side) for b in range(side)
                ]
                numbers.append(sum(square) / len(square))
    return np.array(numbers)


def rect(z):
    return np.maximum(z, 0.0)


def glimpse_what_where(rho, l, W_rho, b_rho, W_l, b_l):
    """h_g and h_l."""
    return rect(W_rho @ rho + b_rho), rect(W_l @ l + b_l)


def glimpse(h_g, h_l, W_hg, W_hl, b):
    """g_t; the two linear maps have one bias together."""
    return rect(W_hg @ h_g + W_hl @ h_l + b)


def core(h, g, W_h, W_g, b):
    """h_t."""
    return rect(W_h @ h + W_g @ g + b)


def location(h, W, b, sigma, noise):
    """A draw of l_t from N(Lin(h_t), sigma^2 I), of given standard normal noise."""
    return W @ h + b + sigma * noise


def location_density(l, mean, sigma):
    """The density of N(mean, sigma^2 I) in two dimensions."""
    distance = (l[0] - mean[0]) ** 2 + (l[1] - mean[1]) ** 2
    return np.exp(-distance / (2 * sigma**2)) / (2 * np.pi * sigma**2)


def score(l, mean, sigma):
    """The gradient of log pi with respect to the mean."""
    return (l - mean) / sigma**2


def action(h, W, b):
    """p(y | s_1:T)."""
    z = W @ h + b
    powers = np.exp(z - z.max())
    return powers / powers.sum()


def equation_1(rewards_of_steps):
    """The sum of rewards of each of M episodes [M, T], and its mean: an estimate of J."""
    R = [sum(r_t for r_t in episode) for episode in rewards_of_steps]
    return np.array(R), sum(R) / len(R)


def equation_2(scores, R):
    """The REINFORCE estimate from M episodes: scores [M, T, parameters], R [M]."""
    M, T, _ = scores.shape
    return sum(scores[i, t] * R[i] for i in range(M) for t in range(T)) / M


def equation_3(scores, R, b):
    """The estimate with baselines b [M, T]."""
    M, T, _ = scores.shape
    return sum(scores[i, t] * (R[i] - b[i, t]) for i in range(M) for t in range(T)) / M


def baseline_error(R, b):
    """The squared error whose minimum is b_t = E[R_t], summed over steps, averaged over episodes."""
    M, T = b.shape
    return sum((R[i] - b[i, t]) ** 2 for i in range(M) for t in range(T)) / M


def hybrid(p, y, log_pi, R, b, weight):
    """The hybrid loss: p [M, classes], y [M], log_pi [M, T], R [M], b [M, T]."""
    M, T = b.shape
    total = 0.0
    for i in range(M):
        total -= np.log(p[i, y[i]])
        for t in range(T):
            total += (R[i] - b[i, t]) ** 2 - weight * log_pi[i, t] * (R[i] - b[i, t])
    return total / M
