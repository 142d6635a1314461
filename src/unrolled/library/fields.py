"""What the records of the knowledge base are made of: names, texts, numbers, addresses, places, sources."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, model_validator

from unrolled.base.addresses import is_web

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Key = Annotated[str, StringConstraints(pattern=r"^[^\s,{}()\"#%~\\=`<>]+$")]
Label = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


def _web(value: str) -> str:
    if not is_web(value):
        raise ValueError("must be a plain http(s) address")
    return value


Finite = Annotated[float, AfterValidator(_finite)]
Address = Annotated[str, AfterValidator(_web)]


class Model(BaseModel):
    """A strict, immutable record: an unknown field is an error, so a typing slip never passes in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(StrEnum):
    """How sure a fact about a paper is."""

    VERIFIED = "verified"  # read in the paper or in its released code
    SECONDARY = "secondary"  # read in a secondary source only
    COMPUTED = "computed"  # follows from verified facts
    RECALLED = "recalled"  # from memory, not verified: shown as such


class Locus(Model):
    """Where in the paper a statement stands; at least one place."""

    section: str | None = None
    table: str | None = None
    figure: str | None = None
    equation: str | None = None
    page: str | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _somewhere(self) -> Locus:
        if not any((self.section, self.table, self.figure, self.equation, self.page, self.note)):
            raise ValueError("names no place: give a section, table, figure, equation, page or note")
        return self

    def __str__(self) -> str:
        places = (
            ("Table", self.table),
            ("Figure", self.figure),
            ("" if (self.section or "").startswith("Appendix") else "Section", self.section),
            ("Equation", self.equation),
            ("p.", self.page),
        )
        return ", ".join(
            [f"{name} {value}".strip() for name, value in places if value]
            + ([self.note] if self.note else [])
        )
