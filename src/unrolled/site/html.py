"""HTML that cannot be broken by what stands in it: every text is escaped unless it is already markup."""

from __future__ import annotations

import posixpath
import string
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

VOID = frozenset({"br", "hr", "img", "meta", "wbr"})
PLAIN_SCHEMES = ("http://", "https://")


def element(tag: str, *content: object, **attributes: object) -> Markup:
    """One element. Content and attribute values are escaped; None and False leave an attribute out.

    A trailing underscore is dropped from attribute names, and the others become hyphens.

    >>> str(element("a", "1 < 2", href="x", class_="note", hidden=None, data_n=3))
    '<a href="x" class="note" data-n="3">1 &lt; 2</a>'
    """
    parts = [f"<{tag}"]
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        name = name.rstrip("_").replace("_", "-")
        parts.append(f" {name}" if value is True else f' {name}="{escape(value)}"')
    parts.append(">")
    if tag not in VOID:
        parts += [str(join(content)), f"</{tag}>"]
    return Markup("".join(parts))


@cache
def _templates() -> Environment:
    folder = Path(__file__).with_name("templates")
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template: str, **values: object) -> Markup:
    """A template of this package, with every value escaped unless it is markup."""
    helpers = {"math": math, "code": code, "link": link, "join": join, "find": find}
    return Markup(_templates().get_template(f"{template}.html").render(helpers | values))


def find(items: str, label: str, hint: str) -> Markup:
    """A box that filters what a selector names; the script that does so shows it."""
    return render("find", items=items, label=label, hint=hint)


def letters(found: Iterable[str]) -> Markup:
    """A bar from A to Z; letters under which there is nothing are no links."""
    return render("letters", alphabet=string.ascii_uppercase, found=frozenset(found))


def join(items: Iterable[object], separator: object = "") -> Markup:
    """Items one after another, each escaped unless it is markup; None is left out."""
    return escape(separator).join(escape(item) for item in items if item is not None)


def math(latex: str) -> Markup:
    r"""Inline mathematics for MathJax, as Sphinx itself writes it.

    >>> str(math("a < b"))
    '<span class="math notranslate nohighlight">\\(a &lt; b\\)</span>'
    """
    return element("span", rf"\({latex}\)", class_="math notranslate nohighlight")


def code(text: str) -> Markup:
    """A name in the code; a line may break after its dots and underscores."""
    pieces = join((escape(text).replace("_", Markup("_<wbr>")).replace(".", Markup(".<wbr>")),))
    return element("code", pieces, class_="literal notranslate")


def safe(href: str) -> bool:
    """Whether an address lies in the book or is plain http(s), so that following it runs nothing.

    >>> safe("../book/ledger.html#x"), safe("https://example.org"), safe(" JavaScript:alert(1)")
    (True, True, False)
    """
    scheme = href.split("/", 1)[0].split("?", 1)[0].split("#", 1)[0]
    return ":" not in scheme or href.lower().startswith(PLAIN_SCHEMES)


def link(text: object, href: str, **attributes: object) -> Markup:
    """A link. An address outside the book that is not plain http(s) is shown as text, not followed."""
    if not safe(href):
        return element("span", text)
    if href.lower().startswith(PLAIN_SCHEMES):
        attributes.setdefault("rel", "noopener")
        classes = f"{attributes.pop('class_', '')} reference external".strip()
    else:
        classes = f"{attributes.pop('class_', '')} reference internal".strip()
    return element("a", text, class_=classes, href=href, **attributes)


@dataclass(frozen=True)
class Place:
    """The page on which a piece of HTML stands, and the addresses of other pages seen from there.

    >>> Place("notebooks/bn_lstm").to("book/ledger", "bn_lstm")
    '../book/ledger.html#bn_lstm'
    >>> Place("notebooks/bn_lstm").to("notebooks/bn_lstm", "cite")
    '#cite'
    """

    docname: str

    def to(self, docname: str, anchor: str = "") -> str:
        """The address of a page, with an anchor on it."""
        fragment = f"#{anchor}" if anchor else ""
        if docname == self.docname and fragment:
            return fragment
        return self.file(f"{docname}.html") + fragment

    def file(self, path: str) -> str:
        """The address of a file of the built book."""
        return posixpath.relpath(path, posixpath.dirname(self.docname) or ".")
