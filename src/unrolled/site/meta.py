"""What a page says of itself to searchers and previews of links, and where its errors are reported."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from docutils import nodes
from markupsafe import Markup
from sphinx.application import Sphinx

from unrolled.site import addresses
from unrolled.site.html import element, join
from unrolled.site.knowledge import KnowledgeBase

PICTURE, PICTURE_SAYS = "_static/social.png", "The papers of the book and what each of them builds on"
LENGTH = 200
ENTRY = re.compile(r"^(?:notebooks|entries)/([a-z][a-z0-9_]*)$")


def add(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Add the tags to a page that is about to be written, and where its errors are reported."""
    title = Markup(context.get("title") or app.config.html_title).striptags()
    said = description(app.unrolled_knowledge, pagename, title, doctree)  # type: ignore[attr-defined]
    made = tags(pagename, title, said, app.config.html_title)
    context["metatags"] = context.get("metatags", "") + str(made) + "\n"
    context["report"] = report(pagename, title)


def description(kb: KnowledgeBase, page: str, title: str, doctree: nodes.document | None) -> str:
    """One or two sentences on a page: the summary of its paper, or how its text begins."""
    match = ENTRY.match(page)
    if match and match[1] in kb.entries:
        return shortened(kb.entries[match[1]].summary)
    paragraphs = doctree.findall(nodes.paragraph) if doctree is not None else ()
    text = next((p.astext() for p in paragraphs if len(p.astext()) > 40), "")
    return shortened(text or f"{title}, in a book on recurrent networks, paper by paper.")


def shortened(text: str) -> str:
    """The first sentences of a text, as many as fit; a longer first sentence ends at a word.

    >>> shortened("One. Two. " + "x" * 300)
    'One. Two.'
    """
    text = " ".join(text.split())
    if len(text) <= LENGTH:
        return text
    cut = max(text.rfind(mark, 0, LENGTH) for mark in (". ", "? ", "! "))
    return text[: cut + 1] if cut > 0 else text[: text.rfind(" ", 0, LENGTH)].rstrip(",;:") + " …"


def tags(page: str, title: str, said: str, book: str) -> Markup:
    """The description, and what a preview shows; its picture needs the site's address."""
    found = [element("meta", name="description", content=said)]
    properties = {"og:title": title, "og:description": said, "og:type": "article", "og:site_name": book}
    if site := addresses.site():
        properties |= {
            "og:url": f"{site}/{page}.html",
            "og:image": f"{site}/{PICTURE}",
            "og:image:width": "1200",
            "og:image:height": "630",
            "og:image:alt": PICTURE_SAYS,
        }
        found.append(element("meta", name="twitter:card", content="summary_large_image"))
    found += [element("meta", property=name, content=text) for name, text in properties.items()]
    return join(found, "\n")


def report(page: str, title: str) -> str | None:
    """Where an error on a page is reported, named in the form; None where the repository is unknown."""
    repository = addresses.repository()
    if repository is None:
        return None
    names = ("title", "body")
    path = "issues/new"
    if "gitlab" in repository:
        names, path = ("issue[title]", "issue[description]"), "-/issues/new"
    texts = (f"Error on the page “{title}”", f"Page: {page}.html\n\nWhat is wrong, and what should it be?\n")
    return f"{repository}/{path}?{urlencode(dict(zip(names, texts, strict=True)))}"
