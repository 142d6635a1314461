"""Diagrams are what their scripts draw, readable on a phone, told in words, and coloured by classes alone."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from site_samples import knowledge_with

from unrolled.base.errors import UnrolledError
from unrolled.site import diagrams
from unrolled.site.drawing import WIDTH, Drawing
from unrolled.site.html import Place
from unrolled.site.knowledge import load_knowledge_base
from unrolled.site.lettering import Line

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((ROOT / "book" / "diagrams").glob("*.py"))
SHAPES = {"box", "circle", "cells", "grid", "frame", "arrow", "dashed", "line", "head", "dot", "sign"}
KNOWN = {*SHAPES, "label", "symbol", "unrolled-drawing", *diagrams.LEGEND}
COLOUR = re.compile(r"#[0-9a-f]{3,8}\b|rgb|hsl|currentcolor", re.IGNORECASE)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def drawn(**changes: object) -> Drawing:
    return Drawing("x", **({"title": "T", "desc": "D", "caption": "C", "height": 100} | changes))


def same(one: str, other: str) -> bool:
    """Whether two drawings differ in nothing but the last digit of their numbers."""
    if NUMBER.sub("0", one) != NUMBER.sub("0", other):
        return False
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other), strict=True)
    return all(abs(float(a) - float(b)) <= 0.02 for a, b in pairs)


def test_every_drawing_has_its_script() -> None:
    assert [s.stem for s in SCRIPTS] == sorted(f.stem for f in (ROOT / "book" / "diagrams").glob("*.svg"))
    assert {"ntm", "bahdanau_attention"} <= {s.stem for s in SCRIPTS}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda s: s.stem)
def test_a_committed_drawing_is_what_its_script_draws(script: Path) -> None:
    made = runpy.run_path(str(script))["d"]
    assert made.slug == script.stem
    assert same(made.svg(), script.with_suffix(".svg").read_text(encoding="utf-8")), (
        f"run {script.name} again"
    )


def test_a_moved_box_is_noticed() -> None:
    one, other = drawn(), drawn()
    one.box("a", 50, 50)
    other.box("a", 50.1, 50)
    assert not same(one.svg(), other.svg())


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda s: s.stem)
def test_a_drawing_is_told_in_words_and_coloured_by_classes_alone(script: Path) -> None:
    drawing = diagrams.read(ROOT, script.stem)
    name = drawing.get("aria-labelledby", "").split()
    told = {node.get("id"): (node.text or "").strip() for node in drawing if node.get("id")}
    assert drawing.get("role") == "img"
    assert [bool(told[key]) for key in name] == [True, True]
    assert len(told[name[1]].split()) >= 50  # the text alternative tells the whole picture
    caption = drawing.findtext(f"{diagrams.SVG}metadata", "").strip()
    assert 10 <= len(caption.split()) <= 45
    assert caption.endswith(".")
    assert "TODO" not in caption + told[name[1]]
    assert diagrams.classes(drawing) <= KNOWN
    assert {"new"} <= diagrams.classes(drawing)
    for node in drawing.iter():
        if node.tag != f"{diagrams.SVG}style":
            said = " ".join(v for k, v in node.attrib.items() if k not in ("id", "aria-labelledby"))
            assert not COLOUR.search(said), said
            assert not {"fill", "stroke", "color", "style"} & set(node.attrib)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda s: s.stem)
def test_no_letter_is_below_ten_pixels_on_a_phone(script: Path) -> None:
    drawing = diagrams.read(ROOT, script.stem)
    scale = 342 / float(drawing.get("viewBox", "").split()[2])
    sizes = [float(s) for n in drawing.iter() if (s := n.get("font-size") or n.get("data-size"))]
    letters = [n for n in drawing.iter() if n.tag.endswith("text") or "symbol" in n.get("class", "")]
    assert len(sizes) == len(letters) > 0
    assert min(sizes) * scale >= 10


def test_an_index_of_an_index_is_too_small() -> None:
    made = drawn()
    made.symbol("$h_{T_x}$", 50, 50)
    assert min(float(s) for s in re.findall(r'data-size="([\d.]+)"', made.svg())) < 10


def test_what_overlaps_is_refused() -> None:
    for fault, draw in {
        "overlaps": lambda d: (d.box("a", 50, 50), d.label("b", 52, 52)),
        "leaves": lambda d: d.label("$x_t$", WIDTH - 2, 50),
        "runs through": lambda d: (d.box("a", 50, 50), d.arrow((10, 50), (90, 50))),
    }.items():
        made = drawn()
        draw(made)
        with pytest.raises(UnrolledError, match=fault):
            made.svg()
    with pytest.raises(UnrolledError, match="fit"):
        drawn().box("a long name", 50, 50, width=20)


def test_arrows_end_on_borders() -> None:
    made = drawn()
    one, other = made.box("a", 40, 50, width=40), made.circle("plus", 120, 50)
    made.arrow(one, other)
    assert 'd="M60 50L105.45 50"' in made.svg()  # the line ends inside its head, whose tip is at 110
    assert 'd="M110 50' in made.svg()


def test_words_cling_to_their_formula() -> None:
    texts = [str(part) for part in Line("row $i$ of", 12.0).drawn(0, 50)]
    assert [re.search(r'text-anchor="(\w+)"', t)[1] for t in texts if "anchor" in t] == ["end", "start"]


def test_the_figure_has_caption_and_a_legend_of_what_occurs() -> None:
    kb = load_knowledge_base(ROOT, frozenset({"ntm"}))
    html = str(diagrams.diagram(kb, "ntm", Place("notebooks/ntm")))
    assert '<figure class="unrolled-diagram" data-diagram="ntm">' in html
    assert html.count("<svg") == html.count("</svg>") == 1
    assert "<style" not in html
    assert 'aria-labelledby="ntm-diagram-title ntm-diagram-desc"' in html
    found = re.findall(r'class="swatch (\w+)"', html)
    assert found == [name for name in diagrams.LEGEND if name in found]
    assert {"memory", "new", "old"} <= set(found)


def test_ids_of_two_diagrams_on_a_page_differ() -> None:
    kb = load_knowledge_base(ROOT, frozenset())
    page = "".join(diagrams.diagram(kb, s, Place("book/x")) for s in ("ntm", "bahdanau_attention"))
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids)) == 4


def test_markup_in_a_drawing_stays_text_and_scripts_are_refused(tmp_path: Path) -> None:
    kb = knowledge_with()
    kb = type(kb)(tmp_path, kb.entries)
    file = tmp_path / "book" / "diagrams" / "bn_lstm.svg"
    file.parent.mkdir(parents=True)
    nasty = '</title><img src=x onerror="alert(1)">'
    made = Drawing("bn_lstm", title=nasty, desc=nasty, caption=nasty, height=100)
    made.box(nasty, 170, 50, width=330)
    file.write_text(made.svg(), encoding="utf-8")
    html = str(diagrams.diagram(kb, "bn_lstm", Place("x")))
    assert "<img" not in html
    assert html.count("&lt;img") == 4
    for bad in ("<script/>", '<a href="x"/>', '<g onclick="x"/>', '<path style="x"/>', "<foreignObject/>"):
        file.write_text(f'<svg xmlns="http://www.w3.org/2000/svg">{bad}</svg>', encoding="utf-8")
        with pytest.raises(UnrolledError, match="does not belong"):
            diagrams.diagram(kb, "bn_lstm", Place("x"))


def test_without_a_drawing_the_marker_says_so_and_a_card_goes_without() -> None:
    kb = knowledge_with()
    with pytest.raises(UnrolledError, match="no such diagram"):
        diagrams.diagram(kb, "lstm_explainer", Place("x"))
    assert diagrams.thumbnail(kb, "lstm_explainer", Place("x")) is None


def test_a_thumbnail_is_a_decoration_in_both_themes() -> None:
    html = str(diagrams.thumbnail(load_knowledge_base(ROOT, frozenset()), "ntm", Place("book/index")))
    assert html.count('alt=""') == 2
    assert re.findall(r'src="([^"]+)"', html) == [
        f"../_static/diagrams/ntm-{theme}.svg" for theme in ("light", "dark")
    ]


def luminance(colour: str) -> float:
    """The relative luminance of a colour, as WCAG defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_letters_and_marks_stand_out_in_both_themes() -> None:
    text = (ROOT / "book" / "static" / "diagrams.css").read_text(encoding="utf-8")
    found = re.findall(r"--unrolled-([a-z]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", text)
    assert {*diagrams.LEGEND, "words"} - {"dashed"} == {name for name, _, _ in found}
    for name, *themes in found:
        wanted = 3 if name in ("new", "old") else 4.5
        for colour, grounds in zip(themes, (("#ffffff", "#f6f7f8"), ("#14171a", "#1c2024")), strict=True):
            assert min(contrast(colour, ground) for ground in grounds) >= wanted, (name, colour)
