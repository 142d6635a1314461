"""The last pass over the built pages, after Sphinx: what only the finished HTML can be given."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from pathlib import Path

from unrolled.base.files import atomic_write
from unrolled.site import addresses, formulas, policy, redirects, search
from unrolled.site.formulas import Formulas
from unrolled.site.knowledge import load_knowledge_base
from unrolled.site.sheets import Sheets

PLAIN_SEARCH = re.compile(
    r'\s*<script src="[^"]*(?:_static/(?:searchtools|language_data)|searchindex)\.js(?:\?[^"]*)?"></script>'
)
"""Sphinx's own search, which the theme loads with its whole index on every page."""

RELATIVE = re.compile(r'(\s(?:href|src|action|data-content_root)=")(?!https?:|#|data:|mailto:|/)([^"]*)"')
UNLISTED = frozenset({"404", "index", "search", "genindex", "py-modindex"})


@dataclass(frozen=True)
class Finish:
    """What the pages of a book are given.

    Attributes:
        search: whether the book has an index by sections.
        formulas: the formulas of all pages, set; without them a page sets its own.
        scripts: collects what the pages wrote into themselves.
        sheets: puts their style sheets together.
    """

    sheets: Sheets

    search: bool = False
    formulas: Formulas | None = None
    scripts: policy.Scripts = field(default_factory=policy.Scripts)

    def page(self, html: str, name: str) -> str:
        """One page, finished; ``name`` is its address without the ending."""
        root = posixpath.relpath(".", posixpath.dirname(name) or ".")
        if name != "search":
            html = PLAIN_SEARCH.sub("", html)
        if self.formulas:
            html = self.formulas.put(html, root)
        html = self.sheets.joined(self.scripts.moved(html, root, defer=name != "search"), name)
        for clean in policy.CLEANERS:
            html = clean(html)
        if self.search:
            html = html.replace(
                "</head>", f'<script defer src="{root}/_static/search.js"></script>\n</head>', 1
            )
        html = re.sub(
            r'(<meta charset="[^"]*" ?/?>)', lambda match: f"{match[1]}\n{policy.meta()}", html, count=1
        )
        site = addresses.site()
        return RELATIVE.sub(rf'\g<1>{site}/\2"', html) if name == "404" and site else html


def finish(root: Path, folder: Path) -> tuple[str, ...]:
    """Finish the book of the project at ``root``, built into ``folder``; say what it has to do without."""
    without = []
    kb = load_knowledge_base(root, frozenset(file.stem for file in folder.glob("notebooks/*.html")))
    if searched := search.available():
        search.write(folder, kb)
    else:
        without.append("without Pagefind the search lists pages, not sections (pip install 'pagefind[bin]')")
    texts = {name: (folder / f"{name}.html").read_text(encoding="utf-8") for name in names(folder)}
    made = None
    if program := formulas.node():
        made = formulas.typeset(formulas.collected(texts.values()), program)
        formulas.write(folder, made)
    else:
        without.append("without Node a page sets its formulas by MathJax when it is opened")
    how = Finish(Sheets(folder), searched, made)
    for name, text in texts.items():
        atomic_write(folder / f"{name}.html", how.page(text, name))
    for name, text in (how.scripts.files | how.sheets.files).items():
        atomic_write(folder / "_static" / name, text)
    redirects.write(kb, folder)
    moved = redirects.redirects(root).pages
    atomic_write(folder / "index.html", redirects.page("index", "book/index", "Unrolled"))
    if site := addresses.site():
        atomic_write(folder / "sitemap.xml", sitemap(site, sorted({*texts} - UNLISTED - {*moved})))
    return tuple(without)


def names(folder: Path) -> list[str]:
    """The pages of a built book, by their address without the ending."""
    found = (str(file.relative_to(folder).with_suffix("")) for file in sorted(folder.rglob("*.html")))
    return [name for name in found if not name.startswith(("_static/", "_sources/", "_images/"))]


def sitemap(site: str, pages: list[str]) -> str:
    """The addresses of pages, for searchers.

    >>> sitemap("https://example.org", ["book/index"]).splitlines()[2]
    '<url><loc>https://example.org/book/index.html</loc></url>'
    """
    urls = "\n".join(f"<url><loc>{site}/{name}.html</loc></url>" for name in pages)
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    )
    return f"{head}\n{urls}\n</urlset>\n"
