"""The RNN Encoder-Decoder: one gated network reads a phrase into a vector, another writes from it.

Everything that does not feed back stands outside the loops: the products with embeddings, those with the
summary vector, the maxout output and the softmax. Weights have torch's layout, rows of gates its order r, z,
n.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from unrolled.data.vocabulary import PAD, words_before
from unrolled.nn.checks import Lengths, check_indices, check_lengths, check_option
from unrolled.nn.gru import GRU, Recurrent, Reset, recurrent
from unrolled.nn.maxout import maxout
from unrolled.nn.padding import last_steps


class Summary(NamedTuple):
    """What the decoder knows of a source: its vector, and that vector's products, made once."""

    c: Float[Tensor, "batch hidden"]
    from_c: Float[Tensor, "batch three_hidden"]  # C_r c, C_z c, C c
    to_output: Float[Tensor, "batch two_units"]  # O_c c

    def repeated(self, copies: int) -> "Summary":
        """Each source ``copies`` times in a row, for as many hypotheses."""
        return Summary(*(part.repeat_interleave(copies, 0) for part in self))


class Decoded(NamedTuple):
    """A target whose words are given: the logits of every word. Nothing is aligned."""

    logits: Float[Tensor, "batch target vocabulary"]
    alpha: None = None


def decoder_step(
    s: Float[Tensor, "batch hidden"],
    from_y: Float[Tensor, "batch three_hidden"],
    from_c: Float[Tensor, "batch three_hidden"],
    weights: Recurrent,
    reset: Reset = "after",
) -> Float[Tensor, "batch hidden"]:
    """One step of the decoder, a gated unit that reads the summary of the source every time.

    *Paper*: cho2014learning, Section 2.2 and the appendix on the decoder.

        r'_t = sigma(W'_r e(y_{t-1}) + U'_r s_{t-1} + C_r c)             z'_t alike
        s~_t = tanh(W' e(y_{t-1}) + r'_t * [U' s_{t-1} + C c])           reset "after", as printed there
        s~_t = tanh(W' e(y_{t-1}) + U' [r'_t * s_{t-1}] + C c)           reset "before", as Equation 8 has it
        s_t  = z'_t * s_{t-1} + (1 - z'_t) * s~_t

    *Shapes*: as annotated, ``three_hidden`` = 3 ``hidden`` in the order r, z, n. ``from_y`` is W' e(y_{t-1})
    with the biases, ``from_c`` is C c, both made outside the loop.

    *Departures*: biases, which the paper leaves out in print, are kept.

    >>> zeros, weights = torch.zeros(1, 3), recurrent(torch.zeros(3, 1))
    >>> decoder_step(torch.ones(1, 1), zeros, zeros, weights)
    tensor([[0.5000]])
    """
    hidden = s.shape[-1]
    sizes = (2 * hidden, hidden)
    (y_gates, y_n), (c_gates, c_n) = from_y.split(sizes, -1), from_c.split(sizes, -1)
    r, z = torch.sigmoid(torch.addmm(y_gates + c_gates, s, weights.gates.t())).chunk(2, -1)
    if reset == "after":
        total = torch.addcmul(y_n, r, torch.addmm(c_n, s, weights.candidate.t()))
    else:
        total = torch.addmm(y_n + c_n, r * s, weights.candidate.t())
    return torch.lerp(torch.tanh(total).to(s.dtype), s, z.to(s.dtype))  # under autocast s keeps its type


def word_log_probs(
    h: Float[Tensor, "*batch hidden"],
    weights: Float[Tensor, "vocabulary hidden"],
    bias: Float[Tensor, " vocabulary"] | None = None,
) -> Float[Tensor, "*batch vocabulary"]:
    """The log-probability of every word.

    *Paper*: cho2014learning, Section 2.1, equation 2.

        p(x_{t,j} = 1 | x_{<t}) = exp(w_j h_t) / sum_j' exp(w_j' h_t)

    *Shapes*: as annotated; w_j is a row of ``weights``.

    >>> word_log_probs(torch.zeros(1, 2), torch.zeros(4, 2)).exp()
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """
    return functional.linear(h, weights, bias).log_softmax(-1)


