"""Pages of source text: highlighted, with an anchor at every function and class."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from unrolled.site.html import element


@dataclass(frozen=True)
class SourceText:
    """One file of source, with the lines of each of its functions and classes."""

    file: str  # from the project's root: "src/unrolled/nn/cells.py"
    text: str
    symbols: dict[str, tuple[int, int]]  # "Class.method" -> first and last line, from 1

    @property
    def docname(self) -> str:
        """The page it gets: "source/unrolled/nn/cells", "source/tests/oracles/test_x"."""
        path = PurePosixPath(self.file)
        parts = path.parts[1:] if path.parts[0] == "src" else path.parts
        return str(PurePosixPath("source", *parts).with_suffix(""))

    @property
    def title(self) -> str:
        """The file as readers know it."""
        return self.file.removeprefix("src/")


def read_source(root: Path, file: str) -> SourceText | None:
    """Read one file below ``root``; None where there is none or it is no Python."""
    try:
        text = (root / file).read_text(encoding="utf-8")
        return SourceText(file, text, symbols(text))
    except (OSError, SyntaxError, ValueError):
        return None


def symbols(text: str) -> dict[str, tuple[int, int]]:
    """The functions and classes of a module with their first and last lines, decorators included.

    >>> symbols("class A:\\n    def f(self):\\n        return 1\\n")
    {'A': (1, 3), 'A.f': (2, 3)}
    """
    found: dict[str, tuple[int, int]] = {}

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                first = min([child.lineno, *(d.lineno for d in child.decorator_list)])
                name = f"{prefix}{child.name}"
                found[name] = (first, child.end_lineno or first)
                visit(child, f"{name}.")

    visit(ast.parse(text), "")
    return found


def listing(source: SourceText) -> Markup:
    """The source as HTML: a number at every line, and each symbol in a block that its anchor lights up."""
    formatter = HtmlFormatter(nowrap=True)
    lines = highlight(source.text, PythonLexer(stripnl=False, ensurenl=True), formatter).split("\n")[:-1]
    opens: dict[int, list[str]] = {}
    closes: dict[int, int] = {}
    for name, (first, last) in sorted(source.symbols.items(), key=lambda item: (item[1][0], -item[1][1])):
        opens.setdefault(first, []).append(name)
        closes[last] = closes.get(last, 0) + 1
    width = len(str(len(lines)))
    parts: list[str] = []
    for number, line in enumerate(lines, start=1):
        parts += [str(Markup('<span class="symbol" id="{}">').format(name)) for name in opens.get(number, ())]
        parts.append(f'<span class="linenos" aria-hidden="true">{number:>{width}}</span>{line}\n')
        parts += ["</span>"] * closes.get(number, 0)
    body = element("pre", Markup("".join(parts)), tabindex="0", aria_label=f"Source of {source.title}")
    return element(
        "div",
        element("div", body, class_="highlight"),
        class_="highlight-python notranslate unrolled-listing",
    )
