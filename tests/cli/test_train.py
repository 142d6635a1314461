"""`unrolled train` and `unrolled data`: what they print, and how they exit."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.base.errors import UsageError
from unrolled.cli import main
from unrolled.cli.train import parse_seeds


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Call the command line with an empty store and cache; gives exit status, output and error."""
    monkeypatch.setenv("UNROLLED_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("UNROLLED_DATA", str(tmp_path / "cache"))
    monkeypatch.delenv("UNROLLED_DATA_MIRROR", raising=False)

    def call(*arguments):
        with pytest.raises(SystemExit) as end:
            main(list(arguments))
        output = capsys.readouterr()
        return end.value.code, output.out, output.err

    return call


SMOKE = ("train", "bn_lstm", "smoke")


def test_train_tells_each_run_in_a_line(call):
    code, out, _ = call(*SMOKE, "--seeds", "0-1")
    assert code == 0
    lines = [line.split("\t") for line in out.splitlines()]
    assert [line[:3] for line in lines] == [["smoke", "seed 0", "complete"], ["smoke", "seed 1", "complete"]]


def test_without_a_preset_they_are_listed(call):
    code, out, _ = call("train", "bn_lstm")
    assert code == 0
    assert {"smoke", "live", "pmnist_bn"} <= {line.split("\t")[0] for line in out.splitlines()}


def test_second_call_loads_what_the_first_trained(call):
    first = json.loads(call(*SMOKE, "--json")[1])
    second = json.loads(call(*SMOKE, "--json")[1])
    assert first == second
    assert first[0]["command"] == "unrolled train bn_lstm smoke --seeds 0 --device cpu"
    assert set(first[0]["fingerprint"]) == {"losses", "gradient_norms", "after_update", "metrics"}


def test_stopped_run_goes_on_at_the_next_call(call):
    _, out, _ = call(*SMOKE, "--minutes", "0")
    assert "1 of 6 updates" in out
    _, out, _ = call(*SMOKE)
    assert "complete" in out


def test_setting_is_changed(call):
    result = json.loads(call(*SMOKE, "--set", "hidden=5", "--json")[1])[0]
    assert result["config"]["hidden"] == 5
    assert result["command"] == "unrolled train bn_lstm smoke --set hidden=5 --seeds 0 --device cpu"


def test_seeds_train_as_one_program(call):
    found = json.loads(call("train", "memn2n", "smoke", "--seeds", "0-2", "--ensemble", "--json")[1])
    assert [result["seeds_as_one_program"] for result in found] == [[0, 1, 2]] * 3


@pytest.mark.slow
def test_runs_apart_give_the_results_of_runs_in_turn(call):
    apart = json.loads(call(*SMOKE, "--seeds", "3,5", "--jobs", "2", "--json")[1])
    assert [result["seed"] for result in apart] == [3, 5]
    in_turn = json.loads(call(*SMOKE, "--seeds", "3,5", "--json")[1])
    assert apart == in_turn  # found in the store


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "bn_lst"), "no paper with an experiment 'bn_lst' (did you mean bn_lstm?)"),
        (("train", "bn_lstm", "smok"), "no preset 'smok' (did you mean smoke?)"),
        ((*SMOKE, "--seeds", "4-0"), "seeds are '4-0' (give them like 0-4 or 0,2,5-7)"),
        ((*SMOKE, "--set", "hidden"), "setting 'hidden' has no value"),
        ((*SMOKE, "--set", "hiden=3"), "no setting 'hiden' (did you mean hidden?)"),
        ((*SMOKE, "--device", "gpu"), "no device 'gpu' (it is cpu, cuda or cuda:N)"),
        (("data", "fetch", "mnits"), "no data set 'mnits' (did you mean mnist"),
    ],
)
def test_wrong_use_is_one_line_and_exit_status_2(call, arguments, message):
    code, out, err = call(*arguments)
    assert code == 2
    assert out == ""
    assert err.startswith(f"unrolled: {message}")
    assert err.count("\n") == 1


def test_data_list_tells_every_set(call):
    code, out, _ = call("data", "list", "--json")
    assert code == 0
    found = {dataset["name"]: dataset for dataset in json.loads(out)}
    assert found["mnist"]["bytes"] == 11_594_722
    assert all(dataset["licence"] for dataset in found.values())


def test_data_verify_tells_absent_files_and_fails_for_wrong_ones(call, tmp_path):
    assert call("data", "verify", "names")[:2] == (0, "names\tabsent\t1 of 1 files\n")
    wrong = tmp_path / "cache" / "names" / "names.txt"
    wrong.parent.mkdir(parents=True)
    wrong.write_text("emma\n")
    code, out, err = call("data", "verify", "names")
    assert code == 1
    assert "has 5 bytes" in out
    assert err.startswith("unrolled: 1 files are wrong")


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 9)), min_size=1, max_size=5))
def test_seeds_are_each_told_once_in_order(ranges):
    text = ",".join(f"{first}-{first + more}" if more else str(first) for first, more in ranges)
    expected = dict.fromkeys(seed for first, more in ranges for seed in range(first, first + more + 1))
    assert parse_seeds(text) == list(expected)


@given(st.text(alphabet="0123456789-, ax", max_size=8))
def test_seeds_are_parsed_or_refused(text):
    try:
        seeds = parse_seeds(text)
    except UsageError:
        return  # any other exception fails the test
    assert len(seeds) == len(set(seeds)) > 0
