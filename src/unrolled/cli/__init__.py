"""The command ``unrolled``. Each group of commands has its module; heavy imports wait inside the commands."""

from __future__ import annotations

import errno
import os
import re
import sys
from typing import NoReturn

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
        _end(str(error), error.exit_code)
    except KeyboardInterrupt:
        _end("interrupted", 130)
    except ModuleNotFoundError as error:
        extra = _extra(error.name or "")
        if extra is None:
            raise
        _end(f"this needs {error.name}, which is not installed (pip install 'unrolled[{extra}]')", 1)
    except BrokenPipeError:  # whoever read the output has had enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except OSError as error:
        if error.errno is None:
            raise
        place = f"{error.filename}: " if error.filename else ""
        hints = {errno.ENOSPC: "make room", errno.EDQUOT: "make room"}
        unwritable = dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), "it cannot be written")
        hint = (hints | unwritable).get(error.errno)
        _end(f"{place}{error.strerror}" + (f" ({hint}; nothing was changed there)" if hint else ""), 1)


def _end(said: str, status: int) -> NoReturn:
    typer.echo(f"unrolled: {said}", err=True)
    sys.exit(status)


def _extra(module: str) -> str | None:
    """The extra of this package that brings a module; None where none does.

    >>> _extra("papermill.execute"), _extra("sphinx"), _extra("nowhere")
    ('book', 'book', None)
    """
    from importlib.metadata import PackageNotFoundError, requires

    top = module.partition(".")[0]
    if top.startswith(
        ("sphinx", "docutils", "nbformat", "jupyter", "IPython", "markupsafe", "jinja2", "pygments")
    ):
        return "book"
    try:
        wanted = requires("unrolled") or []
    except PackageNotFoundError:
        return None
    for requirement in wanted:
        name = re.split(r"[\s\[<>=!~;(]", requirement, maxsplit=1)[0].replace("-", "_").lower()
        extra = re.search(r"extra\s*==\s*['\"]([\w-]+)", requirement)
        if extra and name == top.lower():
            return extra[1]
    return None


# Commands register themselves on import.
from unrolled.cli import authoring, book, compare, data, evidence, library, look, run, train  # noqa: E402, F401
