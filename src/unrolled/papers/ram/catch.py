"""The game of catch: one reward at the end teaches a paddle to be under a falling ball, and where to look.

A whole batch of games is played at once. Positions are (row, column), in pixels from the upper left one.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from unrolled.base.errors import UsageError
from unrolled.nn.cells import LSTMState, lstm_step
from unrolled.nn.checks import check_indices, check_range, under_vmap
from unrolled.nn.scan import scan
from unrolled.nn.score_function import baseline_loss, score_function_loss
from unrolled.papers.ram.model import Core, GlimpseNetwork, location_log_prob, sample_location
from unrolled.papers.ram.retina import retina

LEFT, STAY, RIGHT = range(3)
PADDLE = 2
"""Width of the paddle in pixels."""


class CatchState(NamedTuple):
    """A frame: where the ball is, its sideways speed (-1, 0 or 1), and the paddle's left pixel."""

    row: Int[Tensor, "*steps batch"]
    column: Int[Tensor, "*steps batch"]
    drift: Int[Tensor, "*steps batch"]
    paddle: Int[Tensor, "*steps batch"]


def catch_starts(size: int, copies: int = 1) -> tuple[Int[Tensor, " games"], Int[Tensor, " games"]]:
    """The ball's column and sideways speed of every game that can begin, each so many times.

    >>> column, drift = catch_starts(size=3)
    >>> column.tolist(), drift.tolist()
    ([0, 0, 0, 1, 1, 1, 2, 2, 2], [-1, 0, 1, -1, 0, 1, -1, 0, 1])
    """
    every = torch.cartesian_prod(torch.arange(size), torch.arange(-1, 2)).repeat(copies, 1)
    return every[:, 0].contiguous(), every[:, 1].contiguous()


