"""Training: summed losses, clipping matrix by matrix, the schedule, and the choice of the best restart."""

import pytest
import torch
from torch.nn import functional

from unrolled.data.worlds.generate import questions
from unrolled.papers.memn2n.model import MemN2N
from unrolled.papers.memn2n.restarts import look, prepare, train_restarts
from unrolled.papers.memn2n.training import Trainee, errors, summary

SENTENCES = torch.tensor([[0, 0], [1, 2], [3, 4], [5, 0]])
BATCH = torch.tensor([[1, 2, 0], [2, 1, 1]]), torch.tensor([3, 3]), torch.tensor([4, 5])


def trainee(**options):
    torch.manual_seed(0)
    network = MemN2N(6, 4, 3, words=2, restarts=2)
    return Trainee(network, SENTENCES, **options)


def test_the_loss_is_a_sum_over_batch_and_restarts():
    model = trainee()
    logits = model.logits(*BATCH[:2])
    expected = sum(functional.cross_entropy(one, BATCH[2], reduction="sum") for one in logits)
    assert torch.allclose(model.loss(*BATCH), expected)


def gradients(model):
    model.zero_grad()
    model.loss(*BATCH).backward()
    return [p.grad.clone() for p in model.parameters()]


def test_each_matrix_of_each_restart_is_clipped_by_itself():
    free, clipped = gradients(trainee(clip_each=None)), gradients(trainee(clip_each=0.5))
    cut = 0
    for before, after in zip(free, clipped, strict=True):
        norms = before.norm(dim=(-2, -1))
        assert torch.allclose(after.norm(dim=(-2, -1)), norms.clamp(max=0.5), atol=1e-6)
        cut += int((norms > 0.5).sum())
        same = norms < 0.5
        assert torch.equal(after[same], before[same])
    assert 0 < cut < sum(before.shape[0] * before.shape[1] for before in free)


def test_the_linear_start_ends_and_the_halving_begins_anew():
    model = trainee(linear_updates=4, halve_every=3)
    shares, linear = [], []
    for _ in range(9):
        model.loss(*BATCH)
        shares.append(model.share().item())
        linear.append(bool(model.network.linear))
    assert linear == [True] * 4 + [False] * 5
    assert shares == [1, 1, 1, 0.5, 1, 1, 1, 0.5, 0.5]


def test_the_halved_gradient_is_half_the_gradient():
    model = trainee(halve_every=1, clip_each=None)
    first = gradients(model)
    second = gradients(model)
    for whole, half in zip(first, second, strict=True):
        assert torch.allclose(half, whole / 2)


def test_the_running_loss_is_the_mean_of_the_last_updates():
    model = trainee(memory_updates=1000)
    with torch.no_grad():
        per_restart = torch.stack(
            [functional.cross_entropy(one, BATCH[2]) for one in model.logits(*BATCH[:2])]
        )
    for _ in range(3):
        model.loss(*BATCH)
    assert torch.allclose(model.running, per_restart, atol=1e-6)


def test_the_best_restart_is_the_one_of_the_lowest_training_loss():
    by_task = {1: torch.tensor([0.0, 0.3, 0.1]), 2: torch.tensor([0.04, 0.5, 0.1])}
    metrics = summary(by_task, torch.tensor([0.5, 0.9, 0.1]))
    assert metrics["error"] == pytest.approx(0.1)
    assert metrics["failed"] == 2
    assert (metrics["task_1"], metrics["task_2"]) == (pytest.approx(0.1), pytest.approx(0.1))
    assert metrics["error_lowest"] == pytest.approx(0.02)
    assert metrics["error_median"] == pytest.approx(0.1)
    assert metrics["restart_1"] == pytest.approx(0.4)


def test_errors_are_counted_by_task():
    model = trainee().eval()
    answers = model.logits(*BATCH[:2]).argmax(-1)[0]  # what the first restart says
    found = errors(model, BATCH[0], BATCH[1], answers, torch.tensor([3, 8]), chunk=1)
    assert list(found) == [3, 8]
    assert [found[task][0].item() for task in found] == [0.0, 0.0]


def test_a_few_epochs_on_the_first_task_learn():
    prepared = prepare(questions(1, 200, seed=0), questions(1, 100, seed=1))
    trained = train_restarts(prepared, epochs=6, restarts=2, linear_epochs=1, measure_every=2)
    assert trained.epochs == [2, 4, 6]
    assert trained.training_errors.max() < 0.75  # of six places
    trace = look(trained.trainee, prepared.test.pick(torch.arange(3)))
    assert trace.alpha.shape == (2, 3, 3, 10)
    again = train_restarts(prepared, epochs=6, restarts=2, linear_epochs=1, measure_every=6)
    assert torch.equal(again.errors[-1], trained.errors[-1])
