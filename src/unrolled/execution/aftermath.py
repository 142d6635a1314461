"""Which cells of a chapter print what follows from a training: these cannot be compared by value.

Rounding differs between machines, and a training lets it grow to per cents within some twenty updates. Such
cells are tagged ``nbval-ignore-output``; of them `unrolled.execution.nbval_tolerance` compares the names
of values. Read from the cells' text: nothing is executed.
"""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Iterable

TRAINS = re.compile(r"fit|train(?:_\w+)?")
"""Names of functions that train. Beside these, ``step()`` of an optimiser does."""


def after_training(sources: Iterable[str]) -> list[int]:
    """The places of the cells in which an expression statement, such as a ``print``, uses what a training
    gave.

    A name is such a use if a statement before, in any cell, gave it a value that follows from a training.

    >>> after_training(["run = chapter.train('live')", "x = 1", "print(x)", "print(run.losses[-1])"])
    [3]
    """
    names = _Names()
    return [place for place, source in enumerate(sources) if names.follow(ast.parse(source).body)]


class _Names:
    """The names of a notebook that follow from a training, at some statement."""

    def __init__(self) -> None:
        self.following: set[str] = set()
        self.fixed = {"chapter"}  # a call changes neither the chapter nor a module

    def follow(self, statements: Iterable[ast.stmt], depends: bool = False) -> bool:
        """Go through statements; whether one of them speaks of a training. ``depends``: so does whether or
        how often they run."""
        speaks = False
        for statement in statements:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                self.fixed |= {alias.asname or alias.name.partition(".")[0] for alias in statement.names}
            elif isinstance(statement, ast.For | ast.While | ast.If | ast.With):
                speaks |= self._compound(statement, depends)
            else:
                follows = depends or self._follows(statement)
                speaks |= follows and isinstance(statement, ast.Expr)
                self._store(statement, follows)
        return speaks

    def _compound(self, statement: ast.For | ast.While | ast.If | ast.With, depends: bool) -> bool:
        match statement:
            case ast.For():
                head, targets = [statement.iter], [statement.target]
            case ast.With():
                head = [item.context_expr for item in statement.items]
                targets = [item.optional_vars for item in statement.items if item.optional_vars]
            case _:
                head, targets = [statement.test], []
        follows = depends or any(map(self._follows, head))
        for target in targets:
            self._store(target, follows)
        inside = follows and not isinstance(statement, ast.With)
        bodies = [statement.body, getattr(statement, "orelse", [])]
        if isinstance(statement, ast.For | ast.While):
            bodies.insert(0, statement.body)  # the end of a round comes before the start of the next
        speaks = [self.follow(body, inside) for body in bodies]
        return any(speaks)

    def _store(self, node: ast.AST, follows: bool) -> None:
        if follows:
            self.following |= _changed(node) - self.fixed
        elif not isinstance(node, ast.AugAssign):
            self.following -= {part.id for part in ast.walk(node) if _is_bound(part)}

    def _follows(self, node: ast.AST) -> bool:
        return any(map(_trains, ast.walk(node))) or bool(_read(node) & self.following)


def _trains(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = ast.unparse(node.func)
    name = called.rpartition(".")[2]
    updates = called.endswith(".step") and not (node.args or node.keywords)
    return updates or bool(TRAINS.fullmatch(name))


def _read(node: ast.AST) -> set[str]:
    """The names of the notebook that a piece of code reads, in its functions and comprehensions too."""
    return _globals(symtable.symtable(ast.unparse(node), "cell", "exec"), top=True)


def _globals(table: symtable.SymbolTable, *, top: bool) -> set[str]:
    names = {s.get_name() for s in table.get_symbols() if s.is_referenced() and (top or s.is_global())}
    return names.union(*(_globals(child, top=False) for child in table.get_children()))


def _is_bound(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _changed(node: ast.AST) -> set[str]:
    """The names that a simple statement or a target binds, writes into, or calls a method of."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    names = set()
    for part in ast.walk(node):
        base = part if isinstance(getattr(part, "ctx", None), ast.Store) else None
        if isinstance(part, ast.Expr) and isinstance(part.value, ast.Call):
            base = part.value.func if isinstance(part.value.func, ast.Attribute) else None
        while isinstance(base, ast.Subscript | ast.Attribute | ast.Starred):
            base = base.value
        if isinstance(base, ast.Name):
            names.add(base.id)
    return names
