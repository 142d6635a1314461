"""Indexes of the whole book: equations, symbols, data sets, further reading, errata and changes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from unrolled.library.models import Entry, Link, Symbol
from unrolled.site.card import KINDS
from unrolled.site.formulas import display, equation_link
from unrolled.site.html import Place, code, element, join, link, math
from unrolled.site.lineage import concept_link
from unrolled.site.shelf import PARTS, Shelf
from unrolled.site.tables import Row, entry_link, errata, nothing, sure, symbol_anchor, table

STATES = {"alive": "alive", "dead": "gone", "moved": "moved", "unknown": "not checked"}
"""What is known of an address, in words."""


def equations(shelf: Shelf, place: Place) -> Markup:
    """Every equation of every entry, in the book's order."""
    members = [entry for entry in shelf.ordered() if entry.equations]
    if not members:
        return nothing("No equation is recorded yet.")
    total = sum(len(entry.equations) for entry in members)
    unread = sum(q.source.value == "recalled" for entry in members for q in entry.equations)
    parts: list[Markup] = [
        element(
            "p",
            f"{total} equations of {len(members)} entries; {unread} of them are marked as unverified: "
            "they were written from memory and are still to be compared with the paper.",
        )
    ]
    for entry in members:
        items = []
        for q in entry.equations:
            named = element("span", q.name, class_="formula-name") if equation_numbered(q.number) else None
            head = join(
                (n for n in (equation_link(shelf, entry, q, place), named, sure(q.source.value)) if n), " "
            )
            items.append(element("li", element("p", head, class_="formula-head"), display(q.latex)))
        parts.append(
            element("h2", entry_link(shelf, entry.slug, place), " ", _year(entry), id=f"of-{entry.slug}")
        )
        parts.append(element("ul", *items, class_="unrolled-index-equations"))
    return join(parts)


def equation_numbered(number: str) -> bool:
    """Whether the paper prints a number."""
    return not number.startswith("unnumbered")


def _year(entry: Entry) -> Markup:
    return element("span", entry.year, class_="year")


def symbol_uses(shelf: Shelf) -> dict[str, list[tuple[Entry, Symbol]]]:
    """Each symbol as this book writes it, with the entries that use it; sorted by letter."""
    found: dict[str, list[tuple[Entry, Symbol]]] = {}
    for entry in shelf.ordered():
        for symbol in entry.notation:
            found.setdefault(" ".join(symbol.house.split()), []).append((entry, symbol))

    def order(latex: str) -> tuple[str, str]:
        bare = re.sub(r"\\(tilde|hat|bar|mathbf|mathrm|mathcal|boldsymbol|vec|dot|text)\b", "", latex)
        return (re.sub(r"[^A-Za-z]", "", bare).lower() or "~", latex)

    return {latex: found[latex] for latex in sorted(found, key=order)}


def symbols(shelf: Shelf, place: Place) -> Markup:
    """What each symbol means, entry by entry, with the paper's own sign where it differs."""
    uses = symbol_uses(shelf)
    if not uses:
        return nothing("No notation is recorded yet.")
    rows = []
    for latex, members in uses.items():
        meanings = []
        for entry, symbol in members:
            differs = " ".join(symbol.paper.split()) != latex
            paper = join((" (in the paper ", math(symbol.paper), ")")) if differs else None
            who = entry_link(shelf, entry.slug, place)
            meanings.append(element("li", symbol.name, paper, ", ", who))
        names = dict.fromkeys(n.strip() for _, s in members for n in (s.identifier or "").split(","))
        codes = join((code(n) for n in names if n), ", ") or None
        rows.append(
            Row(
                (math(latex), element("ul", *meanings, class_="plain-list"), codes),
                anchor=symbol_anchor(latex),
            )
        )
    caption = f"{len(rows)} symbols of {len({e.slug for u in uses.values() for e, _ in u})} entries"
    return table(("Symbol", "Meaning", "In the code"), rows, class_="symbols", caption=caption)


def registry(shelf: Shelf) -> dict[str, dict[str, Any]]:
    """The data registry as it stands in its file; empty where there is none."""
    file = shelf.root / "src" / "unrolled" / "data" / "registry.toml"
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


