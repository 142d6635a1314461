"""Commands on data sets: ``data list``, ``data fetch`` and ``data verify``."""

from __future__ import annotations

import typer

from unrolled.base.errors import UnrolledError
from unrolled.cli import app
from unrolled.cli.library import print_json, print_table

group = typer.Typer(name="data", help="List, fetch and verify the real data sets.", no_args_is_help=True)
app.add_typer(group)

AS_JSON = typer.Option(False, "--json", help="Print JSON.")
WANTED = typer.Argument(help="Names of data sets.")
NAMES = typer.Argument(None, help="Names of data sets; all of them without any.")


def _chosen(names: list[str] | None) -> list[str]:
    from unrolled.data.registry import dataset, datasets

    return [dataset(name).name for name in names] if names else list(datasets())


@group.command("list")
def list_data(as_json: bool = AS_JSON) -> None:
    """List the data sets, their sizes and licences. Example: unrolled data list --json"""
    from unrolled.data.registry import datasets

    known = datasets().values()
    if as_json:
        fields = ("name", "title", "licence", "citation", "key", "splits", "bytes")
        print_json([{f: getattr(d, f) for f in fields} | {"files": sorted(d.files)} for d in known])
        return
    rows = [[d.name, str(len(d.files)), f"{d.bytes / 1e6:.1f}", d.title, d.licence] for d in known]
    print_table(["name", "files", "MB", "title", "licence"], rows)


@group.command()
def fetch(
    names: list[str] = WANTED,
    as_json: bool = AS_JSON,
) -> None:
    """Download data sets, or find them in the mirror or the cache. Example: unrolled data fetch mnist"""
    from unrolled.data.registry import fetch

    places = {name: {file: str(path) for file, path in fetch(name).items()} for name in _chosen(names)}
    if as_json:
        print_json(places)
        return
    rows = [[name, file, path] for name, files in places.items() for file, path in files.items()]
    print_table(["data set", "file", "path"], rows)


@group.command()
def verify(names: list[str] = NAMES, as_json: bool = AS_JSON) -> None:
    """Hash every file that is here; tell which are absent or wrong. Example: unrolled data verify mnist"""
    from unrolled.data.registry import state

    states = {name: state(name) for name in _chosen(names)}
    wrong = sum(s not in ("verified", "absent") for files in states.values() for s in files.values())
    if as_json:
        print_json(states)
    else:
        rows = []
        for name, files in states.items():
            for word in ("verified", "absent"):
                count = sum(s == word for s in files.values())
                if count:
                    rows.append([name, word, f"{count} of {len(files)} files"])
            rows += [[name, "wrong", s] for s in files.values() if s not in ("verified", "absent")]
        print_table(["data set", "state", "files"], rows)
    if wrong:
        raise UnrolledError(f"{wrong} files are wrong", hint="delete them and fetch their data sets again")
