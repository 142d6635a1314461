"""What the chapter shows of runs whose data take a download, or of more runs than it keeps weights of.

``python -m unrolled.papers.bahdanau_attention.traces`` reads the run store and writes
``bib/traces/bahdanau_attention.json``: alignments of captions, and numbers that a single vector loses.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrolled.base.errors import UnrolledError
from unrolled.base.files import atomic_write
from unrolled.base.paths import project
from unrolled.base.records import results
from unrolled.papers.bahdanau_attention.experiment import EXPERIMENT
from unrolled.papers.bahdanau_attention.studies import THIRDS, thirds
from unrolled.tasks.translating import exact, translate, weights
from unrolled.tasks.translation import LONG
from unrolled.training.checkpoints import read_tensors

CAPTIONS, NUMBERS = "multi30k_de", "numbers_long_fixed"


def file() -> Path:
    """Where the traces lie."""
    return project() / "bib" / "traces" / "bahdanau_attention.json"


def read() -> dict[str, Any]:
    """The kept traces, "captions" and "numbers", each with the keys of its runs."""
    return json.loads(file().read_text(encoding="utf-8"))


def jump(alpha: Float[Tensor, "target source"]) -> int:
    """By how many places the largest weight goes back at most. The first word, the full stop and the stop
    symbols are left out.

    >>> jump(torch.eye(6)[[0, 0, 3, 1, 4, 5]])
    2
    """
    best = alpha[1:-2, :-1].argmax(1)
    return int((best.cummax(0).values - best).max()) if len(best) else 0


@torch.no_grad()
def captions(experiment: Any, model: nn.Module, count: int = 1) -> dict[str, Any]:
    """Of test captions that are translated exactly as the reference, those whose weight jumps farthest."""
    source, lengths, target, target_lengths = experiment.data().test
    right = exact(translate(model, source, lengths, max_length=target.shape[1] + 5), target)
    rows = right.nonzero().flatten()
    alpha = weights(model, source[rows], lengths[rows], target[rows])
    sizes = [(int(target_lengths[n]), int(lengths[n])) for n in rows]
    cut = [of[:tall, :wide] for of, (tall, wide) in zip(alpha, sizes, strict=True)]
    chosen = sorted(range(len(cut)), key=lambda n: (-jump(cut[n]), n))[:count]
    shown = [
        {
            "source": _pieces(experiment.vocabularies[0], source[rows[n], : sizes[n][1]]),
            "target": _pieces(experiment.vocabularies[1], target[rows[n], : sizes[n][0]]),
            "alpha": [[round(weight, 3) for weight in row] for row in cut[n].tolist()],
        }
        for n in chosen
    ]
    return {"exact": len(cut), "shown": shown}


def _pieces(vocabulary: Any, ids: Tensor) -> list[str]:
    """The subwords of a sentence as text; the stop symbol as figures name it."""
    return [vocabulary.decode(one[None, None])[0].strip() or "<stop>" for one in ids]


def numbers(pairs: Iterable[tuple[Any, nn.Module]], count: int = 2) -> dict[str, Any]:
    """Held-out numbers that models write wrongly: how many, which third of how many, and the first long ones
    of the first model as (English, right, written)."""
    found: list[list[str]] = []
    shown: list[list[str]] = []
    for experiment, model in pairs:
        source, lengths, target, *_ = experiment.data().valid
        written = translate(model, source, lengths, max_length=target.shape[1] + 5)
        english, french = experiment.vocabularies
        sides = [english.decode(source), french.decode(target), french.decode(written)]
        wrong = (~exact(written, target)).tolist()
        lost = [list(of) for of, is_wrong in zip(zip(*sides, strict=True), wrong, strict=True) if is_wrong]
        shown = shown or [of for of in lost if len(of[0].split()) >= LONG][:count]
        found += lost
    cut = [tuple(map(thirds, of[1:])) for of in found]
    counts = {name: sum(a[k] != b[k] for a, b in cut) for k, name in enumerate(THIRDS)}
    return {"numbers": len(found), "shown": shown} | counts


def told(texts: Iterable[str], width: int = 52) -> str:
    """A number that was lost, in lines that fit a phone.

    >>> print(told(["two hundred and four", "deux cent quatre", "quatre cent deux"], width=24))
    English  two hundred and
             four
    right    deux cent
             quatre
    written  quatre cent
             deux
    """
    fill = textwrap.TextWrapper(width, subsequent_indent=9 * " ").fill
    return "\n".join(map(fill, map("{:8} {}".format, ("English", "right", "written"), texts)))


def keep() -> Path:
    """Write the traces: captions of the median seed, numbers of all seeds with the median one first.

    Raises:
        UnrolledError: if a preset has no finished run.
    """
    (median, facts), *_ = _runs(CAPTIONS)
    made = {"captions": facts | captions(*median)}
    runs = _runs(NUMBERS)
    made["numbers"] = {"runs": [facts for _, facts in runs]} | numbers(pair for pair, _ in runs)
    return atomic_write(file(), json.dumps(made, ensure_ascii=False) + "\n")


def _runs(preset: str) -> list[tuple[tuple[Any, nn.Module], dict[str, Any]]]:
    """The finished runs of a preset, the median one by the metric that selects weights first."""
    found = {r["seed"]: (p, r) for p, r in results(EXPERIMENT.slug)[0].items() if r["preset"] == preset}
    done = [pair for pair in found.values() if pair[1]["complete"]]
    if not done:
        raise UnrolledError(f"no finished run of {preset}", hint=f"unrolled train {EXPERIMENT.slug} {preset}")
    metric, _ = EXPERIMENT.selection
    done.sort(key=lambda pair: pair[1]["metrics"][metric])
    done.insert(0, done.pop(len(done) // 2))
    loaded = []
    for folder, result in done:
        experiment = EXPERIMENT(EXPERIMENT.Config.of(result["config"]), result["seed"])
        model = experiment.model()
        model.load_state_dict(read_tensors(folder / "best.safetensors")[0])
        facts = {name: result[name] for name in ("preset", "seed", "key")}
        loaded.append(((experiment, model.eval()), facts))
    return loaded


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(keep())
