"""What is compared: one entry a model, and in it one line a contender."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

from benchmarks import (
    bahdanau_attention,
    dkt,
    luong_attention,
    memn2n,
    memory_networks,
    ntm,
    ram,
    rnn_encoder_decoder,
    stack_rnn,
    vae,
    vae_tutorial,
    vrnn,
)
from benchmarks.textbook import TextbookBNLSTM
from unrolled.papers.bn_lstm.model import BNLSTM

Update = Callable[[], None]
"""One forward and one backward pass."""


class Contender(NamedTuple):
    """One way to compute the model: ``build(steps, device)`` makes the update that is timed."""

    name: str
    build: Callable[[int, str], Update]
    compiled: bool = False
    capturable: bool = True  # False where an update looks at values, which no CUDA graph can


class Benchmark(NamedTuple):
    """A model at some lengths.

    Its first contender is the limit, torch's fused layer; its second is a textbook loop.
    """

    slug: str
    what: str
    steps: tuple[int, ...]
    contenders: tuple[Contender, ...]
    goals: dict[str, dict[int, float]]  # contender -> steps -> share of the limit's speed, on a CPU


def update_of(model: nn.Module, loss: Callable[[], torch.Tensor]) -> Update:
    """Forward and backward, with fresh gradients every time."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]

    def update() -> None:
        for parameter in parameters:
            parameter.grad = None
        loss().backward()

    return update


def _bn_lstm(slug: str, inputs: int, steps: tuple[int, ...], goals: dict[int, float]) -> Benchmark:
    def sequences(steps: int, device: str) -> torch.Tensor:
        return torch.rand(steps, 64, inputs, device=device)

    def fused(steps: int, device: str) -> Update:
        model, x = nn.LSTM(inputs, 100).to(device), sequences(steps, device)
        return update_of(model, lambda: model(x)[1][0].sum())

    def textbook(steps: int, device: str) -> Update:
        model, x = TextbookBNLSTM(inputs, 100).to(device), sequences(steps, device)
        return update_of(model, lambda: model(x).sum())

    def ours(steps: int, device: str) -> Update:
        model = BNLSTM(inputs, 100, max_length=steps, batch_first=False).to(device)
        x = sequences(steps, device)
        return update_of(model, lambda: model(x).last.h.sum())

    return Benchmark(
        slug=slug,
        what=f"BN-LSTM, 64 sequences, {inputs} inputs, 100 units",
        steps=steps,
        contenders=(
            Contender("torch.nn.LSTM", fused),
            Contender("textbook loop", textbook),
            Contender("eager", ours),
        ),
        goals={"eager": goals},
    )


def _built(
    build: Callable[[int, str], tuple[nn.Module, Callable[[], torch.Tensor]]],
) -> Callable[[int, str], Update]:
    return lambda steps, device: update_of(*build(steps, device))


def _vrnn(slug: str, batch: int) -> Benchmark:
    return Benchmark(
        slug=slug,
        what=f"VRNN, {batch} piano rolls, 100 units, 16 latent dimensions, the bound included",
        steps=(50,),
        contenders=(
            Contender("torch.nn.GRU", _built(vrnn.gru(batch))),
            Contender("textbook loop", _built(vrnn.textbook(batch))),
            Contender("eager", _built(vrnn.vrnn(batch))),
        ),
        goals={"eager": {50: 0.27}},
    )


def _ram(slug: str, size: int, glimpse_size: int, scales: int) -> Benchmark:
    return Benchmark(
        slug=slug,
        what=f"RAM, 128 images of {size}x{size}, {scales} patches of {glimpse_size}x{glimpse_size} a glimpse",
        steps=(6,),
        contenders=(
            Contender("torch.nn.RNN", _built(ram.core)),
            Contender("textbook loop", _built(ram.textbook(size, glimpse_size, scales)), capturable=False),
            Contender("eager", _built(ram.ram(size, glimpse_size, scales))),
        ),
        goals={},
    )


def _dkt(slug: str, exercises: int) -> Benchmark:
    return Benchmark(
        slug=slug,
        what=f"DKT, 32 students, 200 units, {exercises} exercises",
        steps=(200,),
        contenders=(
            Contender("torch.nn.LSTM", _built(dkt.core)),
            Contender("textbook loop", _built(dkt.textbook(exercises))),
            Contender("eager", _built(dkt.dkt(exercises))),
        ),
        goals={"eager": {200: 0.95}},
    )


def _ntm(slug: str, batch: int) -> Benchmark:
    return Benchmark(
        slug=slug,
        what=f"NTM, {batch} copies, memory of 128x20, LSTM controller of 100 units",
        steps=(20,),
        contenders=(
            Contender("torch.nn.LSTM", _built(ntm.core(batch))),
            Contender("textbook loop", _built(ntm.textbook(batch))),
            Contender("eager", _built(ntm.ntm(batch))),
            Contender("textbook loop, compiled", _built(ntm.textbook(batch, compiled=True)), compiled=True),
            Contender("compiled", _built(ntm.ntm(batch, "compiled")), compiled=True),
        ),
        goals={},
    )


def _stack_rnn(slug: str, batch: int) -> Benchmark:
    return Benchmark(
        slug=slug,
        what=f"Stack RNN, {batch} sequences, 40 units, 10 stacks",
        steps=(100,),
        contenders=(
            Contender("torch.nn.RNN", _built(stack_rnn.core(batch))),
            Contender("textbook loop", _built(stack_rnn.textbook(batch))),
            Contender("idiomatic", _built(stack_rnn.idiomatic(batch))),
            Contender("one by one", _built(stack_rnn.one_by_one(batch))),
            Contender("eager", _built(stack_rnn.stack_rnn(batch))),
            Contender(
                "idiomatic, compiled", _built(stack_rnn.idiomatic(batch, compiled=True)), compiled=True
            ),
            Contender("compiled", _built(stack_rnn.stack_rnn(batch, "compiled")), compiled=True),
        ),
        goals={},
    )


