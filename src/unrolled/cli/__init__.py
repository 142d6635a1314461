"""The command ``unrolled``. Each group of commands has its module; heavy imports wait inside the commands."""

from __future__ import annotations

import sys

import typer

from unrolled import __version__
from unrolled.base.errors import UnrolledError

app = typer.Typer(
    name="unrolled",
    help="Read, run and cite recurrent networks, paper by paper.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"unrolled {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Read, run and cite recurrent networks, paper by paper."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line. A fault is a line on standard error and an exit status: 1 failed, 2 wrong use."""
    try:
        app(args=arguments, standalone_mode=True)
    except UnrolledError as error:
        typer.echo(f"unrolled: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.echo("unrolled: interrupted", err=True)
        sys.exit(130)


# Commands register themselves on import.
from unrolled.cli import authoring, book, compare, data, evidence, library, look, run, train  # noqa: E402, F401
