"""The recurrent networks that the memory network is compared with: they read a story word by word."""

from typing import Literal

from jaxtyping import Float, Int
from torch import Tensor, nn

from unrolled.base.errors import UnrolledError
from unrolled.nn.checks import check_indices, check_option, under_vmap


class RecurrentReader(nn.Module):
    """An LSTM, or a plain recurrent network, that gives the scores of all answers after every word.

    *Paper*: weston2015memory, Section 5.2, the baselines.

    *Shapes*: ``words`` is ``[batch, time]``, statements and questions as they come.

    *Departures*: unspecified: one layer, and embeddings as long as its state.

    *Raises*: `UnrolledError` under `torch.func.vmap`: torch's layers have no batched form.

    >>> import torch
    >>> RecurrentReader(9, hidden_size=4)(torch.ones(2, 7, dtype=torch.int64)).shape
    torch.Size([2, 7, 9])
    """

    def __init__(
        self, vocabulary: int, hidden_size: int = 100, cell: Literal["lstm", "rnn"] = "lstm"
    ) -> None:
        super().__init__()
        check_option("cell", cell, ("lstm", "rnn"))
        self.embedding = nn.Embedding(vocabulary, hidden_size)
        layer = nn.LSTM if cell == "lstm" else nn.RNN
        self.layer = layer(hidden_size, hidden_size, batch_first=True)
        self.readout = nn.Linear(hidden_size, vocabulary)

    def forward(self, words: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time vocabulary"]:
        """The scores of all words as the answer, at every place."""
        check_indices("words", words, self.embedding.num_embeddings)
        if under_vmap(words, *self.parameters()):
            raise UnrolledError("torch's layers have no batched form", hint="train its seeds one by one")
        return self.readout(self.layer(self.embedding(words))[0])
