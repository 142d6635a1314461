"""The game's rules, and an agent that learns it from the reward at the end alone."""

import itertools

import pytest
import torch
from torch import nn

from unrolled.base.errors import UsageError
from unrolled.papers.ram.catch import (
    LEFT,
    PADDLE,
    RIGHT,
    STAY,
    CatchAgent,
    CatchState,
    catch_evaluate,
    catch_loss,
    catch_reward,
    catch_start,
    catch_starts,
    catch_step,
    catch_trace,
    screen,
)
from unrolled.papers.ram.experiment import EXPERIMENT


def frames(size, column, drift, actions):
    """One game told by plain Python: a list of (row, column, paddle)."""
    row, paddle, told = 0, (size - PADDLE) // 2, []
    for action in [*actions, None]:
        told.append((row, column, paddle))
        if action is None:
            return told
        paddle = min(max(paddle + {LEFT: -1, STAY: 0, RIGHT: 1}[action], 0), size - PADDLE)
        if not 0 <= column + drift < size:
            drift = -drift
        row, column = row + 1, column + drift
    raise AssertionError


@pytest.mark.parametrize("size", [3, 4, 7])
def test_games_follow_the_rules(size):
    column, drift = catch_starts(size, copies=5)
    actions = torch.randint(3, (size - 1, len(column)))
    played = CatchAgent(size, 2).play(column, drift, actions)
    for game in range(len(column)):
        told = frames(size, column[game].item(), drift[game].item(), actions[:, game].tolist())
        states = played.states
        seen = zip(
            *(part[:, game].tolist() for part in (states.row, states.column, states.paddle)), strict=True
        )
        assert list(seen) == told
        row, last, paddle = told[-1]
        assert row == size - 1
        assert played.reward[game] == (last in (paddle, paddle + 1))


def test_starts_are_all_there_are():
    column, drift = catch_starts(5, copies=2)
    games = list(zip(column.tolist(), drift.tolist(), strict=True))
    assert sorted(games) == sorted(2 * list(itertools.product(range(5), (-1, 0, 1))))


def test_screen_shows_the_ball_and_two_pixels_of_paddle():
    state = CatchState(*(torch.tensor([value]) for value in (1, 3, 0, 2)))
    picture = torch.zeros(5, 5)
    picture[1, 3] = picture[4, 2] = picture[4, 3] = 1
    assert torch.equal(screen(state, 5)[0], picture)
    end = state._replace(row=torch.tensor([4]))  # ball and paddle share a pixel
    assert screen(end, 5).sum() == 2
    assert catch_reward(end).item() == 1


def test_every_ball_can_be_caught():
    size = 9
    column, drift = catch_starts(size)
    state = catch_start(column, drift, size)
    landing = state
    for _ in range(size - 1):
        landing = catch_step(landing, torch.full_like(column, STAY), size)
    for _ in range(size - 1):
        towards = (landing.column - state.paddle).clamp(-1, 1) + STAY
        state = catch_step(state, towards, size)
    assert catch_reward(state).all()


def test_a_paddle_that_rests_catches_what_enumeration_says():
    size = 6
    column, drift = catch_starts(size)
    agent = CatchAgent(size, 2).eval()
    with torch.no_grad():
        agent.action.bias[STAY] = 5.0
    found = catch_evaluate(agent, (column, drift))
    expected = 0
    for c, d in itertools.product(range(size), (-1, 0, 1)):
        _, last, paddle = frames(size, c, d, [STAY] * (size - 1))[-1]
        expected += last in (paddle, paddle + 1)
    assert found["accuracy"] == pytest.approx(expected / (3 * size))
    assert found["error"] == pytest.approx(1 - found["accuracy"])
    assert found["gaze_tracking"] == 0  # it looks at the centre, whatever the ball does


