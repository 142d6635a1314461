"""Cells and notebooks for the tests of execution, as plain data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

DEFAULTS = 'profile = "book"\nseed = 0\ndevice = "cpu"'

ENTRY = """\
slug: tiny
kind: paper
title: A tiny paper
short: Tiny
key: tiny2000
part: cells
year: 2000
status: draft
summary: Says little.
statements:
  - id: width
    kind: exact
    says: It is three steps wide.
    locus: {section: "1"}
    metric: width
    unit: steps
    paper: {value: 3}
    value: width
"""


def code(source: str, *tags: str, outputs: list | None = None, count: int | None = None) -> dict[str, Any]:
    metadata = {"tags": list(tags)} if tags else {}
    return {
        "cell_type": "code",
        "source": source,
        "metadata": metadata,
        "outputs": outputs or [],
        "execution_count": count,
    }


def markdown(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "source": source, "metadata": {}}


def notebook(*cells: dict[str, Any], parameters: str | None = DEFAULTS) -> dict[str, Any]:
    first = [] if parameters is None else [code(parameters, "parameters")]
    numbered = [{**cell, "id": f"cell-{place}"} for place, cell in enumerate([*first, *cells])]
    return {"cells": numbered, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


Write = Callable[..., Path]
