"""Every public model, one line each: how it is made, what it reads, and what it cannot do.

A model joins the suite by its line in `MODELS`. `INPUTS` that begin with the batch come as `real` or `whole`
numbers; ``run`` says how they go in and what comes out, with the batch first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, get_args

import torch
from torch import Tensor, nn

from unrolled.nn.attention import Attention, Score
from unrolled.nn.cells import LSTM, RNN
from unrolled.nn.gru import GRU, BiGRU
from unrolled.nn.score_function import MovingBaseline
from unrolled.papers.bahdanau_attention import model as bahdanau
from unrolled.papers.bahdanau_attention.studies import StartsForward, Unmasked
from unrolled.papers.bn_lstm.classifier import SequenceClassifier
from unrolled.papers.bn_lstm.model import BNLSTM
from unrolled.papers.bn_lstm.statistics import PopulationStatistics
from unrolled.papers.dkt.cells import AppendixLSTM, PlainRNN
from unrolled.papers.dkt.model import DKT
from unrolled.papers.luong_attention import encoder as luong
from unrolled.papers.luong_attention.model import LuongAttention
from unrolled.papers.memn2n.language import MemoryLanguageModel
from unrolled.papers.memn2n.model import MemN2N
from unrolled.papers.memory_networks.baseline import RecurrentReader
from unrolled.papers.memory_networks.model import MemoryNetwork
from unrolled.papers.memory_networks.words import Dictionary
from unrolled.papers.ntm.baseline import LSTMBaseline
from unrolled.papers.ntm.model import NTM
from unrolled.papers.ram.baselines import Convolutional, FullyConnected
from unrolled.papers.ram.model import RAM
from unrolled.papers.ram.parts import Core, GlimpseNetwork
from unrolled.papers.rnn_encoder_decoder.model import RNNEncoderDecoder
from unrolled.papers.rnn_encoder_decoder.recall import Recaller
from unrolled.papers.stack_rnn.baseline import LSTMBaseline as SymbolLSTM
from unrolled.papers.stack_rnn.model import StackRNN
from unrolled.papers.vae.model import VAE
from unrolled.papers.vae_tutorial.model import CVAE, Regressor
from unrolled.papers.vrnn.baseline import OutputRNN
from unrolled.papers.vrnn.inference import bound
from unrolled.papers.vrnn.model import VRNN
from unrolled.papers.vrnn.networks import Perceptron, perceptron

QUICK = (
    "float64",
    "bfloat16",
    "autocast",
    "float16",
    "func",
    "vmap",
    "second derivatives",
    "deepcopy",
    "meta",
    "state dict",
    "options",
    "indices",
    "lengths",
    "empty batch",
    "batch of one",
)
SLOW = ("export", "onnx", "compile")
CHECKS = QUICK + SLOW


@dataclass(frozen=True)
class Input:
    """An example input: its shape without the batch, and what may stand in it."""

    shape: tuple[int, ...]
    count: int | None = None  # whole numbers from ``low``, so many; None: normal draws
    low: int = 0
    batch_axis: int = 0
    padding: float | None = None  # what stands where there is no step: NaN, or another number that is valid

    def make(self, batch: int, generator: torch.Generator, dtype: torch.dtype) -> Tensor:
        shape = list(self.shape)
        shape.insert(self.batch_axis, batch)
        if self.count is None:
            return torch.randn(shape, dtype=torch.float64, generator=generator).to(dtype)
        return torch.randint(self.low, self.low + self.count, shape, generator=generator)

    def padded(self, x: Tensor, inside: Tensor) -> Tensor:
        """``x`` with other things behind each sequence's end; ``inside`` is ``[batch, time]``."""
        inside = inside.reshape(*inside.shape, *[1] * (x.ndim - 2))
        if self.count is None:
            return x.masked_fill(~inside, torch.nan)
        other = (x - self.low + 1) % self.count + self.low if self.padding is None else self.padding
        return torch.where(inside, x, other)


def real(*shape: int, batch_axis: int = 0) -> Input:
    return Input(shape, batch_axis=batch_axis)


