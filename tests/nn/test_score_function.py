"""Score-function gradients against enumeration, and what a baseline does to them."""

import torch

from unrolled.nn.score_function import MovingBaseline, baseline_loss, score_function_loss

REWARDS = torch.tensor([1.0, 0.2, -0.5, 3.0], dtype=torch.float64)


def exact_gradient(logits):
    """Of the expected reward of a categorical choice, by enumeration."""
    logits = logits.clone().requires_grad_()
    (torch.softmax(logits, 0) * REWARDS).sum().backward()
    return logits.grad


def estimates(logits, baseline, draws):
    """One estimate a draw, ``[draws, 4]``."""
    actions = torch.multinomial(torch.softmax(logits, 0), draws, replacement=True)
    rows = logits.expand(draws, 4).clone().requires_grad_()
    log_prob = torch.log_softmax(rows, 1).gather(1, actions[:, None]).squeeze(1)
    score_function_loss(log_prob, REWARDS[actions], baseline).backward()
    return -rows.grad * draws


def test_gradient_equals_enumeration_when_every_choice_is_weighed_by_its_probability():
    logits = torch.tensor([0.3, -0.2, 0.1, -1.0], dtype=torch.float64)
    policy = torch.softmax(logits, 0)
    for baseline in (0.0, 0.7, -20.0):
        rows = logits.expand(4, 4).clone().requires_grad_()
        log_prob = torch.log_softmax(rows, 1).diagonal()
        score_function_loss(log_prob, REWARDS, baseline).backward()
        expected = (-rows.grad * 4 * policy[:, None]).sum(0)
        torch.testing.assert_close(expected, exact_gradient(logits), rtol=1e-10, atol=1e-12)


def test_sampled_gradient_agrees_with_enumeration_and_a_baseline_lowers_its_variance():
    logits = torch.tensor([0.3, -0.2, 0.1, -1.0], dtype=torch.float64)
    mean = (torch.softmax(logits, 0) * REWARDS).sum().item()
    variances = []
    for baseline in (0.0, mean, -20.0):
        found = estimates(logits, baseline, 100_000)
        error = found.std(0) / len(found) ** 0.5
        assert ((found.mean(0) - exact_gradient(logits)).abs() < 4.5 * error).all()
        variances.append(found.var(0).sum())
    assert variances[1] < variances[0] < variances[2]


def test_rewards_and_baselines_get_no_gradient_from_the_policys_loss():
    log_prob = torch.randn(3, 5, requires_grad=True)
    reward, baseline = torch.randn(5, requires_grad=True), torch.randn(3, 5, requires_grad=True)
    score_function_loss(log_prob, reward, baseline).backward()
    assert reward.grad is None
    assert baseline.grad is None
    torch.testing.assert_close(log_prob.grad, -(reward - baseline).detach() / 5)
    baseline_loss(baseline, reward).backward()
    assert reward.grad is None
    assert baseline.grad.abs().sum() > 0


def test_moving_baseline_starts_at_the_first_reward_and_survives_a_checkpoint():
    baseline = MovingBaseline(momentum=0.25)
    for reward in (4.0, 0.0):
        baseline.update(torch.full((3,), reward))
    assert baseline.value == 3.0
    restored = MovingBaseline(momentum=0.25)
    restored.load_state_dict(baseline.state_dict())
    restored.update(torch.full((3,), 3.0))
    assert restored.value == 3.0
