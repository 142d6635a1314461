"""The equations of "Memory Networks", in plain NumPy float64, from the paper alone.

Phi is a full vector of D features, as the paper has it: the dictionary for y, that for the words of the
question, and that for the words of chosen memories, one after the other. One question at a time.
"""

import itertools

import numpy as np


def bag(words, W):
    """The words of a sentence, counted; word 0 is padding."""
    phi = np.zeros(W)
    for word in words:
        if word:
            phi[word] += 1.0
    return phi


def phi_y(words, W):
    return np.concatenate((bag(words, W), np.zeros(2 * W)))


def phi_x(question, chosen, W):
    return np.concatenate((np.zeros(W), bag(question, W), sum((bag(c, W) for c in chosen), np.zeros(W))))


def equation_1(memory, x):
    """m after x was written to the next free slot."""
    return [*memory, x]


def equation_5(phi_of_x, phi_of_y, U):
    """U is n x D."""
    return phi_of_x @ U.T @ U @ phi_of_y


def equation_2(question, memory, U, W):
    """o_1 and the score of each memory."""
    scores = [equation_5(phi_x(question, [], W), phi_y(m, W), U) for m in memory]
    return int(np.argmax(scores)), scores


def equation_3(question, first, memory, U, W):
    """o_2 and the scores, given the memory that was chosen first."""
    scores = [equation_5(phi_x(question, [first], W), phi_y(m, W), U) for m in memory]
    return int(np.argmax(scores)), scores


def equation_4(question, chosen, U, W):
    """The score of every word as the answer."""
    x = phi_x(question, chosen, W)
    return np.array([equation_5(x, one_hot, U) for one_hot in np.eye(W, 3 * W)])


def hinge(gamma, true, wrong):
    """Equations 6 to 8 for one choice: the sum over wrong ones."""
    return sum(max(0.0, gamma - true + score) for score in wrong)


def phi_t(x, y, z):
    """x, y and z are the times of writing; older is earlier."""
    return np.array([float(x < y), float(x < z), float(y < z)])


def equation_9(phi_of_x, phi_of_y, phi_of_z, times, U, U_t):
    """U_t is n x 3, the columns of the three features of time."""
    return phi_of_x @ U.T @ (U @ (phi_of_y - phi_of_z) + U_t @ times)


def scan(phi_of_x, x, memory, U, U_t):
    """The walk from the oldest memory to the newest, which keeps the winner."""
    winner = 0
    for slot in range(1, len(memory)):
        if equation_9(phi_of_x, memory[winner], memory[slot], phi_t(x, winner, slot), U, U_t) <= 0:
            winner = slot
    return winner


def equation_10(phi_of_x, phi_of_y, U, lam, W):
    """The copies of the dictionary are taken as one where words are matched."""
    return equation_5(phi_of_x, phi_of_y, U) + lam * (
        phi_of_x.reshape(3, W).sum(0) @ phi_of_y.reshape(3, W).sum(0)
    )


def neighbours(sentences, W):
    """For each word the shares of the words before it and after it."""
    found = np.zeros((2, W, W))
    for sentence in sentences:
        words = [word for word in sentence if word]
        for first, second in itertools.pairwise(words):
            found[0, second, first] += 1
            found[1, first, second] += 1
    totals = found.sum(-1, keepdims=True)
    return np.divide(found, totals, out=np.zeros_like(found), where=totals > 0)
