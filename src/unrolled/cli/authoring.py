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
    from unrolled.base.paths import project
    from unrolled.library import authoring
    from unrolled.library.arxiv import bibtex as from_arxiv
    from unrolled.library.faults import Faulty, read_text

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
        typer.echo(f"wrote {path.relative_to(project())}")
    typer.echo(
        f"next: write the paper's equations, then 'unrolled run {slug}' and 'unrolled check {slug}'", err=True
    )
