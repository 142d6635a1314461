"""A strict policy for what pages may load and run, and pages that keep to it.

The theme writes scripts into its pages and handlers into its buttons. Scripts move into files of the book's
own, and buttons say what they do in ``data-action``, which ``static/actions.js`` knows.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from unrolled.base.errors import UnrolledError

POLICY: dict[str, str] = {
    "default-src": "'self'",
    "script-src": "'self' 'wasm-unsafe-eval'",  # WebAssembly: the search, and the demos' models
    # figures, formulas and tables place things by style attributes; a style cannot run anything
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data:",  # the theme's and our own icons are in the style sheets
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}
"""What a page may do, as a Content-Security-Policy; whatever is not named follows ``default-src``."""

ACTIONS: dict[str, str] = {"window.print()": "print", "toggleFullScreen()": "full-screen"}
"""The handlers that the theme writes into its buttons, by what they are called in ``data-action``."""

USELESS = (
    r"DOCUMENTATION_OPTIONS\.pagename = '[^']*';",  # for a list of versions that the book does not have
    r"DOCUMENTATION_OPTIONS\.search_as_you_type = false;",  # as if it were not there
    r"kernelName = '[^']*'",  # for live code, which the book leaves out
)
"""Scripts of the theme that do nothing here; one of them differs from page to page."""

SCRIPT = re.compile(r"[ \t]*<script\b([^>]*)>(.*?)</script>\n?", re.DOTALL)
HANDLER = re.compile(r'\son[a-z]+="([^"]*)"')
TAG = re.compile(r"<[a-zA-Z][^<>]*>")
LINK = re.compile(r'<a\b[^>]*\bhref="https?://[^>]*>')


def meta() -> str:
    """The policy as a tag for the head of a page."""
    said = "; ".join(f"{name} {value}" for name, value in POLICY.items())
    return f'<meta http-equiv="Content-Security-Policy" content="{said}">'


@dataclass
class Scripts:
    """Collects what pages wrote into themselves, as files by name.

    Scripts of the head become one file, where the first of them was: they set what others read, and the
    theme's colours before anything is painted. All others of the head wait for the page.
    """

    files: dict[str, str] = field(default_factory=dict)

    def moved(self, html: str, root: str, *, defer: bool = True) -> str:
        """A page whose scripts are all files; ``root`` leads from it to the book's root.

        Sphinx's search begins as soon as it is read unless the page is still being read, so its page is not
        deferred: ours comes in between.
        """
        head, end, rest = html.partition("</head>")
        texts: list[str] = []

        def collect(match: re.Match[str]) -> str:
            if _data(match[1]):
                return match[0]
            if "src=" in match[1]:
                waits = not defer or re.search(r"\b(defer|async)\b", match[1])
                return match[0] if waits else match[0].replace("<script", "<script defer", 1)
            text = match[2].strip()
            if text and text not in texts and not any(re.fullmatch(useless, text) for useless in USELESS):
                texts.append(text)
                if len(texts) == 1:
                    return "<!-- scripts -->\n"
            return ""

        head = SCRIPT.sub(collect, head)
        if texts:
            head = head.replace("<!-- scripts -->\n", self._tag("\n".join(texts), root) + "\n", 1)
        return head + end + SCRIPT.sub(lambda match: self._single(match, root), rest)

    def _single(self, match: re.Match[str], root: str) -> str:
        text = match[2].strip()
        if "src=" in match[1] or _data(match[1]):
            return match[0]
        useless = not text or any(re.fullmatch(one, text) for one in USELESS)
        return "" if useless else self._tag(text, root) + "\n"

    def _tag(self, text: str, root: str) -> str:
        name = f"inline-{hashlib.sha256(text.encode()).hexdigest()[:10]}.js"
        self.files[name] = text + "\n"
        return f'<script src="{root}/_static/{name}"></script>'


def _data(attributes: str) -> bool:
    """Whether a script holds data rather than something to run."""
    kind = re.search(r'\btype="([^"]*)"', attributes)
    return bool(kind) and kind[1] not in ("text/javascript", "module")  # type: ignore[index]


def acting(html: str) -> str:
    """A page without handlers in its tags.

    Raises:
        UnrolledError: for a handler that nothing stands in for.
    """

    def named(match: re.Match[str]) -> str:
        if match[1] not in ACTIONS:
            raise UnrolledError(f"a page has the inline handler {match[1]!r}", hint="use addEventListener")
        return f' data-action="{ACTIONS[match[1]]}"'

    return TAG.sub(lambda tag: HANDLER.sub(named, tag[0]) if " on" in tag[0] else tag[0], html)


def apart(html: str) -> str:
    """A page whose links to other sites give these no hold on it.

    >>> apart('<a class="x" href="https://example.org">')
    '<a class="x" href="https://example.org" rel="noopener">'
    """

    def safe(match: re.Match[str]) -> str:
        tag = match[0]
        if rel := re.search(r'\brel="([^"]*)"', tag):
            return tag if "noopener" in rel[1].split() else tag.replace(rel[0], f'rel="{rel[1]} noopener"')
        return f'{tag[:-1]} rel="noopener">'

    return LINK.sub(safe, html)


CLEANERS: tuple[Callable[[str], str], ...] = (acting, apart)
