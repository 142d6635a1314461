"""The registry, the mirror, the cache and the download: every file is checked, every fault is one line."""

import errno
import shutil
import subprocess
import sys
import tomllib

import pytest
from served import CONTENT

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.data import download
from unrolled.data import registry as data

WRONG = b"x" * len(CONTENT["one.bin"])


def test_registry_pins_every_file():
    for name, dataset in data.datasets().items():
        assert dataset.files, name
        assert dataset.title
        assert dataset.licence
        assert dataset.citation
        assert dataset.splits
        for file in dataset.files.values():
            assert len(file.sha256) == 64
            assert int(file.sha256, 16) >= 0
            assert file.bytes > 0
            assert file.url.startswith("https://")


def test_registry_agrees_with_the_manifest_of_the_test_data(real_folder):
    manifest = tomllib.loads((real_folder / "MANIFEST.toml").read_text())
    known = data.datasets()
    assert {dataset["name"] for dataset in manifest["dataset"]} <= set(known)
    for row in manifest["file"]:
        file = known[row["dataset"]].files[row["file"].removeprefix(row["dataset"] + "/")]
        assert (file.url, file.sha256, file.bytes) == (row["url"], row["sha256"], row["bytes"])


def test_checksums_need_no_file():
    sums = data.checksums(["mnist", "binarized-mnist", "mnist"])
    assert list(sums) == ["binarized-mnist", "mnist"]
    assert len(sums["mnist"]) == 4


def test_unknown_names_are_told_with_near_ones(registry):
    with pytest.raises(UsageError, match=r"no data set 'mnits' .did you mean mnist"):
        data.fetch("mnits")
    with pytest.raises(UsageError, match=r"no file of pair 'one' .did you mean one.bin"):
        data.fetch("pair", only=["one"], registry=registry)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[pair\n", "not TOML"),
        ('[pair]\ntitle = "no base"\n', "data set 'pair' is incomplete or malformed"),
        ('[pair]\nbase = "b"\ntitel = "t"\n', "data set 'pair' is incomplete or malformed"),
    ],
)
def test_malformed_registry_is_told(tmp_path, text, message):
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(UnrolledError, match=message):
        data.datasets(path)


def test_download_lands_in_the_cache_and_happens_once(registry, server, own_cache):
    places = data.fetch("pair", registry=registry)
    assert {name: path.read_bytes() for name, path in places.items()} == CONTENT
    assert places["one.bin"] == own_cache / "pair" / "one.bin"
    assert data.fetch("pair", registry=registry) == places
    assert len(server.ranges) == 2
    assert not list(own_cache.rglob("*.part"))


def test_wrong_bytes_from_the_server_are_refused_and_thrown_away(registry, server, own_cache):
    server.files["one.bin"] = WRONG
    with pytest.raises(UnrolledError, match=r"SHA-256 is [0-9a-f]{64}; expected [0-9a-f]{64}") as caught:
        data.fetch("pair", only=["one.bin"], registry=registry)
    assert "UNROLLED_DATA_MIRROR" in caught.value.hint
    assert not list(own_cache.rglob("one.bin*"))


def test_download_that_was_cut_off_is_resumed(registry, server):
    server.cut = 70_000
    with pytest.raises(UnrolledError, match=r"was cut off after [0-9,]+ of 204,800 bytes .call again"):
        data.fetch("pair", only=["one.bin"], registry=registry)
    path = data.fetch("pair", only=["one.bin"], registry=registry)["one.bin"]
    assert path.read_bytes() == CONTENT["one.bin"]
    start = int(server.ranges[1].removeprefix("bytes=").rstrip("-"))
    assert 0 < start <= 70_000


def test_server_without_ranges_starts_again(registry, server):
    server.cut = 70_000
    with pytest.raises(UnrolledError, match="was cut off"):
        data.fetch("pair", only=["one.bin"], registry=registry)
    server.ignores_ranges = True
    path = data.fetch("pair", only=["one.bin"], registry=registry)["one.bin"]
    assert path.read_bytes() == CONTENT["one.bin"]


def one(registry):
    return data.fetch("pair", only=["one.bin"], registry=registry)["one.bin"].read_bytes()


@pytest.mark.parametrize("unsaid", [False, True])
def test_a_login_page_in_place_of_the_file_is_told_and_nothing_is_kept(registry, server, own_cache, unsaid):
    server.files["one.bin"], server.kind, server.unsaid = b"<html>log in</html>", "text/html", unsaid
    for _ in range(2):
        with pytest.raises(
            UnrolledError, match=r"gives 19 bytes of text/html in place of 204,800 .a login page"
        ):
            one(registry)
    assert not list(own_cache.rglob("one.bin*"))
    server.files["one.bin"], server.kind, server.unsaid = CONTENT["one.bin"], None, False
    assert one(registry) == CONTENT["one.bin"]


@pytest.mark.parametrize("content", [CONTENT["one.bin"][:90_000], CONTENT["one.bin"] * 2, b""])
def test_a_file_of_another_length_is_told_and_the_next_call_works(registry, server, content):
    server.files["one.bin"] = content
    for _ in range(2):
        with pytest.raises(UnrolledError, match=f"gives {len(content):,} bytes in place of 204,800"):
            one(registry)
    server.files["one.bin"] = CONTENT["one.bin"]
    assert one(registry) == CONTENT["one.bin"]


