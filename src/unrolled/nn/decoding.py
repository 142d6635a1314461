"""Words from a model that gives one word's distribution at a time: greedy, sampled, and by beam search.

A decoder is a function ``step(state, words)`` that reads the word before and gives ``(state, log_probs)``:
the state a tensor or NamedTuple of tensors with a batch axis first, the log-probabilities
``[batch, vocabulary]``. What all steps share, an attention's memory, the function holds itself.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from unrolled.nn.scan import ShapeError, map_tensors, tensors

Step = Callable[[Any, Tensor], tuple[Any, Tensor]]


class Decoded(NamedTuple):
    """One sentence each: its words up to and with the stop symbol, which also fills what is left."""

    words: Int[Tensor, "batch time"]
    lengths: Int[Tensor, " batch"]  # the stop symbol counts
    log_prob: Float[Tensor, " batch"]


class Hypotheses(NamedTuple):
    """The best sentences found, best first; ``score`` is -inf where there are fewer than the beam."""

    words: Int[Tensor, "batch beam time"]
    lengths: Int[Tensor, "batch beam"]  # the stop symbol counts
    log_prob: Float[Tensor, "batch beam"]
    score: Float[Tensor, "batch beam"]  # log_prob / lengths ** length_penalty


@torch.no_grad()
def greedy(step: Step, initial: Any, *, start: int, stop: int, max_length: int) -> Decoded:
    """The likeliest word, again and again.

    *Shapes*: ``initial`` ``[batch, ...]``; words ``[batch, time]``, time at most ``max_length``.

    >>> def step(state, words):  # counts up to 3, the stop symbol
    ...     return state, torch.nn.functional.one_hot(words + 1, 5).float().log()
    >>> greedy(step, torch.zeros(1, 1), start=0, stop=3, max_length=9).words
    tensor([[1, 2, 3]])
    """
    return _one_by_one(step, initial, start, stop, max_length, lambda log_probs, t: log_probs.argmax(1))


@torch.no_grad()
def sample(step: Step, initial: Any, noise: Float[Tensor, "time batch"], *, start: int, stop: int) -> Decoded:
    """Words drawn from their distributions, by noise that is uniform between 0 and 1: the same noise gives
    the same words.

    *Shapes*: ``noise`` ``[time, batch]`` also says how long a sentence may get.

    >>> def step(state, words):
    ...     return state, torch.tensor([[0.25, 0.75]]).log()
    >>> sample(step, torch.zeros(1, 1), torch.tensor([[0.8], [0.3], [0.2]]), start=0, stop=0).words
    tensor([[1, 1, 0]])
    """

    def choose(log_probs: Tensor, t: int) -> Tensor:
        below = log_probs.exp().cumsum(1)
        # Rounding may leave the last sum below 1: the noise is held against the share of that sum.
        chosen = (below <= (noise[t] * below[:, -1]).unsqueeze(1)).sum(1)
        return chosen.clamp(max=log_probs.shape[1] - 1)

    return _one_by_one(step, initial, start, stop, len(noise), choose)


def _one_by_one(
    step: Step, state: Any, start: int, stop: int, max_length: int, choose: Callable[[Tensor, int], Tensor]
) -> Decoded:
    first = tensors(state)[0]
    words = first.new_full((len(first),), start, dtype=torch.int64)
    ended = torch.zeros_like(words, dtype=torch.bool)
    lengths, total, found = torch.zeros_like(words), None, []
    for t in range(max_length):
        state, log_probs = step(state, words)
        words = torch.where(ended, stop, choose(log_probs, t))
        gained = log_probs.gather(1, words.unsqueeze(1)).squeeze(1).masked_fill(ended, 0.0)
        total = gained if total is None else total + gained
        lengths = lengths + ~ended
        found.append(words)
        ended = ended | (words == stop)
        if ended.all():
            break
    if not found:
        return Decoded(words.new_empty(len(words), 0), lengths, torch.zeros(len(words)).to(first.device))
    return Decoded(torch.stack(found, 1), lengths, total)


@torch.no_grad()
def beam_search(
    step: Step,
    initial: Any,
    *,
    start: int,
    stop: int,
    beam: int,
    max_length: int,
    length_penalty: float = 1.0,
) -> Hypotheses:
    """The best sentences by log-probability over ``length ** length_penalty``, from a beam of hypotheses.

    All sentences search at once. A hypothesis whose stop symbol is among the ``beam`` best candidates has
    finished: it is kept apart and takes no place in the beam. A sentence is done when ``beam`` of its
    hypotheses have finished, or when none that lives can pass the best finished one. A sentence of which
    nothing finishes within ``max_length`` words gives what lives, cut off.

    ``step`` is called with ``batch * beam`` rows, a sentence's hypotheses side by side: what it holds of the
    source must be repeated so (`unrolled.nn.attention.Memory.repeated`).

    *Shapes*: ``initial`` ``[batch, ...]``; results ``[batch, beam, ...]``.

    *Raises*: `ShapeError` for a beam or a length below 1.

    >>> def step(state, words):
    ...     return state, torch.tensor([[0.4, 0.6]]).log().expand(len(words), 2)
    >>> sizes = {"beam": 2, "max_length": 4, "length_penalty": 0.0}
    >>> found = beam_search(step, torch.zeros(1, 1), start=0, stop=0, **sizes)
    >>> found.words[0].tolist(), found.log_prob[0].exp()
    ([[0, 0], [1, 0]], tensor([0.4000, 0.2400]))
    """
    if beam < 1 or max_length < 1:
        raise ShapeError(f"beam and max_length must be at least 1, not {beam} and {max_length}")
    batch = len(tensors(initial)[0])
    state = map_tensors(lambda part: part.repeat_interleave(beam, 0), initial)
    device = tensors(initial)[0].device
    words = torch.full((batch * beam,), start, dtype=torch.int64, device=device)
    first_row = torch.arange(batch, device=device)[:, None] * beam
    alive, prefix, pool = None, torch.full((batch, beam, max_length), stop, device=device), None
    done = torch.zeros(batch, dtype=torch.bool, device=device)

    for t in range(max_length):
        state, log_probs = step(state, words)
        size = log_probs.shape[1]
        if alive is None:  # all hypotheses of a sentence are alike yet: one of them is enough
            alive = log_probs.new_full((batch, beam), -torch.inf)
            alive[:, 0] = 0.0
            nothing = torch.full_like(alive, -torch.inf)
            pool = Hypotheses(prefix.clone(), torch.zeros_like(alive, dtype=torch.int64), nothing, nothing)
        candidates = (alive.unsqueeze(2) + log_probs.view(batch, beam, size)).flatten(1)
        # At most one candidate a hypothesis stops: twice the beam holds a beam of those that live on.
        total, index = candidates.topk(min(2 * beam, beam * size), 1)
        parent, word = index // size, index % size
        longer = prefix.gather(1, parent.unsqueeze(2).expand(-1, -1, max_length))
        longer[:, :, t] = word

        among_best = torch.arange(total.shape[1], device=device) < beam
        stops = (word == stop) & among_best & (total > -torch.inf) & ~done.unsqueeze(1)
        pool = _kept(pool, longer, t + 1, total.masked_fill(~stops, -torch.inf), length_penalty)
        best, rows = total.masked_fill(word == stop, -torch.inf).topk(min(beam, total.shape[1]), 1)
        if best.shape[1] < beam:  # fewer words than the beam is wide
            missing = beam - best.shape[1]
            best = torch.cat((best, best.new_full((batch, missing), -torch.inf)), 1)
            rows = torch.cat((rows, rows.new_zeros(batch, missing)), 1)
        alive = best
        prefix = longer.gather(1, rows.unsqueeze(2).expand(-1, -1, max_length))
        words = word.gather(1, rows).flatten()
        chosen = (first_row + parent.gather(1, rows)).flatten()
        state = map_tensors(lambda part, chosen=chosen: part.index_select(0, chosen), state)

        # Log-probabilities only fall: the most a hypothesis can reach is its own, over the largest length.
        longest = max_length if length_penalty > 0 else t + 2
        reachable = alive[:, 0] / longest**length_penalty
        full = (pool.score > -torch.inf).all(1)
        done = done | full | (reachable <= pool.score[:, 0]) | (alive[:, 0] == -torch.inf)
        if done.all():
            break

    unfinished = (pool.score[:, 0] == -torch.inf).unsqueeze(1)
    cut = _kept(pool, prefix, max_length, alive.masked_fill(~unfinished, -torch.inf), length_penalty)
    return cut._replace(words=cut.words[:, :, : max(int(cut.lengths.max()), 1)])


def _kept(pool: Hypotheses, words: Tensor, length: int, log_prob: Tensor, penalty: float) -> Hypotheses:
    """The best of the pool and of new hypotheses of one length; -inf marks those that do not count."""
    score = torch.cat((pool.score, log_prob / length**penalty), 1)
    score, chosen = score.topk(pool.score.shape[1], 1)
    everything = torch.cat((pool.words, words), 1)
    lengths = torch.cat((pool.lengths, torch.full_like(log_prob, length, dtype=torch.int64)), 1)
    return Hypotheses(
        everything.gather(1, chosen.unsqueeze(2).expand(-1, -1, words.shape[2])),
        lengths.gather(1, chosen),
        torch.cat((pool.log_prob, log_prob), 1).gather(1, chosen),
        score,
    )
