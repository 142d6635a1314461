"""Multi30k's reader, and BLEU as sacreBLEU counts it."""

import gzip

import pytest

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.data import multi30k
from unrolled.data.bleu import bleu


def test_lines_are_read_without_their_ends(tmp_path):
    path = tmp_path / "train.de.gz"
    path.write_bytes(gzip.compress("Zwei Männer \nein Hund.\n".encode()))
    assert multi30k.read(path) == ["Zwei Männer", "ein Hund."]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"plain text", "not a packed text file"),
        (gzip.compress(b"one line\n")[:-9], "not a packed text file"),
        (gzip.compress("Männer".encode("latin-1")), "not a packed text file"),
        (gzip.compress(b"one\n\nthree\n"), "empty line"),
    ],
    ids=["no gzip", "cut", "other encoding", "empty line"],
)
def test_malformed_files_are_told(tmp_path, content, message):
    path = tmp_path / "val.en.gz"
    path.write_bytes(content)
    with pytest.raises(UnrolledError, match=message):
        multi30k.read(path)


def test_an_unknown_language_is_told():
    with pytest.raises(UsageError, match="target language"):
        multi30k.load("it")


@pytest.mark.parametrize("target", ["de", "fr"])
def test_real_splits_have_their_known_sizes(real_mirror, target):
    splits = multi30k.load(target)
    assert {name: len(pairs.source) for name, pairs in splits.items()} == {
        "train": 29_000,
        "valid": 1_014,
        "test_2016_flickr": 1_000,
        "test_2017_flickr": 1_000,
        "test_2017_mscoco": 461,
    }
    assert splits["train"].source[0] == "Two young, White males are outside near many bushes."
    first = {"de": "Zwei junge weiße Männer", "fr": "Deux jeunes hommes blancs"}[target]
    assert splits["train"].target[0].startswith(first)


def test_bleu_carries_its_signature():
    result = bleu(["a man rides a bike .", "two dogs"], ["a man rides a red bike .", "two dogs run"])
    assert 0 < result.score < 100
    assert "tok:13a" in result.signature
    assert "version:2" in result.signature


def test_bleu_counts_case():
    assert bleu(["A Man Rides A Bike ."], ["a man rides a bike ."]).score < 100


def test_bleu_needs_a_reference_each():
    with pytest.raises(UsageError, match="2 hypotheses and 1 references"):
        bleu(["a", "b"], ["a"])
