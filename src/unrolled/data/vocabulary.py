"""Words and subwords as numbers, by the library ``tokenizers``; padding; batches alike in length."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from unrolled.base.errors import UsageError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PAD, START, STOP, UNKNOWN = 0, 1, 2, 3
"""The special symbols' numbers, in every vocabulary."""

SPECIAL = ("<pad>", "<start>", "<stop>", "<unknown>")


class Encoded(NamedTuple):
    """Sentences as numbers ``[sentences, time]``, padded, and how long each is ``[sentences]``."""

    ids: Tensor
    lengths: Tensor


class Vocabulary:
    """What turns sentences into numbers and back. Make one by `words` or `subwords`.

    >>> vocabulary = Vocabulary.words(["one two", "two three"])
    >>> vocabulary.encode(["two one", "four"]).ids
    tensor([[4, 5, 2],
            [3, 2, 0]])
    >>> vocabulary.decode(torch.tensor([[4, 5, 2, 2]]))
    ['two one']
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

    @classmethod
    def words(cls, sentences: Iterable[str], *, size: int | None = None, minimum: int = 1) -> Vocabulary:
        """Every word between spaces is one symbol: the ``size`` commonest (special symbols included), of
        those that come ``minimum`` times at least."""
        from tokenizers import Tokenizer, models, pre_tokenizers, trainers

        tokenizer = Tokenizer(models.WordLevel(unk_token=SPECIAL[UNKNOWN]))
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        trainer = trainers.WordLevelTrainer(
            vocab_size=size or 10**9, min_frequency=minimum, special_tokens=list(SPECIAL), show_progress=False
        )
        return cls._trained(tokenizer, trainer, sentences)

    @classmethod
    def subwords(cls, sentences: Iterable[str], *, size: int) -> Vocabulary:
        """Byte-level pairs, merged up to ``size`` symbols: no text is unknown, and decoding gives it back.

        Raises:
            UsageError: for fewer symbols than the 256 bytes and the special ones.
        """
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

        if size < 256 + len(SPECIAL):
            raise UsageError(f"size is {size}; bytes and special symbols alone are {256 + len(SPECIAL)}")
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=size,
            special_tokens=list(SPECIAL),
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        return cls._trained(tokenizer, trainer, sentences)

    @classmethod
    def _trained(cls, tokenizer: Tokenizer, trainer: object, sentences: Iterable[str]) -> Vocabulary:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # one thread, as everything here
        tokenizer.train_from_iterator(sentences, trainer)
        return cls(tokenizer)

    def __len__(self) -> int:
        return self.tokenizer.get_vocab_size()

    def encode(self, sentences: Sequence[str], *, stop: bool = True) -> Encoded:
        """Sentences as numbers, with the stop symbol at each end (which counts in its length)."""
        end = [STOP] if stop else []
        rows = [encoding.ids + end for encoding in self.tokenizer.encode_batch(list(sentences))]
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        ids = np.full((len(rows), lengths.max(initial=0)), PAD, dtype=np.int64)
        if rows:
            ids[np.arange(ids.shape[1]) < lengths[:, None]] = np.concatenate([*rows, []]).astype(np.int64)
        return Encoded(torch.from_numpy(ids), torch.from_numpy(lengths))

    def decode(self, ids: Tensor) -> list[str]:
        """Sentences ``[sentences, time]`` as text, each up to its stop symbol."""
        return self.tokenizer.decode_batch(
            [_up_to_stop(row) for row in ids.tolist()], skip_special_tokens=True
        )

    def symbols(self, ids: Tensor) -> list[str]:
        """The symbols of one sentence ``[time]``, special ones included, as figures label them."""
        return [self.tokenizer.id_to_token(i) for i in ids.tolist()]

    def number(self, symbol: str) -> int:
        """The number of a symbol; that of the unknown word where there is none."""
        found = self.tokenizer.token_to_id(symbol)
        return UNKNOWN if found is None else found

    def text(self) -> str:
        """The vocabulary as JSON, which `from_text` reads."""
        return self.tokenizer.to_str()

    @classmethod
    def from_text(cls, text: str) -> Vocabulary:
        """A vocabulary from the JSON of `text`."""
        from tokenizers import Tokenizer

        return cls(Tokenizer.from_str(text))


def _up_to_stop(row: list[int]) -> list[int]:
    return row[: row.index(STOP)] if STOP in row else row


def padded(ids: Tensor, width: int) -> Tensor:
    """Sentences ``[sentences, time]`` with padding up to ``width``.

    >>> padded(torch.tensor([[7, 2]]), 4)
    tensor([[7, 2, 0, 0]])
    """
    return torch.nn.functional.pad(ids, (0, width - ids.shape[1]), value=PAD)


def words_before(target: Tensor) -> Tensor:
    """What a decoder reads to write each word of ``target`` ``[sentences, time]``: the word before it.

    >>> words_before(torch.tensor([[7, 8, 2]]))
    tensor([[1, 7, 8]])
    """
    return torch.cat((torch.full_like(target[:, :1], START), target[:, :-1]), 1)


def similar_lengths(lengths: Tensor, batch_size: int, *, pool: int = 20, seed: int = 0) -> Tensor:
    """Batches of sentences alike in length, ``[batches, batch_size]``: the data are shuffled once, cut into
    pools of ``pool`` batches, and each pool is sorted by length and cut into batches.

    So Bahdanau et al. did it (1600 pairs, 20 batches of 80). What does not fill a batch is left out.

    Raises:
        UsageError: if there are fewer sentences than a batch has.

    >>> similar_lengths(torch.tensor([5, 1, 4, 2]), 2, pool=2).tolist()
    [[1, 3], [2, 0]]
    """
    count = len(lengths) // batch_size
    if not count:
        raise UsageError(f"batch_size is {batch_size}; there are {len(lengths)} sentences")
    order = torch.from_numpy(np.random.RandomState(seed).permutation(len(lengths))[: count * batch_size])
    found = []
    for part in order.split(pool * batch_size):
        found.append(part[lengths[part].argsort(stable=True)])
    return torch.cat(found).view(count, batch_size)