def _memn2n(slug: str, embedding: int) -> Benchmark:
    return Benchmark(
        slug=slug,
        what=f"MemN2N, 32 questions, 50 memories, {embedding} dimensions; ten restarts in one program",
        steps=(3,),
        contenders=(
            Contender("attention alone", _built(memn2n.attention_alone(embedding))),
            Contender("textbook module", _built(memn2n.textbook(embedding))),
            Contender("eager", _built(memn2n.memn2n(embedding)), capturable=False),
            Contender("ten restarts", _built(memn2n.memn2n(embedding, restarts=10)), capturable=False),
        ),
        goals={},
    )


def _memory_network(negatives: str) -> Benchmark:
    return Benchmark(
        slug=f"memory_networks_{negatives}",
        what=f"memory network, 50 questions, 35 memories, 100 dimensions, two hops, {negatives} negatives",
        steps=(2,),
        contenders=(
            Contender("products alone", _built(memory_networks.products(negatives))),
            Contender("textbook loop", _built(memory_networks.bags(negatives, one_by_one=True))),
            Contender("torch's EmbeddingBag", _built(memory_networks.bags(negatives))),
            Contender("eager", _built(memory_networks.memory_network(negatives))),
        ),
        goals={},
    )


BENCHMARKS = [
    _bn_lstm("bn_lstm", inputs=1, steps=(100, 196, 784), goals={784: 0.45}),
    _bn_lstm("bn_lstm_50", inputs=50, steps=(100, 400), goals={}),
    Benchmark(
        slug="bahdanau_attention",
        what="RNNsearch, 64 sentences over 2,000 words, 256 units, projection included",
        steps=(30,),
        contenders=(
            Contender("torch.nn.GRU", _built(bahdanau_attention.gru)),
            Contender(
                "textbook loop", _built(bahdanau_attention.plain(bahdanau_attention.TextbookRNNsearch))
            ),
            Contender("idiomatic", _built(bahdanau_attention.plain(bahdanau_attention.IdiomaticRNNsearch))),
            Contender("eager", _built(bahdanau_attention.rnnsearch())),
            Contender("eager, one vector", _built(bahdanau_attention.rnnsearch(fixed=True))),
        ),
        goals={"eager": {30: 0.18}},
    ),
    Benchmark(
        slug="rnn_encoder_decoder",
        what="RNN Encoder-Decoder, 64 phrases over 2,000 words, 256 units, projection included",
        steps=(7, 30),
        contenders=(
            Contender("torch.nn.GRU", _built(rnn_encoder_decoder.gru)),
            Contender(
                "textbook loop", _built(rnn_encoder_decoder.plain(rnn_encoder_decoder.TextbookEncoderDecoder))
            ),
            Contender(
                "idiomatic", _built(rnn_encoder_decoder.plain(rnn_encoder_decoder.IdiomaticEncoderDecoder))
            ),
            Contender("eager", _built(rnn_encoder_decoder.encoder_decoder)),
        ),
        goals={},
    ),
    Benchmark(
        slug="luong_attention",
        what="Luong's model, general scores, 64 sentences over 2,000 words, 256 units, projection included",
        steps=(30,),
        contenders=(
            Contender("torch.nn.LSTM", _built(luong_attention.lstm)),
            Contender("textbook loop", _built(luong_attention.plain(luong_attention.TextbookLuong))),
            Contender("idiomatic", _built(luong_attention.plain(luong_attention.IdiomaticLuong))),
            Contender("eager", _built(luong_attention.luong())),
            Contender(
                "idiomatic, no feeding",
                _built(luong_attention.plain(luong_attention.IdiomaticLuongWithoutFeeding)),
            ),
            Contender("eager, no feeding", _built(luong_attention.luong(feeding=False))),
        ),
        goals={"eager, no feeding": {30: 0.5}},
    ),
    _vrnn("vrnn", batch=64),
    _vrnn("vrnn_8", batch=8),
    _ram("ram", size=28, glimpse_size=8, scales=1),
    _ram("ram_60", size=60, glimpse_size=12, scales=3),
    _dkt("dkt", exercises=100),
    _dkt("dkt_1200", exercises=1200),
    _ntm("ntm", batch=32),
    _ntm("ntm_1", batch=1),
    _stack_rnn("stack_rnn", batch=32),
    _memn2n("memn2n", embedding=20),
    _memn2n("memn2n_50", embedding=50),
    _memory_network("sampled"),
    _memory_network("all"),
    Benchmark(
        slug="vae",
        what="VAE, 100 pictures of 784 pixels, 500-500-50, one sample",
        steps=(1,),
        contenders=(
            Contender("products alone", _built(vae.products)),
            Contender("textbook script", _built(vae.textbook)),
            Contender("eager", _built(vae.ours)),
        ),
        goals={},
    ),
    Benchmark(
        slug="vae_tutorial",
        what="CVAE, 100 columns of 28 pixels and 756 to complete, 1000-500-250-30, one sample",
        steps=(1,),
        contenders=(
            Contender("products alone", _built(vae_tutorial.products)),
            Contender("textbook script", _built(vae_tutorial.textbook)),
            Contender("eager", _built(vae_tutorial.ours)),
        ),
        goals={},
    ),
]
