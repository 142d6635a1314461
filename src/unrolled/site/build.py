"""Building the book: nothing where nothing changed, else from nothing, so that no warning is hidden.

Sphinx repeats a page's warnings only when it reads the page again. A build that follows a failed one would
therefore pass. Here a build that is needed starts clean; a clean one takes seconds, as nothing is executed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from unrolled.base.errors import UnrolledError
from unrolled.base.files import atomic_write
from unrolled.site import addresses, redirects
from unrolled.site.finish import finish

PATTERNS = (
    "_config.yml",
    "_toc.yml",
    "pyproject.toml",
    "CITATION.cff",
    "book/**/*",
    "notebooks/*.ipynb",
    "bib/**/*",
    "src/unrolled/**/*",
    "tests/**/*.py",
    "node_modules/onnxruntime-web/package.json",
)
"""Every file that a page is made from."""

TOOLS = (
    "jupyter-book",
    "sphinx",
    "sphinx-book-theme",
    "pydata-sphinx-theme",
    "myst-nb",
    "myst-parser",
    "docutils",
    "matplotlib",
    "pygments",
    "sphinxcontrib-bibtex",
    "sphinx-design",
    "sphinx-mathjax-offline",
    "pagefind",
    "pagefind-bin",
    "torch",
    "onnx",
    "onnxscript",
    "hatchling",
)
"""Packages whose version shows in the pages."""

ENVIRONMENT = ("UNROLLED_REPOSITORY", "UNROLLED_BRANCH", "UNROLLED_SITE_URL")

FIXED_PAGES = frozenset({"index", "genindex", "search"})
"""What Sphinx and Jupyter Book add to any book: the first page's address, the index and the search."""


@dataclass(frozen=True)
class Built:
    """The book as it lies there."""

    folder: Path
    pages: int
    seconds: float
    fresh: bool  # built just now, rather than found up to date
    notes: tuple[str, ...] = ()  # what the book has to do without

    @property
    def index(self) -> Path:
        """The first page."""
        return self.folder / "index.html"


def inputs(root: Path) -> Iterator[Path]:
    """The files that the book is made from, sorted."""
    for pattern in PATTERNS:
        for path in sorted(root.glob(pattern)):
            hidden = any(part.startswith((".", "__pycache__")) for part in path.relative_to(root).parts)
            if path.is_file() and not hidden and path.suffix != ".pyc":
                yield path


