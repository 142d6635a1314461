"""Frey Face: a pickle that may hold an array of bytes, and nothing that runs."""

import collections
import io
import os
import pickle
import pickletools
import subprocess

import numpy as np
import pytest
import torch

from unrolled.base.errors import UnrolledError
from unrolled.data import faces
from unrolled.data.pickled import read_array

BYTES = ("u1",)
ARRAY = np.arange(12, dtype=np.uint8).reshape(3, 4)


def pickled(tmp_path, thing, protocol=0):
    path = tmp_path / "faces.pkl"
    path.write_bytes(pickle.dumps(thing, protocol=protocol))
    return path


def python_2(array, kind="u1"):
    """The text pickle that Python 2 wrote of a list of one array, opcode by opcode."""
    out = io.BytesIO()
    content = "".join(f"\\x{byte:02x}" for byte in array.tobytes())
    out.write(b"(lp0\ncnumpy.core.multiarray\n_reconstruct\np1\n(cnumpy\nndarray\np2\n(I0\ntp3\nS'b'\np4\n")
    out.write(b"tp5\nRp6\n(I1\n(" + b"".join(b"I%d\n" % n for n in array.shape) + b"tp7\n")
    out.write(f"cnumpy\ndtype\np8\n(S'{kind}'\np9\nI0\nI1\ntp10\nRp11\n".encode())
    out.write(b"(I3\nS'|'\np12\nNNNI-1\nI-1\nI0\ntp13\nbI00\n")
    out.write(f"S'{content}'\np14\ntp15\nba.".encode())
    return out.getvalue()


def test_array_of_python_2_comes_back(tmp_path):
    path = tmp_path / "faces.pkl"
    path.write_bytes(python_2(ARRAY))
    assert np.array_equal(read_array(path, BYTES), ARRAY)


class Harmful:
    def __init__(self, call, *arguments):
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [x], lambda x: [ARRAY, {"a": x}]])
def test_malicious_pickle_runs_nothing(tmp_path, protocol, wrap):
    trace = tmp_path / "trace"
    path = pickled(tmp_path, wrap(Harmful(os.system, f"touch {trace}")), protocol)
    with pytest.raises(UnrolledError, match="refused as a pickle: it asks for") as caught:
        read_array(path, BYTES)
    assert str(path) in str(caught.value)
    assert not trace.exists()
    pickle.loads(path.read_bytes())  # this one would have run
    assert trace.exists()


@pytest.mark.parametrize(
    "thing",
    [
        Harmful(eval, "1"),
        Harmful(subprocess.Popen, ["true"]),
        Harmful(getattr, "numpy", "load"),
        Harmful(np.load, "faces.pkl"),
        Harmful(np.frombuffer, b"1"),
        collections.OrderedDict(a=1),
        torch.Size([1]),
        np.array([object()]),
        np.zeros(3),
        np.zeros(3, "U4"),
        np.float64(1.0),
        np.asfortranarray(ARRAY),
        [ARRAY, ARRAY],
        {"a": 1},
        [],
        "faces",
        None,
    ],
)
def test_everything_but_one_array_of_bytes_is_refused(tmp_path, thing):
    with pytest.raises(UnrolledError, match="pickle"):
        read_array(pickled(tmp_path, thing), BYTES)


@pytest.mark.parametrize("kind", ["f8", "O", "V4", "u2"])
def test_arrays_of_other_types_are_refused(tmp_path, kind):
    path = tmp_path / "faces.pkl"
    path.write_bytes(python_2(ARRAY, kind))
    with pytest.raises(UnrolledError, match=f"type '{kind}'"):
        read_array(path, BYTES)


@pytest.mark.parametrize(
    "content",
    [b"", b".", b"garbage", b"(lp0\n", b"Pnumpy\n.", b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f."],
)
def test_what_is_no_pickle_is_told(tmp_path, content):
    path = tmp_path / "faces.pkl"
    path.write_bytes(content)
    with pytest.raises(UnrolledError):
        read_array(path, BYTES)


def test_every_cut_and_every_changed_name_is_refused(tmp_path):
    path, whole = tmp_path / "faces.pkl", python_2(ARRAY)
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(UnrolledError):
            read_array(path, BYTES)
    path.write_bytes(whole.replace(b"I4\n", b"I5\n"))
    with pytest.raises(UnrolledError, match="12 bytes"):
        read_array(path, BYTES)
    names = [arg for op, arg, _ in pickletools.genops(whole) if op.name == "GLOBAL"]
    assert names == ["numpy.core.multiarray _reconstruct", "numpy ndarray", "numpy dtype"]
    for name in (b"numpy\nndarray", b"numpy\ndtype", b"numpy.core.multiarray\n_reconstruct"):
        path.write_bytes(whole.replace(name, b"os\nsystem"))
        with pytest.raises(UnrolledError, match=r"it asks for os\.system"):
            read_array(path, BYTES)


class TestRealFrames:
    @pytest.fixture(autouse=True)
    def _mirror(self, real_mirror):
        """These read the real file."""

    def test_frames_are_all_there(self):
        frames = faces.frames()
        assert frames.shape == (1965, 560)
        assert (frames.min().item(), frames.max().item()) == (8, 238)

    def test_frames_that_follow_each_other_are_alike(self):
        frames = faces.frames().float()
        step = (frames[1:] - frames[:-1]).abs().mean()
        assert step < 0.7 * (frames[1:] - frames[torch.randperm(1964)]).abs().mean()

    def test_splits_lose_no_frame(self):
        splits = faces.load()
        assert [len(splits[name]) for name in ("train", "valid", "test")] == [1565, 200, 200]
        found = torch.cat(list(splits.values())).long().sum(1).sort().values
        assert torch.equal(found, faces.frames().long().sum(1).sort().values)
