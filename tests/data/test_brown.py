"""The Brown corpus: words without tags, and a split by text."""

import zipfile

import pytest

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.data import brown


def archive(path, texts):
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("brown/README", "not a text")
        for name, text in texts.items():
            packed.writestr(f"brown/{name}", text)
    return path


def test_words_lose_their_tags_and_sentences_get_an_end(tmp_path):
    path = archive(tmp_path / "brown.zip", {"ca01": "\n\tThe/at 1/2/cd cat/nn ./.\n\n\tIt/pps sat/vbd\n"})
    assert brown.read(path) == [["the", "1/2", "cat", ".", "<eos>", "it", "sat", "<eos>"]]


@pytest.mark.parametrize(
    ("texts", "message"),
    [({"ca01": "The/at cat\n"}, "ca01: the token 'cat' has no tag"), ({"x": "a/b"}, "holds no text")],
)
def test_malformed_archives_are_refused(tmp_path, texts, message):
    with pytest.raises(UnrolledError, match=message):
        brown.read(archive(tmp_path / "brown.zip", texts))


def test_what_is_no_archive_is_refused(tmp_path):
    path = tmp_path / "brown.zip"
    path.write_bytes(b"nothing")
    with pytest.raises(UnrolledError, match="no archive"):
        brown.read(path)


def test_vocabulary_comes_from_the_training_texts_alone():
    texts = [["valid"] * 9, ["test"] * 9, *[["b", "a", "b"]] * 8]
    corpus = brown.split(texts, vocabulary=4)
    assert corpus.words == ("<unk>", "a", "b")
    assert [len(corpus.splits[name]) for name in ("train", "valid", "test")] == [24, 9, 9]
    assert not corpus.splits["valid"].any()
    with pytest.raises(UsageError):
        brown.split(texts, vocabulary=2)


def test_real_corpus_has_its_size(real_mirror):
    corpus = brown.load(10_000)
    assert len(corpus.words) == 10_000
    words = sum(int((part >= 0).sum()) for part in corpus.splits.values())
    ends = corpus.words.index(brown.END)
    assert words - sum(int((part == ends).sum()) for part in corpus.splits.values()) == 1_161_192