def fingerprint(root: Path) -> str:
    """One hash over everything that the pages follow from: files, versions of tools, and the environment."""
    digest = hashlib.sha256()
    for path in inputs(root):
        digest.update(f"{path.relative_to(root)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    for tool in TOOLS:
        try:
            digest.update(f"{tool}={version(tool)}\0".encode())
        except PackageNotFoundError:
            digest.update(f"{tool}=none\0".encode())
    for name in ENVIRONMENT:
        digest.update(f"{name}={os.environ.get(name, '')}\0".encode())
    return digest.hexdigest()


def expected_pages(root: Path) -> frozenset[str]:
    """The pages that the book must have: those of the table of contents, and those that are generated.

    Raises:
        UnrolledError: if the table of contents cannot be read or names a file that does not exist.
    """
    import yaml

    from unrolled.site.knowledge import load_knowledge_base

    try:
        contents = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise UnrolledError(f"cannot read the table of contents: {error}", file=root / "_toc.yml") from error
    named = frozenset(_files(contents))
    for name in sorted(named):
        if not any((root / f"{name}{suffix}").is_file() for suffix in (".md", ".ipynb", ".rst")):
            raise UnrolledError(
                f"names {name}, which does not exist",
                file=root / "_toc.yml",
                hint="add the page, or drop the line",
            )
    kb = load_knowledge_base(
        root, frozenset(n.removeprefix("notebooks/") for n in named if n.startswith("notebooks/"))
    )
    sources = {text.docname for text in kb.texts.values()} | {"source/index"}
    extra = {"py-modindex"} if _documents_modules(root) else set()
    entries = {page for slug in kb.entries if (page := kb.home(slug)[0]).startswith("entries/")}
    if addresses.site():
        extra |= {"404"}
    return named | sources | entries | extra | FIXED_PAGES | redirects.redirects(root).pages.keys()


def _files(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("file", "root") and isinstance(value, str):
                yield re.sub(r"\.(md|ipynb|rst)$", "", value)
            else:
                yield from _files(value)
    elif isinstance(node, list):
        for item in node:
            yield from _files(item)


def _documents_modules(root: Path) -> bool:
    """Whether the programming reference declares modules, for which Sphinx writes an index."""
    pages = (root / "book" / "api.md", *root.glob("book/api/*.md"))
    texts = [page.read_text(encoding="utf-8") for page in pages if page.is_file()]
    return any(mark in text for text in texts for mark in ("<!-- unrolled:modules ", ".. automodule::"))


def pages(folder: Path) -> frozenset[str]:
    """The pages that a built book has."""
    found = (str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("*.html"))
    return frozenset(name for name in found if not name.startswith(("_static", "_sources", "_images")))


def build(root: Path, *, force: bool = False) -> Built:
    """Build the book of the project at ``root`` into ``_build/html``, if anything has changed.

    Raises:
        UnrolledError: if the build gives any warning, or pages are missing or too many. The log stays.
    """
    started = time.monotonic()
    output, stamp, log = root / "_build" / "html", root / "_build" / "book.json", root / "_build" / "book.log"
    now = fingerprint(root)
    if not force and (known := _stamp(stamp)) and known.get("fingerprint") == now:
        found = pages(output)
        if sorted(found) == known.get("pages"):
            return Built(output, len(found), time.monotonic() - started, fresh=False)
    wanted = expected_pages(root)
    stamp.unlink(missing_ok=True)
    for folder in (output, root / "_build" / ".doctrees"):
        shutil.rmtree(folder, ignore_errors=True)
    run(root, log)
    without = finish(root, output)
    found = pages(output)
    if found != wanted:
        missing, strange = sorted(wanted - found), sorted(found - wanted)
        said = [f"missing: {', '.join(missing)}"] if missing else []
        said += [f"not expected: {', '.join(strange)}"] if strange else []
        raise UnrolledError(
            f"the book has {len(found)} pages instead of {len(wanted)}; {'; '.join(said)}", file=log
        )
    atomic_write(stamp, json.dumps({"fingerprint": now, "pages": sorted(found)}, indent=1) + "\n")
    said = (*notes(log.read_text(encoding="utf-8")), *without)
    return Built(output, len(found), time.monotonic() - started, fresh=True, notes=said)


def _stamp(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def run(root: Path, log: Path) -> None:
    """Run Jupyter Book with every warning an error; all that it says goes to ``log``.

    Raises:
        UnrolledError: with the warnings, and the place of the log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    start = "from jupyter_book.cli.main import main; main()"  # the package cannot be run with -m
    command = [sys.executable, "-c", start, "build", str(root), "-W", "-n", "--keep-going"]
    environment = os.environ | {"NO_COLOR": "1", "PYTHONUNBUFFERED": "1", "SPHINX_DISABLE_COLORS": "1"}
    environment.setdefault("OMP_NUM_THREADS", "1")
    environment["UNROLLED_PROJECT"] = str(root)
    source = str(root / "src")
    environment["PYTHONPATH"] = os.pathsep.join(p for p in (source, environment.get("PYTHONPATH")) if p)
    with open(log, "w", encoding="utf-8") as file:
        result = subprocess.run(
            command, cwd=root, env=environment, stdout=file, stderr=subprocess.STDOUT, check=False
        )
    text = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text(encoding="utf-8", errors="replace"))
    log.write_text(text, encoding="utf-8")
    if result.returncode:
        raise UnrolledError(
            "the book has faults\n" + "\n".join(f"  {line}" for line in faults(text)), file=log
        )


def notes(text: str) -> tuple[str, ...]:
    """What a build's log says to the one who builds, each once.

    >>> notes("reading sources\\nnote: no engine\\nnote: no engine\\n")
    ('no engine',)
    """
    return tuple(dict.fromkeys(re.findall(r"^note: (.+)$", text, re.MULTILINE)))


def faults(text: str) -> list[str]:
    """The lines of a build's log that say what is wrong."""
    lines = [line.strip() for line in text.splitlines()]
    found = [
        line
        for line in lines
        if re.search(r"\b(WARNING|ERROR|CRITICAL|SEVERE)\b|Error: |Exception occurred", line)
    ]
    wrapped = re.compile(r"^RuntimeError:?\s*$")
    return list(dict.fromkeys(line for line in found if not wrapped.match(line))) or lines[-15:]
