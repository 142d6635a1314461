"""The Sphinx extension: reads the knowledge base once, and connects every part to the build."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging

from unrolled import __version__
from unrolled.base.errors import UnrolledError
from unrolled.site import (
    addresses,
    assets,
    bibliography,
    cells,
    colours,
    demos,
    diagrams,
    entrypages,
    exports,
    hovercards,
    meta,
    pictures,
    reference,
    roles,
    scholarly,
    takeaway,
)
from unrolled.site.equations import equation_link
from unrolled.site.html import Place, render
from unrolled.site.knowledge import KnowledgeBase, load_knowledge_base
from unrolled.site.markers import Markers, load_mathjax
from unrolled.site.pairs import EquationChips
from unrolled.site.sources import SourceText, listing
from unrolled.site.tables import entry_link

log = logging.getLogger(__name__)

CHAPTER = re.compile(r"^notebooks/([a-z][a-z0-9_]*)$")


def register(app: Sphinx) -> dict[str, Any]:
    """Connect every part to Sphinx."""
    from myst_nb.sphinx_ import HideCodeCellNode

    app.connect("config-inited", configure)
    app.connect("builder-inited", read_knowledge)
    app.connect("source-read", reference.list_modules)
    app.connect("doctree-read", load_mathjax)
    app.connect("html-collect-pages", source_pages)
    app.connect("html-collect-pages", entrypages.pages)
    app.connect("html-collect-pages", entrypages.escape_titles)
    app.connect("html-collect-pages", lost_page)
    app.connect("html-page-context", hovercards.put, priority=400)  # before MathJax looks for formulas
    app.connect("html-page-context", assets.clean_context, priority=900)
    app.connect("autodoc-skip-member", reference.skip_plumbing)
    app.connect("autodoc-process-docstring", reference.keep_lines, priority=400)
    app.connect("missing-reference", reference.resolve)
    app.connect("doctree-resolved", bibliography.finish, priority=900)
    app.connect("doctree-resolved", bibliography.refuse_addresses, priority=950)
    app.connect("doctree-resolved", assets.drop_thebe, priority=900)
    app.connect("html-page-context", scholarly.add)
    app.connect("html-page-context", meta.add)
    app.connect("build-finished", assets.copy_mathjax)
    app.connect("build-finished", diagrams.write)
    app.connect("build-finished", demos.copy)
    app.connect("build-finished", assets.drop_fontawesome)
    app.connect("build-finished", colours.write, priority=900)  # the theme writes its own there
    app.add_css_file(colours.FILE, priority=900)
    app.connect("build-finished", write_exports)
    app.connect("html-page-context", takeaway.lead_to_chapters, priority=600)
    app.connect("build-finished", takeaway.put)
    app.add_transform(Markers)
    app.add_transform(cells.ParametersCell)
    app.add_transform(cells.CodeCells)
    app.add_transform(pictures.Pictures)
    app.add_transform(EquationChips)
    app.add_node(HideCodeCellNode, override=True, html=(cells.open_folded, cells.close_folded))
    app.connect("env-get-updated", pictures.number_figures, priority=900)  # after Sphinx's own numbers
    roles.register(app)
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}


def configure(app: Sphinx, config: Config) -> None:
    """Take addresses of repository and site from the environment; without them, leave their buttons out."""
    options = config.html_theme_options
    if repository := addresses.repository():
        options |= {
            "repository_url": repository,
            "repository_branch": addresses.branch(),
            "use_repository_button": True,
        }
    else:
        options |= {
            "repository_url": "",
            "launch_buttons": {},
            "use_repository_button": False,
        }
    if site := addresses.site():
        config.html_baseurl = f"{site}/"


def read_knowledge(app: Sphinx) -> None:
    """Read entries, evidence and concepts; a fault stops the build with its file and line."""
    from sphinx.errors import ExtensionError

    root = Path(app.srcdir)
    chapters = [m[1] for name in app.config.external_site_map if (m := CHAPTER.match(name))]
    try:
        kb = load_knowledge_base(root, frozenset(chapters))
    except UnrolledError as error:
        raise ExtensionError(str(error)) from error
    numbers = {slug: number for number, slug in enumerate(chapters, 1)}
    app.unrolled_knowledge = replace(kb, numbers=numbers, images=Path(app.outdir) / "_images")  # type: ignore[attr-defined]


def write_exports(app: Sphinx, exception: Exception | None) -> None:
    """Put the files for programs into the built book."""
    if exception is None and app.builder.format == "html":
        exports.write(app.unrolled_knowledge, Path(app.outdir))  # type: ignore[attr-defined]


def source_pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """One page for each file that an equation or a check points to, and an index of them."""
    kb: KnowledgeBase = app.unrolled_knowledge  # type: ignore[attr-defined]
    for source in kb.texts.values():
        yield source.docname, {"title": source.title, "body": source_body(kb, source)}, "page.html"
    body = render("sources", texts=kb.texts.values(), place=Place("source/index"))
    yield "source/index", {"title": "Source and tests", "body": body}, "page.html"


def lost_page(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The page for addresses that lead nowhere, where a server knows that the book is there."""
    if addresses.site():
        yield "404", {"title": "Page not found", "body": render("lost")}, "page.html"


def source_body(kb: KnowledgeBase, source: SourceText) -> str:
    """The page of one file: the equations it stands for, its outline, and its text."""
    place = Place(source.docname)
    uses: dict[str, dict[str, list[Any]]] = {}  # slug, symbol, links
    for entry, equation, symbol in kb.users(source.file):
        address = equation_link(kb, entry, equation, place)
        uses.setdefault(entry.slug, {}).setdefault(symbol, []).append(address)
    named = {entry_link(kb, slug, place): symbols for slug, symbols in uses.items()}
    return render("source", source=source, uses=named, listing=listing(source))
