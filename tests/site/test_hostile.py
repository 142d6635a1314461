"""Text that attacks, in every free field of entries and of the bibliography: it stays text everywhere."""

from __future__ import annotations

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from unrolled.site import build as building

pytestmark = pytest.mark.slow

ATTACK = "<img src=x onerror=alert(1)><x-pwned></script><script>x_pwned()</script>\" onclick='x_pwned()'"
FREE = {
    "title",
    "short",
    "summary",
    "says",
    "what",
    "why",
    "name",
    "meaning",
    "note",
    "label",
    "evidence",
    "problem",
}
FREE |= {"quote", "reason", "definition", "says_who", "text", "caption"}


def attacked(value: object, key: str = "", inside: str = "") -> object:
    """The value with the attack at the end of every free text."""
    if isinstance(value, dict):
        return {name: attacked(inner, name, key or inside) for name, inner in value.items()}
    if isinstance(value, list):
        return [attacked(inner, key, inside) for inner in value]
    free = isinstance(value, str) and key in FREE and not (key == "label" and inside == "equations")
    return value + ATTACK if free else value


@pytest.fixture(scope="module")
def hostile(project: Path, tmp_path_factory: pytest.TempPathFactory) -> building.Built:
    """The small book, attacked."""
    root = tmp_path_factory.mktemp("hostile") / "project"
    shutil.copytree(project, root, ignore=shutil.ignore_patterns("_build"))
    for name in ("entries/bn_lstm.yaml", "entries/vrnn.yaml"):
        path = root / "bib" / name
        entry = yaml.safe_load(path.read_text(encoding="utf-8"))
        entry = {key: value if key == "paper" else attacked(value, key) for key, value in entry.items()}
        path.write_text(yaml.safe_dump(entry, sort_keys=False, allow_unicode=True), encoding="utf-8")
    path = root / "bib" / "references.bib"
    text = path.read_text(encoding="utf-8")
    for key in ("ioffe2015batch", "laurent2016batch"):
        place = text.index("title", text.index(key))
        place = text.index("{", place) + 1
        text = text[:place] + "<img src=x onerror=alert(1)><x-pwned> " + text[place:]
        place = text.index(key) + len(key) + 1
        text = text[:place] + "\n  note = {<x-pwned>}," + text[place:]
    path.write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNROLLED_PROJECT", str(root))
        patch.delenv("UNROLLED_REPOSITORY", raising=False)
        return building.build(root)


class Markup(HTMLParser):
    """Collects what an attack would have become."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.script = False

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.script = tag == "script" and dict(attributes).get("type") != "application/json"
        self.found += [tag] if tag == "x-pwned" else []
        self.found += [name for name, _ in attributes if name.startswith("on")]
        for name, value in attributes:
            if name in ("href", "src", "action") and (value or "").strip().lower().startswith(
                ("javascript", "data:text")
            ):
                self.found.append(f"{name}={value}")

    def handle_data(self, data: str) -> None:
        if self.script and "x_pwned" in data:
            self.found.append("script")


def test_no_attack_becomes_markup_in_any_page(hostile: building.Built) -> None:
    seen = 0
    for path in hostile.folder.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        seen += "x-pwned" in text
        reader = Markup()
        reader.feed(text)
        assert not reader.found, (path, reader.found)
    assert seen > 5  # the attack is in the pages, as text


def test_exports_hold_it_as_data(hostile: building.Built) -> None:
    found = [path for path in hostile.folder.rglob("*.json") if "x-pwned" in path.read_text(encoding="utf-8")]
    assert found
    for path in found:
        json.loads(path.read_text(encoding="utf-8"))


def test_in_a_real_browser_nothing_of_it_runs(hostile: building.Built) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("no Chromium")
    pages = [
        "notebooks/bn_lstm",
        "entries/vrnn",
        "book/bibliography",
        "book/ledger",
        "book/equations",
        "index",
    ]
    pages = [page for page in pages if (hostile.folder / f"{page}.html").is_file()]
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page()
        said: list[str] = []
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: said.append(str(error)) if "pwned" in str(error) else None)
        for name in pages:
            page.goto((hostile.folder / f"{name}.html").as_uri())
            assert page.locator("x-pwned").count() == 0, name
            assert page.locator("[onerror], [onclick]").count() == 0, name
        browser.close()
    assert not said
    assert len(pages) > 3
