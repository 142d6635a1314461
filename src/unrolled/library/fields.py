"""What the records of the knowledge base are made of: names, texts, numbers, addresses; the strict record."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_:.+-]*$")]
Label = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


def _web(value: str) -> str:
    if not value.startswith(("https://", "http://")) or any(c in value for c in " \"'<>\\"):
        raise ValueError("must be a plain http(s) address")
    return value


Finite = Annotated[float, AfterValidator(_finite)]
Address = Annotated[str, AfterValidator(_web)]


class Model(BaseModel):
    """A strict, immutable record: an unknown field is an error, so a typing slip never passes in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)
