"""The Brown corpus as words: a million words of printed English, by text, with a split by custom."""

from __future__ import annotations

import zipfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.data.packed import BROKEN, check_sizes
from unrolled.data.registry import fetch

UNKNOWN, END = "<unk>", "<eos>"


class Corpus(NamedTuple):
    """Texts as numbers of words."""

    splits: dict[str, Tensor]
    words: tuple[str, ...]


def read(path: str | Path) -> list[list[str]]:
    """The words of each text in small letters, without their tags, with an end mark after each sentence.

    Raises:
        UnrolledError: if the file is no such archive, or a token has no tag.
    """
    path = Path(path)
    texts = []
    try:
        with zipfile.ZipFile(path) as archive:
            check_sizes(archive)
            names = sorted(n for n in archive.namelist() if _is_text(n.rpartition("/")[2]))
            for name in names:
                texts.append(_words(archive.read(name).decode("ascii"), path, name))
    except BROKEN as error:
        raise UnrolledError(f"no archive of the Brown corpus: {error}", file=path) from error
    if not texts:
        raise UnrolledError("holds no text of the Brown corpus", file=path, hint="fetch it again")
    return texts


def _is_text(name: str) -> bool:
    return len(name) == 4 and name[0] == "c" and name[2:].isdigit()


def _words(text: str, path: Path, name: str) -> list[str]:
    words = []
    for line in text.splitlines():
        for token in line.split():
            word, slash, _ = token.rpartition("/")
            if not slash or not word:
                raise UnrolledError(f"{name}: the token {token!r} has no tag", file=path)
            words.append(word.lower())
        if line.strip():
            words.append(END)
    return words


def split(texts: list[list[str]], vocabulary: int) -> Corpus:
    """Every tenth text for validation, the one after each for test; the most frequent words of the others.

    Words beyond the ``vocabulary`` most frequent ones of the training texts become one.

    Raises:
        UsageError: for a vocabulary below 3.

    >>> corpus = split([["a", "b", "a"], ["a", "c"], *[["a", "b"]] * 8], vocabulary=3)
    >>> corpus.words, corpus.splits["test"].tolist()
    (('<unk>', 'a', 'b'), [1, 0])
    """
    if vocabulary < 3:
        raise UsageError(f"vocabulary is {vocabulary}; it must be at least 3")
    parts = {"train": [], "valid": [], "test": []}
    for number, text in enumerate(texts):
        parts[{0: "valid", 1: "test"}.get(number % 10, "train")].extend(text)
    frequent = Counter(parts["train"]).most_common(vocabulary - 1)
    words = (UNKNOWN, *sorted(word for word, _ in frequent))
    number = {word: n for n, word in enumerate(words)}
    splits = {
        name: torch.tensor([number.get(word, 0) for word in part], dtype=torch.int64)
        for name, part in parts.items()
    }
    return Corpus(splits, words)


def load(vocabulary: int = 10_000) -> Corpus:
    """The corpus from the registry."""
    return split(read(fetch("brown", ["brown.zip"])["brown.zip"]), vocabulary)
