"""Recurrent networks, paper by paper: paper, equation, code, oracle, claim and evidence in one chain."""

__version__ = "0.1.0"


def cite(thing):
    """The references behind a model, class, function or module of this package, each with a reason.

    >>> from unrolled.nn.cells import lstm_step
    >>> cite(lstm_step).keys[0]
    'cooijmans2017recurrent'
    """
    # By name, and only when it is called: importing unrolled stays light, and the knowledge base does not
    # enter the import closure, and with it the key, of every chapter and run.
    from importlib import import_module

    return import_module("unrolled.library.credits").credits_of(thing)
