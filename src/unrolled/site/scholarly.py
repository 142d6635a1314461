"""Tags by which scholarly search engines and reference managers read a chapter's page."""

from __future__ import annotations

import re
from typing import Any

from markupsafe import Markup
from sphinx.application import Sphinx

from unrolled.library.bookcite import chapter_keys, chapter_reference
from unrolled.library.latex import names, plain_field
from unrolled.site.html import element, join
from unrolled.site.knowledge import KnowledgeBase

CHAPTER = re.compile(r"^notebooks/([a-z][a-z0-9_]*)$")


def add(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Add the tags to a chapter's page."""
    kb: KnowledgeBase = app.unrolled_knowledge  # type: ignore[attr-defined]
    match = CHAPTER.match(pagename)
    if match and match[1] in kb.entries and match[1] in kb.chapters:
        context["metatags"] = context.get("metatags", "") + str(tags(kb, match[1], app.config.html_baseurl))


def tags(kb: KnowledgeBase, slug: str, site: str = "") -> Markup:
    """The tags of a chapter: what it is itself, and each work that it cites; ``site``: the book's address."""
    entry = kb.entries[slug]
    reference = chapter_reference(entry, site)
    found = [("citation_title", plain_field("title", reference["title"]))]
    for person in names(reference["author"]):
        found.append(("citation_author", person.literal or f"{person.family}, {person.given}".strip(", ")))
    found += [
        ("citation_publication_date", reference["year"]),
        ("citation_inbook_title", plain_field("title", reference["booktitle"])),
        ("citation_language", "en"),
    ]
    if reference.get("url"):
        found.append(("citation_fulltext_html_url", reference["url"]))
    for key in chapter_keys(entry, kb.entries, kb.root):
        if work := kb.works.get(key):
            parts = [f"citation_title={work.title}"]
            parts += [f"citation_author={', '.join(part for part in pair if part)}" for pair in work.authors]
            parts += [f"citation_publication_date={work.year}"] if work.year else []
            # a semicolon parts the fields
            found.append(("citation_reference", "; ".join(part.replace(";", ",") for part in parts)))
    return join((element("meta", name=name, content=" ".join(text.split())) for name, text in found), "\n")
