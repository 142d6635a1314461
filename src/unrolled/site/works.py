"""Published works as the pages name them: authors, title, venue and year, taken from CSL-JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Work:
    """One reference, in plain text."""

    key: str
    title: str
    authors: tuple[tuple[str, str], ...]  # (family, given); a corporate author has no given name
    venue: str
    year: str
    url: str | None = None

    @property
    def names(self) -> str:
        """All authors: "Tim Cooijmans, Nicolas Ballas and Aaron Courville"."""
        full = [f"{given} {family}".strip() for family, given in self.authors]
        if full[1:] and full[-1] in ("et al.", "others"):
            return f"{', '.join(full[:-1])} et al."
        return full[0] if len(full) == 1 else f"{', '.join(full[:-1])} and {full[-1]}" if full else ""

    @property
    def short(self) -> str:
        """As it is cited in a sentence: "Cooijmans et al. (2017)"."""
        families = [family for family, _ in self.authors]
        who = families[0] if families else self.title
        if families[1:] in (["et al."], ["others"]):
            who = f"{families[0]} et al."
        elif len(families) == 2:
            who = f"{families[0]} & {families[1]}"
        elif len(families) > 2:
            who = f"{families[0]} et al."
        return f"{who} ({self.year})" if self.year else who


def from_csl(item: Mapping[str, Any]) -> Work:
    """A work from one CSL-JSON item; whatever is missing is left empty."""
    authors = tuple(
        (
            " ".join(p for p in (a.get("non-dropping-particle"), a.get("family") or a.get("literal")) if p),
            " ".join(p for p in (a.get("given"), a.get("suffix")) if p),
        )
        for a in item.get("author", ())
    )
    dates = item.get("issued", {}).get("date-parts") or [[]]
    issued = item.get("issued", {})
    year = str(dates[0][0]) if dates[0] else str(issued.get("literal") or issued.get("raw", ""))
    venue = (
        item.get("container-title")
        or item.get("event-title")
        or item.get("genre")
        or item.get("publisher")
        or ""
    )
    doi, url = item.get("DOI"), item.get("URL")
    return Work(
        key=str(item.get("id", "")),
        title=str(item.get("title", "")),
        authors=authors,
        venue=str(venue),
        year=year,
        url=str(url) if url else f"https://doi.org/{doi}" if doi else None,
    )
