"""Checkpoints: everything that the rest of a run depends on, in one safetensors file; nothing is unpickled.

A file is written whole, carries a SHA-256 over its contents, and the last two are kept: where the newest is
damaged, the one before serves.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from unrolled.base.errors import UnrolledError
from unrolled.base.files import atomic_write

log = logging.getLogger(__name__)

KEEP = 2


def digest(tensors: dict[str, Tensor], facts: dict) -> str:
    """A SHA-256 over names, types, shapes and bytes of tensors, and over facts that fit JSON."""
    total = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data if tensor.numel() else b"")
    return total.hexdigest()


def write_tensors(path: Path, tensors: dict[str, Tensor], facts: dict) -> Path:
    """Write tensors and facts to a safetensors file, whole, with a checksum in its header."""
    # Clones, because safetensors refuses tensors that share memory (tied weights).
    owned = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    header = {"facts": json.dumps(facts), "sha256": digest(owned, facts)}
    return atomic_write(path, save_tensors(owned, metadata=header))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict]:
    """Read what ``write_tensors`` wrote.

    Raises:
        UnrolledError: if the file is missing, truncated or altered.
    """
    try:
        content = path.read_bytes()
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length])["__metadata__"]
        facts, tensors = json.loads(header["facts"]), load_tensors(content)
        if digest(tensors, facts) != header["sha256"]:
            raise ValueError("its checksum differs")
    except FileNotFoundError:
        raise UnrolledError("is missing", file=path) from None
    except (SafetensorError, ValueError, KeyError, TypeError, OSError, MemoryError) as error:
        raise UnrolledError(f"is damaged: {error or type(error).__name__}", file=path) from error
    return tensors, facts


class Checkpoint(NamedTuple):
    """The state of a run after some updates."""

    model: dict[str, Tensor]
    optimiser: dict
    generators: dict[str, Tensor]  # "cpu", and "cuda" where there is one
    facts: dict  # update, best, best_update, seconds, peak_memory_mb

    @property
    def update(self) -> int:
        """How many updates were done."""
        return self.facts["update"]


def checkpoint_path(folder: Path, update: int) -> Path:
    """The file of the checkpoint after an update."""
    return folder / f"checkpoint-{update}.safetensors"


def saved(folder: Path) -> list[tuple[int, Path]]:
    """The checkpoints of a folder, newest first."""
    found = []
    for path in folder.glob("checkpoint-*.safetensors"):
        number = re.fullmatch(r"checkpoint-(\d+)\.safetensors", path.name)
        if number:
            found.append((int(number[1]), path))
    return sorted(found, reverse=True)


def save(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint, and remove all but the last two."""
    tensors = {f"model.{name}": value for name, value in checkpoint.model.items()}
    tensors |= {f"generator.{name}": value for name, value in checkpoint.generators.items()}
    numbers: dict[str, float] = {}
    for index, values in checkpoint.optimiser["state"].items():
        for name, value in values.items():
            key = f"optimiser.{index}.{name}"
            if isinstance(value, Tensor):
                tensors[key] = value
            elif value is not None:
                numbers[key] = value
    facts = {**checkpoint.facts, "optimiser_numbers": numbers}
    path = write_tensors(checkpoint_path(folder, checkpoint.update), tensors, facts)
    for _, old in saved(folder)[KEEP:]:
        old.unlink(missing_ok=True)
    return path


def load(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        UnrolledError: if the file is missing, truncated or altered.
    """
    tensors, facts = read_tensors(path)
    parts: dict[str, dict] = {"model": {}, "generator": {}}
    state: dict[int, dict] = {}
    for key, value in [*tensors.items(), *facts.pop("optimiser_numbers").items()]:
        kind, _, name = key.partition(".")
        if kind == "optimiser":
            index, _, name = name.partition(".")
            state.setdefault(int(index), {})[name] = value
        else:
            parts[kind][name] = value
    return Checkpoint(parts["model"], {"state": state}, parts["generator"], facts)


def latest(folder: Path) -> Checkpoint | None:
    """The newest checkpoint that is whole, or None; a damaged one is removed, and one line says so."""
    for _, path in saved(folder):
        try:
            return load(path)
        except UnrolledError as error:
            log.warning("%s: the checkpoint before it is used", error)
            path.unlink(missing_ok=True)
    return None


def clear(folder: Path) -> None:
    """Remove every checkpoint of a folder."""
    for _, path in saved(folder):
        path.unlink(missing_ok=True)
