"""Presets: tables of runs.toml become configurations, and what is wrong with one is told with its name."""

import inspect

import pytest
from tiny import TinyExperiment

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.training.presets import preset, presets


def test_tables_inherit_and_expand():
    found = presets(TinyExperiment)
    assert list(found) == ["plain", "adam", "wide_12", "wide_24"]
    assert found["plain"].about == "forty updates"
    assert found["adam"].about == ""
    assert (found["adam"].config.optimiser, found["adam"].config.optimiser_options) == ("adam", ())
    assert [found[f"wide_{n}"].config.hidden for n in (12, 24)] == [12, 24]


def test_unknown_preset_is_told_with_near_names():
    with pytest.raises(UsageError, match=r"no preset 'plane' .did you mean plain"):
        preset(TinyExperiment, "plane")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a]\nhiden = 3", r"\[a\] no setting 'hiden' .did you mean hidden"),
        ("[a]\nhidden = 'x'", r"\[a\] hidden: Input should be a valid integer"),
        ("[a]\nfrom = 'b'", r"\[a\] from = 'b': no such table"),
        ("[a]\nfrom = 'b'\n[b]\nfrom = 'a'", "no such table"),
        ("[a", "not TOML"),
    ],
)
def test_faults_name_file_and_preset(tmp_path, monkeypatch, text, message):
    (tmp_path / "runs.toml").write_text(text)
    monkeypatch.setattr(inspect, "getfile", lambda kind: str(tmp_path / "experiment.py"))
    with pytest.raises(UnrolledError, match=message) as raised:
        presets(TinyExperiment)
    assert "runs.toml" in str(raised.value)