def catch_start(column: Int[Tensor, " batch"], drift: Int[Tensor, " batch"], size: int) -> CatchState:
    """The first frame: the ball in the top row, the paddle in the middle of the bottom row."""
    return CatchState(torch.zeros_like(column), column, drift, torch.full_like(column, (size - PADDLE) // 2))


def catch_step(state: CatchState, action: Int[Tensor, " batch"], size: int) -> CatchState:
    """The next frame: the paddle moves by a pixel or stays; the ball falls by a pixel and bounces off walls.

    *Paper*: mnih2014recurrent, the game of its experiments on dynamic environments (recalled).

    *Shapes*: as annotated. Actions are 0 (left), 1 (stay) and 2 (right).

    *Departures*: unspecified: how fast ball and paddle move, and where they begin.

    >>> state = catch_start(torch.tensor([0]), torch.tensor([-1]), size=6)
    >>> catch_step(state, torch.tensor([LEFT]), size=6)
    CatchState(row=tensor([1]), column=tensor([1]), drift=tensor([1]), paddle=tensor([1]))
    """
    paddle = (state.paddle + action - STAY).clamp(0, size - PADDLE)
    moved = state.column + state.drift
    column = (size - 1) - ((size - 1) - moved.abs()).abs()  # reflected at both walls
    drift = torch.where(column == moved, state.drift, -state.drift)
    return CatchState(state.row + 1, column, drift, paddle)


def catch_reward(state: CatchState) -> Float[Tensor, " batch"]:
    """The reward of a last frame: 1 where the ball is in a column of the paddle, else 0."""
    return ((state.column >= state.paddle) & (state.column < state.paddle + PADDLE)).float()


def screen(state: CatchState, size: int) -> Float[Tensor, "batch size size"]:
    """The frame as binary pixels: ball and paddle are 1.

    >>> screen(catch_start(torch.tensor([0]), torch.tensor([1]), size=3), size=3)[0]
    tensor([[1., 0., 0.],
            [0., 0., 0.],
            [1., 1., 0.]])
    """
    bottom = (size - 1) * size + state.paddle
    lit = torch.stack((state.row * size + state.column, bottom, bottom + 1), dim=1)
    canvas = torch.zeros(lit.shape[0], size * size, device=lit.device)
    return canvas.scatter(1, lit, 1.0).view(-1, size, size)


class Played(NamedTuple):
    """A batch of games from their first to their last frame; nothing in it has a gradient."""

    states: CatchState  # one frame more than there were actions
    glimpses: Float[Tensor, "time batch glimpse"]
    samples: Float[Tensor, "time batch 2"]
    """Where the retina looked, before clamping to [-1, 1]."""
    actions: Int[Tensor, "time batch"]
    reward: Float[Tensor, " batch"]


class CatchAgent(nn.Module):
    """RAM with an LSTM core that plays catch: at each frame one glimpse, one action, and where to look next.

    *Paper*: mnih2014recurrent, its experiment on a dynamic environment; an action at every step.

    In training, actions and locations are drawn; in evaluation the most probable action is taken, and the
    gaze goes to the policy's mean. Nothing but the reward at the end teaches it: what it saw and did are
    constants to REINFORCE, so a batch is first played without gradients, and then run again through torch's
    fused LSTM, which gives the log-probabilities of all steps at once.

    *Options*: ``gain`` multiplies the output of the location network, ``location_std`` is sigma. With
    ``through_core`` the location's term trains the core as well, not the location network alone.

    *Departures*: unspecified: sizes, sigma, the reach (the border), the first location (the centre), and how
    bright a coarse patch is: here sums of pixels, not means, so that the ball is 1 at every scale.
    Optimiser: without ``through_core`` the core learns from the actions' term alone, because the noise of
    two coordinates a step drowns it.

    *Raises*: `UsageError` for a screen of fewer than three pixels, or a sigma that is not positive.
    """

    def __init__(
        self,
        size: int,
        glimpse_size: int,
        scales: int = 1,
        *,
        location_std: float = 0.1,
        gain: float = 0.3,
        hidden_size: int = 64,
        features: tuple[int, int, int] = (64, 32, 64),
        through_core: bool = False,
    ) -> None:
        super().__init__()
        if size <= PADDLE:
            raise UsageError(f"size is {size}; a paddle of {PADDLE} pixels needs more")
        if not location_std > 0:
            raise UsageError(f"location_std is {location_std}; it must be positive")
        self.size, self.glimpse_size, self.scales = size, glimpse_size, scales
        self.location_std, self.gain, self.through_core = location_std, gain, through_core
        self.glimpse = GlimpseNetwork(scales * glimpse_size**2, *features)
        self.core = Core(features[2], hidden_size, "lstm")
        self.location = nn.Linear(hidden_size, 2)
        self.action = nn.Linear(hidden_size, 3)
        self.baseline = nn.Linear(hidden_size, 1)
        for head in (
            self.location,
            self.action,
            self.baseline,
        ):  # at first it does anything, about the centre
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)

    @property
    def area(self) -> Float[Tensor, " glimpse"]:
        """Pixels under each number of a glimpse."""
        scales = torch.arange(self.scales, device=self.core.b.device)
        return (4.0**scales).repeat_interleave(self.glimpse_size**2).to(self.core.b.dtype)

    @property
    def steps(self) -> int:
        """Actions of a game: the ball needs so many to reach the bottom row."""
        return self.size - 1

    def mean(self, h: Float[Tensor, "*steps batch hidden"]) -> Float[Tensor, "*steps batch 2"]:
        """The mean of the next location."""
        return torch.tanh(self.gain * self.location(h))

    @torch.no_grad()
    def play(
        self,
        column: Int[Tensor, " batch"],
        drift: Int[Tensor, " batch"],
        actions: Int[Tensor, "time batch"] | None = None,
    ) -> Played:
        """Games from these starts; with ``actions`` the paddle obeys them, and the agent only looks on."""
        check_indices("column", column, self.size)
        check_range("drift", drift, -1, 1)
        game, core = catch_start(column, drift, self.size), self.core.initial(column.shape[0])
        sample = core.h.new_zeros(column.shape[0], 2)
        states, glimpses, samples, taken = [game], [], [], []
        for t in range(self.steps):
            location = sample.clamp(-1, 1)
            shown = screen(game, self.size).to(self.area)
            rho = retina(shown, location, self.glimpse_size, self.scales, self.size / 2) * self.area
            core = self.core(core, self.glimpse(rho, location))
            action = self._act(self.action(core.h)) if actions is None else actions[t]
            game = catch_step(game, action, self.size)
            for kept, new in zip(
                (states, glimpses, samples, taken), (game, rho, sample, action), strict=True
            ):
                kept.append(new)
            mean = self.mean(core.h)
            noise = torch.randn_like(mean) if self.training else torch.zeros_like(mean)
            sample = sample_location(mean, self.location_std, noise)
        frames = CatchState(*map(torch.stack, zip(*states, strict=True)))
        return Played(
            frames, torch.stack(glimpses), torch.stack(samples), torch.stack(taken), catch_reward(game)
        )

    def _act(self, logits: Tensor) -> Tensor:
        if self.training:  # the largest of logits with Gumbel noise is a draw from their softmax
            logits = logits - torch.empty_like(logits).exponential_().log()
        return logits.argmax(1)

    def hidden(self, played: Played) -> Float[Tensor, "time batch hidden"]:
        """The core's states in games that were played, with gradients."""
        locations = played.samples.clamp(-1, 1)
        inputs = self.glimpse(played.glimpses.flatten(0, 1), locations.flatten(0, 1))
        inputs = inputs.unflatten(0, played.actions.shape)
        initial: LSTMState = self.core.initial(inputs.shape[1])
        weights = [self.core.W_x, self.core.W_h, self.core.b]
        if under_vmap(inputs, *weights):
            return scan(lstm_step, inputs, initial, *weights).states.h
        weights.append(torch.zeros_like(self.core.b))
        states = (initial.h.unsqueeze(0), initial.c.unsqueeze(0))
        return torch.lstm(inputs, states, weights, True, 1, 0.0, self.training, False, False)[0]

    def log_probs(
        self, played: Played, h: Float[Tensor, "time batch hidden"]
    ) -> tuple[Float[Tensor, "time batch"], Float[Tensor, "time_less_one batch"]]:
        """The log-probabilities of the actions, and of the locations that were chosen: all but the first."""
        logits = functional.log_softmax(self.action(h), dim=-1)
        acted = logits.gather(-1, played.actions.unsqueeze(-1)).squeeze(-1)
        mean = self.mean(h[:-1] if self.through_core else h[:-1].detach())
        return acted, location_log_prob(played.samples[1:], mean, self.location_std)


def catch_loss(model: CatchAgent, batch: tuple[Tensor, ...], reward_weight: float = 1.0) -> Tensor:
    """REINFORCE for actions and locations of freshly played games, and the baseline's squared error.

    *Paper*: mnih2014recurrent, equation 3: every step of a game gets its reward, less b_t, learned from h_t.

    ``batch`` is the ball's column and sideways speed of each game. ``reward_weight`` weighs the locations.
    """
    played = model.play(*batch)
    h = model.hidden(played)
    acted, looked = model.log_probs(played, h)
    baseline = model.baseline(h.detach()).squeeze(-1)
    reward = played.reward.expand_as(acted)
    return (
        score_function_loss(acted, reward, baseline)
        + reward_weight * score_function_loss(looked, reward[1:], baseline[:-1])
        + baseline_loss(baseline, reward)
    )


class CatchTrace(NamedTuple):
    """Games frame by frame, in pixels, without the last frame, which nobody looks at: what a figure shows."""

    ball: Float[Tensor, "time batch 2"]
    paddle: Int[Tensor, "time batch"]
    gaze: Float[Tensor, "time batch 2"]
    reward: Float[Tensor, " batch"]


def catch_trace(model: CatchAgent, played: Played) -> CatchTrace:
    """Where ball, paddle and gaze were at every frame that the agent saw; a gaze at pixel 3's middle is 3."""
    states = CatchState(*(part[:-1] for part in played.states))
    gaze = model.size / 2 * (1 + played.samples.clamp(-1, 1)) - 0.5
    ball = torch.stack((states.row, states.column), dim=-1).float()
    return CatchTrace(ball, states.paddle, gaze, played.reward)


@torch.no_grad()
def catch_evaluate(model: CatchAgent, arrays: tuple[Tensor, ...]) -> dict[str, float]:
    """The share of balls caught and missed, and how the gaze keeps to the ball.

    ``gaze_distance`` is its mean distance from the ball in pixels; ``gaze_tracking`` the correlation of the
    gaze's column with the ball's over games, averaged over the steps: 0 for a gaze that is blind to the ball.
    """
    trace = catch_trace(model, model.play(*arrays))
    caught = trace.reward.mean().item()
    gaze, ball = (part[1:, :, 1] - part[1:, :, 1].mean(1, keepdim=True) for part in (trace.gaze, trace.ball))
    scale = (gaze.square().sum(1) * ball.square().sum(1)).sqrt()
    tracking = torch.where(
        scale > 1e-6, (gaze * ball).sum(1) / scale.clamp(min=1e-6), torch.zeros_like(scale)
    )
    return {
        "error": 1.0 - caught,
        "accuracy": caught,
        "gaze_distance": (trace.gaze - trace.ball).norm(dim=-1).mean().item(),
        "gaze_tracking": tracking.mean().item(),
    }
