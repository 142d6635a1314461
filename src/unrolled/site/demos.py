"""Demos: their panels in the chapters, and the files that a page fetches when its reader changes the input.

What a paper's ``demo.py`` gives is made once and kept in ``_build/demos`` until its code, its weights or a
version changes. Where something is missing that the book can do without, a note says so in the build's log:
without onnxruntime-web or ONNX's packages a demo plays its stored state, without weights it stands empty.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from markupsafe import Markup
from sphinx.application import Sphinx
from sphinx.util import logging

from unrolled.base import keys
from unrolled.base.errors import UnrolledError
from unrolled.site.html import Place, element, render
from unrolled.site.knowledge import KnowledgeBase

log = logging.getLogger(__name__)

RUNTIME = ("ort.wasm.min.js", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
"""The files of npm's onnxruntime-web that a page needs to run a model on one thread."""

EXPORT = re.compile(r"^export (?=function|class|const|async)", re.MULTILINE)
IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+)\.js";\n', re.MULTILINE)


def panel(kb: KnowledgeBase, slug: str, place: Place) -> Markup:
    """The panel of one demo: complete as a still picture, and brought to life by its script.

    Raises:
        UnrolledError: if the paper has no ``demo.py`` or no script, or its demo cannot be made.
    """
    text = script(kb.root, slug)
    made = prepare(kb.root, slug)
    if made is None:
        return element(
            "p", "The trained weights of this demo have not been stored yet.", class_="unrolled-nothing"
        )
    page = json.loads((made / "page.json").read_text(encoding="utf-8"))
    runs = bool(page.pop("graphs")) and runtime(kb.root) is not None
    stage = Markup(page.pop("stage"))
    data = json.dumps(page, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return render(
        "demo",
        slug=slug,
        page=page,
        stage=stage,
        data=Markup(data),
        files=place.file("_static/demos"),
        runs=runs,
        script=f"{place.file(f'_static/demos/{slug}.js')}?v={digest}",
    )


def script(root: Path, slug: str) -> str:
    """A demo's script and all that it imports, as one classic script, each file once.

    Their sources are modules. Browsers load no modules from a folder, where the stored state shall play too.

    Raises:
        UnrolledError: if a file is missing, or imports otherwise than by names from a file beside it.
    """
    texts: dict[str, str] = {}

    def read(name: str) -> None:
        file = root / "book" / "demos" / f"{name}.js"
        if not file.is_file():
            raise UnrolledError("the demo has no script", file=file, hint="see CONTRIBUTING, 'Make a demo'")
        text = file.read_text(encoding="utf-8")
        for other in IMPORT.findall(text):
            if other not in texts:
                read(other)
        texts[name] = EXPORT.sub("", IMPORT.sub("", text))
        if re.search(r"^(import|export)\b", texts[name], re.MULTILINE):
            raise UnrolledError('only import { … } from "./….js"; and export at declarations', file=file)

    read(slug)
    return '(() => {\n"use strict";\n' + "\n".join(texts.values()) + "})();\n"


def runtime(root: Path) -> Path | None:
    """The folder with the files of onnxruntime-web; None where set-up could not bring them."""
    folder = root / "node_modules" / "onnxruntime-web" / "dist"
    return folder if all((folder / name).is_file() for name in RUNTIME) else None


def fingerprint(root: Path, slug: str) -> str:
    """One hash over what an export follows from: code, weights and versions."""
    module, weights = f"unrolled.papers.{slug}.demo", root / "bib" / "weights" / slug
    found: dict[str, str] = {
        "code": keys.source_key(
            [module, "unrolled.demos.__main__"], as_text=True, root=root / "src" / "unrolled"
        )
    }
    for path in sorted(weights.glob("*.safetensors")):
        found[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    for package in ("torch", "onnx", "onnxscript"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "none"
    return keys.combine(found)


def prepare(root: Path, slug: str) -> Path | None:
    """The folder with what a demo needs, made anew if its fingerprint has changed; None without weights.

    Raises:
        UnrolledError: with what went wrong in ``demo.py``.
    """
    folder = root / "_build" / "demos" / slug
    stamp, now = folder / "fingerprint", fingerprint(root, slug)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == now:
        return folder
    if not any((root / "bib" / "weights" / slug).glob("*.safetensors")):
        log.info("note: %s has no stored weights, so its demo stands empty", slug)
        return None
    shutil.rmtree(folder, ignore_errors=True)
    environment = os.environ | {"PYTHONPATH": str(root / "src"), "UNROLLED_PROJECT": str(root)}
    environment.setdefault("OMP_NUM_THREADS", "1")
    command = [sys.executable, "-W", "ignore", "-m", "unrolled.demos", slug, str(folder)]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or ["no message"]
        file = root / "src" / "unrolled" / "papers" / slug / "demo.py"
        raise UnrolledError(f"the demo cannot be made: {said[0]}", file=file, hint=" ".join(command[3:]))
    stamp.write_text(now, encoding="utf-8")
    return folder


def copy(app: Sphinx, exception: Exception | None) -> None:
    """Put scripts, models and runtime of the demos that pages show into the built book."""
    made = Path(app.srcdir) / "_build" / "demos"
    slugs = sorted(path.parent.name for path in made.glob("*/fingerprint"))
    if exception is not None or app.builder.format != "html" or not slugs:
        return
    root, target = Path(app.srcdir), Path(app.outdir) / "_static" / "demos"
    dist = runtime(root)
    for slug in slugs:
        (target / slug).mkdir(parents=True, exist_ok=True)
        (target / f"{slug}.js").write_text(script(root, slug), encoding="utf-8")
        for path in (made / slug).iterdir():
            if dist and path.suffix in (".onnx", ".json") and path.name != "page.json":
                shutil.copyfile(path, target / slug / path.name)
    if dist is None:
        log.info("note: no onnxruntime-web (make setup brings it), so demos play their stored state only")
        return
    (target / "ort").mkdir(exist_ok=True)
    for name in RUNTIME:
        shutil.copyfile(dist / name, target / "ort" / name)
