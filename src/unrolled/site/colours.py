"""Colours before any script has run, and where none does.

The theme's styles hang on ``data-theme``, which its script sets to light or dark; until then, and without
scripts, the page says ``auto``, for which it has no colours. They are taken from its own rules, by what the
reader's system prefers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from sphinx.application import Sphinx

FILE = "auto.css"

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_THEME = re.compile(r"""\[data-theme=["']?(light|dark)["']?\]""")


def rules(css: str) -> Iterator[tuple[str, str]]:
    """The rules of a style sheet that stand by themselves: selectors and declarations.

    >>> list(rules("/* { */ a { b: c } @media print { d { e: f } } g{h:i}"))
    [('a', 'b: c'), ('g', 'h:i')]
    """
    depth, start, selector = 0, 0, ""
    css = _COMMENT.sub("", css)
    for brace in re.finditer(r"[{}]", css):
        inside = css[start : brace.start()].strip()
        if brace[0] == "{":
            if depth == 0:
                selector = inside.rpartition(";")[2].strip()  # behind @import and @charset
            depth += 1
        else:
            depth -= 1
            if depth == 0 and not selector.startswith("@"):
                yield selector, inside
        start = brace.end()


def automatic(sheets: Iterable[str]) -> str:
    """The rules of a theme for the theme ``auto``, in the order of the sheets, by what the system prefers.

    >>> print(automatic([':is(a, b)[data-theme="dark"] i:not(.x, .y){c: d}']).partition("dark) ")[2])
    {
    :is(a, b)[data-theme=auto] i:not(.x, .y){c: d}
    }
    <BLANKLINE>
    """
    found: dict[str, list[str]] = {"light": [], "dark": []}
    for sheet in sheets:
        for selector, declarations in rules(sheet):
            for theme in dict.fromkeys(_THEME.findall(selector)):
                own = _THEME.sub(lambda m, of=theme: "[data-theme=auto]" if m[1] == of else m[0], selector)
                found[theme].append(f"{own}{{{declarations}}}")
    parts = [
        f"@media (prefers-color-scheme: {theme}) {{\n" + "\n".join(made) + "\n}\n"
        for theme, made in found.items()
    ]
    return "".join(parts)


def write(app: Sphinx, exception: Exception | None) -> None:
    """Write the sheet beside those that it is made from."""
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir) / "_static"
    themes = (
        "styles/theme.css",
        "styles/pydata-sphinx-theme.css",
        "pygments.css",
        "styles/sphinx-book-theme.css",
    )
    own = [name if isinstance(name, str) else name[0] for name in app.config.html_css_files]
    others = sorted(path.name for path in folder.glob("*.css") if path.name not in (*themes, *own, FILE))
    files = [folder / name for name in (*themes, *others, *own)]
    (folder / FILE).write_text(
        automatic(file.read_text(encoding="utf-8") for file in files if file.is_file()), encoding="utf-8"
    )
