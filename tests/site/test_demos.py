"""The panel of a demo: complete without scripts, and alive as far as what is installed allows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from site_samples import knowledge_with

from unrolled.base.errors import UnrolledError
from unrolled.site import build, demos
from unrolled.site.html import Place
from unrolled.site.markers import render

PAGE = {
    "title": "Sum </script>",
    "lead": "It adds <b>.",
    "stage": '<svg class="demo-map"></svg>',
    "caption": "Two cells.",
    "prompts": [{"label": f"Try {i}", "notice": "Notice <i>", "input": {"x": i}} for i in range(3)],
    "settings": {},
    "trace": {"text": "</script><script>alert(1)</script>"},
    "graphs": ["step"],
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one demo that has been made, and npm's files."""
    for name, text in {
        "book/demos/common.js": "export function mount() {}\nexport class Panel {}\n",
        "book/demos/cells.js": 'import { Panel } from "./common.js";\nexport const cells = 1;\n',
        "book/demos/bn_lstm.js": 'import { cells } from "./cells.js";\n'
        'import { Panel, mount } from "./common.js";\n\nmount("bn_lstm");\n',
        "_build/demos/bn_lstm/page.json": json.dumps(PAGE),
        "_build/demos/bn_lstm/live.json": "{}",
        "_build/demos/bn_lstm/step.onnx": "onnx",
        "bib/weights/bn_lstm/live.safetensors": "weights",
        "src/unrolled/papers/bn_lstm/demo.py": "def demo(): ...\n",
        "src/unrolled/papers/__init__.py": "",
        "src/unrolled/papers/bn_lstm/__init__.py": "",
        "src/unrolled/demos/__init__.py": "",
        "src/unrolled/demos/__main__.py": "",
        **{f"node_modules/onnxruntime-web/dist/{file}": file for file in demos.RUNTIME},
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    stamp = demos.fingerprint(tmp_path, "bn_lstm")
    (tmp_path / "_build/demos/bn_lstm/fingerprint").write_text(stamp, encoding="utf-8")
    return tmp_path


def panel(root: Path) -> str:
    return str(demos.panel(SimpleNamespace(root=root), "bn_lstm", Place("notebooks/bn_lstm")))


def copied(root: Path) -> set[str]:
    """What a build puts into the book."""
    app = SimpleNamespace(srcdir=root, outdir=root / "out", builder=SimpleNamespace(format="html"))
    demos.copy(app, None)
    base = root / "out" / "_static" / "demos"
    return {str(path.relative_to(base)) for path in base.rglob("*") if path.is_file()}


def test_the_panel_is_complete_without_scripts_and_escapes_what_it_is_given(root: Path):
    html = panel(root)
    assert 'data-demo="bn_lstm"' in html
    assert html.count('class="demo-try"') == 3
    assert '<svg class="demo-map"></svg>' in html
    assert "Sum &lt;/script&gt;" in html
    assert "It adds &lt;b&gt;." in html
    assert "Notice &lt;i&gt;" in html
    data = re.search(r'<script type="application/json" class="demo-data">(.*?)</script>', html, re.DOTALL)[1]
    assert json.loads(data)["trace"] == PAGE["trace"]
    assert html.count("<script") == 2  # the data, and the demo's own
    assert " style=" not in html
    assert not re.search(r"\bon[a-z]+=", html)


def test_a_demo_runs_where_its_graphs_and_the_runtime_are_there(root: Path):
    assert " data-runs" in panel(root)
    assert copied(root) == {
        "bn_lstm.js",
        "bn_lstm/live.json",
        "bn_lstm/step.onnx",
        *(f"ort/{name}" for name in demos.RUNTIME),
    }


@pytest.mark.parametrize("missing", ["runtime", "graphs"])
def test_without_runtime_or_graphs_the_stored_state_plays(root: Path, missing: str):
    if missing == "runtime":
        (root / "node_modules/onnxruntime-web/dist" / demos.RUNTIME[0]).unlink()
        assert copied(root) == {"bn_lstm.js"}
    else:
        page = root / "_build/demos/bn_lstm/page.json"
        page.write_text(json.dumps(PAGE | {"graphs": []}), encoding="utf-8")
    html = panel(root)
    assert " data-runs" not in html
    assert "demo-data" in html


def test_without_weights_nothing_is_invented(root: Path):
    (root / "bib/weights/bn_lstm/live.safetensors").unlink()
    assert "weights" in panel(root)
    assert "demo-data" not in panel(root)


def test_a_demo_is_made_anew_when_its_weights_or_its_code_change(root: Path):
    before = demos.fingerprint(root, "bn_lstm")
    (root / "bib/weights/bn_lstm/live.safetensors").write_text("others", encoding="utf-8")
    weights = demos.fingerprint(root, "bn_lstm")
    (root / "src/unrolled/papers/bn_lstm/demo.py").write_text("def demo(): pass\n", encoding="utf-8")
    assert len({before, weights, demos.fingerprint(root, "bn_lstm")}) == 3


def test_a_demo_that_cannot_be_made_names_its_file(root: Path):
    (root / "_build/demos/bn_lstm/fingerprint").unlink()
    with pytest.raises(UnrolledError, match=r"bn_lstm/demo\.py.*cannot be made"):
        panel(root)


def test_all_modules_are_served_as_one_classic_script(root: Path):
    text = demos.script(root, "bn_lstm")
    assert not re.search(r"^(import|export)\b", text, re.MULTILINE)
    assert text.index("function mount") < text.index("const cells") < text.index('mount("bn_lstm")')
    assert text.count("function mount") == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "has no script"),
        ('import { mount } from "./other.js";\n', "has no script"),
        ('import * as all from "./common.js";\n', "only import"),
        ('export * from "./common.js";\n', "only import"),
    ],
)
def test_a_script_that_is_missing_or_imports_otherwise_is_a_fault(root: Path, text, said):
    file = root / "book/demos/bn_lstm.js"
    if text is None:
        file.unlink()
    else:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(UnrolledError, match=said):
        panel(root)


def test_the_marker_asks_for_the_demo_of_its_chapter(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(demos, "panel", lambda kb, slug, place: f"{slug} at {place.docname}")
    assert render(knowledge_with(), "demo", None, "notebooks/bn_lstm") == "bn_lstm at notebooks/bn_lstm"


def test_a_build_tells_each_note_once():
    text = "reading sources... [ 50%]\nnote: no runtime\nwriting\nnote: no runtime\nnote: no weights\n"
    assert build.notes(text) == ("no runtime", "no weights")
