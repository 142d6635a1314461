"""Files are written whole or not at all."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from unrolled.base import paths
from unrolled.base.errors import UnrolledError, unknown
from unrolled.base.files import atomic_write, sha256

SLOW_WRITER = """
import os, sys
from unrolled.base import files
real = os.fsync
def stop(descriptor):
    real(descriptor)
    print("written", flush=True)
    sys.stdin.read()
os.fsync = stop
files.atomic_write(sys.argv[1], b"new" * 100_000)
"""


def test_new_folder_old_file_and_checksum(tmp_path):
    path = atomic_write(tmp_path / "deep" / "file.txt", "grün\n")
    assert path.read_text(encoding="utf-8") == "grün\n"
    atomic_write(path, b"abc")
    assert sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert list(path.parent.iterdir()) == [path]


def test_writer_killed_before_the_last_step_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    writer = subprocess.Popen(
        [sys.executable, "-c", SLOW_WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert writer.stdout.readline() == b"written\n"
    os.kill(writer.pid, signal.SIGKILL)
    writer.communicate()
    assert path.read_bytes() == b"old"
    atomic_write(path, b"newer")
    assert path.read_bytes() == b"newer"


def test_failed_write_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        atomic_write(tmp_path / "file", "text")
    assert list(tmp_path.iterdir()) == []


def test_error_names_file_line_and_mend():
    error = UnrolledError("is broken", file=Path("bib/x.bib"), line=7, hint="close the brace")
    assert str(error) == "bib/x.bib:7: is broken (close the brace)"
    assert unknown("entry", "zzz", ["bn_lstm"], listing="see `unrolled list`").exit_code == 2


def test_project_named_by_the_environment_must_have_a_knowledge_base(tmp_path, monkeypatch):
    monkeypatch.setenv("UNROLLED_PROJECT", str(tmp_path))
    with pytest.raises(UnrolledError, match="no folder bib/ here"):
        paths.project()
    (tmp_path / "bib").mkdir()
    assert paths.entries() == tmp_path.resolve() / "bib" / "entries"
