"""Trained weights that the project keeps: small float16 files that say what they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from unrolled.base.errors import UnrolledError, unknown
from unrolled.base.folders import written
from unrolled.base.paths import project
from unrolled.base.records import read_result, results
from unrolled.training.checkpoints import read_tensors, write_tensors
from unrolled.training.experiment import experiment

if TYPE_CHECKING:
    from torch import nn

LARGEST = 8_000_000
"""Bytes of one file of weights."""


def folder() -> Path:
    """Where weights are kept, one folder per paper."""
    return written("bib", "weights")


def export(run: Path, *, licence: str = "") -> Path:
    """Keep the best weights of a finished run as ``bib/weights/<slug>/<preset>.safetensors``.

    Raises:
        UnrolledError: if the run is damaged or its weights are larger than a repository should hold.
    """
    result = read_result(run / "result.json")
    tensors, _ = read_tensors(run / "best.safetensors")
    half = {n: t.half() if t.is_floating_point() else t for n, t in tensors.items()}
    size = sum(tensor.numel() * tensor.element_size() for tensor in half.values())
    if size > LARGEST:
        raise UnrolledError(f"{size / 1e6:.1f} MB of weights; {LARGEST / 1e6:.0f} are kept at most", file=run)
    facts = {name: result[name] for name in ("slug", "preset", "seed", "config", "key", "best_update")}
    target = folder() / result["slug"] / f"{result['preset']}.safetensors"
    return write_tensors(target, half, facts | {"licence": licence})


def keep_median(slug: str, preset: str, store: Path | None = None) -> Path:
    """Keep the weights of the median seed of a preset, by the metric that selects weights.

    Of an even number of seeds the worse of the two in the middle; of several states of the code the newest.

    Raises:
        UnrolledError: if there is no finished run of the preset.
    """
    found = [(folder, run) for folder, run in results(slug, store)[0].items() if run["preset"] == preset]
    done = sorted((pair for pair in found if pair[1]["complete"]), key=lambda pair: pair[1]["finished"])
    newest = {run["seed"]: (folder, run) for folder, run in done}
    if not newest:
        raise UnrolledError(f"no finished run of {slug} {preset}", hint=f"unrolled train {slug} {preset}")
    metric, goal = experiment(slug).selection
    ranked = sorted(newest.values(), key=lambda pair: pair[1]["metrics"][metric], reverse=goal == "max")
    return export(ranked[len(ranked) // 2][0])


def load(name: str) -> nn.Module:
    """A trained model by paper and preset, in evaluation mode: ``load("ntm/copy")``.

    The weights were kept in half precision and come back in single.

    Raises:
        UsageError: if there are no weights of that name.
        UnrolledError: if the file is damaged or belongs to another version of the model.
    """
    folders = (project() / "bib" / "weights", folder())  # what was written here stands before what came along
    known = {
        f"{p.parent.name}/{p.stem}": p for place in folders for p in sorted(place.glob("*/*.safetensors"))
    }
    if name not in known:
        raise unknown("trained model", name, known, listing=f"there are {', '.join(known) or 'none yet'}")
    tensors, facts = read_tensors(known[name])
    kind = experiment(facts["slug"])
    with torch.random.fork_rng(devices=[]):
        model = kind(kind.Config.of(facts["config"]), facts["seed"]).model()
    single = {n: t.float() if t.is_floating_point() else t for n, t in tensors.items()}
    try:
        model.load_state_dict(single)
    except RuntimeError as error:
        raise UnrolledError(
            f"the weights belong to another version of the model: {str(error).splitlines()[0]}",
            file=known[name],
        ) from error
    return model.eval()
