"""``unrolled book``: build the book's pages."""

from __future__ import annotations

import json
import os

import typer

from unrolled.base.folders import checkout
from unrolled.cli import app

SLUGS = typer.Argument(None, help="Chapters, by slug; without one, the whole book.")


@app.command("book")
def book(
    force: bool = typer.Option(False, "--force", help="Build even where nothing has changed."),
    as_json: bool = typer.Option(False, "--json", help="Say the result in JSON."),
) -> None:
    """Build the book into _build/html; nothing is executed. Any warning is a fault.

    Where nothing has changed since the last build, this says so and ends at once.

    Example: unrolled book
    """
    root = checkout()
    from unrolled.site.build import build

    if not as_json:
        typer.echo("book: looking for changes; a build takes less than a minute", err=True)
    built = build(root, force=force)
    if as_json:
        typer.echo(json.dumps({"index": str(built.index), "pages": built.pages, "fresh": built.fresh}))
        return
    for note in built.notes:
        typer.echo(f"book: {note}", err=True)
    how = f"built in {built.seconds:.0f} s" if built.fresh else "up to date, nothing to do"
    typer.echo(f"book: {built.pages} pages, {how}: {built.index}")


@app.command("pdf")
def pdf(
    slugs: list[str] = SLUGS,
) -> None:
    """Print chapters, or the whole book and each chapter, as PDF. Needs Chromium; the book is built first.

    Example: unrolled pdf ntm
    """
    root = checkout()
    from unrolled.execution.notebooks import chapter_file
    from unrolled.execution.notebooks import slugs as chapters
    from unrolled.site import printing, takeaway
    from unrolled.site.build import build

    for slug in slugs or ():
        chapter_file(slug)
    folder = build(root).folder
    site = os.environ.get("UNROLLED_SITE_URL", "").rstrip("/")
    if slugs:
        made = printing.print_pages(
            folder, [f"notebooks/{slug}" for slug in slugs], folder / takeaway.FOLDER, site
        )
    else:
        typer.echo("pdf: printing the book; some minutes", err=True)
        made = printing.print_book(root, site)
    takeaway.list_files(root, chapters())
    for path in made:
        typer.echo(f"pdf: {path} ({path.stat().st_size / 1e6:.1f} MB)")


@app.command("archive")
def archive() -> None:
    """Put the built book into one zip file that opens without a server and without a network.

    Example: unrolled archive
    """
    root = checkout()
    from unrolled.execution.notebooks import slugs as chapters
    from unrolled.site import takeaway
    from unrolled.site.build import build

    path = takeaway.archive(build(root).folder)
    takeaway.list_files(root, chapters())
    typer.echo(f"archive: {path} ({path.stat().st_size / 1e6:.1f} MB)")
