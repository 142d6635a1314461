"""What the pages load: MathJax from the book itself, and nothing from outside."""

from __future__ import annotations

import re
import shutil
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util import logging

log = logging.getLogger(__name__)

MATHJAX = ("tex-chtml.js", "ui/safe.js", "output/chtml/fonts")
"""What a page needs of MathJax: the bundle, the guard against unsafe addresses in formulas, and the fonts."""


ICONS = re.compile(
    r"@font-face\{[^}]*fontawesome[^}]*\}"
    r'|(?<=\})(?:\.(?:fa|fab)-[\w-]+:+(?:before|after),?)+\{content:"[^"]*"\}'
)
"""The rules of FontAwesome's fonts and of its two thousand icons: a fifth of the theme's style sheet."""


def mathjax_folder() -> Path:
    """MathJax's files in the environment.

    Raises:
        ExtensionError: if the package that brings them is not installed.
    """
    try:
        found = distribution("sphinx-mathjax-offline")
    except PackageNotFoundError as error:
        raise ExtensionError(
            "MathJax is missing: install sphinx-mathjax-offline==0.0.2 (make setup does)"
        ) from error
    return Path(str(found.locate_file("sphinx-mathjax-offline"))) / "static" / "mathjax"


def copy_mathjax(app: Sphinx, exception: Exception | None) -> None:
    """Put MathJax into the built book, so that formulas need no other site."""
    if exception is not None or app.builder.format != "html":
        return
    source, target = mathjax_folder(), Path(app.outdir) / "_static" / "mathjax"
    for name in MATHJAX:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, dirs_exist_ok=True)
        else:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, target / name)


def drop_fontawesome(app: Sphinx, exception: Exception | None) -> None:
    """Leave out a script and fonts that no page asks for: `book/static/icons.css` draws the icons."""
    static = Path(app.outdir) / "_static"
    shutil.rmtree(static / "vendor" / "fontawesome", ignore_errors=True)
    for file in (static / "scripts").glob("fontawesome.js*"):
        file.unlink()
    for sheet in (static / "styles").glob("*.css"):  # or a browser would ask for the fonts
        sheet.write_text(ICONS.sub("", sheet.read_text(encoding="utf-8")), encoding="utf-8")


def clean_context(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Leave out the live-code script, which comes from another site, and roles that screen readers reject."""
    scripts = context.get("script_files") or []
    context["script_files"] = [s for s in scripts if not _is_thebe(s)]
    context["css_files"] = [s for s in context.get("css_files") or [] if not _is_thebe(s)]
    body = context.get("body")
    if body and "citation" in body:
        context["body"] = body.replace(' role="doc-biblioentry"', "").replace(
            '<div role="list" class="citation-list">', '<div class="citation-list">'
        )


def drop_thebe(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Leave out the settings of live code, which name a repository that is not ours."""
    for node in list(doctree.findall(nodes.raw)):
        if "thebe" in node.astext() and "<script" in node.astext():
            node.parent.remove(node)


def _is_thebe(script: Any) -> bool:
    name = str(getattr(script, "filename", script) or "")
    text = str((getattr(script, "attributes", None) or {}).get("body", ""))
    return "thebe" in name.lower() or "THEBE_JS_URL" in text