def datasets(shelf: Shelf, place: Place, known: Mapping[str, Mapping[str, Any]] | None = None) -> Markup:
    """Data sets that entries use or the registry holds, with licence, size and who uses them."""
    known = registry(shelf) if known is None else known
    users: dict[str, list[Entry]] = {}
    for entry in shelf.ordered():
        for name in entry.datasets:
            users.setdefault(name, []).append(entry)
    loaded = [*(n for n in known if n in users), *(n for n in known if n not in users)]
    parts: list[Markup] = [
        element(
            "p",
            f"{len(known)} data sets can be fetched, each file checked against its SHA-256; "
            f"{sum(n not in known for n in users)} more are named by entries.",
        ),
        element("h2", "Sets that can be fetched", id="fetched"),
    ]
    parts += [_dataset(shelf, name, known[name], users.get(name, []), place) for name in loaded]
    rest = sorted(n for n in users if n not in known)
    if rest:
        parts.append(element("h2", "Sets that entries name", id="named"))
        parts.append(
            element("p", "Shipped with a dependency, made by a generator, or not in the registry yet.")
        )
        parts += [_dataset(shelf, name, {}, users[name], place) for name in rest]
    return join(parts)


def _dataset(shelf: Shelf, name: str, record: Mapping[str, Any], users: list[Entry], place: Place) -> Markup:
    facts: list[tuple[str, object]] = []
    if users:
        facts.append(("Used by", join((entry_link(shelf, e.slug, place) for e in users), ", ")))
    key = record.get("key")
    if isinstance(key, str) and key in shelf.works:
        cited = link(shelf.works[key].short, place.to("book/bibliography", f"key-{key}"))
        facts.append(("Reference", cited))
    elif record.get("citation"):
        facts.append(("Reference", record["citation"]))
    facts += [(label, record[field]) for field, label in _FACTS if record.get(field)]
    files = record.get("files") or {}
    if files:
        total = sum(f.get("bytes", 0) for f in files.values())
        count = "1 file" if len(files) == 1 else f"{len(files)} files"
        facts.append(("Size", f"{count}, {size(total)}"))
    elif record.get("listing"):
        facts.append(("Size", "many files, each listed with its SHA-256"))
    if (shelf.root / "src" / "unrolled" / "data" / f"{name.replace('-', '_')}.py").is_file():
        facts.append(("Loaded by", code(f"unrolled.data.{name.replace('-', '_')}")))
    rows = (element("div", element("dt", label), element("dd", value)) for label, value in facts)
    return element(
        "section",
        element("h3", record.get("title") or name.replace("-", " "), " ", element("code", name)),
        element("p", record["description"]) if record.get("description") else None,
        element("dl", *rows, class_="unrolled-materials"),
        id=f"data-{name}",
        class_="unrolled-dataset",
    )


_FACTS = (("licence", "Licence"), ("splits", "Splits"), ("notes", "Mind"))


def readings(shelf: Shelf, place: Place) -> Markup:
    """Blogs, notes, lists and talks: what each teaches, what it goes with, and where it can still be read."""
    members = [entry for entry in shelf.ordered() if entry.kind == "reading"]
    if not members:
        return nothing("No further reading is recorded yet.")
    items = []
    for entry in members:
        with_ = [s for s in entry.chapters if s in shelf.entries]
        work = shelf.works.get(entry.key)
        items.append(
            element(
                "li",
                element("p", entry_link(shelf, entry.slug, place, entry.title), class_="title"),
                element("p", work.short if work else str(entry.year), class_="venue"),
                element("p", entry.teaches),
                element(
                    "p",
                    "Goes with ",
                    join((entry_link(shelf, s, place) for s in with_), ", "),
                    ".",
                    class_="meanwhile",
                )
                if with_
                else None,
                element(
                    "p",
                    "Concepts: ",
                    join((concept_link(shelf, c, place) for c in entry.concepts), " · "),
                    class_="meanwhile",
                )
                if entry.concepts
                else None,
                addresses(entry.links),
                id=f"reading-{entry.slug}",
            )
        )
    return element("ul", *items, class_="unrolled-entries")


def addresses(links: tuple[Link, ...]) -> Markup | None:
    """Each address with its kind and what is known of its state."""
    if not links:
        return None
    return element(
        "ul",
        *(
            element(
                "li",
                element("span", KINDS[item.kind], class_="address-kind"),
                " ",
                link(item.label, item.url),
                " ",
                element("span", STATES[item.state], class_=f"address-state {item.state}"),
            )
            for item in links
        ),
        class_="unrolled-addresses",
    )


def history(shelf: Shelf, place: Place) -> Markup:
    """Mistakes in papers and their code, and the changes of each chapter, part by part."""
    members = [entry for entry in shelf.ordered() if entry.errata or entry.changelog]
    if not members:
        return nothing("No erratum and no change is recorded yet.")
    parts: list[Markup] = []
    part = None
    for entry in members:
        if entry.part != part:
            part = entry.part
            parts.append(element("h2", PARTS[part], id=f"part-{part}"))
        parts.append(
            element("h3", entry_link(shelf, entry.slug, place), " ", _year(entry), id=f"of-{entry.slug}")
        )
        parts.append(errata(entry))
    return join(parts)
