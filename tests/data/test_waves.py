"""The generated signals: functions of their seed alone, with the statistics that they promise."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unrolled.base.errors import UsageError
from unrolled.data import waves


@given(sequences=st.integers(1, 6), time=st.integers(1, 60), seed=st.integers(0, 2**32 - 1))
def test_switches_are_where_the_regime_changes(sequences, time, seed):
    x, switches, regimes = waves.regime_waves(sequences, time, seed, hold=4, switch=0.3)
    assert x.shape == (sequences, time, 1)
    assert (x.dtype, switches.dtype, regimes.dtype) == (torch.float32, torch.bool, torch.int64)
    assert not switches[:, 0].any()
    assert torch.equal(switches[:, 1:], regimes[:, 1:] != regimes[:, :-1])
    assert 0 <= int(regimes.min()) <= int(regimes.max()) < len(waves.LEVELS)
    for row in switches:
        assert all(gap >= 4 for gap in row.nonzero().flatten().diff().tolist())


def test_waves_follow_from_the_seed():
    first, again, other = (waves.regime_waves(3, 40, seed) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first.x, other.x)
    assert torch.equal(waves.bimodal(3, 40, 1), waves.bimodal(3, 40, 1))
    assert not torch.equal(waves.bimodal(3, 40, 1), waves.bimodal(3, 40, 2))


@pytest.mark.parametrize("kind", [waves.LEVELS, waves.AMPLITUDES], ids=["levels", "amplitudes"])
def test_level_amplitude_and_period_are_those_of_the_regime(kind):
    x, _, regimes = waves.regime_waves(400, 200, 0, regimes=kind, switch=1 / 16, noise=0.0)
    x = x - torch.tensor([regime.level for regime in kind])[regimes][..., None]
    for number, regime in enumerate(kind):
        values = x[..., 0][regimes == number]
        assert float(values.abs().max()) == pytest.approx(regime.amplitude, rel=1e-3)
        assert float(values.square().mean()) == pytest.approx(regime.amplitude**2 / 2, rel=0.05)
    # Of a pure sine, x[t+1] + x[t-1] = 2 cos(w) x[t], with any phase.
    steady = (regimes[:, 2:] == regimes[:, 1:-1]) & (regimes[:, 1:-1] == regimes[:, :-2])
    for number, regime in enumerate(kind):
        inside = steady & (regimes[:, 1:-1] == number)
        around = (x[:, 2:, 0] + x[:, :-2, 0])[inside]
        torch.testing.assert_close(
            around, 2 * math.cos(2 * math.pi / regime.period) * x[:, 1:-1, 0][inside], atol=1e-5, rtol=1e-5
        )


def test_every_regime_follows_every_other_at_the_given_rate():
    _, switches, regimes = waves.regime_waves(600, 100, 3, regimes=waves.AMPLITUDES, switch=0.1, hold=1)
    assert float(switches[:, 1:].float().mean()) == pytest.approx(0.1, abs=0.005)
    pairs = {(a, b) for a in range(3) for b in range(3) if a != b}
    before, after = regimes[:, :-1][switches[:, 1:]], regimes[:, 1:][switches[:, 1:]]
    assert set(zip(before.tolist(), after.tolist(), strict=True)) == pairs


def test_noise_has_two_modes_about_the_sine():
    x = waves.bimodal(300, 100, 0, amplitude=0.0, gap=0.7, noise=0.05)[..., 0]
    above = x > 0
    assert float(above.float().mean()) == pytest.approx(0.5, abs=0.01)
    assert float((x.abs() < 0.4).float().mean()) == 0.0
    assert float(x[above].mean()) == pytest.approx(0.7, abs=1e-2)
    assert float(x[above].std()) == pytest.approx(0.05, rel=0.05)
    # The modes of neighbouring steps are independent.
    assert float((above[:, 1:] == above[:, :-1]).float().mean()) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(("gap", "noise"), [(1.0, 0.1), (0.3, 0.2), (0.0, 1.0)])
def test_limits_are_those_of_drawn_values(gap, noise):
    x = waves.bimodal(1000, 400, 0, amplitude=0.0, gap=gap, noise=noise).double().flatten()
    limits = waves.bimodal_limits(gap, noise)
    modes = torch.distributions.Normal(torch.tensor([gap, -gap], dtype=torch.float64), noise)
    truth = (modes.log_prob(x[:, None]).logsumexp(1) - math.log(2)).mean()
    gaussian = torch.distributions.Normal(x.mean(), x.std()).log_prob(x).mean()
    assert limits.truth == pytest.approx(float(truth), abs=0.01)
    assert limits.gaussian == pytest.approx(float(gaussian), abs=0.01)
    assert limits.truth >= limits.gaussian - 1e-9


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: waves.regime_waves(0, 5, 0), "at least one sequence"),
        (lambda: waves.regime_waves(1, 5, 0, regimes=[waves.Regime(3, 1)]), "at least two regimes"),
        (lambda: waves.regime_waves(1, 5, 0, switch=1.5), "a chance lies in 0 to 1"),
        (lambda: waves.regime_waves(1, 5, 0, noise=float("nan")), "the noise is a deviation"),
        (lambda: waves.bimodal(1, 0, 0), "at least one sequence"),
        (lambda: waves.bimodal(1, 5, 0, period=0), "a period lies above 0"),
        (lambda: waves.bimodal_limits(noise=0), "a deviation above 0"),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(UsageError, match=message):
        call()
