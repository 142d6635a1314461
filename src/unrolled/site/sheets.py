"""Twenty style sheets of a page as one file: a page is painted when the last of them is there."""

from __future__ import annotations

import hashlib
import posixpath
import re
from dataclasses import dataclass, field
from pathlib import Path

LINK = re.compile(r'[ \t]*<link\b(?=[^>]*\brel="stylesheet")[^>]*?\bhref="([^":]+)"[^>]*>\n?')
IMPORT = re.compile(r'@import\s+"([^"]+)";')
ADDRESS = re.compile(r"""url\((?!["']?(?:data:|#|https?:|/))["']?([^"')]+)["']?\)""")
FOLDER = "_static"


@dataclass
class Sheets:
    """Puts the style sheets of the built book in ``folder`` together, one file for each list of them."""

    folder: Path
    files: dict[str, str] = field(default_factory=dict)
    _made: dict[tuple[str, ...], str] = field(default_factory=dict)

    def joined(self, html: str, page: str) -> str:
        """A page that loads one file in the place of the first of its style sheets."""
        base = posixpath.dirname(page)
        found: list[str] = []

        def collect(match: re.Match[str]) -> str:
            found.append(posixpath.normpath(posixpath.join(base, match[1].partition("?")[0])))
            return "<!-- sheets -->\n" if len(found) == 1 else ""

        html = LINK.sub(collect, html)
        if not found:
            return html
        root = posixpath.relpath(".", base or ".")
        tag = f'<link rel="stylesheet" href="{root}/{FOLDER}/{self._file(tuple(found))}">'
        return html.replace("<!-- sheets -->", tag, 1)

    def _file(self, paths: tuple[str, ...]) -> str:
        if paths not in self._made:
            text = "".join(self._text(path) for path in paths)
            name = f"book-{hashlib.sha256(text.encode()).hexdigest()[:10]}.css"
            self.files[name] = text
            self._made[paths] = name
        return self._made[paths]

    def _text(self, path: str) -> str:
        """A sheet with those that it imports, its addresses seen from the folder of the joined file."""
        base = posixpath.dirname(path)

        def address(match: re.Match[str]) -> str:
            return f'url("{posixpath.relpath(posixpath.join(base, match[1]), FOLDER)}")'

        text = ADDRESS.sub(address, (self.folder / path).read_text(encoding="utf-8"))
        text = text.replace('@charset "UTF-8";', "")
        own, *imported = re.split(IMPORT, text)  # imports stand at the beginning, with text between them
        for place in range(0, len(imported), 2):
            own += self._text(posixpath.normpath(posixpath.join(base, imported[place]))) + imported[place + 1]
        return own
