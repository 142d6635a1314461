"""Headings of generated parts as sections of the page: for its contents, the search and links."""

from __future__ import annotations

import re
from html import unescape

from docutils import nodes

HEADING = re.compile(r'^<h([23]) id="([^"]+)">([^<]+)</h\1>\n?', re.MULTILINE)
"""A heading of plain text at the beginning of a line, which in our templates is never inside anything."""


def sectioned(html: str) -> list[nodes.Node]:
    """Generated HTML as nodes: raw text, and a section for each heading with what follows it.

    >>> [type(node).__name__ for node in sectioned('<p>x</p>\\n<h2 id="a">A</h2>\\n<p>y</p>\\n')]
    ['raw', 'section']
    """
    made: list[nodes.Node] = []
    open_: list[tuple[int, nodes.section]] = []  # level and section, outermost first
    end = 0
    for match in HEADING.finditer(html):
        _say(html[end : match.start()], open_[-1][1] if open_ else made)
        level = int(match[1])
        while open_ and open_[-1][0] >= level:
            open_.pop()
        section = nodes.section("", nodes.title("", unescape(match[3])), ids=[match[2]])
        (open_[-1][1] if open_ else made).append(section)
        open_.append((level, section))
        end = match.end()
    _say(html[end:], open_[-1][1] if open_ else made)
    return made


def _say(html: str, into: list[nodes.Node] | nodes.section) -> None:
    if html.strip():
        into.append(nodes.raw("", html, format="html"))