class RNNEncoderDecoder(nn.Module):
    """A phrase is read into one vector c, and c is there in every step that writes: state and output.

    *Paper*: cho2014learning, Section 2 and the appendix.

    *Options*: ``reset`` is where the decoder's reset gate acts, "after" the product as the appendix prints
    it or "before" it as in equation 8; the encoder's is before. ``rank`` factors the output matrix, None
    leaves it whole. ``dropout`` acts on embeddings and maxout units.

    *Shapes*: words ``[batch, source]`` and ``[batch, target]``, ``lengths`` ``[batch]`` of at least 1.

    *Departures*: unspecified: the first word of a target follows a start symbol with a vector of its own.
    Biases are kept, and O_y reads the embedding of the word, a matrix of low rank.

    *Raises*: `UsageError` for an unknown place of the reset gate; `ShapeError` for lengths that are not
    between 1 and the size of the source, and for words beyond the vocabulary.

    >>> model = RNNEncoderDecoder((9, 7), embedding=3, hidden=4, maxout=2)
    >>> model(torch.tensor([[5, 6, 2]]), torch.tensor([[4, 2]])).logits.shape
    torch.Size([1, 2, 7])
    """

    def __init__(
        self,
        vocabulary_sizes: tuple[int, int],
        *,
        embedding: int = 100,
        hidden: int = 1000,
        maxout: int = 500,
        rank: int | None = None,
        reset: Reset = "after",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_option("reset", reset, Reset)
        self.reset, self.dropout = reset, nn.Dropout(dropout)
        self.source_embedding = nn.Embedding(vocabulary_sizes[0], embedding)
        self.encoder = GRU(embedding, hidden, reset="before", update="keep")
        self.to_summary = nn.Linear(hidden, hidden)  # V
        self.to_start = nn.Linear(hidden, hidden)  # V'
        self.embedding = nn.Embedding(vocabulary_sizes[1], embedding)
        self.from_y = nn.Linear(embedding, 3 * hidden)  # W'_r, W'_z, W'
        self.weight_hidden = nn.Parameter(GRU(1, hidden).W_h.detach().clone())  # U': orthogonal
        self.weight_context = nn.Parameter(_normal(3 * hidden, hidden))  # C_r, C_z, C
        self.output_state = nn.Parameter(_normal(2 * maxout, hidden))  # O_h
        self.output_y = nn.Linear(embedding, 2 * maxout)  # O_y
        self.output_context = nn.Parameter(_normal(2 * maxout, hidden))  # O_c
        self.narrow = None if rank is None else nn.Linear(maxout, rank, bias=False)
        self.readout = nn.Linear(rank or maxout, vocabulary_sizes[1])

    def encode(
        self, source: Int[Tensor, "batch source"], lengths: Lengths | None = None
    ) -> tuple[Float[Tensor, "batch hidden"], Summary]:
        """The decoder's first state, tanh(V' c), and the summary c = tanh(V h_N) with its products.

        Padding comes last: the state h_N is taken before it, so that no step needs a mask.
        """
        check_indices("source", source, self.source_embedding.num_embeddings)
        if lengths is not None:
            lengths = check_lengths(lengths, *source.shape, minimum=1, like=source)
        h = self.encoder(self.dropout(self.source_embedding(source))).h
        c = torch.tanh(self.to_summary(last_steps(h, lengths)))
        products = functional.linear(c, self.weight_context), functional.linear(c, self.output_context)
        return torch.tanh(self.to_start(c)), Summary(c, *products)

    def output(
        self,
        s: Float[Tensor, "*time batch hidden"],
        from_embedding: Float[Tensor, "*time batch embedding"],
        summary: Summary,
    ) -> Float[Tensor, "*time batch units"]:
        """What the softmax reads: the maxout units, or their ``rank`` sums, for one step or for all."""
        total = functional.linear(s, self.output_state) + self.output_y(from_embedding) + summary.to_output
        units = self.dropout(maxout(total))
        return units if self.narrow is None else self.narrow(units)

    def forward(
        self,
        source: Int[Tensor, "batch source"],
        target: Int[Tensor, "batch target"],
        lengths: Lengths | None = None,
    ) -> Decoded:
        """Read a target whose words are given, ``target`` with the stop symbol at its end."""
        return Decoded(self.readout(self.units(source, target, lengths)))

    def units(
        self,
        source: Int[Tensor, "batch source"],
        target: Int[Tensor, "batch target"],
        lengths: Lengths | None = None,
    ) -> Float[Tensor, "batch target units"]:
        """What the softmax reads at every word of a target: the loop of the decoder, then all outputs."""
        check_indices("target", target, self.embedding.num_embeddings)
        s, summary = self.encode(source, lengths)
        embedded = self.dropout(self.embedding(words_before(target))).transpose(0, 1)
        weights, states = recurrent(self.weight_hidden), []
        for from_y in self.from_y(embedded).unbind(0):
            s = decoder_step(s, from_y, summary.from_c, weights, self.reset)
            states.append(s)
        return self.output(torch.stack(states), embedded, summary).transpose(0, 1)

    def log_prob(
        self,
        source: Int[Tensor, "batch source"],
        target: Int[Tensor, "batch target"],
        lengths: Lengths | None = None,
    ) -> Float[Tensor, " batch"]:
        """The score of a phrase pair, log p(y | x): the sum over the words of the target, its stop symbol
        among them; padding counts nothing."""
        units = self.units(source, target, lengths)
        log_probs = word_log_probs(units, self.readout.weight, self.readout.bias)
        of_words = log_probs.gather(2, target.unsqueeze(2)).squeeze(2)
        return of_words.masked_fill(target == PAD, 0.0).sum(1)

    def stepper(self, summary: Summary) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """The decoder as `unrolled.nn.decoding` takes it: from a state and the word before to the next."""
        weights = recurrent(self.weight_hidden)

        def step(s: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
            embedded = self.embedding(words)
            new = decoder_step(s, self.from_y(embedded), summary.from_c, weights, self.reset)
            units = self.output(new, embedded, summary)
            return new, word_log_probs(units, self.readout.weight, self.readout.bias)

        return step


@torch.no_grad()
def initialise_as_the_paper(model: RNNEncoderDecoder) -> RNNEncoderDecoder:
    """Set the initial values that the paper gives: orthogonal recurrent matrices, everything else Gaussian
    with standard deviation 0.01; biases, which it does not print, are 0.

    *Paper*: cho2014learning, Section 4.1.
    """
    for name, parameter in model.named_parameters():
        if name in ("encoder.W_h", "weight_hidden"):
            for block in parameter.chunk(3):
                block.copy_(nn.init.orthogonal_(torch.empty_like(block)))
        elif parameter.ndim == 1:
            nn.init.zeros_(parameter)
        else:
            nn.init.normal_(parameter, std=0.01)
    return model


def _normal(rows: int, columns: int) -> Tensor:
    return columns**-0.5 * torch.randn(rows, columns)
