"""What the chapter asks of a trained model: would other weights do, and what does one mistake cost?"""

import re
from copy import deepcopy
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from unrolled.data.vocabulary import START, STOP
from unrolled.nn.attention import Attended, context_vector
from unrolled.nn.checks import length_mask
from unrolled.nn.decoding import greedy
from unrolled.nn.gru import recurrent
from unrolled.papers.bahdanau_attention.model import RNNsearch, decoder_step
from unrolled.tasks.translating import exact

Weights = Float[Tensor, "batch target source"]


class Pairs(NamedTuple):
    """Held-out sentences with their translations, as an experiment's data gives them."""

    source: Int[Tensor, "batch source"]
    lengths: Int[Tensor, " batch"]
    target: Int[Tensor, "batch target"]
    target_lengths: Int[Tensor, " batch"]
    accepted: Bool[Tensor, "batch words positions"]  # the known correspondence


def everywhere(pairs: Pairs) -> Weights:
    """The same weight for every word of a source: a context that says nothing about places."""
    inside = length_mask(pairs.lengths, pairs.source.shape[1]).t().to(torch.float32)
    return (inside / pairs.lengths[:, None]).unsqueeze(1).expand(-1, pairs.target.shape[1], -1)


def pointed(pairs: Pairs, offset: int = 0) -> Weights:
    """All weight on the corresponding words, or on those that stand ``offset`` words behind them, within the
    source. A word that corresponds to nothing gets no weight at all."""
    accepted = pairs.accepted.to(torch.float32)
    batch, time = pairs.target.shape
    alpha = accepted.new_zeros(batch, time, pairs.source.shape[1])
    batches, words, places = pairs.accepted.nonzero(as_tuple=True)
    places = (places + offset).clamp(min=0).minimum(pairs.lengths[batches] - 1)
    alpha.index_put_((batches, words, places), accepted.new_tensor(1.0), accumulate=True)
    return alpha / alpha.sum(2, keepdim=True).clamp(min=1.0)


@torch.no_grad()
def right_with(model: RNNsearch, pairs: Pairs, alpha: Weights) -> Bool[Tensor, "batch target"]:
    """Whether each word is still the likeliest when its own step, and no other, has these weights.

    The steps before it attend as they were trained to, so that only one context is another.
    """
    s, memory = model.encode(pairs.source, pairs.lengths)
    own = recurrent(model.weight_hidden), model.weight_context
    step, before, right = model.stepper(memory), torch.full_like(pairs.lengths, START), []
    for words, weights in zip(pairs.target.unbind(1), alpha.unbind(1), strict=True):
        y = model.embedding(before)
        given = Attended(context_vector(weights.t(), memory.annotations), weights.t(), weights.t())
        new, _ = decoder_step(s, model.from_y(y), *own, lambda _, given=given: given)
        read = s if model.output_state == "previous" else new
        right.append(model.output(read, y, given.context).argmax(1) == words)
        s, _ = step(s, before)
        before = words
    return torch.stack(right, 1)


@torch.no_grad()
def right_numbers(model: RNNsearch, pairs: Pairs) -> Bool[Tensor, " batch"]:
    """Whether a greedy translation is right word for word, all sentences in one padded batch."""
    s, memory = model.encode(pairs.source, pairs.lengths)
    sizes = {"start": START, "stop": STOP, "max_length": pairs.target.shape[1] + 5}
    return exact(greedy(model.stepper(memory), s, **sizes).words, pairs.target)


class Unmasked(RNNsearch):
    """A program that forgets to mask: padding is attended to like words."""

    def encode(self, source, lengths=None):
        """As `RNNsearch.encode`, with nothing marked as padding."""
        s_0, memory = super().encode(source, lengths)
        return s_0, memory._replace(padding=torch.zeros_like(memory.padding))


class StartsForward(RNNsearch):
    """A program whose decoder starts from the last state of the reading from the left."""

    def encode(self, source, lengths=None):
        """As `RNNsearch.encode`, with the other state under W_s."""
        _, memory = super().encode(source, lengths)
        return torch.tanh(self.to_start(self.encoder(source, lengths).forward)), memory


@torch.no_grad()
def mistaken(model: RNNsearch) -> dict[str, RNNsearch]:
    """The same weights in programs that have one mistake each."""
    made = {"no mask on padding": _as(model, Unmasked), "start from the left": _as(model, StartsForward)}
    other = made["the other state in the output"] = deepcopy(model)
    other.output_state = "current" if model.output_state == "previous" else "previous"
    keeps = made["an update gate that keeps"] = deepcopy(model)
    layers = keeps.encoder.layer
    cells = [(layer.W_x, layer.W_h, layer.b) for layer in (layers.left, layers.right)]
    cells.append((keeps.from_y.weight, keeps.from_y.bias, keeps.weight_hidden, keeps.weight_context))
    for weight in (part for cell in cells for part in cell):
        weight.chunk(3)[1].neg_()  # the rows of z: sigma(-a) = 1 - sigma(a)
    return made


def _as(model: RNNsearch, kind: type[RNNsearch]) -> RNNsearch:
    made = deepcopy(model)
    made.__class__ = kind
    return made


THIRDS = ("millions", "thousands", "units")


def thirds(french: str) -> tuple[str, ...]:
    """A spelled French number cut into `THIRDS`.

    >>> thirds("deux millions cent mille un"), thirds("mille trois cents")
    (('deux millions', 'cent mille', 'un'), ('', 'mille', 'trois cents'))
    """
    parts = re.fullmatch("(.*millions?)? ?(.*mille)? ?(.*)", french).groups()
    return tuple(part or "" for part in parts)
