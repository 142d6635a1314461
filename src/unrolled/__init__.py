"""Recurrent networks, paper by paper: paper, equation, code, oracle, statement and evidence in one chain.

The model of every paper is a name of this package (``from unrolled import NTM``); ``load`` gives trained
ones, ``entry`` what the knowledge base says of a paper, and ``cite`` the references behind a model.
"""

from importlib import import_module

__version__ = "0.2.0.dev0"

MODELS = {
    "BNLSTM": "bn_lstm",
    "CVAE": "vae_tutorial",
    "DKT": "dkt",
    "LuongAttention": "luong_attention",
    "MemN2N": "memn2n",
    "MemoryNetwork": "memory_networks",
    "NTM": "ntm",
    "RAM": "ram",
    "RNNEncoderDecoder": "rnn_encoder_decoder",
    "RNNsearch": "bahdanau_attention",
    "StackRNN": "stack_rnn",
    "VAE": "vae",
    "VRNN": "vrnn",
}
"""The model of each paper, and the paper's slug."""

__all__ = ["MODELS", "cite", "entry", "load", *MODELS]

# Everything else is imported when it is first named: importing unrolled stays light, and neither models nor
# the knowledge base enter the import closure, and with it the key, of every chapter and run.


def __getattr__(name):
    if name in MODELS:
        return getattr(import_module(f"unrolled.papers.{MODELS[name]}.model"), name)
    raise AttributeError(f"module 'unrolled' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *MODELS])


def cite(thing):
    """The references behind a model, class, function or module of this package, each with a reason.

    >>> from unrolled.nn.cells import lstm_step
    >>> cite(lstm_step).keys[0]
    'cooijmans2017recurrent'
    """
    return import_module("unrolled.library.credits").credits_of(thing)


def entry(slug):
    """What the knowledge base says of an item of the reading list: its equations, statements, links.

    Raises:
        UsageError: if there is no such entry.

    >>> entry("ntm").title
    'Neural Turing Machines'
    """
    return import_module("unrolled.library.entries").load_entry(slug)


def load(name):
    """A trained model of a stored run, by paper and preset, in evaluation mode: ``load("ntm/copy")``.

    Raises:
        UsageError: if there are no weights of that name; the names that there are stand in the message.
    """
    return import_module("unrolled.training.weights").load(name)
