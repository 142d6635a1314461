"""Figures on the page: inks that read on their ground, and lines that stand out from it."""

from __future__ import annotations

import re

import pytest

from unrolled.execution import figures
from unrolled.site.curves import COLOURS
from unrolled.site.html import Place
from unrolled.site.pictures import GROUNDS, INKS, inked, luminance, panels, picture

GROUND = {"light": (255, 255, 255), "dark": (0x14, 0x17, 0x1A)}


def contrast(colour: str, ground: str) -> float:
    channels = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    low, high = sorted((luminance(channels), luminance(GROUND[ground])))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("ground", GROUNDS)
def test_every_ink_of_the_house_is_known_and_reads_as_text_on_both_grounds(ground: str) -> None:
    house = {figures.BLUE, figures.ORANGE, figures.GREEN, figures.VERMILLION, figures.PURPLE, figures.SKY}
    house |= {figures.GREY, figures.INK, *COLOURS, *(look["color"] for look in figures.ROLES.values())}
    assert {colour.lower() for colour in house} <= set(INKS)
    for colour, pair in INKS.items():
        assert contrast(pair[GROUNDS.index(ground)], ground) >= 4.5, colour


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("colour", ["#440154", "#fde725", "#bddf26", "#101010", "#f0f0f0", "#808080"])
def test_lines_in_any_colour_stand_out_and_areas_keep_theirs(colour: str, ground: str) -> None:
    text = inked(f'<path style="fill: {colour}; stroke: {colour}"/>', ground)
    fill, stroke = re.findall(r"#\w{6}", text)
    assert fill == colour
    assert contrast(stroke, ground) >= 2.99
    if contrast(colour, ground) >= 3:
        assert stroke == colour


def test_what_is_no_colour_is_left_alone() -> None:
    text = '<use xlink:href="#m0072b2abcd"/><g clip-path="url(#p0072b2)" style="stroke: #ffffff"/>'
    assert inked(text, "dark") == inked(text, "light") == text


def test_a_row_of_panels_is_no_wider_than_the_column_and_keeps_its_proportions() -> None:
    views = "".join(f'<view id="panel-{n}" viewBox="{300 * n - 300} 0 300 200"/>' for n in (1, 2))
    svg = f'<svg width="600pt" height="200pt" viewBox="0 0 600 200">{views}</svg>'
    assert [(width, height) for _, width, height in panels(svg)] == [(300, 200)] * 2
    html = picture([svg], "Two panels, each of them empty.", Place("notebooks/x"), None)
    sizes = [tuple(map(int, size)) for size in re.findall(r'width="(\d+)" height="(\d+)"', html)]
    assert sum(width for width, _ in sizes) / 2 <= 688
    assert all(width / height == pytest.approx(1.5, rel=0.01) for width, height in sizes)
    assert html.count("Two panels, each of them empty.") == 2  # light and dark
    assert html.count("Panel 2 of 2 of the figure") == 2
