"""The commands that execute chapters and say how they stand: ``run`` and ``status``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.base.folders import checkout
from unrolled.cli import app


@app.command()
def run(
    slugs: Annotated[list[str] | None, typer.Argument(metavar="SLUG", help="Chapters, by slug.")] = None,
    profile: Annotated[str, typer.Option(help="How large: smoke, book or paper.")] = "book",
    parameter: Annotated[
        list[str] | None, typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="Set a parameter.")
    ] = None,
    device: Annotated[str, typer.Option(help="Where: cpu, cuda or cuda:0.")] = "cpu",
    output: Annotated[Path | None, typer.Option(help="Write here, and leave notebooks/ alone.")] = None,
    limit: Annotated[
        float | None, typer.Option(min=0.1, help="Seconds for all cells; else the profile's.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Run every chapter.")] = False,
    stale: Annotated[
        bool, typer.Option("--stale", help="Run what is stale, of those named or of all.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Execute chapters. A finished book run is stored in notebooks/, with its evidence.

    Example: unrolled run bn_lstm --profile smoke -p seed=1
    """
    checkout()
    from unrolled.execution import runner
    from unrolled.execution.keys import stale as reason_of
    from unrolled.execution.notebooks import chapter_file
    from unrolled.execution.notebooks import slugs as chapters

    if (bool(slugs) and everything) or not (slugs or everything or stale):
        raise UsageError("name chapters, or give --all or --stale", hint="example: unrolled run bn_lstm")
    named = list(dict.fromkeys(slugs or chapters()))
    files = {slug: chapter_file(slug) for slug in named}
    if output is not None and len(named) != 1:
        raise UsageError(f"--output takes one chapter, not {len(named)}")
    given = dict(_parameter(text) for text in parameter or [])
    wanted = [slug for slug in named if not stale or reason_of(files[slug])]
    results: list[dict[str, Any]] = []
    if not wanted and not as_json:
        count = f"{len(named)} chapter{'' if len(named) == 1 else 's'}"
        typer.echo(f"nothing to run: {count} up to date" if named else "no chapters yet")
    for slug in wanted:
        try:
            with _watched(f"{slug} ({profile})", quiet=as_json) as progress:
                done = runner.run(slug, profile, given, limit, output, device, progress)
        except UsageError:
            raise
        except UnrolledError as error:
            typer.echo(f"unrolled: {error}", err=True)
            results.append({"slug": slug, "profile": profile, "ok": False, "error": error.problem})
            continue
        results.append(
            {
                "slug": slug,
                "profile": profile,
                "ok": True,
                "seconds": done.seconds,
                "peak_memory_mb": done.peak_memory_mb,
                "key": done.key,
                "notebook": str(done.notebook),
            }
        )
        if not as_json:
            took = f"{done.cells} code cells in {done.seconds:.1f} s, {done.peak_memory_mb:.0f} MB"
            typer.echo(f"{slug} ({profile}): {took}; wrote {_near(done.notebook)}")
    if as_json:
        typer.echo(json.dumps(results, indent=2))
    failed = [result["slug"] for result in results if not result["ok"]]
    if failed:
        if not as_json and len(results) > 1:
            typer.echo(f"{len(failed)} of {len(results)} chapters failed: {', '.join(failed)}", err=True)
        raise typer.Exit(1)


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say of every chapter whether its stored outputs are fresh; exit 1 where one is not.

    Example: unrolled status
    """
    checkout()
    from unrolled.execution.keys import read_notebook
    from unrolled.execution.keys import stale as reason_of
    from unrolled.execution.notebooks import chapter_file
    from unrolled.execution.notebooks import slugs as chapters

    rows: list[dict[str, Any]] = []
    for slug in chapters():
        row: dict[str, Any] = {"slug": slug, "fresh": False}
        try:
            row["why"] = reason_of(chapter_file(slug))
            record = read_notebook(chapter_file(slug)).get("metadata", {}).get("unrolled", {})
            row |= {name: record.get(name) for name in ("executed", "seconds", "peak_memory_mb")}
        except UnrolledError as error:
            row["why"] = str(error)
        row["fresh"] = row["why"] is None
        rows.append(row)
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    elif not rows:
        typer.echo("no chapters yet")
    elif sys.stdout.isatty():
        _table(rows)
    else:
        for row in rows:
            typer.echo("\t".join([row["slug"], *_words(row)]))
    if not all(row["fresh"] for row in rows):
        raise typer.Exit(1)


def _words(row: dict[str, Any]) -> list[str]:
    seconds, memory = row.get("seconds"), row.get("peak_memory_mb")
    return [
        "fresh" if row["fresh"] else "stale",
        row.get("executed") or "never",
        "" if seconds is None else f"{seconds:.1f} s",
        "" if memory is None else f"{memory:.0f} MB",
        row["why"] or "",
    ]


def _table(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("chapter", "outputs", "executed", "took", "memory", "why", box=None, pad_edge=False)
    for row in rows:
        state, *rest = _words(row)
        cells = [Text(state, style="green" if row["fresh"] else "yellow"), *map(Text, rest)]
        table.add_row(Text(row["slug"]), *cells)
    Console().print(table)


def _parameter(text: str) -> tuple[str, Any]:
    """A ``name=value`` of the command line, its value read as YAML reads it: ``seed=1`` is a number."""
    import yaml

    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise UsageError(f"parameter {text!r} is not of the form name=value", hint="example: -p seed=1")
    try:
        return name, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise UsageError(f"parameter {name}: {value!r} is not a value") from error


def _near(path: Path) -> str:
    """A path as a reader would write it from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


@contextmanager
def _watched(label: str, *, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar over cells on a terminal; nothing where nobody watches."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda cell, cells: bar.update(task, completed=cell - 1, total=cells)
