"""The level of instructions and the threads of a process, and whether they are those that were asked for.

``ATEN_CPU_CAPABILITY`` sets torch's level (``default``, ``avx2``, ``avx512``), and numpy goes without what
``NPY_DISABLE_CPU_FEATURES`` names. Both are read when these packages load, and a value that means nothing is
passed over: so a kernel is asked what it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def report() -> dict[str, Any]:
    """What this process runs with: torch's level, the features that numpy may use, the threads of torch."""
    import torch
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    return {
        "torch": torch.backends.cpu.get_cpu_capability(),
        "numpy": dict(__cpu_features__),
        "dispatch": list(__cpu_dispatch__),
        "threads": torch.get_num_threads(),
    }


def shortfalls(found: Mapping[str, Any], asked: Mapping[str, str], threads: int) -> list[str]:
    """Where a report differs from what environment variables and a number of threads ask for."""
    faults = []
    level = asked.get("ATEN_CPU_CAPABILITY", "")
    if level and found["torch"].lower() != level.lower():
        faults.append(f"torch has {found['torch']}, ATEN_CPU_CAPABILITY asks for {level}")
    for name in asked.get("NPY_DISABLE_CPU_FEATURES", "").replace(",", " ").split():
        if found["numpy"].get(name) is not False:
            known = "has" if name in found["numpy"] else "knows no"
            faults.append(f"numpy {known} {name}, which NPY_DISABLE_CPU_FEATURES takes away")
    if found["threads"] != threads:
        faults.append(f"torch has {found['threads']} threads, not {threads}")
    return faults


def described(found: Mapping[str, Any]) -> str:
    """A report in one line.

    >>> described({"torch": "AVX2", "numpy": {"X86_V3": True}, "dispatch": ["X86_V3"], "threads": 1})
    'torch AVX2, numpy X86_V3, threads 1'
    """
    features = [name for name in found["dispatch"] if found["numpy"].get(name)]
    return f"torch {found['torch']}, numpy {' '.join(features) or 'baseline'}, threads {found['threads']}"
