"""The book's search by section: Pagefind's index over the sections of all pages, for ``static/search.js``.

Pagefind ranks whole pages, and a chapter of six thousand words answers every question a little. So each
section is a record of its own, and what is found is a place in a page. Sphinx's search stays for a book that
is opened as files, where a script can fetch nothing.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from html import escape
from importlib.util import find_spec
from pathlib import Path

from unrolled.base.errors import UnrolledError
from unrolled.base.files import atomic_write
from unrolled.site.knowledge import KnowledgeBase
from unrolled.site.sections import Section, book_sections

FOLDER = "pagefind"
OTHER_INTERFACES = ("pagefind-*ui*", "pagefind-ui*", "pagefind-highlight.js")
"""What Pagefind writes for pages that have no search of their own."""


def available() -> bool:
    """Whether this machine has Pagefind with its program; the wheel of some platforms lacks it."""
    return find_spec("pagefind") is not None and bool(find_spec("pagefind_bin") or shutil.which("pagefind"))


def write(folder: Path, kb: KnowledgeBase) -> int:
    """Index the built book in ``folder``, and return the number of sections.

    Raises:
        UnrolledError: if Pagefind fails, with what it said.
    """
    sections = list(book_sections(folder, keywords(kb)))
    names = introduced(kb)
    target = folder / FOLDER
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory() as pages:
        for number, section in enumerate(sections):
            text = record(section, names.get(section.address.removesuffix(".html"), ()))
            (Path(pages) / f"{number}.html").write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "pagefind", "--site", pages, "--output-path", str(target), "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnrolledError(f"the search index failed: {(done.stderr or done.stdout).strip()[-500:]}")
    for pattern in OTHER_INTERFACES:
        for file in target.glob(pattern):
            file.unlink()
    atomic_write(target / "words.txt", "\n".join(vocabulary(sections)))
    return len(sections)


def introduced(kb: KnowledgeBase) -> dict[str, list[str]]:
    """The concepts that each page introduces."""
    found: dict[str, list[str]] = {}
    for concept in kb.concepts.values():
        if concept.entry in kb.entries:
            found.setdefault(kb.home(concept.entry)[0], []).append(concept.name)
    return found


def keywords(kb: KnowledgeBase) -> dict[str, str]:
    """Words to find a place by that it may not say, by page or by page and anchor.

    A paper is found by what it introduces and by its data, a row of a table by the runs measured for it.
    """
    found = introduced(kb)
    for slug, entry in kb.entries.items():
        page = kb.home(slug)[0]
        found.setdefault(page, []).extend((entry.title, entry.short, *entry.datasets))
        for item in (*entry.statements, *entry.findings):
            presets = [preset for arm in (*item.runs, *item.against) for preset in arm.presets]
            found.setdefault(f"{page}#statement-{item.id}", []).extend(presets)
    return {place: ", ".join(words) for place, words in found.items() if words}


def record(section: Section, names: Iterable[str] = ()) -> str:
    """A section as the page that Pagefind reads: each kind of its words with its weight, at most 10."""
    weight = section.weight
    skip = len(f"{section.title} {section.page}".split())
    shown = "".join(section.text).split() or "".join(section.quiet).split()
    parts = (
        ("h1", section.title, 7),
        ("p", section.page, 2),
        ("p", "".join(section.text), 1),
        ("p", "".join(section.quiet), 0.5),
        ("p", ", ".join(section.strong), 2),
        ("p", ", ".join(section.keywords), 2),
        ("p", " ".join(section.formulas), 1),
    )
    said = "".join(
        f'<{tag} data-pagefind-weight="{part * weight:.2g}">{escape(" ".join(text.split()))}</{tag}>'
        for tag, text, part in parts
        if text
    )
    about = {
        "title": section.shown,
        "page": section.page,
        "kind": section.kind,
        "address": section.address,
        "names": "|".join((section.title, *names)),
        "excerpt": f"{skip} {skip + len(shown)}",  # the words that an excerpt may show
    }
    metas = "".join(
        f'<i data-pagefind-meta="{name}[title]" title="{escape(str(value))}"></i>'
        for name, value in about.items()
    )
    return f'<html lang="en"><body>{said}{metas}</body></html>'


def vocabulary(sections: Iterable[Section]) -> list[str]:
    """The words that the pages use, the commonest first: what a typing error may have been meant for."""
    counts: Counter[str] = Counter()
    for section in sections:
        for text in (section.title, *section.keywords, "".join(section.text), "".join(section.quiet)):
            counts.update(re.findall(r"[^\W\d_]{4,}", text.lower()))
    return [word for word, _ in counts.most_common()]
