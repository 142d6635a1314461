"""What the chapter shows of the runs that the paper's rule chooses among ten, beside the median one.

``python -m unrolled.papers.stack_rnn.traces`` reads the run store and writes ``bib/traces/stack_rnn.json``:
for each counting language one string, and what every stack did at each of its symbols.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from unrolled.base.errors import UnrolledError
from unrolled.base.files import atomic_write
from unrolled.base.paths import project
from unrolled.base.records import results
from unrolled.data.counting import ALPHABETS, streams
from unrolled.papers.stack_rnn.experiment import EXPERIMENT
from unrolled.training.checkpoints import read_tensors

LANGUAGES, SIZE = ("anbn", "anbncn", "anbncndn", "anb2n", "anbmcnm"), 6
"""Languages, and the size of the string: that of the paper's Table 3."""


def file() -> Path:
    """Where the traces lie."""
    return project() / "bib" / "traces" / "stack_rnn.json"


def read() -> dict[str, Any]:
    """The kept traces by language, each with the seed and the key of its run."""
    return json.loads(file().read_text(encoding="utf-8"))


def traced(model: nn.Module, language: str) -> dict[str, Any]:
    """Every symbol of a string with the chance that was given to the one that follows, and for every stack
    the share of a push and its new top; ``soft`` and ``rounded``. The string starts on empty stacks."""
    symbols = streams(language, [[SIZE]], np.random.default_rng(0)).symbols[0, 1:]
    shown: dict[str, Any] = {"text": "".join(ALPHABETS[language][symbol] for symbol in symbols.tolist())}
    for name, rounded in (("soft", False), ("rounded", True)):
        steps = model.trace(symbols[None, :-1], rounded=rounded)
        chances = steps.logits[0].softmax(-1).gather(1, symbols[1:, None])[:, 0]
        parts = {"chance": chances, "push": steps.actions[0, ..., 0], "top": steps.stacks[0, ..., 0]}
        shown[name] = {key: np.round(part.numpy(), 3).tolist() for key, part in parts.items()}
    return shown


def keep() -> Path:
    """Write the traces of the seed with the lowest validation loss under rounding.

    Raises:
        UnrolledError: if a language has no finished run.
    """
    made = {}
    found = [(folder, run) for folder, run in results("stack_rnn")[0].items() if run["complete"]]
    for language in LANGUAGES:
        runs = [(folder, run) for folder, run in found if run["preset"] == language]
        if not runs:
            raise UnrolledError(f"no finished run of {language}", hint=f"unrolled train stack_rnn {language}")
        folder, run = min(runs, key=lambda pair: pair[1]["metrics"]["valid_loss_rounded"])
        model = EXPERIMENT(EXPERIMENT.Config.of(run["config"]), run["seed"]).model()
        model.load_state_dict(read_tensors(folder / "best.safetensors")[0])
        made[language] = {"seed": run["seed"], "key": run["key"]} | traced(model.eval(), language)
    return atomic_write(file(), json.dumps(made) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(keep())
