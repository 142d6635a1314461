"""Code cells as a page shows them: plumbing out of sight, what is folded named, values and checks compact.

What a cell is, is read from its text and its outputs, so that an author has no tag to remember.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from docutils import nodes
from markupsafe import Markup
from sphinx.transforms import SphinxTransform

from unrolled.library.chapters import CHECK, VALUE
from unrolled.library.outputs import IMAGES
from unrolled.site.html import element, join

SOLUTION, PARAMETERS = "tag_solution", "tag_parameters"


def classes(node: nodes.Node) -> list[str]:
    """A container's classes; none of any other node."""
    return node.get("classes", []) if isinstance(node, nodes.container) else []


def is_cell(node: nodes.Node) -> bool:
    """Whether a node is a code cell of a notebook."""
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


def calls(source: str) -> list[str]:
    """The functions that a cell calls, where it consists of such calls and loops over them alone; else none.

    >>> calls("chapter.value('a', 1)\\nfor k in (1, 2):\\n    chapter.value(k, 2)")
    ['chapter.value', 'chapter.value']
    >>> calls("x = 1\\nchapter.value('a', x)"), calls("%time")
    ([], [])
    """
    try:
        statements = ast.parse(source).body
    except SyntaxError:
        return []
    found = []
    for statement in statements:
        while isinstance(statement, ast.For) and len(statement.body) == 1 and not statement.orelse:
            statement = statement.body[0]
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)):
            return []
        found.append(ast.unparse(statement.value.func))
    return found


def shown(source: str) -> list[str] | None:
    """The symbols whose source a cell shows, where it does nothing else.

    >>> shown("chapter.show(NTM.forward, step, docstring=False)"), shown("x = 1\\nchapter.show(x)")
    (['NTM.forward', 'step'], None)
    """
    if calls(source) not in (["chapter.show"], ["show"]):
        return None
    statement = ast.parse(source).body[0]
    call = statement.value if isinstance(statement, ast.Expr) else None
    return [ast.unparse(name) for name in call.args] if isinstance(call, ast.Call) else None


def sets_up(source: str) -> bool:
    """Whether a cell only imports, and makes the chapter.

    >>> sets_up("import torch\\nfrom a import b\\nchapter = Chapter('ntm')"), sets_up("import a\\na.f()")
    (True, False)
    """
    try:
        statements = ast.parse(source).body
    except SyntaxError:
        return False
    made = [s for s in statements if not isinstance(s, ast.Import | ast.ImportFrom)]
    return len(made) < len(statements) and all(
        isinstance(s, ast.Assign) and ast.unparse(s).startswith("chapter = Chapter(") for s in made
    )


class ParametersCell(SphinxTransform):
    """Moves the cell of parameters, which must open a notebook, from above the title to the first code."""

    default_priority = 405

    def apply(self, **kwargs: object) -> None:
        found = list(self.document.findall(is_cell))
        if len(found) > 1 and PARAMETERS in classes(found[0]):
            moved, other = found[0], found[1]
            moved.parent.remove(moved)
            other.parent.insert(other.parent.index(other), moved)


class CodeCells(SphinxTransform):
    """Takes out of sight what is plumbing, says what is folded, and sets values and checks as one part."""

    default_priority = 407  # the cell of parameters has its place; equations look for their source later

    def apply(self, **kwargs: object) -> None:
        found = list(self.document.findall(is_cell))
        if not found:
            return
        notebook = json.loads(Path(self.env.doc2path(self.env.docname)).read_text(encoding="utf-8"))
        for cell in found:
            self._cell(cell, notebook["cells"][cell["cell_index"]])
        for one, other in pairwise(found):  # parameters and imports are one set-up
            if PARAMETERS in classes(one) and "unrolled-setup" in classes(other):
                first, second = (next(iter(cell.findall(nodes.literal_block))) for cell in (one, other))
                text = f"{first.astext()}\n\n{second.astext()}"
                second.replace_self(nodes.literal_block(text, text, **second.attributes))
                one.parent.remove(one)

    def _cell(self, cell: nodes.container, stored: Mapping[str, Any]) -> None:
        source = "".join(stored["source"])
        outputs = stored.get("outputs", [])
        symbols = shown(source)
        values = set(calls(source)) == {"chapter.value"}
        if symbols is not None or values:
            cell.children = [part for part in cell.children if part.get("nb_element") != "cell_code_source"]
            cell.attributes.pop("hide_mode", None)
        if symbols is not None:
            cell["classes"].append("unrolled-show")
            cell["unrolled_shows"] = symbols
        if sets_up(source) or PARAMETERS in classes(cell):
            cell["hide_mode"] = "input"
            cell["classes"].append("unrolled-setup")
        if cell.get("hide_mode"):
            cell["prompt_show"], cell["prompt_hide"] = prompts(classes(cell), outputs)
        compact(cell, outputs)