def busy(size=3, **options):
    """A small agent in double precision, with weights in its heads too."""
    agent = CatchAgent(size, 2, hidden_size=4, features=(5, 3, 4), **options).double()
    for head in (agent.action, agent.baseline, agent.location):
        nn.init.normal_(head.weight)
        nn.init.normal_(head.bias)
    return agent


@pytest.fixture
def double():
    """Float64 everywhere, so that enumeration is exact."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def every_game(agent, column, drift):
    """All sequences of actions from one start, as one batch of games."""
    sequences = torch.tensor(list(itertools.product(range(3), repeat=agent.steps))).T
    games = sequences.shape[1]
    return agent.play(torch.full((games,), column), torch.full((games,), drift), sequences)


@pytest.mark.usefixtures("double")
def test_score_function_with_the_baseline_is_the_gradient_of_the_enumerated_reward():
    agent = busy(size=4).eval()  # the gaze goes to the mean: what is seen depends on nothing random
    with torch.no_grad():
        agent.location.weight.zero_()
    played = every_game(agent, 0, 1)
    parameters = [agent.action.weight, *agent.core.parameters(), *agent.glimpse.parameters()]

    acted, _ = agent.log_probs(played, agent.hidden(played))
    chances = acted.sum(0).exp()
    assert chances.sum().item() == pytest.approx(1)
    expected = (chances * played.reward).sum()
    assert 0.05 < expected < 0.95
    exact = torch.autograd.grad(expected, parameters)

    h = agent.hidden(played)
    acted, _ = agent.log_probs(played, h)
    advantage = played.reward - agent.baseline(h).squeeze(-1)
    weighted = (acted * (chances * advantage).detach()).sum()
    estimate = torch.autograd.grad(weighted, parameters)
    for found, true in zip(estimate, exact, strict=True):
        torch.testing.assert_close(found, true, rtol=1e-9, atol=1e-12)


@pytest.mark.usefixtures("double")
def test_losses_of_played_games_average_to_the_enumerated_gradient():
    agent = busy(size=4, gain=0.0, location_std=1e-6)  # every draw shows the same pixels
    games = torch.zeros(500, dtype=torch.int64)
    found = []
    for _ in range(40):
        agent.zero_grad()
        catch_loss(agent, (games, games + 1), reward_weight=0.0).backward()
        found.append(-agent.action.weight.grad)
    found = torch.stack(found)
    agent.eval()
    played = every_game(agent, 0, 1)
    acted, _ = agent.log_probs(played, agent.hidden(played))
    (exact,) = torch.autograd.grad((acted.sum(0).exp() * played.reward).sum(), agent.action.weight)
    error = found.std(0) / len(found) ** 0.5
    assert ((found.mean(0) - exact).abs() < 4.5 * error).all()
    assert (exact.abs() > 4.5 * error).any()  # the test could tell zero from the gradient


@pytest.mark.usefixtures("double")
def test_replayed_steps_are_the_played_ones():
    agent = busy(size=5)
    played = agent.play(*catch_starts(5))
    state, hidden = agent.core.initial(15), agent.hidden(played)
    for t in range(agent.steps):
        state = agent.core(state, agent.glimpse(played.glimpses[t], played.samples[t].clamp(-1, 1)))
        torch.testing.assert_close(hidden[t], state.h)
    assert not any(part.requires_grad for part in (played.glimpses, played.samples, played.reward))
    acted, looked = agent.log_probs(played, hidden)
    policy = torch.distributions.Categorical(logits=agent.action(hidden))
    torch.testing.assert_close(acted, policy.log_prob(played.actions))
    gaze = torch.distributions.Normal(agent.mean(hidden[:-1]), agent.location_std)
    torch.testing.assert_close(looked, gaze.log_prob(played.samples[1:]).sum(-1))


def test_actions_are_drawn_from_the_policy():
    agent = CatchAgent(3, 2)
    with torch.no_grad():
        agent.action.bias.copy_(torch.tensor([0.7, 0.2, 0.1]).log())
    start = torch.zeros(20_000, dtype=torch.int64)
    actions = agent.play(start, start).actions[0]
    shares = torch.bincount(actions, minlength=3) / len(start)
    torch.testing.assert_close(shares, torch.tensor([0.7, 0.2, 0.1]), atol=0.02, rtol=0)
    assert agent.eval().play(start, start).actions.unique().item() == 0


@pytest.mark.parametrize("through", [False, True])
def test_gaze_pulls_on_the_core_only_where_it_is_asked_to(through):
    agent = busy(through_core=through).float()
    played = agent.play(*catch_starts(3))
    agent.log_probs(played, agent.hidden(played))[1].sum().backward()
    assert agent.location.weight.grad.any()
    grad = agent.core.W_x.grad
    assert (grad is not None and grad.any().item()) == through


def test_trace_is_in_pixels():
    agent = busy(size=5).float()
    played = agent.play(*catch_starts(5))
    trace = catch_trace(agent, played)
    assert trace.ball.shape == trace.gaze.shape == (4, 15, 2)
    assert torch.equal(trace.gaze[0], torch.full((15, 2), 2.0))  # the middle pixel of five
    assert trace.ball[:, 0, 0].tolist() == [0, 1, 2, 3]
    assert trace.gaze.min() >= -0.5
    assert trace.gaze.max() <= 4.5


def test_tracking_is_one_for_a_gaze_that_follows_the_ball():
    agent = CatchAgent(5, 2).eval()
    column, drift = catch_starts(5)
    state = catch_start(column, drift, 5)
    columns = []
    for _ in range(5):
        columns.append(state.column)
        state = catch_step(state, torch.full_like(column, STAY), 5)
    gazes = iter([torch.stack((c * 0.0, (c + 0.5) / 2.5 - 1), -1) for c in columns[1:]])
    agent.mean = lambda h: next(gazes)
    found = catch_evaluate(agent, (column, drift))
    assert found["gaze_tracking"] == pytest.approx(1, abs=1e-4)


def test_it_learns_a_tiny_game():
    agent = CatchAgent(4, 4, hidden_size=16, features=(16, 8, 16))
    starts = catch_starts(4, copies=8)
    optimiser = torch.optim.Adam(agent.parameters(), 0.02)
    before = catch_evaluate(agent.eval(), catch_starts(4))["accuracy"]
    agent.train()
    for _ in range(60):
        optimiser.zero_grad()
        catch_loss(agent, starts).backward()
        optimiser.step()
    assert catch_evaluate(agent.eval(), catch_starts(4))["accuracy"] > before + 0.2


@pytest.mark.parametrize("profile", ["smoke", "book", "paper"])
def test_experiment_plays_catch_where_a_run_says_so(profile):
    config = EXPERIMENT.variants(profile)["catch"]
    splits, agent = EXPERIMENT.data(config), EXPERIMENT.model(config)
    assert len(splits.train[0]) >= config.batch_size
    assert len(splits.valid[0]) == 3 * config.size  # every game there is, once
    assert splits.test is None
    assert not EXPERIMENT.datasets(config)
    assert agent.core.hidden_size == config.hidden
    loss = EXPERIMENT.loss(agent, tuple(part[:8] for part in splits.train))
    loss.backward()
    assert all(p.grad is not None for p in agent.parameters())
    metrics = EXPERIMENT.evaluate(agent.eval(), splits.valid)
    assert 0 <= metrics["error"] <= 1
    assert EXPERIMENT.selection[0] == "valid_error"


@pytest.mark.parametrize(
    ("options", "message"), [({"size": 2}, "size is 2"), ({"location_std": 0.0}, "location_std is 0.0")]
)
def test_impossible_games_are_told(options, message):
    with pytest.raises(UsageError, match=message):
        CatchAgent(**{"size": 5, "glimpse_size": 2} | options)