def whole(count: int, *shape: int, low: int = 0, padding: int | None = None) -> Input:
    return Input(shape, count, low, padding=padding)


@dataclass(frozen=True)
class Model:
    """One line of the suite.

    ``longest`` and ``shortest`` are the lengths that it takes, of the inputs at the places ``padded``.
    ``impossible`` says what it refuses, in words that are both in the error and in the docstring of its
    class; ``exempt`` which check says nothing about it, and why. ``prepare``: what evaluation needs.
    """

    name: str
    make: partial[nn.Module]
    inputs: tuple[Input, ...]
    run: Callable[..., Any] = lambda model, *inputs, **lengths: model(*inputs, **lengths)
    longest: int = 0
    shortest: int = 0
    padded: tuple[int, ...] = (0,)
    impossible: Mapping[str, str] = field(default_factory=dict)
    exempt: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[nn.Module], None] = lambda model: None

    def has(self, check: str) -> bool:
        """Whether a check says anything about this model."""
        if check == "lengths" and not self.longest:
            return False
        if check == "compile" and self.name not in COMPILED:
            return False
        if check in ("func", "vmap") and not any(True for _ in self.make().parameters()):
            return False
        return check not in self.exempt


TWO_SEQUENCES = dict.fromkeys(
    ("empty batch in training", "batch of one in training"), "at least two sequences"
)


FUSED = {"vmap": "fused LSTM has no batched form"}


def _estimate(model):
    model.estimate_statistics(torch.randn(2, 4, 9, 3))


def _attend(model, query, annotations, lengths=None):
    context, alpha, _ = model(query, model.memory(annotations, lengths))
    return context, alpha.t()


def _bound(model, x, noise, lengths=None):
    return bound(model(x, lengths, noise), x, lengths)


def _output_bound(model, x, lengths=None):
    return bound(model(x, lengths), x, lengths)


def _read(model, story, query):
    sentences = torch.tensor([[0, 0, 0], [1, 2, 3], [4, 5, 0], [6, 7, 1], [2, 3, 4]])
    trace = model(sentences, story, query)
    return trace.answer, trace.alpha


def _hops(model, story, query):
    sentences = torch.tensor([[0, 0, 0], [1, 2, 3], [4, 5, 0], [6, 7, 1], [2, 3, 4]])
    trace = model(sentences, story, query)
    return trace.answer, trace.scores


def _glance(model, images):
    rollout = model(images, 3)
    return rollout.log_probs, rollout.hidden.transpose(0, 1), rollout.log_prob.t(), rollout.baseline.t()


def _read_out(model, images):
    rollout = model(images, 3)
    return rollout.log_probs, rollout.hidden.transpose(0, 1)


def _core(model, glimpse):
    return model(model.initial(glimpse.shape[0]), glimpse)


X, SOURCE, TARGET = real(6, 3), whole(9, 6), whole(7, 4)
VRNN_SIZES = {"hidden_size": 4, "latent_size": 2, "features": 4}
WORDS = {"vocabulary_sizes": (9, 7), "embedding": 4, "hidden": 8}
EXERCISES = whole(6, 5, padding=-1), whole(2, 5, padding=-1)

