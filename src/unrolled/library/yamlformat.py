"""One form for the YAML of entries and concepts: fields in the order of the models, values untouched.

What is written is read again and compared before anyone gets it, so that formatting cannot change a value.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from unrolled.library import models, statements
from unrolled.library.faults import Fault, Faulty, read_text
from unrolled.library.yamltext import read_yaml

WIDTH = 108
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ROWS = {"links", "relations", "notation", "reported", "runs", "against"}
"""Lists whose items are one line each."""
_INLINE = {"locus", "rule", "best_of", "seeds", "data", "stand_ins", "sizes", "schedule"}
"""Mappings that stand on one line."""
_ORDERS: dict[str, list[str]] = {
    name: list(model.model_fields)
    for name, model in {
        "": models.Entry,
        "concept": models.Concept,
        "links": models.Link,
        "relations": models.Relation,
        "notation": models.Symbol,
        "equations": models.Equation,
        "paper": statements.Setting,
        "statements": statements.Statement,
        "findings": statements.Finding,
        "checks": statements.Check,
        "omitted": statements.Omitted,
        "runs": statements.Arm,
        "against": statements.Arm,
        "departures": models.Departure,
        "errata": models.Erratum,
        "results": models.Result,
        "reported": models.Reported,
        "locus": models.Locus,
        "rule": statements.Criterion,
        "best_of": statements.BestOf,
        "seeds": statements.Seeds,
    }.items()
}
_ORDERS["statements"].sort(key=lambda name: name not in ("id", "kind", "headline", "says", "locus", "source"))
_ORDERS["findings"].sort(key=lambda name: name not in ("id", "says"))
_WORDS = re.compile(r"(y|n|yes|no|on|off|true|false|null|~|nan|inf)", re.IGNORECASE)
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_ .,/()'+;%*&=·–’-]*", re.ASCII)
_WORDY = re.compile(r"[A-Za-z][A-Za-z0-9_ ./()'+;%*&=·–’-]*", re.ASCII)


class _Number(str):
    """A scalar that is no text, as it was written: 0.990 keeps its digits."""


def formatted(path: Path) -> str:
    """The file's text in the one form.

    Raises:
        Faulty: if the file cannot be read, or has comments after its first lines, which would be lost.
    """
    document = read_yaml(path)
    if document.faults:
        raise Faulty(document.faults)
    text, _ = read_text(path)
    header = re.match(r"(?:[ \t]*(?:#[^\n]*)?\n)*", text)[0]
    body = text[len(header) :]
    if line := _comment(body):
        at = header.count("\n") + line
        raise Faulty(
            [Fault(path, at, "a comment would be lost", "put it at the top of the file, or remove it")]
        )
    data = _read(body)
    if isinstance(data, list):
        items = sorted(data, key=lambda item: str(item.get("slug")) if isinstance(item, dict) else "")
        lines = [line for item in items for line in _item(item, "concept", 0)]
    else:
        lines = _mapping(data, "", 0)
    kept = [line.rstrip() for line in header.split("\n") if line.strip()]
    made = "\n".join([*kept, *lines]) + "\n"
    again = _values(_read(made))
    wanted = _values(items if isinstance(data, list) else data)
    if again != wanted:
        raise Faulty(
            [Fault(path, 1, "cannot be formatted without changing a value", "please report this file")]
        )
    return made


def _comment(text: str) -> int | None:
    """The line of the first comment, from 1."""
    if not re.search(r"(^|[ \t])#", text, re.MULTILINE):
        return None
    end = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        between = text[end : token.start_mark.index]
        if "#" in between:
            return text.count("\n", 0, end + between.index("#")) + 1
        if isinstance(token, yaml.ScalarToken) and token.style in ("|", ">"):
            first = text[token.start_mark.index :].partition("\n")[0]
            if "#" in first:
                return token.start_mark.line + 1
            # a block's end is where the next thing begins: comments in between are not its text
            said = text[token.start_mark.index : token.end_mark.index]
            for number, line in enumerate(said.split("\n")[1:], 1):
                indent = len(line) - len(line.lstrip(" "))
                if line.strip() and indent <= token.start_mark.column and line.lstrip().startswith("#"):
                    inside = _block_indent(said)
                    if indent < inside:
                        return token.start_mark.line + 1 + number
        end = max(end, token.end_mark.index)
    rest = text[end:]
    return text.count("\n", 0, end + rest.index("#")) + 1 if "#" in rest else None


def _block_indent(said: str) -> int:
    return next((len(line) - len(line.lstrip(" ")) for line in said.split("\n")[1:] if line.strip()), 0)


def _read(text: str) -> Any:
    """Plain data of YAML that is known to be harmless; scalars that are no text as they were written."""
    loader = _LOADER(text)
    try:
        return _plain_data(loader.get_single_node())
    finally:
        loader.dispose()


def _plain_data(node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {key.value: _plain_data(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain_data(item) for item in node.value]
    text = node.tag.rpartition(":")[2] in ("str", "timestamp", "value", "merge")
    return node.value if text else _Number("null" if node.tag.endswith(":null") else node.value)


def _values(data: Any) -> Any:
    """Data in which text and numbers that look alike differ."""
    if isinstance(data, dict):
        return {key: _values(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_values(item) for item in data]
    return (type(data) is _Number, str(data))


def _sorted(mapping: dict, kind: str) -> list[tuple[str, Any]]:
    order = _ORDERS.get(kind)
    if order is None:
        return list(mapping.items())
    return sorted(mapping.items(), key=lambda pair: order.index(pair[0]) if pair[0] in order else len(order))


def _mapping(mapping: dict, kind: str, indent: int) -> list[str]:
    lines = []
    for name, value in _sorted(mapping, kind):
        lines += _field(name, value, indent)
    return lines


def _item(item: Any, kind: str, indent: int) -> list[str]:
    """One item of a list, behind its dash."""
    pad = " " * indent
    if not isinstance(item, dict) or not item:
        return _scalar_lines(f"{pad}- ", item, indent + 2)
    if kind in _ROWS:
        return [f"{pad}- {_flow(item, kind)}"]
    lines = _mapping(item, kind, indent + 2)
    return [f"{pad}- {lines[0].lstrip()}", *lines[1:]]


def _field(name: str, value: Any, indent: int) -> list[str]:
    pad = " " * indent
    if isinstance(value, dict):
        if name in _INLINE or not value:
            return [f"{pad}{_key(name)}: {_flow(value, name)}"]
        return [f"{pad}{_key(name)}:", *_mapping(value, name, indent + 2)]
    if isinstance(value, list):
        if not any(isinstance(item, dict | list) for item in value):
            line = f"{pad}{_key(name)}: {_flow(value, name)}"
            if len(line) <= WIDTH or all(len(str(item)) <= 40 for item in value):
                return [line]
        return [f"{pad}{_key(name)}:", *(line for item in value for line in _item(item, name, indent + 2))]
    return _scalar_lines(f"{pad}{_key(name)}: ", value, indent + 2)


def _scalar_lines(start: str, value: Any, indent: int) -> list[str]:
    """A scalar behind its name; long text is folded over lines."""
    if isinstance(value, dict | list):
        return [start + _flow(value, "")]
    written = _scalar(value)
    if len(start) + len(written) <= WIDTH or not _foldable(value):
        return [start + written]
    lines, line = [f"{start}>-"], ""
    for word in value.split(" "):
        if line and indent + len(line) + 1 + len(word) > WIDTH:
            lines.append(" " * indent + line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, " " * indent + line]


def _foldable(value: str) -> bool:
    """Whether lines may be broken at its spaces and joined again to the same text."""
    single = " ".join(value.split()) == value and "  " not in value
    return not isinstance(value, _Number) and single and value.isprintable() and "\\" not in value


def _flow(value: Any, kind: str) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(k)}: {_flow(v, k)}" for k, v in _sorted(value, kind)) + "}"
    if isinstance(value, list):
        words = (_scalar(i, flow=True, spaces=True) if isinstance(i, str) else _flow(i, kind) for i in value)
        return f"[{', '.join(words)}]"
    return _scalar(value, flow=True)


def _key(name: str) -> str:
    return _scalar(name, flow=True)


def _scalar(value: str, *, flow: bool = False, spaces: bool = False) -> str:
    """A scalar on one line: bare where that is safe, in single quotes where it has backslashes."""
    if isinstance(value, _Number):
        return str(value)
    bare = (_WORDY if flow else _PLAIN).fullmatch(value) and not value.endswith(" ") and "  " not in value
    if bare and not _WORDS.fullmatch(value) and not (flow and not spaces and " " in value):
        return value
    if not value.isprintable() or ("'" in value and "\\" not in value):
        return _double(value)
    if "\\" in value or '"' in value:
        return "'" + value.replace("'", "''") + "'"
    return _double(value)


def _double(value: str) -> str:
    quoted = json.dumps(value, ensure_ascii=False)
    return "".join(
        c if c.isprintable() else (f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}")
        for c in quoted
    )
