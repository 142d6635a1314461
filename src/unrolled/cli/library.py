"""Commands on the knowledge base: ``list``, ``show``, ``cite``, ``check`` and ``schema``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

from unrolled.cli import app

if TYPE_CHECKING:
    from unrolled.library.bibliography import Reference

NAMES = typer.Argument(None, help="Slugs of entries, or keys of the bibliography.")
AS_JSON = typer.Option(False, "--json", help="Print JSON.")


def print_json(value: object) -> None:
    """Print a value as JSON, for programs to read."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_table(columns: list[str], rows: list[list[str]], *, title: str | None = None) -> None:
    """A table on a terminal; one line a row, cells parted by tabs, where the output is piped."""
    if not sys.stdout.isatty():
        for row in rows:
            typer.echo("\t".join(" ".join(str(cell).split()) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    Console(no_color=bool(os.environ.get("NO_COLOR")) or None).print(table)


@app.command("list")
def list_entries(
    part: str = typer.Option(None, help="Only this part of the book: cells, memory, latent …"),
    kind: str = typer.Option(None, help="Only paper, project or reading."),
    status: str = typer.Option(None, help="Only planned, draft or verified."),
    concept: str = typer.Option(None, help="Only entries that name this concept."),
    task: str = typer.Option(None, help="Only entries with this task."),
    dataset: str = typer.Option(None, help="Only entries that use this data set."),
    year: int = typer.Option(None, help="Only entries of this year."),
    as_json: bool = AS_JSON,
) -> None:
    """List the entries of the reading list. Example: unrolled list --part cells --status verified"""
    from unrolled.library.entries import load_all

    chosen = [
        entry
        for entry in load_all().values()
        if (part is None or entry.part == part)
        and (kind is None or entry.kind == kind)
        and (status is None or entry.status == status)
        and (concept is None or concept in entry.concepts)
        and (task is None or task in entry.tasks)
        and (dataset is None or dataset in entry.datasets)
        and (year is None or entry.year == year)
    ]
    if as_json:
        print_json([entry.model_dump(mode="json") for entry in chosen])
        return
    if not chosen:
        typer.echo("no entry matches", err=True)
    rows = [
        [entry.slug, str(entry.year), entry.kind, entry.part, entry.status, entry.title] for entry in chosen
    ]
    print_table(["slug", "year", "kind", "part", "status", "title"], rows)


@app.command()
def show(slug: str = typer.Argument(help="The entry's slug."), as_json: bool = AS_JSON) -> None:
    """Show one entry: what it is, its equations, statements and departures. Example: unrolled show dkt"""
    from unrolled.library.judged import load_evidence

    found = load_evidence(slug, chapter_key(slug))
    entry = found.entry
    if as_json:
        outcomes = {item.id: str(item.outcome) for item in found.statements()}
        print_json(entry.model_dump(mode="json") | {"outcomes": outcomes})
        return
    typer.echo(
        f"{entry.title} ({entry.short}, {entry.year}) · {entry.kind} · {entry.status}\n\n{entry.summary}\n"
    )
    for link in entry.links:
        typer.echo(f"{link.kind}: {link.url} ({link.label})")
    typer.echo("")
    print_table(
        ["equation", "name", "implementation"],
        [[f"({e.number})", e.name, e.implementation or "–"] for e in entry.equations],
        title="Equations",
    )
    typer.echo("")
    print_table(
        ["statement", "outcome", "scale", "what the paper says", "where"],
        [
            [item.id, str(item.outcome), str(item.scale or "–"), item.of.says, str(item.of.locus)]
            for item in found.statements()
        ],
        title="Statements",
    )
    typer.echo("")
    print_table(["finding", "what we found"], [[f.id, f.says] for f in entry.findings], title="Findings")
    typer.echo("")
    print_table(["check", "what must hold"], [[c.id, c.says] for c in entry.checks], title="Checks")
    typer.echo("")
    print_table(["departure", "what"], [[d.type, d.what] for d in entry.departures], title="Departures")


@app.command()
def cite(
    names: list[str] = NAMES,
    style: str = typer.Option(
        "bibtex", "--style", "-s", help="bibtex, ris, csl-json, apa, ieee or a .csl file."
    ),
    everything: bool = typer.Option(False, "--all", help="The whole bibliography."),
    book: bool = typer.Option(False, "--book", help="The book itself, with its version."),
    chapter: bool = typer.Option(
        False, "--chapter", help="The chapters of these entries, instead of the works they explain."
    ),
    references: bool = typer.Option(
        False, "--references", help="All that these entries and their chapters cite."
    ),
) -> None:
    """Print references of entries, chapters or the book. Example: unrolled cite bn_lstm --style apa"""
    from unrolled.base.errors import UsageError
    from unrolled.library.citing import references as found_references
    from unrolled.library.citing import render

    names = names or []
    if everything + book + chapter + references > 1:
        raise UsageError("--all, --book, --chapter and --references exclude each other")
    if (everything or book) and names:
        raise UsageError("--all and --book take no names", hint=f"leave {names[0]!r} out")
    if not (everything or book or names):
        raise UsageError("nothing to cite", hint="name entries, or use --book or --all")
    if everything:
        from unrolled.library import bibliography
        from unrolled.library.faults import Faulty

        found = bibliography.load()
        if found.faults:
            raise Faulty(found.faults)
        _printed(found.entries.values(), style)
    elif book or chapter or references:
        from unrolled.library import bookcite
        from unrolled.library.entries import load_all, load_entry

        site = os.environ.get("UNROLLED_SITE_URL", "")
        if references:
            entries = {name: load_entry(name) for name in names}
            known = load_all()
            keys = [key for entry in entries.values() for key in bookcite.chapter_keys(entry, known)]
            _printed(found_references(keys), style)
        else:
            chosen = (
                [bookcite.book_reference(site)]
                if book
                else [bookcite.chapter_reference(load_entry(name), site) for name in dict.fromkeys(names)]
            )
            typer.echo(render(chosen, style), nl=False)
    else:
        _printed(found_references(names), style)


def _printed(references: Iterable[Reference], style: str) -> None:
    """Print references, and say on standard error what the style has no place for."""
    from unrolled.base.paths import bibliography
    from unrolled.library.biblatex import unread
    from unrolled.library.citing import render

    references = list(references)
    typer.echo(render(references, style), nl=False)
    for reference in references if style != "bibtex" else ():
        for said in unread(reference):
            typer.echo(f"unrolled: {bibliography().name}:{reference.line}: {reference.key}: {said}", err=True)


@app.command()
def schema(
    write: bool = typer.Option(False, "--write", help="Write bib/entry.schema.json instead of printing it."),
) -> None:
    """Print the JSON Schema of entries. Example: unrolled schema > entry.schema.json"""
    from unrolled.base.files import atomic_write
    from unrolled.base.folders import checkout
    from unrolled.library.schema import entry_schema

    if write:
        path = atomic_write(checkout() / "bib" / "entry.schema.json", entry_schema())
        typer.echo(f"wrote {path}")
    else:
        typer.echo(entry_schema(), nl=False)


@app.command()
def check(
    slug: str = typer.Argument(None, help="Only this entry."),
    as_json: bool = AS_JSON,
) -> None:
    """Check every link of the chain; exit 1 where one is broken. Example: unrolled check bn_lstm"""
    from unrolled.base.folders import checkout
    from unrolled.library.check import check as checked
    from unrolled.library.entries import entry_file, slugs

    checkout()
    if slug is not None:
        entry_file(slug)
    keys = {name: key for name in ([slug] if slug else slugs()) if (key := chapter_key(name))}
    found = checked(slug, keys)
    faults = [item for item in found if item.level == "fault"]
    if as_json:
        print_json([item.as_json() for item in found])
    else:
        for item in found:
            typer.echo(f"lacks: {item}" if item.level == "lacks" else str(item))
        count = "1 entry" if slug or len(slugs()) == 1 else f"{len(slugs())} entries"
        more = f", {len(found) - len(faults)} things lacking" if len(found) > len(faults) else ""
        typer.echo(f"checked {count}: {len(faults)} fault{'s' * (len(faults) != 1)}{more}", err=True)
    if faults:
        raise typer.Exit(1)


def chapter_key(slug: str) -> str | None:
    """The present key of an entry's chapter; None where it has none, or none can be told."""
    from unrolled.base.errors import UnrolledError
    from unrolled.base.paths import notebooks

    path = notebooks() / f"{slug}.ipynb"
    if not path.is_file():
        return None
    try:
        from unrolled.execution.keys import notebook_key

        return notebook_key(path)
    except (
        ImportError,
        UnrolledError,
    ):  # without the book's parts; or a fault that the chapter's own check tells
        return None


@app.command()
def fmt(
    only_check: bool = typer.Option(
        False, "--check", help="Write nothing; exit 1 where something would change."
    ),
) -> None:
    """Order and normalise entries, concepts and the bibliography. Example: unrolled fmt --check"""
    from unrolled.base.files import atomic_write
    from unrolled.base.folders import checkout
    from unrolled.base.paths import entries
    from unrolled.library import bibliography
    from unrolled.library.bibformat import write
    from unrolled.library.faults import Fault, Faulty
    from unrolled.library.yamlformat import formatted

    root = checkout()
    files = [*sorted(entries().glob("*.yaml")), root / "bib" / "concepts.yaml"]
    makers = {path: formatted for path in files if path.is_file()}
    makers[bibliography.bibliography_file()] = lambda path: write(bibliography.load(path))
    faults: list[Fault] = []
    changed = 0
    for path, make in makers.items():
        try:
            text = make(path)
        except Faulty as error:  # the other files are still put in order
            faults += error.faults
            continue
        if path.read_bytes() == text.encode():
            continue
        changed += 1
        if only_check:
            typer.echo(f"{path.name} is not in order: run 'unrolled fmt'", err=True)
        else:
            typer.echo(f"wrote {atomic_write(path, text)}")
    if faults:
        raise Faulty(faults)
    if only_check and changed:
        raise typer.Exit(1)
    if not changed:
        typer.echo(f"{len(makers)} files are in order")
