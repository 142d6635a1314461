"""Chapters as notebooks that stand alone: plain formulas, numbers filled in, and a first cell that installs.

What only Sphinx understands (roles, labelled formulas, generated parts) becomes what every Jupyter shows.
"""

from __future__ import annotations

import base64
import copy
import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from unrolled.base.errors import UnrolledError
from unrolled.site import equations, lineage, statements, tables
from unrolled.site.html import Place
from unrolled.site.knowledge import KnowledgeBase
from unrolled.site.roles import ROLES

FOLDER = "downloads"
"""The folder of the built book that holds what a reader takes away."""

DIAGRAM = "diagram.svg"
"""The name of a paper's drawing inside its notebook."""

ROLE = re.compile(r"\{([a-z:]+)\}`([^`]+)`")
FORMULA = re.compile(r"^```\{math\}\n((?::[a-z]+:[^\n]*\n)*)(.*?)\n```$", re.DOTALL | re.MULTILINE)
FOLDED = re.compile(r"^:::\{dropdown\} *(.*?)\n(.*?)\n:::$", re.DOTALL | re.MULTILINE)
MARKER = re.compile(r"^<!--\s*unrolled:([a-z-]+)(?:\s+[\w-]+)?\s*-->$", re.MULTILINE)
LABEL = re.compile(r"^\([\w-]+\)=\n", re.MULTILINE)
MATH = re.compile(r'<span class="math[^"]*">\\\((.*?)\\\)</span>', re.DOTALL)

INSTALL = """\
# The book's package, where it is missing: from a wheel beside this notebook{or_site}.
import importlib.util
import pathlib
import subprocess
import sys

if importlib.util.find_spec("unrolled") is None:
    wheel = next(pathlib.Path().glob("unrolled-*.whl"), {site})
    if wheel is None:
        raise SystemExit("put the book's wheel, {wheel}, beside this notebook")
    wanted = f"unrolled[notebook] @ {{wheel}}" if "://" in str(wheel) else f"{{wheel}}[notebook]"
    subprocess.check_call([sys.executable, "-m", "pip", "install", "-q", wanted])
"""


