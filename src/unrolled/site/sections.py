"""Pages cut into what can be found: one section for each heading, term, symbol and cited work."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.html import HtmlElement

KINDS: tuple[tuple[str, str, float], ...] = (
    (r"notebooks/", "Chapter", 1.0),
    (r"entries/", "Paper", 0.7),
    (r"book/concepts$", "Concept", 0.5),
    (r"book/symbols$", "Symbol", 0.5),
    (r"book/api", "Reference", 0.3),
    (r"book/(ledger|reading-list|lineage|timeline|equations|history|bibliography)$", "Index", 0.15),
    (r"book/side-by-side/", "Comparison", 0.7),
    (r"book/", "Book", 0.6),
)
"""Pages by the beginning of their name, what their kind is called, and how much their words weigh."""

HEADINGS = frozenset({"h1", "h2", "h3", "h4"})
INLINE = frozenset(
    {"a", "abbr", "b", "cite", "code", "em", "i", "kbd", "mark", "q", "span", "strong", "sub", "sup", "wbr"}
)
LOUD = frozenset({"em", "strong", "dfn"})
SKIPPED = frozenset({"script", "style", "template", "svg", "form", "button", "nav"})
UNSAID = frozenset(
    {
        *("headerlink", "buttons", "unrolled-cite", "unrolled-chips", "backlinks", "linenos", "prompt"),
        *("viewcode-link", "onlyprint", "eqno", "sure", "collapsed", "expanded"),
    }
)
"""Classes of what is no text of a page: links at headings, buttons, references to copy, line numbers."""
QUIET = frozenset(
    {"cell_output", "highlight", "locus", "unrolled-card", "unrolled-table", "unrolled-lineage"}
)
"""Classes of what counts for less than prose: code, output, tables."""

ASIDE = frozenset({"Exercises", "Related", "Related entries", "How to cite"})
"""Titles of sections that name things rather than explain them; they weigh half."""

LETTERS = {"varepsilon": "epsilon", "varphi": "phi", "vartheta": "theta", "varsigma": "sigma", "ell": "l"}
SILENT = re.compile(
    r"\\(?:begin|end)\{\w+\*?\}|\\(?:left|right|[bB]igg?[lrm]?|qquad|quad|displaystyle|limits|nonumber|label)(?![a-zA-Z])"
    r"|\\(?:mathrm|mathbf|mathcal|mathbb|mathsf|boldsymbol|bm|operatorname|text(?:rm|bf|it)?|bar|hat|tilde|vec"
    r"|dot|widetilde|widehat|overline|overrightarrow|overleftarrow|underbrace|frac|tfrac|dfrac|sqrt|sum|prod"
    r"|int|cdot|odot|times|top|ldots|cdots|dots|mid|in|to|sim|quad|partial|nabla|infty)(?![a-zA-Z])"
    r"|\\[,;:!> \\|{}]|[&$^]"
)


GREEK = re.compile(
    "(?<![A-Za-z])(?:alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|phi|chi"
    "|psi|omega)(?![A-Za-z])",
    re.IGNORECASE,
)


def _letter(name: str) -> str:
    size = "CAPITAL" if name[0].isupper() else "SMALL"
    return unicodedata.lookup(f"GREEK {size} LETTER {name.upper().replace('LAMBDA', 'LAMDA')}")


@dataclass
class Section:
    """One place that can be found."""

    address: str  # from the book's root, with its anchor
    title: str
    page: str  # the title of its page
    kind: str
    weight: float
    text: list[str] = field(default_factory=list)
    strong: list[str] = field(default_factory=list)  # what the text emphasises, once more
    quiet: list[str] = field(default_factory=list)  # code, output, tables
    formulas: list[str] = field(default_factory=list)
    anchors: list[str] = field(default_factory=list)
    keywords: list[str] = field(default_factory=list)  # what the page does not say and a reader may ask for

    @property
    def shown(self) -> str:
        """The title as a list shows it: a symbol with its Greek letters."""
        return GREEK.sub(lambda m: _letter(m[0]), self.title) if self.kind == "Symbol" else self.title


def kind_of(page: str) -> tuple[str, float] | None:
    """What kind of page this is and how much it weighs; None for pages that are not searched.

    >>> kind_of("book/api/nn"), kind_of("source/index")
    (('Reference', 0.3), None)
    """
    return next(((name, weight) for start, name, weight in KINDS if re.match(start, page)), None)


def formula_words(latex: str) -> str:
    r"""A formula as somebody would type it: letters by name, a subscript after its letter.

    >>> formula_words(r"\(\tilde{\mathbf{h}}_t = \tanh(W_{hc}\alpha_{tj}) \cdot \gamma^{0.1}\)")
    'h_t = tanh (W_hc alpha_tj) gamma 0.1'
    """
    text = re.sub(r"\\[()\[\]]|_(\w)(?=\w)", lambda match: f"_{match[1]} " if match[1] else " ", latex)
    text = SILENT.sub(" ", text)
    text = re.sub(r"\\([a-zA-Z]+)", lambda match: f" {LETTERS.get(match[1], match[1])} ", text)
    text = re.sub(r"\{\s*(\w+)\s*\}", r"\1", text)
    text = re.sub(r"[\s}]*_\s*\{([^{}]*)\}", lambda match: "_" + re.sub(r"\s+", "", match[1]) + " ", text)
    text = re.sub(r"[\s}]*_\s*(\w)", r"_\1", text)
    return " ".join(re.sub(r"[{}]", " ", text).split())


def sections(page: str, article: HtmlElement, keywords: Mapping[str, str]) -> Iterator[Section]:
    """The sections of one page, in its order; ``keywords`` are words for a page or one of its anchors."""
    kind = kind_of(page)
    heading = next(article.iter("h1"), None)
    if kind is None or heading is None:
        return
    title = _said(heading)
    first = Section(f"{page}.html", title, title, *kind)
    found = [first]
    _walk(article, first, found, quiet=False)
    for section in found:
        places = [page] * (section is first) + [f"{page}#{anchor}" for anchor in section.anchors]
        section.keywords += [keywords[place] for place in places if place in keywords]
    yield from (section for section in found if section.title)


def _walk(node: HtmlElement, into: Section, found: list[Section], *, quiet: bool) -> None:
    """Give every text below ``node`` to the section that it belongs to."""
    for child in node:
        comment = not isinstance(child.tag, str)
        classes = set() if comment else set(child.get("class", "").split())
        if comment or child.tag in SKIPPED | HEADINGS or classes & UNSAID:
            pass
        elif "math" in classes:
            inline = child.tag == "span" and not quiet
            (into.text if inline else into.formulas).append(f" {formula_words(_said(child))} ")
        else:
            target = _opened(child, classes, into, found)
            hushed = target is into and (quiet or child.tag == "pre" or bool(classes & QUIET))
            words = target.quiet if hushed else target.text
            target.anchors += [child.get("id")] if child.get("id") else []
            if (child.tag in LOUD or "unrolled-concept" in classes) and not hushed:
                target.strong.append(_said(child))
            if target is into or child.tag != "dt" or "sig" in classes:  # a term is its own title
                words += [" " * (child.tag not in INLINE), child.text or "", child.get("alt", "")]
                _walk(child, target, found, quiet=hushed)
            words.append(" " * (child.tag not in INLINE))
            into = target if child.tag == "dt" else into  # what explains a term follows it
        (into.quiet if quiet else into.text).append(child.tail or "")


def _opened(node: HtmlElement, classes: set[str], into: Section, found: list[Section]) -> Section:
    """The section that begins at this element, or the one that it lies in."""
    anchor, title = node.get("id"), ""
    if node.tag in ("section", "div") and anchor:
        heading = next((child for child in node if child.tag in HEADINGS), None)
        if heading is not None and heading.tag != "h1":
            title = _said(heading)
        elif "citation" in classes:
            title = node.text_content().strip()[:80]
    elif node.tag == "dt" and anchor and "field" not in " ".join(classes):
        title = anchor.rpartition(".")[2] if "sig" in classes else _said(node)
    elif node.tag == "tr" and anchor and anchor.startswith("symbol-"):
        title = _said(next(node.iter("th")))
    if not title:
        return into
    page = found[0]
    weight = page.weight * (0.5 if title in ASIDE else 1)
    made = Section(f"{page.address}#{anchor}", title, page.title, page.kind, weight)
    found.append(made)
    return made


def _said(node: HtmlElement) -> str:
    """The text of a heading or formula, the formulas in it as words."""
    parts = [node.text or ""]
    for child in node:
        if isinstance(child.tag, str) and not UNSAID & set(classes := child.get("class", "").split()):
            parts.append(formula_words(_said(child)) if "math" in classes else _said(child))
        parts.append(child.tail or "")
    return " ".join("".join(parts).split())


def book_sections(folder: Path, keywords: Mapping[str, str]) -> Iterator[Section]:
    """The sections of every page of a built book that is searched."""
    from lxml import html

    for file in sorted(folder.rglob("*.html")):
        page = str(file.relative_to(folder).with_suffix(""))
        if kind_of(page):
            for article in html.parse(str(file), html.HTMLParser(encoding="utf-8")).iter("article"):
                yield from sections(page, article, keywords)
