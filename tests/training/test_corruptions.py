"""A damaged run folder gives the numbers of an undisturbed run, or one clear line; never others unsaid."""

import random
import shutil

import pytest
import torch
from tiny import TinyConfig, TinyExperiment

from unrolled.base.errors import UnrolledError
from unrolled.training.fit import fit
from unrolled.training.store import RunStore

CONFIG = TinyConfig(updates=21)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A finished run, and the folder of one that was stopped at update 12."""
    root = tmp_path_factory.mktemp("runs")
    finished = fit(TinyExperiment(CONFIG, 0), store=RunStore(root / "finished"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unrolled.training.fit._Training.late", lambda self, _: self.trainer.done >= 12)
        fit(TinyExperiment(CONFIG, 0), store=RunStore(root / "stopped"), minutes=1)
    return root, finished


def damage(data: bytes, rng: random.Random) -> bytes:
    """The bytes with one thing wrong: a bit, a digit, a cut, a hole, doubled or foreign content."""
    at = rng.randrange(len(data))
    digits = [place for place, byte in enumerate(data) if chr(byte).isdecimal() and byte < 128]
    kind = rng.choice(["bit", "digit", "cut", "hole", "double", "foreign", "line"])
    if kind == "digit" and digits:
        at = rng.choice(digits)
        return data[:at] + str((int(chr(data[at])) + rng.randint(1, 9)) % 10).encode() + data[at + 1 :]
    if kind == "cut":
        return data[:at]
    if kind == "hole":
        return data[:at] + data[at + rng.randint(1, 40) :]
    if kind == "double":
        return data[:at] + data[max(0, at - 30) :]
    if kind == "foreign":
        return rng.choice([b"", b"null", b"[]", b"{}", b"\x00" * 50, b"[" * 5000, b"NaN", b"\xff\xfe"])
    if kind == "line":
        lines = data.split(b"\n")
        lines.pop(rng.randrange(len(lines)))
        return b"\n".join(lines)
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


@pytest.mark.parametrize("corruptions", [24, pytest.param(200, marks=pytest.mark.long)])
def test_a_damaged_run_gives_the_same_numbers_or_one_clear_line(
    whole, tmp_path, corruptions, record_property
):
    root, expected = whole
    rng, told = random.Random(corruptions), 0
    for number in range(corruptions):
        state = rng.choice(["finished", "stopped"])
        shutil.copytree(root / state, tmp_path / "runs", dirs_exist_ok=False)
        (folder,) = (tmp_path / "runs" / "tiny").iterdir()
        file = rng.choice(sorted(path for path in folder.iterdir() if path.name != ".lock"))
        file.write_bytes(damage(file.read_bytes(), rng))
        try:
            run = fit(TinyExperiment(CONFIG, 0), store=RunStore(tmp_path / "runs"))
            assert run.metrics == expected.metrics, (number, file.name)
            assert run.losses == expected.losses, (number, file.name)
            for which in ("best", "last"):
                weights = run.weights(which)
                assert all(torch.equal(weights[k], v) for k, v in expected.weights(which).items()), file.name
        except UnrolledError:
            told += 1
        shutil.rmtree(tmp_path / "runs")
    record_property("corruptions", corruptions)
    record_property("told_in_one_line", told)
