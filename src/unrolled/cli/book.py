"""``unrolled book``: build the book's pages."""

from __future__ import annotations

import json

import typer

from unrolled.base import paths
from unrolled.cli import app


@app.command("book")
def book(
    force: bool = typer.Option(False, "--force", help="Build even where nothing has changed."),
    as_json: bool = typer.Option(False, "--json", help="Say the result in JSON."),
) -> None:
    """Build the book into _build/html; nothing is executed. Any warning is a fault.

    Where nothing has changed since the last build, this says so and ends at once.

    Example: unrolled book
    """
    from unrolled.site.build import build

    if not as_json:
        typer.echo("book: looking for changes; a build takes less than a minute", err=True)
    built = build(paths.project(), force=force)
    for note in built.notes:
        typer.echo(f"book: {note}", err=True)
    if as_json:
        typer.echo(json.dumps({"index": str(built.index), "pages": built.pages, "fresh": built.fresh}))
        return
    how = f"built in {built.seconds:.0f} s" if built.fresh else "up to date, nothing to do"
    typer.echo(f"book: {built.pages} pages, {how}: {built.index}")
