"""``unrolled new`` and ``unrolled links``: starting a chapter, and looking after addresses."""

from __future__ import annotations

import typer

from unrolled.cli import app


@app.command()
def new(
    slug: str = typer.Argument(help="The entry's name: small letters, digits and _."),
    bibtex: str = typer.Option(None, "--bibtex", help="A file with the paper's BibTeX entry."),
    arxiv: str = typer.Option(None, "--arxiv", help="The paper's arXiv number; needs internet."),
    part: str = typer.Option("cells", help="The part of the book that it joins."),
) -> None:
    """Lay out a new chapter as a draft. Example: unrolled new phased_lstm --bibtex neil2016.bib"""
    from pathlib import Path

    from unrolled.base.errors import UsageError
    from unrolled.base.folders import checkout
    from unrolled.library import authoring
    from unrolled.library.arxiv import bibtex as from_arxiv
    from unrolled.library.faults import Faulty, read_text

    root = checkout()
    if (bibtex is None) == (arxiv is None):
        raise UsageError("give --bibtex FILE or --arxiv ID, one of the two")
    if bibtex is not None:
        text, faults = read_text(Path(bibtex))
        if faults:
            raise Faulty(faults)
        written = authoring.new(slug, text, part, bibtex)
    else:
        written = authoring.new(slug, from_arxiv(arxiv), part, f"arXiv:{arxiv}")
    for path in written:
        typer.echo(f"wrote {path.relative_to(root)}")
    typer.echo(
        f"next: write the paper's equations, then 'unrolled run {slug}' and 'unrolled check {slug}'", err=True
    )


@app.command()
def links(
    slug: str = typer.Argument(None, help="Only the addresses of this entry's file."),
    report: str = typer.Option(None, "--report", help="Where the report goes; _build/links.json without it."),
    timeout: float = typer.Option(15.0, min=0.1, help="Seconds to wait for one answer."),
    as_json: bool = typer.Option(False, "--json", help="Print the report."),
) -> None:
    """Ask whether every address still answers; exit 1 where one is gone. Example: unrolled links vae"""
    import json
    from pathlib import Path

    from unrolled.base.folders import written
    from unrolled.library import links as library
    from unrolled.library.entries import entry_file

    chosen = library.addresses()
    if slug is not None:
        name = f"/{entry_file(slug).name}:"
        chosen = [address for address in chosen if any(name in place for place in address.places)]
    if not chosen:
        typer.echo("links: no address to ask")
        return
    typer.echo(f"links: asking for {len(chosen)} addresses, few at once; this takes minutes", err=True)
    checked = library.check(chosen, timeout=timeout)
    path = library.write_report(checked, Path(report) if report else written("_build", "links.json"))
    if as_json:
        typer.echo(json.dumps(library.report(checked), indent=1, ensure_ascii=False))
    else:
        for address in checked:
            if address.state != "alive":
                code = f" {address.status}" if address.status else ""
                said = f" → {address.detail}" if address.state == "moved" else f" ({address.detail})"
                known = "" if address.news or address.state == "refused" else ", as the entry says"
                typer.echo(f"{address.places[0]}: {address.state}{code}{known}: {address.url}{said}")
    counts = library.report(checked)["counts"]
    said = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    typer.echo(f"links: {said}; report: {path}", err=True)
    if any(address.news and address.state != "moved" for address in checked):
        raise typer.Exit(1)
