"""Keys: what changes one, and what does not."""

import pytest

from unrolled.base import keys
from unrolled.base.errors import UnrolledError


@pytest.fixture
def package(tmp_path):
    """A small package: a imports b, b imports c from its own folder; d stands alone."""
    root = tmp_path / "unrolled"
    files = {
        "__init__.py": "",
        "a.py": "from unrolled.part.b import f\n\n\ndef g():\n    return f() + 1\n",
        "part/__init__.py": "",
        "part/b.py": 'from .c import h\n\n\ndef f():\n    """Says."""\n    return h()\n',
        "part/c.py": "def h():\n    return 1\n",
        "d.py": "x = 1\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def run_key(package):
    return keys.source_key(["unrolled.a"], root=package)


def text_key(package):
    return keys.source_key(["unrolled.a"], as_text=True, root=package)


def test_closure_follows_imports_and_packages(package):
    assert list(keys.closure(["unrolled.a"], package)) == [
        "unrolled.a",
        "unrolled.part",
        "unrolled.part.b",
        "unrolled.part.c",
    ]


def test_change_far_down_the_closure_changes_both_keys(package):
    before = run_key(package), text_key(package)
    (package / "part" / "c.py").write_text("def h():\n    return 2\n")
    assert run_key(package) != before[0]
    assert text_key(package) != before[1]


def test_comment_or_docstring_changes_a_notebooks_key_but_not_a_runs(package):
    before = run_key(package), text_key(package)
    text = 'from .c import h  # a helper\n\n\ndef f():\n    """Says more."""\n    return h()\n'
    (package / "part" / "b.py").write_text(text)
    assert run_key(package) == before[0]
    assert text_key(package) != before[1]


def test_change_outside_the_closure_changes_nothing(package):
    before = run_key(package), text_key(package)
    (package / "d.py").write_text("x = 2\n")
    (package / "__init__.py").write_text('__version__ = "2"\n')
    assert (run_key(package), text_key(package)) == before


def test_string_that_is_not_a_docstring_counts(package):
    before = run_key(package)
    (package / "part" / "c.py").write_text('def h():\n    return "1"\n')
    assert run_key(package) != before


def test_missing_module_and_syntax_error_name_their_place(package):
    with pytest.raises(UnrolledError, match=r"no module unrolled\.nowhere"):
        keys.closure(["unrolled.nowhere"], package)
    (package / "part" / "c.py").write_text("def h(:\n")
    with pytest.raises(UnrolledError, match=r"c\.py:1: not Python"):
        keys.closure(["unrolled.a"], package)


def test_combined_key_does_not_depend_on_order_and_refuses_what_json_cannot_hold():
    assert keys.combine({"a": 1, "b": [2]}) == keys.combine({"b": [2], "a": 1})
    assert keys.combine({"a": 1}) != keys.combine({"a": 2})
    with pytest.raises(ValueError, match="not JSON compliant"):
        keys.combine({"a": float("nan")})
