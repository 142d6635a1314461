"""Indexes of the whole book: equations, symbols, data sets, errata and changes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from unrolled.library.models import Entry, Symbol
from unrolled.site.equations import display, equation_link, numbered
from unrolled.site.html import Place, code, element, find, join, link, math, render
from unrolled.site.knowledge import PARTS, KnowledgeBase
from unrolled.site.tables import Row, entry_link, errata, nothing, sure, symbol_anchor, table


def equations(kb: KnowledgeBase, place: Place) -> Markup:
    """Every equation of every entry, in the book's order."""
    members = [entry for entry in kb.ordered() if entry.equations]
    if not members:
        return nothing("No equation is recorded yet.")
    by_part = {part: [entry for entry in members if entry.part == part] for part in PARTS}
    return render(
        "equations",
        papers=len(members),
        parts=[(part, PARTS[part], found) for part, found in by_part.items() if found],
        total=sum(len(entry.equations) for entry in members),
        recalled=sum(q.source.value == "recalled" for entry in members for q in entry.equations),
        entry_link=lambda entry: entry_link(kb, entry.slug, place, entry.title),
        equation_link=lambda entry, q: equation_link(kb, entry, q, place),
        numbered=numbered,
        display=display,
        sure=sure,
    )


def symbol_uses(kb: KnowledgeBase) -> dict[str, list[tuple[Entry, Symbol]]]:
    """Each symbol as this book writes it, with the entries that use it; sorted by letter."""
    found: dict[str, list[tuple[Entry, Symbol]]] = {}
    for entry in kb.ordered():
        for symbol in entry.notation:
            found.setdefault(" ".join(symbol.house.split()), []).append((entry, symbol))

    def order(latex: str) -> tuple[str, str]:
        bare = re.sub(r"\\(tilde|hat|bar|mathbf|mathrm|mathcal|boldsymbol|vec|dot|text)\b", "", latex)
        return (re.sub(r"[^A-Za-z]", "", bare).lower() or "~", latex)

    return {latex: found[latex] for latex in sorted(found, key=order)}


def symbols(kb: KnowledgeBase, place: Place) -> Markup:
    """What each symbol means, entry by entry, with the paper's own sign where it differs."""
    uses = symbol_uses(kb)
    if not uses:
        return nothing("No notation is recorded yet.")
    rows = []
    for latex, members in uses.items():
        meanings = []
        for entry, symbol in members:
            differs = " ".join(symbol.paper.split()) != latex
            paper = join((" (in the paper ", math(symbol.paper), ")")) if differs else None
            meanings.append(element("li", symbol.name, paper, ", ", entry_link(kb, entry.slug, place)))
        names = dict.fromkeys(n.strip() for _, s in members for n in (s.identifier or "").split(","))
        codes = join((code(n) for n in names if n), ", ") or None
        meaning = element("ul", *meanings, class_="plain-list")
        rows.append(Row((math(latex), meaning, codes), anchor=symbol_anchor(latex)))
    caption = f"{len(rows)} symbols of {len({e.slug for u in uses.values() for e, _ in u})} entries"
    box = find("table.symbols tbody tr", "Filter symbols", "alpha, gate, latent")
    return join((box, table(("Symbol", "Meaning", "In the code"), rows, class_="symbols", caption=caption)))


def registry(kb: KnowledgeBase) -> dict[str, dict[str, Any]]:
    """The data registry as it stands in its file; empty where there is none."""
    file = kb.root / "src" / "unrolled" / "data" / "registry.toml"
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def size(count: float) -> str:
    """Bytes in words.

    >>> size(11_594_722), size(900)
    ('11.6 MB', '900 bytes')
    """
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.3g} {unit}"
    return f"{count:.0f} bytes"


def datasets(kb: KnowledgeBase, place: Place, known: Mapping[str, Mapping[str, Any]] | None = None) -> Markup:
    """Data sets that entries use or the registry holds, with licence, size and who uses them."""
    known = registry(kb) if known is None else known
    users: dict[str, list[Entry]] = {}
    for entry in kb.ordered():
        for name in entry.datasets:
            users.setdefault(name, []).append(entry)
    return render(
        "datasets",
        known=known,
        fetched=[*(n for n in known if n in users), *(n for n in known if n not in users)],
        named=sorted(n for n in users if n not in known),
        facts=lambda name: _facts(kb, name, known.get(name, {}), users.get(name, []), place),
    )


def _facts(
    kb: KnowledgeBase, name: str, record: Mapping[str, Any], users: list[Entry], place: Place
) -> list[tuple[str, object]]:
    facts: list[tuple[str, object]] = []
    if users:
        facts.append(("Used by", join((entry_link(kb, e.slug, place) for e in users), ", ")))
    key = record.get("key")
    if isinstance(key, str) and key in kb.works:
        cited = link(kb.works[key].short, place.to("book/bibliography", f"key-{key}"))
        facts.append(("Reference", cited))
    elif record.get("citation"):
        facts.append(("Reference", record["citation"]))
    labels = (("licence", "Licence"), ("splits", "Splits"), ("notes", "Note"))
    facts += [(label, record[field]) for field, label in labels if record.get(field)]
    files = record.get("files") or {}
    if files:
        total = sum(f.get("bytes", 0) for f in files.values())
        count = "1 file" if len(files) == 1 else f"{len(files)} files"
        facts.append(("Size", f"{count}, {size(total)}"))
    elif record.get("listing"):
        facts.append(("Size", "many files, each listed with its SHA-256"))
    module = name.replace("-", "_")
    if (kb.root / "src" / "unrolled" / "data" / f"{module}.py").is_file():
        facts.append(("Loaded by", code(f"unrolled.data.{module}")))
    return facts


def history(kb: KnowledgeBase, place: Place) -> Markup:
    """Mistakes in papers and their code, and the changes of each chapter, part by part."""
    members = [entry for entry in kb.ordered() if entry.errata or entry.changelog]
    if not members:
        return nothing("No erratum and no change is recorded yet.")
    by_part = {part: [entry for entry in members if entry.part == part] for part in PARTS}
    return render(
        "history",
        parts=[(part, PARTS[part], found) for part, found in by_part.items() if found],
        entry_link=lambda entry: entry_link(kb, entry.slug, place),
        errata=errata,
    )
