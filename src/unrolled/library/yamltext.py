"""YAML that tells the line of every value, and every fault at once.

Only what plain data needs is allowed: no anchors and aliases (a few lines of them can grow without
bound), no tags, no key twice, no deep nesting. A date stays the text that was written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import yaml

from unrolled.library.faults import Fault, read_text

DEEPEST = 12
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN = {f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float")}
_TEXT = {f"tag:yaml.org,2002:{name}" for name in ("str", "timestamp", "value", "merge")}

Path_ = tuple[str | int, ...]


@dataclass
class Document:
    """A YAML file as plain data, with the line (from 1) of each value by its path."""

    file: Path
    data: object = None
    lines: dict[Path_, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def line(self, *path: str | int) -> int:
        """The line of the value at ``path``, or of the nearest value around it."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return 1

    def fault(self, line: int, problem: str, hint: str | None = None) -> None:
        """Note a fault of this file."""
        self.faults.append(Fault(self.file, line, problem, hint))


def read_yaml(path: Path) -> Document:
    """Read a YAML file; what is wrong with it is in ``faults``; ``data`` is None where nothing could be read.

    Raises:
        UnrolledError: if the file cannot be read at all.
    """
    text, faults = read_text(path, limit=2_000_000)
    document = Document(path, faults=faults)
    if faults:
        return document
    try:
        if _harmless(text, document):
            loader = _Loader(text)
            try:
                node = loader.get_single_node()
                if node is None:
                    document.fault(1, "the file is empty")
                else:
                    document.data = _value(node, (), document, loader)
            finally:
                loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        said = " ".join(part for part in (error.problem, error.context) if part)
        document.fault(min(line, text.count("\n") + 1), f"not YAML: {said}")
        document.data = None
    except yaml.reader.ReaderError as error:
        position = error.position if isinstance(error.position, int) else 0
        # the C reader counts bytes, the other one characters
        before = (
            text.encode()[:position].decode(errors="ignore") if yaml.__with_libyaml__ else text[:position]
        )
        document.fault(before.count("\n") + 1, f"not YAML: {error.reason}", "remove the control character")
        document.data = None
    return document


def _harmless(text: str, document: Document) -> bool:
    """Whether the text can be composed safely: composing is recursive and expands aliases, parsing is not."""
    depth, starts = 0, (yaml.MappingStartEvent, yaml.SequenceStartEvent)
    documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                document.fault(event.start_mark.line + 1, "a second YAML document", "one file, one document")
                return False
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            document.fault(
                event.start_mark.line + 1, "YAML anchors and aliases are not used here", "write it out"
            )
            return False
        if isinstance(event, starts):
            depth += 1
            if depth > DEEPEST:
                document.fault(event.start_mark.line + 1, f"nested more than {DEEPEST} levels deep")
                return False
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            depth -= 1
    return True


def _value(node: yaml.Node, path: Path_, document: Document, loader: yaml.SafeLoader) -> object:
    line = node.start_mark.line + 1
    document.lines.setdefault(path, line)
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, (*path, index), document, loader) for index, child in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, object] = {}
        for key_node, child in node.value:
            key_line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                document.fault(key_line, "a key must be a word")
                continue
            key = key_node.value
            if key in mapping:
                document.fault(key_line, f"key {key!r} twice", f"first on line {document.line(*path, key)}")
                continue
            document.lines[(*path, key)] = key_line
            mapping[key] = _value(child, (*path, key), document, loader)
        return mapping
    if node.tag in _TEXT:
        return node.value
    if node.tag in _PLAIN:
        try:
            return loader.construct_object(node)
        except (ValueError, OverflowError, yaml.YAMLError):
            document.fault(
                line, f"not a number that can be read: {node.value[:40]!r}", "quote it if it is text"
            )
            return None
    document.fault(
        line, f"YAML tag {node.tag!r} is not used here", "write plain text, numbers, lists and mappings"
    )
    return None