def notebook(kb: KnowledgeBase, slug: str, wheel: str, site: str = "") -> dict[str, Any]:
    """The chapter as a notebook that needs nothing but Jupyter and the network, or the wheel beside it.

    Args:
        wheel: the file name of the book's wheel.
        site: where the book is served; without it the wheel has to lie beside the notebook.
    """
    path = kb.root / "notebooks" / f"{slug}.ipynb"
    made = copy.deepcopy(json.loads(path.read_text(encoding="utf-8")))
    for cell in made["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            cell["source"] = plain(kb, slug, text, site).splitlines(keepends=True)
            cell["metadata"] = {}
            if f"attachment:{DIAGRAM}" in "".join(cell["source"]):
                cell["attachments"] = {DIAGRAM: {"image/svg+xml": _diagram(kb, slug)}}
        else:
            cell["metadata"] = {"tags": tags} if (tags := cell["metadata"].get("tags")) else {}
    address = f'"{site}/{FOLDER}/{wheel}"' if site else "None"
    source = INSTALL.format(or_site=", or from its site" if site else "", site=address, wheel=wheel)
    cell = {"cell_type": "code", "execution_count": None, "id": "install", "metadata": {}, "outputs": []}
    made["cells"].insert(0, cell | {"source": source.splitlines(keepends=True)})
    made["metadata"] = {k: v for k, v in made["metadata"].items() if k in ("kernelspec", "language_info")}
    return made


def plain(kb: KnowledgeBase, slug: str, text: str, site: str = "") -> str:
    """The Markdown of one cell without what only Sphinx understands.

    Raises:
        UnrolledError: for a role or a generated part that this does not know.
    """
    text = LABEL.sub("", text)
    text = FORMULA.sub(lambda match: _formula(kb, match[1], match[2]), text)
    text = FOLDED.sub(r"<details><summary>\1</summary>\n\n\2\n\n</details>", text)
    text = ROLE.sub(lambda match: _role(kb, slug, match[1], match[2], site), text)
    return MARKER.sub(lambda match: _part(kb, slug, match[1], site), text)


def _formula(kb: KnowledgeBase, options: str, latex: str) -> str:
    label = re.search(r":label: *(\S+)", options)
    _, equation = kb.equations.get(label[1], (None, None)) if label else (None, None)
    tag = rf" \tag{{{equation.number}}}" if equation and equations.numbered(equation) else ""
    return f"$$\n{latex.strip()}{tag}\n$$"


def _role(kb: KnowledgeBase, slug: str, name: str, text: str, site: str) -> str:
    if name == "eq":
        _, equation = kb.equations[text]
        return f"({equation.number if equations.numbered(equation) else equation.name})"
    if name in ("cite", "cite:t", "cite:p"):
        works = [kb.works[key.strip()] for key in text.split(",")]
        if name == "cite:t":
            return "; ".join(work.short for work in works)
        inside = (re.sub(r" \((\w+)\)$", r", \1", work.short) for work in works)
        return f"({'; '.join(inside)})"
    if name in ROLES:
        return _without_tags(ROLES[name](kb, text, Place(f"notebooks/{slug}")))
    if name in ("numref", "ref", "doc"):
        return (re.match(r"(.+?)\s*<", text) or [None, "the figure" if name == "numref" else text])[1]
    raise UnrolledError(f"the role {name!r} has no plain form", hint="site/standalone.py gives it one")


def _without_tags(markup: str) -> str:
    kept = re.sub(r'<sup class="archived-mark".*?</sup>', "", str(markup))
    return html.unescape(re.sub(r"<[^>]+>", "", kept)).strip()


def _card(kb: KnowledgeBase, slug: str) -> str:
    entry, work = kb.entries[slug], kb.works.get(kb.entries[slug].key)
    about = f"{work.names}: *{entry.title}*, {work.venue}." if work else f"*{entry.title}*."
    paper = next((f" [Paper]({link.url})." for link in entry.links if link.kind in ("paper", "pdf")), "")
    found = [f"- {_without_tags(statements.sentence(item))}" for item in kb.headlines(slug)]
    return "\n".join([about + paper, "", *found])


PARTS: dict[str, Callable[[KnowledgeBase, str, Place], str]] = {
    "notation": lambda kb, slug, place: tables.notation(kb.entries[slug], place),
    "statements": statements.statements_table,
    "departures": lambda kb, slug, place: tables.departures(kb.entries[slug]),
    "errata": lambda kb, slug, place: tables.errata(kb.entries[slug]),
    "relations": lineage.relations,
}
"""Generated parts that a plain notebook shows as they are; it has no styles, so only tables and lists."""


def _diagram(kb: KnowledgeBase, slug: str) -> str:
    """The paper's drawing, as a notebook keeps pictures; empty where there is none."""
    path = kb.root / "book" / "diagrams" / f"{slug}.svg"
    return base64.b64encode(path.read_bytes()).decode() if path.is_file() else ""


def _part(kb: KnowledgeBase, slug: str, name: str, site: str) -> str:
    if name == "card":
        return _card(kb, slug)
    if name == "diagram" and _diagram(kb, slug):
        return f"![The model of {kb.entries[slug].short}](attachment:{DIAGRAM})"
    if name == "cite":
        from unrolled.library.citing import cite

        return f"```bibtex\n{cite([kb.entries[slug].key]).strip()}\n```"
    if name in PARTS:
        return _bare(PARTS[name](kb, slug, Place(f"notebooks/{slug}")), site)
    where = f"[the book's page]({site}/notebooks/{slug}.html)" if site else "the book's page"
    return f"*({name.capitalize()}: see {where}.)*"


def _bare(markup: str, site: str) -> str:
    """A part's elements without styles, scripts, and links that lead nowhere from here."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(MATH.sub(lambda m: f"${html.unescape(m[1])}$", str(markup)), "html.parser")
    for found in soup(["script", "style", "template", "button", "svg", "colgroup"]):
        found.decompose()
    for found in soup(True):
        href = found.get("href") or ""
        found.attrs = {name: value for name, value in found.attrs.items() if name in ("scope", "colspan")}
        if found.name == "a" and href.startswith("http"):
            found["href"] = href
        elif found.name == "a":
            found.unwrap()
    return re.sub(r"\n\s*\n+", "\n", soup.decode(formatter="html5")).strip()


def write(kb: KnowledgeBase, folder: Path, wheel: str, site: str = "") -> list[Path]:
    """Write every chapter's plain notebook below ``folder``, and return the paths."""
    from unrolled.base.files import atomic_write

    return [
        atomic_write(
            folder / FOLDER / f"{slug}.ipynb",
            json.dumps(notebook(kb, slug, wheel, site), ensure_ascii=False, indent=1) + "\n",
        )
        for slug in sorted(kb.chapters)
    ]