def prompts(tags: list[str], outputs: list[Mapping[str, Any]]) -> tuple[str, str]:
    """What a reader presses to see, and to fold again, what is folded."""
    what = "code"
    if SOLUTION in tags:
        what = "solution"
    elif "unrolled-setup" in tags:
        what = "set-up"
    elif any(mime in output.get("data", {}) for output in outputs for mime in IMAGES):
        what = "plotting code"
    return f"Show {what}", f"Hide {what}"


def compact(cell: nodes.container, outputs: list[Mapping[str, Any]]) -> None:
    """Set neighbouring values as one line, and neighbouring checks as one table."""
    shown = next((part for part in cell.children if part.get("nb_element") == "cell_code_output"), None)
    if shown is None:
        return
    stored = [output["data"] for output in outputs if output.get("data")]
    bundles = list(shown.findall(_is_bundle))
    data = dict(zip(map(id, bundles), stored, strict=True))

    def of(part: nodes.Node) -> Mapping[str, Any]:
        """What a part of the output shows; a figure holds its bundle inside."""
        return next((data[id(inner)] for inner in part.findall() if id(inner) in data), {})

    made: list[nodes.Node] = []
    for kind, members in groupby(shown.children, lambda part: _kind(of(part))):
        if kind is None:
            made.extend(members)
        else:
            html = _PARTS[kind]([of(member) for member in members])
            made.append(nodes.raw("", str(html), format="html"))
    shown.children = []
    shown += made


def _is_bundle(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and node.get("nb_element") == "mime_bundle"


def _kind(data: Mapping[str, Any]) -> str | None:
    return next((mime for mime in (VALUE, CHECK) if mime in data), None)


def _values(found: list[Mapping[str, Any]]) -> Markup:
    """Values that a cell left for the prose, in one quiet line."""

    def told(one: Mapping[str, Any]) -> Markup:
        name = one[VALUE]["name"]
        number = "".join(one["text/plain"]).removeprefix(f"{name}: ")
        return element("span", name.replace("-", " "), " ", element("b", number))

    return element("p", join((told(one) for one in found), " · "), class_="unrolled-values")


def _checks(found: list[Mapping[str, Any]]) -> Markup:
    """What a cell verifies, a row each: a mark, the sentence, its number, its bound."""
    heads = element("tr", element("td"), *(element("th", name, scope="col") for name in _HEADS))
    numbers = any(one[CHECK]["bound"] for one in found)
    rows = [_row(one[CHECK], numbers) for one in found]
    head = element("thead", heads) if numbers else None
    return element("table", head, element("tbody", *rows), class_="unrolled-verified")


_HEADS = ("Verified", "Value", "Bound")


def _row(check: Mapping[str, Any], numbers: bool) -> Markup:
    holds = check["holds"]
    mark = element("span", "✓" if holds else "✗", role="img", aria_label="holds" if holds else "fails")
    hint = element("span", check["hint"], class_="hint") if check["hint"] else None
    says = join((check["says"], hint), " ")
    cells: Iterator[Markup] = (element("td", check[name]) for name in (("value", "bound") if numbers else ()))
    kind = None if holds else "fails"
    return element("tr", element("td", mark, class_="tick"), element("td", says), *cells, class_=kind)


_PARTS = {VALUE: _values, CHECK: _checks}


def open_folded(translator: Any, node: nodes.Element) -> None:
    """The head of what is folded: a plain disclosure, which says what it shows."""
    said = (element("span", node[f"prompt_{way}"], class_=way) for way in ("show", "hide"))
    classes = " ".join(["unrolled-folded", *node["classes"]])
    translator.body.append(f'<details class="{classes}">\n{element("summary", *said)}\n')


def close_folded(translator: Any, node: nodes.Element) -> None:
    """Its end."""
    translator.body.append("</details>\n")
