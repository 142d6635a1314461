"""The last pass over the built pages, after Sphinx: what only the finished HTML can be given."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from pathlib import Path

from unrolled.site import search
from unrolled.site.knowledge import load_knowledge_base

PLAIN_SEARCH = re.compile(
    r'\s*<script src="[^"]*(?:_static/(?:searchtools|language_data)|searchindex)\.js(?:\?[^"]*)?"></script>'
)
"""Sphinx's own search, which the theme loads with its whole index on every page."""


@dataclass(frozen=True)
class Finish:
    """What the pages of a book are given.

    Attributes:
        search: whether the book has an index by sections.
    """

    search: bool = False

    def page(self, html: str, name: str) -> str:
        """One page, finished; ``name`` is its address without the ending."""
        root = posixpath.relpath(".", posixpath.dirname(name) or ".")
        if name != "search":
            html = PLAIN_SEARCH.sub("", html)
        if self.search and "_static/search.js" not in html:
            script = f'<script defer src="{root}/_static/search.js"></script>'
            html = html.replace("</head>", f"{script}\n</head>", 1)
        return html


def finish(root: Path, folder: Path) -> tuple[str, ...]:
    """Finish the book of the project at ``root``, built into ``folder``; say what it has to do without."""
    notes = []
    if searched := search.available():
        search.write(
            folder, load_knowledge_base(root, frozenset(p.stem for p in folder.glob("notebooks/*.html")))
        )
    else:
        notes.append(
            "without Pagefind's program the search lists pages, not sections: pip install 'pagefind[bin]'"
        )
    how = Finish(search=searched)
    for file in folder.rglob("*.html"):
        name = str(file.relative_to(folder).with_suffix(""))
        if not name.startswith(("_static/", "_sources/", "_images/")):
            text = file.read_text(encoding="utf-8")
            if (made := how.page(text, name)) != text:
                file.write_text(made, encoding="utf-8")
    return tuple(notes)
