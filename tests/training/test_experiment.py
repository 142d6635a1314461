"""Configurations: what is refused, and how text from the command line becomes values."""

import pytest
from tiny import TinyConfig

from unrolled.base.errors import UsageError
from unrolled.training.schedules import learning_rate


def test_text_becomes_values_of_the_fields_types():
    config = TinyConfig().changed(
        {
            "hidden": "9",
            "learning_rate": "1e-2",
            "clip_norm": "none",
            "fast": "true",
            "optimiser_options": "alpha=0.5",
        }
    )
    assert (config.hidden, config.learning_rate, config.clip_norm, config.fast) == (9, 0.01, None, True)
    assert config.optimiser_options == (("alpha", 0.5),)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("hiden", "9", "no setting 'hiden' .did you mean hidden"),
        ("hidden", "many", "hidden: Input should be a valid integer.*'many'"),
        ("optimiser", "adan", "optimiser: Input should be 'adam'.*'adan'"),
        ("updates", "0", "updates is 0; it must be at least 1"),
        ("learning_rate", "-1", "learning_rate is -1.0; it must be positive"),
        ("fast", "ye", "fast: Input should be a valid boolean.*'ye'"),
    ],
)
def test_bad_values_are_refused_in_one_line(name, text, message):
    with pytest.raises(UsageError, match=message):
        TinyConfig().changed({name: text})


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
def test_schedule_rises_to_the_rate_and_ends_at_its_share(schedule):
    config = TinyConfig(
        updates=100, warmup=10, learning_rate=2.0, schedule=schedule, final_learning_rate_share=0.25
    )
    rates = [learning_rate(config, update) for update in range(101)]
    assert rates[0] == pytest.approx(0.2)
    assert max(rates) == rates[9] == rates[10] == 2.0
    assert rates[-1] == pytest.approx(2.0 if schedule == "constant" else 0.5)
    assert rates[10:] == sorted(rates[10:], reverse=True)