MODELS = [
    Model("RNN", partial(RNN, 3, 5), (X,), longest=6),
    Model("LSTM", partial(LSTM, 3, 5), (X,), longest=6),
    Model("LSTM stepwise", partial(LSTM, 3, 5, fused=False), (X,), longest=6),
    Model("GRU", partial(GRU, 3, 5), (X,), longest=6),
    Model("GRU reverse", partial(GRU, 3, 5, reverse=True), (X,), longest=6),
    Model("GRU before", partial(GRU, 3, 5, reset="before", update="take"), (X,), longest=6),
    Model("BiGRU", partial(BiGRU, 3, 5), (X,), longest=6, shortest=1),
    *(
        Model(
            f"Attention {score}",
            partial(Attention, score=score, query_size=3, annotation_size=3, positions=6),
            (real(3), X),
            _attend,
            longest=6,
            padded=(1,),
        )
        for score in get_args(Score)
    ),
    Model(
        "BNLSTM",
        partial(BNLSTM, 3, 5, max_length=9),
        (X,),
        longest=6,
        impossible=TWO_SEQUENCES,
        prepare=_estimate,
    ),
    Model(
        "SequenceClassifier lstm",
        partial(SequenceClassifier, cell="lstm", input_size=3, hidden_size=5),
        (X,),
        longest=6,
    ),
    Model(
        "SequenceClassifier bn_lstm",
        partial(SequenceClassifier, cell="bn_lstm", input_size=3, hidden_size=5, max_length=9),
        (X,),
        longest=6,
        impossible=TWO_SEQUENCES,
        prepare=_estimate,
    ),
    Model("NTM", partial(NTM, 3, 2, hidden_size=6, rows=6, columns=4), (X,), longest=6),
    Model(
        "NTM feedforward",
        partial(NTM, 3, 2, controller="feedforward", hidden_size=6, rows=6, columns=4, memory="learned"),
        (X,),
        longest=6,
    ),
    Model(
        "LSTMBaseline",
        partial(LSTMBaseline, 3, 2, hidden_size=4, layers=2),
        (X,),
        impossible=FUSED,
    ),
    *(
        Model(
            f"StackRNN {name}",
            partial(StackRNN, 5, hidden_size=4, **options),
            (whole(5, 6),),
        )
        for name, options in (
            ("stacks", {"stacks": 2}),
            ("stacks that wait", {"stacks": 2, "noop": True, "recurrent": True}),
            ("lists", {"stacks": 2, "memory": "list"}),
        )
    ),
    Model("StackRNN's baseline", partial(SymbolLSTM, 5, hidden_size=4), (whole(5, 6),), impossible=FUSED),
    *(
        Model(
            f"RNNsearch {context}",
            partial(bahdanau.RNNsearch, **WORDS, fixed=context == "fixed"),
            (SOURCE, TARGET),
            longest=6,
            shortest=1,
        )
        for context in ("attention", "fixed")
    ),
    Model("RNNsearch's encoder", partial(bahdanau.Encoder, 9, 4, 5), (SOURCE,), longest=6, shortest=1),
    *(
        Model(
            f"LuongAttention {kind}",
            partial(LuongAttention, **WORDS, kind=kind, window=2, feeding=kind != "none"),
            (SOURCE, TARGET),
            longest=6,
            shortest=1,
            impossible=FUSED,
        )
        for kind in ("global", "local-m", "local-p", "none")
    ),
    Model(
        "LuongAttention free",
        partial(LuongAttention, **WORDS, feeding=False),
        (SOURCE, TARGET),
        longest=6,
        shortest=1,
        impossible=FUSED,
    ),
    Model(
        "LuongAttention's encoder",
        partial(luong.Encoder, 9, embedding=4, units=6, layers=2, bidirectional=True),
        (SOURCE,),
        longest=6,
        shortest=1,
        impossible=FUSED,
    ),
    Model(
        "RNNEncoderDecoder",
        partial(RNNEncoderDecoder, **WORDS, maxout=4),
        (SOURCE, TARGET),
        longest=6,
        shortest=1,
    ),
    *(
        Model(
            f"Recaller {cell}",
            partial(Recaller, cell=cell, symbols=5, hidden=4),
            (whole(5, 6),),
        )
        for cell in ("gated", "tanh")
    ),
    *(
        Model(
            f"DKT {cell} {inputs}",
            partial(DKT, 6, hidden_size=4, cell=cell, inputs=inputs, input_size=3),
            EXERCISES,
            DKT.losses,
            longest=5,
            padded=(0, 1),
        )
        for cell, inputs in (("rnn", "one_hot"), ("lstm", "gaussian"), ("appendix", "learned"))
    ),
    Model("DKT's LSTM", partial(AppendixLSTM, 3, 5), (X,)),
    Model("DKT's RNN", partial(PlainRNN, 3, 5), (X,)),
    *(
        Model(
            f"VAE {likelihood}",
            partial(VAE, 6, 2, (4,), likelihood=likelihood),
            (real(6), real(3, 2, batch_axis=1)),
            VAE.bound,
        )
        for likelihood in ("bernoulli", "gaussian")
    ),
    *(
        Model(
            f"CVAE {wiring}",
            partial(CVAE, 3, 6, 8, 2, quirk=wiring == "released"),
            (real(3), real(6), real(2)),
            CVAE.bound,
        )
        for wiring in ("released", "plain")
    ),
    Model("CVAE's regressor", partial(Regressor, 3, 6, 8), (real(3),), lambda m, x: m(x).logits),
    *(
        Model(
            f"MemN2N {encoding} {tying}",
            partial(MemN2N, 9, 8, 6, words=3, encoding=encoding, tying=tying),
            (whole(5, 6), whole(5)),
            _read,
        )
        for encoding, tying in (("bag", "adjacent"), ("printed", "layer-wise"), ("code", "adjacent"))
    ),
    *(
        Model(
            f"MemoryNetwork {name}", partial(MemoryNetwork, 9, 4, **options), (whole(5, 6), whole(5)), _hops
        )
        for name, options in {
            "with time": {},
            "without time": {"time": False, "hops": 1},
            "with matches": {"match": True, "context": torch.full((2, 9, 9), 1 / 9), "hops": 3},
        }.items()
    ),
    *(
        Model(
            f"RecurrentReader {cell}",
            partial(RecurrentReader, 9, 4, cell=cell),
            (whole(9, 6),),
            impossible={"vmap": "torch's layers have no batched form"},
        )
        for cell in ("lstm", "rnn")
    ),
    Model(
        "MemoryLanguageModel",
        partial(MemoryLanguageModel, 9, 4, 5, 2),
        (whole(9, 5),),
        lambda model, words: model(words)[:2],
    ),
    *(
        Model(
            f"VRNN {output}",
            partial(VRNN, 3, **VRNN_SIZES, output=output, components=2),
            (X, real(6, 2)),
            _bound,
            longest=6,
            padded=(0, 1),
        )
        for output in ("gaussian", "mixture", "bernoulli", "pen")
    ),
    Model("VRNN-I", partial(VRNN, 3, **VRNN_SIZES, learned_prior=False), (X, real(6, 2)), _bound, longest=6),
    Model("OutputRNN", partial(OutputRNN, 3, hidden_size=4, features=4), (X,), _output_bound, longest=6),
    Model("Perceptron", partial(Perceptron, 3, 8, 2), (real(3),), lambda m, x: perceptron(x, m.layers)),
    Model(
        "RAM", partial(RAM, 4, hidden_size=6, features=(4, 4, 6), policy="centre"), (real(8, 8),), _read_out
    ),
    Model(
        "RAM lstm",
        partial(
            RAM, 4, 2, hidden_size=6, features=(4, 4, 6), core="lstm", start="learned", through_core=True
        ),
        (real(8, 8),),
        _glance,
        exempt={"second derivatives": "what was drawn is a constant to REINFORCE"},
    ),
    Model("RAM's core", partial(Core, 4, 5, kind="rectified"), (real(4),), _core),
    Model("RAM's glimpse", partial(GlimpseNetwork, 4, 3, 3, 5), (real(4), real(2))),
    Model("FullyConnected", partial(FullyConnected, pixels=64, hidden=5), (real(8, 8),)),
    Model("Convolutional", partial(Convolutional, size=12, hidden=5), (real(12, 12),)),
]

HELPERS = {Dictionary, MovingBaseline, PopulationStatistics, StartsForward, Unmasked}
"""Modules without a forward pass of their own: what they keep, the models above show. The last two are
mistakes on purpose, which a chapter runs."""

TRAINING = ("experiment", "training", "ensemble", "together", "reversal", "language", "demo")
"""Modules of a paper's folder whose classes bind a model to its training, or cut a step out for a page."""

COMPILED = ("RNN", "Attention additive", "DKT appendix learned", "VAE gaussian")
"""What torch.compile is tried on: one model of a kind, since each takes half a minute."""
