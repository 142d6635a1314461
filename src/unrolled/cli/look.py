"""The command ``look``: figures that have changed are looked at, and the words beside them confirmed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unrolled.base.errors import UsageError
from unrolled.base.folders import checkout
from unrolled.cli import app

if TYPE_CHECKING:
    from unrolled.library.outputs import Figure


@app.command()
def look(
    slugs: Annotated[list[str] | None, typer.Argument(metavar="SLUG", help="Chapters; else all.")] = None,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Record that figure, caption and alt text were looked at.")
    ] = False,
    cell: Annotated[list[int] | None, typer.Option(help="Only the figure of this code cell.")] = None,
) -> None:
    """Show the figures that have changed since somebody looked at them, with the words beside them.

    The pictures are written to _build/look/. Does the caption say what is to be seen, and the alt text too?
    Then confirm. Example: unrolled look bn_lstm --confirm --cell 8
    """
    checkout()
    from unrolled.execution.keys import read_notebook
    from unrolled.execution.notebooks import chapter_file
    from unrolled.execution.notebooks import slugs as chapters
    from unrolled.library import outputs

    if (confirm or cell) and len(slugs or []) != 1:
        raise UsageError(
            "--confirm and --cell take one chapter", hint="example: unrolled look bn_lstm --confirm"
        )
    waiting = 0
    for slug in slugs or chapters():
        file = chapter_file(slug)
        figures = outputs.figures(read_notebook(file))
        if missing := set(cell or ()) - {figure.number for figure in figures}:
            known = ", ".join(str(figure.number) for figure in figures)
            raise UsageError(f"code cell {min(missing)} of {slug} shows no figure", hint=f"these do: {known}")
        for figure in outputs.confirm(file, set(cell) if cell else None) if confirm else ():
            typer.echo(f"{slug}, code cell {figure.number}: confirmed")
        if confirm:
            continue
        for figure in figures:
            if figure.looked != figure.digest and (not cell or figure.number in cell):
                waiting += 1
                _show(slug, figure)
    if not confirm:
        typer.echo(f"{waiting} figure{'s' * (waiting != 1)} to look at", err=True)


def _show(slug: str, figure: Figure) -> None:
    import base64

    from unrolled.base.files import atomic_write
    from unrolled.base.paths import project

    folder: Path = project() / "_build" / "look"
    typer.echo(f"{slug}, code cell {figure.number}")
    for count, (mime, content) in enumerate(figure.images, 1):
        ending = {"image/svg+xml": "svg", "image/png": "png"}.get(mime, "jpg")
        data = content if ending == "svg" else base64.b64decode(content)
        path = folder / f"{slug}-{figure.number:02d}{f'-{count}' if count > 1 else ''}.{ending}"
        typer.echo(f"  picture: {atomic_write(path, data)}")
    typer.echo(f"  caption: {figure.caption or '(none)'}\n  alt text: {figure.alt or '(none)'}")