def test_a_longer_file_without_a_length_is_not_taken_to_its_end(registry, server, own_cache):
    server.files["one.bin"], server.unsaid = CONTENT["one.bin"] * 50, True
    with pytest.raises(UnrolledError, match="gives more than 204,800 bytes"):
        one(registry)
    assert not list(own_cache.rglob("one.bin*"))


def test_what_was_kept_of_another_file_is_replaced(registry, server, own_cache):
    part = own_cache / "pair" / "one.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT["one.bin"][:150_000])
    server.files["one.bin"] = CONTENT["one.bin"][:100_000]  # the server has less than was kept: 416
    with pytest.raises(UnrolledError, match="gives 100,000 bytes"):
        one(registry)
    server.files["one.bin"] = CONTENT["one.bin"]
    part.write_bytes(WRONG + b"more than the file")
    assert one(registry) == CONTENT["one.bin"]


def test_of_two_processes_one_downloads_and_the_other_waits(registry, server):
    server.pause = 0.02
    code = (
        "from pathlib import Path; from unrolled.data import registry as r;"
        f"print(len(r.fetch('pair', registry=Path({str(registry)!r}))['one.bin'].read_bytes()))"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    assert [process.communicate()[0] for process in both] == ["204800\n"] * 2
    assert len(server.ranges) == 2


def test_a_folder_that_cannot_be_written_is_one_line(registry, server, own_cache):
    own_cache.write_text("a file where the folder should be")
    with pytest.raises(UnrolledError, match="set UNROLLED_DATA to another folder"):
        one(registry)


def test_missing_file_on_the_server_is_told(registry, server):
    del server.files["two.txt"]
    with pytest.raises(UnrolledError, match=r"two.txt answers 404"):
        data.fetch("pair", registry=registry)


def test_server_that_is_gone_is_told_with_the_mend(registry, server):
    server.shutdown()
    server.server_close()
    with pytest.raises(UnrolledError, match="cannot be reached") as caught:
        data.fetch("pair", registry=registry)
    assert "pair/one.bin" in caught.value.hint


def test_full_disk_is_told(registry, monkeypatch):
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(UnrolledError, match=r"no space for one.bin: 409,600 bytes are needed and 0 are free"):
        data.fetch("pair", registry=registry)


def test_disk_that_fills_while_writing_is_told(registry, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download.shutil, "copyfile", full)
    with pytest.raises(UnrolledError, match=r"no space for one.bin"):
        data.fetch("pair", registry=registry)


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A mirror that holds both files."""
    folder = tmp_path / "mirror"
    (folder / "pair").mkdir(parents=True)
    for name, content in CONTENT.items():
        (folder / "pair" / name).write_bytes(content)
    monkeypatch.setenv("UNROLLED_DATA_MIRROR", str(folder))
    return folder


def test_mirror_is_asked_first_and_used_in_place(registry, server, mirror):
    places = data.fetch("pair", registry=registry)
    assert places["one.bin"] == mirror / "pair" / "one.bin"
    assert server.ranges == []


def test_what_the_mirror_lacks_is_downloaded(registry, server, mirror, own_cache):
    (mirror / "pair" / "two.txt").unlink()
    places = data.fetch("pair", registry=registry)
    assert places["one.bin"].is_relative_to(mirror)
    assert places["two.txt"].is_relative_to(own_cache)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (WRONG, r"one.bin: SHA-256 is [0-9a-f]{64}; expected [0-9a-f]{64} .delete it"),
        (b"", "has 0 bytes; expected"),
    ],
)
def test_wrong_file_in_the_mirror_is_told_not_replaced(registry, server, mirror, content, message):
    (mirror / "pair" / "one.bin").write_bytes(content)
    with pytest.raises(UnrolledError, match=message):
        data.fetch("pair", registry=registry)
    assert server.ranges == []


def test_mirror_that_is_no_folder_is_told(registry, monkeypatch, tmp_path):
    monkeypatch.setenv("UNROLLED_DATA_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(UnrolledError, match="UNROLLED_DATA_MIRROR names no folder"):
        data.fetch("pair", registry=registry)


def test_verified_file_is_not_hashed_again_until_it_changes(registry, mirror, monkeypatch):
    data.fetch("pair", registry=registry)
    hashed = []
    monkeypatch.setattr(data, "sha256", lambda path: hashed.append(path.name) or "0" * 64)
    data.fetch("pair", registry=registry)
    assert hashed == []
    (mirror / "pair" / "one.bin").write_bytes(WRONG)
    with pytest.raises(UnrolledError, match="SHA-256 is 0000"):
        data.fetch("pair", registry=registry)
    assert hashed == ["one.bin"]


def test_state_tells_verified_absent_and_wrong(registry, mirror):
    (mirror / "pair" / "one.bin").write_bytes(WRONG)
    (mirror / "pair" / "two.txt").unlink()
    state = data.state("pair", registry)
    assert "SHA-256" in state["one.bin"]
    assert state["two.txt"] == "absent"
    (mirror / "pair" / "two.txt").write_bytes(CONTENT["two.txt"])
    assert data.state("pair", registry)["two.txt"] == "verified"
