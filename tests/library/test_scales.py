"""The scale of a run follows from the paper's settings and the run's configuration."""

from __future__ import annotations

import pytest
import statement_samples

from unrolled.base.errors import UnrolledError
from unrolled.library.measurements import Run
from unrolled.library.scales import scale_of
from unrolled.library.statements import Scale, Setting

SETTING = Setting(
    name="pmnist",
    locus={"section": "5"},
    data={"task": "pmnist"},
    stand_ins={"task": ["digits", "spoken"]},
    sizes={"hidden": 100, "cell": "lstm"},
    schedule={"updates": 100},
)


def run(complete: bool = True, **config) -> Run:
    return statement_samples.run(config={"cell": "lstm"} | config, complete=complete)


@pytest.mark.parametrize(
    ("made", "scale", "reductions"),
    [
        (run(), Scale.PAPER, ()),
        (run(hidden=200, updates=500), Scale.PAPER, ()),
        (run(hidden=50), Scale.REDUCED, ("smaller sizes",)),
        (run(cell="rnn"), Scale.REDUCED, ("smaller sizes",)),
        (run(updates=99), Scale.REDUCED, ("shorter schedule",)),
        (run(complete=False), Scale.REDUCED, ("shorter schedule",)),
        (run(task="spoken"), Scale.REDUCED, ("public stand-in",)),
        (run(task="digits", hidden=8), Scale.REDUCED, ("public stand-in", "smaller sizes")),
        (run(task="xor"), Scale.TOY, ("task is 'xor'",)),
    ],
)
def test_the_scale_is_computed_with_what_reduces_it(made, scale, reductions):
    assert scale_of(SETTING, [(made, False)]) == (scale, reductions)


def test_the_least_of_several_runs_counts():
    runs = [(run(), False), (run(hidden=50), False), (run(updates=9), False)]
    assert scale_of(SETTING, runs) == (Scale.REDUCED, ("shorter schedule", "smaller sizes"))
    assert scale_of(SETTING, [*runs, (run(task="xor"), False)])[0] == Scale.TOY


def test_of_runs_that_train_nothing_only_the_data_count():
    assert scale_of(SETTING, [(run(updates=1, hidden=1), True)]) == (Scale.PAPER, ())
    assert scale_of(SETTING, [(run(updates=1, task="digits"), True)])[0] == Scale.REDUCED


def test_a_field_that_no_configuration_has_is_told():
    setting = SETTING.model_copy(update={"sizes": {"units": 100}})
    with pytest.raises(
        UnrolledError, match=r"'units', which the configuration of bn_lstm-s0-.* does not have"
    ):
        scale_of(setting, [(run(), False)])
