"""What a machine refuses is one line and an exit status."""

import errno

import pytest

from unrolled import cli


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EROFS, "Read-only file system", "/x/y.json"), "/x/y.json: Read-only file system ("),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), "/x: No space left on device (make room"),
        (ModuleNotFoundError("no", name="papermill.execute"), "pip install 'unrolled[book]'"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)  # fmt: skip
def test_a_fault_of_the_machine_is_one_line(error, said, monkeypatch, capsys):
    def fail(**_):
        raise error

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as caught:
        cli.main([])
    assert caught.value.code in (1, 130)
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
