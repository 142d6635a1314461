"""Names in the programming reference: short ones are resolved, undocumented ones of ours stay plain."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

from unrolled import MODELS
from unrolled.base.paths import sources

MODULES = re.compile(r"^<!-- unrolled:modules ([\w.]+) -->$", re.MULTILINE)
"""Where a page wants the reference of a module, or of every module of a part of the package."""


def list_modules(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the reference of each module, by automodule, in the place of the page's markers."""
    source[0] = MODULES.sub(lambda match: "\n".join(map(_section, modules(match[1]))), source[0])


def modules(part: str) -> list[str]:
    """The modules below a part of the package: of ``papers`` the models, of a single file itself.

    >>> modules("base.errors")
    ['unrolled.base.errors']
    """
    folder = sources() / part.replace(".", "/")
    pattern = "*/model.py" if part == "papers" else "*.py"
    files = sorted(folder.glob(pattern)) if folder.is_dir() else [folder.with_suffix(".py")]
    named = (file.relative_to(sources()).with_suffix("") for file in files if not file.name.startswith("_"))
    return [".".join(("unrolled", *name.parts)) for name in named]


def _section(module: str) -> str:
    papers = {f"unrolled.papers.{slug}.model": name for name, slug in MODELS.items()}
    title = papers.get(module, f"`{module.removeprefix('unrolled.')}`")
    return f"## {title}\n\n`{module}`\n\n```{{eval-rst}}\n.. automodule:: {module}\n   :members:\n```\n"


@lru_cache(maxsize=4)
def own_names(folder: Path) -> frozenset[str]:
    """Every name that a module of the package defines at its top level."""
    found: set[str] = set()
    for file in folder.rglob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                found.add(node.name)
            elif isinstance(node, ast.Assign):
                found.update(target.id for target in node.targets if isinstance(target, ast.Name))
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found.add(node.target.id)
    return frozenset(found)


def resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, contnode: nodes.Element
) -> nodes.Node | None:
    """A link for a name documented under a longer one; plain text for one of ours that is not documented.

    A name that exists nowhere is left alone, so that Sphinx warns of it.
    """
    if node.get("refdomain") != "py":
        return None
    target = node.get("reftarget", "")
    last = target.rpartition(".")[2]
    domain = env.get_domain("py")
    named = [(name, found) for name, found in domain.objects.items() if name.rpartition(".")[2] == last]  # type: ignore[attr-defined]
    fitting = [pair for pair in named if pair[0].startswith("unrolled.")]
    if len(fitting) == 1 and (target == last or target.startswith("unrolled.")):
        name, found = fitting[0]
        return make_refnode(app.builder, node["refdoc"], found.docname, found.node_id, contnode, name)
    if (target == last or target.startswith("unrolled.")) and last in own_names(sources()):
        return contnode
    return None


def keep_lines(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Have a docstring read as it is meant.

    A description of a constant that begins "Words: more words" is no type with its text, and an indented
    block after a blank line is equations, whose lines stay.
    """
    if what in ("attribute", "data", "property") and lines and ":" in lines[0]:
        lines[:0] = ["..", ""]  # an empty comment: napoleon looks for a type in the first line only
    for at in range(len(lines) - 1, 1, -1):
        before, blank, line = lines[at - 2 : at + 1]
        if line.startswith(" ") and not blank.strip() and before and not before.startswith((" ", "- ", "..")):
            lines[at:at] = [".. code-block:: text", ""]


def skip_plumbing(app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object) -> bool | None:
    """Leave out what Python and pydantic make by themselves: constructors, bare fields, settings."""
    return True if name in ("__new__", "model_config") or type(obj).__name__ == "_tuplegetter" else None
