"""Chapters that are taken along: they show what a plain Jupyter can show, and run without the repository."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sysconfig
import venv
import zipfile
from pathlib import Path

import nbformat
import pytest

from unrolled.base.errors import UnrolledError
from unrolled.site import standalone, takeaway
from unrolled.site.knowledge import KnowledgeBase, load_knowledge_base

ROOT = Path(__file__).resolve().parents[2]
SLUGS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
LIVE = ("ntm", "bahdanau_attention")
"""Chapters that run as they stand; the others run small."""


@pytest.fixture(scope="module")
def kb() -> KnowledgeBase:
    return load_knowledge_base(ROOT, frozenset(SLUGS))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return takeaway.build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


def prose(notebook: dict) -> str:
    return "\n\n".join("".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown")


@pytest.mark.parametrize("slug", SLUGS)
def test_a_chapter_taken_along_has_nothing_that_only_sphinx_understands(kb, slug: str) -> None:
    made = standalone.notebook(kb, slug, takeaway.WHEEL)
    nbformat.validate(nbformat.from_dict(made))
    text = prose(made)
    assert not re.search(r"\{[a-z:]+\}`|^```\{|^:::|<!--\s*unrolled:|^\([\w-]+\)=$", text, re.MULTILINE)
    formulas = prose(json.loads((ROOT / "notebooks" / f"{slug}.ipynb").read_text(encoding="utf-8")))
    assert text.count("\n$$\n") >= 2 * formulas.count("```{math}") - text.startswith("$$")


def test_formulas_keep_their_numbers_and_values_are_filled_in(kb) -> None:
    text = standalone.plain(kb, "ntm", "By\n\n```{math}\n:label: ntm-2\nr = w M\n```\n\nand {eq}`ntm-2`.")
    assert text == "By\n\n$$\nr = w M \\tag{2}\n$$\n\nand (2)."
    name, number = next(iter(kb.executed["ntm"].values.items()))
    assert re.search(r"\d", standalone.plain(kb, "ntm", f"it is {{value}}`ntm:{name}`")), number


def test_a_citation_is_words_and_a_note_folds(kb) -> None:
    assert standalone.plain(kb, "ntm", "{cite:t}`graves2014neural`") == "Graves et al. (2014)"
    assert standalone.plain(kb, "ntm", "({cite:p}`graves2014neural`)") == "((Graves et al., 2014))"
    folded = standalone.plain(kb, "ntm", ":::{dropdown} Look\nHere.\n:::")
    assert folded == "<details><summary>Look</summary>\n\nHere.\n\n</details>"


def test_what_has_no_plain_form_is_refused(kb) -> None:
    with pytest.raises(UnrolledError, match="'footcite' has no plain form"):
        standalone.plain(kb, "ntm", "{footcite}`x`")


@pytest.mark.parametrize("site", ["", "https://example.org/book"])
def test_the_first_cell_installs_from_beside_the_notebook_or_from_the_site(kb, site: str) -> None:
    first = standalone.notebook(kb, "ntm", takeaway.WHEEL, site)["cells"][0]
    source = "".join(first["source"])
    compile(source, "install", "exec")
    assert ("https://example.org/book/downloads/" in source) == bool(site)
    assert takeaway.WHEEL in source


def test_the_wheel_holds_package_knowledge_and_weights(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {"unrolled/papers/ntm/model.py", "unrolled/bib/references.bib"} <= set(names)
    assert any(name.startswith("unrolled/bib/weights/") for name in names)


def test_a_book_in_an_archive_leaves_out_what_is_printed_or_packed(tmp_path: Path) -> None:
    for name in ("index.html", "downloads/a.ipynb", "downloads/b.pdf"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    for _ in range(2):  # the second does not pack the first
        path = takeaway.archive(tmp_path)
        assert zipfile.ZipFile(path).namelist() == ["unrolled/downloads/a.ipynb", "unrolled/index.html"]


def surroundings(home: Path) -> dict[str, str]:
    """A reader's environment: nothing in it names this project."""
    ours = ("UNROLLED", "PYTHON", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"HOME": str(home), "OMP_NUM_THREADS": "1"}


@pytest.mark.slow
@pytest.mark.parametrize("slug", SLUGS)
def test_a_chapter_taken_along_runs_without_the_repository(kb, wheel, tmp_path, slug: str) -> None:
    """The environment holds the wheel and, of this one, the libraries; the repository is not on its path."""
    venv.create(tmp_path / "env")
    python, packages = (
        tmp_path / "env" / "bin" / "python",
        next((tmp_path / "env").glob("lib/*/site-packages")),
    )
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    zipfile.ZipFile(wheel).extractall(packages)
    folder = tmp_path / "folder"
    folder.mkdir()
    made = standalone.notebook(kb, slug, takeaway.WHEEL)
    (folder / f"{slug}.ipynb").write_text(json.dumps(made), encoding="utf-8")
    options = [] if slug in LIVE else ["-p", "profile", "smoke"]
    command = [
        "-m",
        "papermill",
        "--no-progress-bar",
        "-k",
        "python3",
        f"{slug}.ipynb",
        "out.ipynb",
        *options,
    ]
    kept = surroundings(tmp_path)
    answer = subprocess.run(
        [python, *command], cwd=folder, env=kept, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr[-3000:]
    asked = "import unrolled; print(unrolled.__file__)"
    where = subprocess.run([python, "-c", asked], cwd=folder, env=kept, capture_output=True, text=True)
    assert where.stdout.startswith(str(tmp_path))


@pytest.mark.long
def test_a_chapter_installs_the_book_in_an_empty_environment(kb, wheel, tmp_path) -> None:
    """Nothing but pip, Jupyter and the wheel beside the notebook: what a reader starts from."""
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    kept = surroundings(tmp_path)
    torch = f"torch=={__import__('torch').__version__.partition('+')[0]}"
    subprocess.run([python, "-m", "pip", "install", "-q", torch], env=kept, check=True)
    subprocess.run([python, "-m", "pip", "install", "-q", "papermill", "ipykernel"], env=kept, check=True)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / wheel.name).write_bytes(wheel.read_bytes())
    made = standalone.notebook(kb, "ntm", takeaway.WHEEL)
    (folder / "ntm.ipynb").write_text(json.dumps(made), encoding="utf-8")
    command = [python, "-m", "papermill", "--no-progress-bar", "-k", "python3", "ntm.ipynb", "out.ipynb"]
    answer = subprocess.run(command, cwd=folder, env=kept, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr[-3000:]
