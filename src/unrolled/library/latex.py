"""LaTeX in bibliographic fields, read as plain Unicode text, and names in their parts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_JOURNALS = {  # what the Astrophysics Data System writes
    "aj": "AJ", "apj": "ApJ", "apjl": "ApJL", "apjs": "ApJS", "aap": "A&A", "aapr": "A&A Rev.",
    "aaps": "A&AS", "araa": "ARA&A", "icarus": "Icarus", "jcap": "JCAP", "mnras": "MNRAS",
    "nat": "Nature", "pasa": "PASA", "pasp": "PASP", "pasj": "PASJ", "physrep": "Phys. Rep.",
    "pra": "Phys. Rev. A", "prd": "Phys. Rev. D", "pre": "Phys. Rev. E", "prl": "Phys. Rev. Lett.",
    "rmp": "Rev. Mod. Phys.", "solphys": "Sol. Phys.", "ssr": "Space Sci. Rev.",
    "planss": "Planet. Space Sci.",
    "grl": "Geophys. Res. Lett.",
}  # fmt: skip
_ACCENT = re.compile(
    r"\\[`'^\"~=.](?:\s*\{\s*\\?[A-Za-z]*\s*\}|\s*\\[ij](?:\{\}|\b\s*)|\s*[A-Za-z])"
    r"|\\[cvuHkrdbt](?:\s*\{\s*\\?[A-Za-z]+\s*\}|\s+\\?[A-Za-z])"
    r"|\\(?:ss|o|O|l|L|aa|AA|ae|AE|oe|OE|i|j|dh|DH|th|TH|dj|DJ|ng|NG)(?:\{\}|\b\s*)"
)
_VERBATIM = {"url", "doi", "eprint", "pdf", "code", "isbn", "issn"}


@lru_cache(maxsize=1)
def _converter():
    from pylatexenc import latex2text as tex  # 50 ms: only where text is decoded
    from pylatexenc import latexwalker

    def written(node, **_) -> str:
        """A macro that is unknown stays as it is written, so that nothing is lost."""
        return f"\\{node.macroname} "

    words = {name: name for name in ("LaTeX", "TeX", "BibTeX", "LaTeXe", "TeXLive")} | _JOURNALS
    words |= {"textgreater": ">", "textless": "<", "textbar": "|", "textbackslash": "\\", "slash": "/"}
    words |= {
        "path": "%s",
        "url": "%s",
        "nolinkurl": "%s",
        "href": "%(2)s",
        "mkbibquote": "“%s”",
        "enquote": "“%s”",
    }
    words |= {"input": r"\input{%s}", "include": r"\include{%s}"}
    words |= {"noopsort": "", "textregistered": "®", "copyright": "©", "texttrademark": "™", "protect": ""}
    texts = tex.get_default_latex_context_db()
    given = [tex.MacroTextSpec(name, simplify_repl=text) for name, text in words.items()]
    texts.add_context_category("references", prepend=True, macros=given)
    texts.set_unknown_macro_spec(tex.MacroTextSpec("", simplify_repl=written))
    macros = latexwalker.get_default_latex_context_db()
    one = ("url", "path", "nolinkurl", "mkbibquote", "enquote", "noopsort")
    shapes = {"href": "{{", **dict.fromkeys(one, "{"), **dict.fromkeys(_JOURNALS, "")}
    known = [latexwalker.macrospec.std_macro(name, shape) for name, shape in shapes.items()]
    macros.add_context_category("references", prepend=True, macros=known)
    reader = tex.LatexNodes2Text(
        latex_context=texts, math_mode="text", keep_comments=True, strict_latex_spaces=False
    )
    return lambda text: reader.nodelist_to_text(
        latexwalker.LatexWalker(text, latex_context=macros, tolerant_parsing=True).get_latex_nodes()[0]
    )


@lru_cache(maxsize=4096)
def plain(value: str) -> str:
    """A field's value as Unicode text: accents composed, protecting braces gone.

    >>> plain(r"G{\\"u}l{\\c{c}}ehre, {LSTM}s {\\&} others -- 50\\% off")
    'Gülçehre, LSTMs & others – 50% off'
    """
    if not re.search(r"[\\{}~$]|--|``|''", value):
        return " ".join(value.split())
    text = re.sub(r"(?<!\\)[%&#]", r"\\\g<0>", value)
    if len(re.findall(r"(?<!\\)\$", text)) % 2:  # a sum of money, no formula
        text = re.sub(r"(?<!\\)\$", r"\\$", text)
    try:
        text = _converter()(text)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError, LookupError):
        text = re.sub(r"[{}]", "", value)  # what cannot be decoded is shown as it is written
    return " ".join(text.replace("\u00a0", " ").split())


def plain_field(name: str, value: str) -> str:
    """A field's value as text; addresses and identifiers only lose the TeX around them."""
    from unrolled.library.biblatex import address

    return address(value) if name in _VERBATIM else plain(value)


@dataclass(frozen=True)
class Name:
    """A person's name in its parts, or a body's name in ``literal``."""

    family: str = ""
    given: str = ""
    particle: str = ""
    suffix: str = ""
    literal: str = ""

    def __str__(self) -> str:
        return self.literal or " ".join(p for p in (self.given, self.particle, self.family, self.suffix) if p)


def names(value: str) -> list[Name]:
    """The people in an ``author`` field. A name in braces is a body's and stays whole.

    >>> [str(n) for n in names(r"{Theano Development Team} and van den Berg, C{\\'e}sar")]
    ['Theano Development Team', 'César van den Berg']
    """
    from bibtexparser.middlewares.names import parse_single_name_into_parts, split_multiple_persons_names

    # accents first: a tilde that is one parts no name, and a blank within one no word
    value = _ACCENT.sub(lambda found: plain(found[0]), value)
    people = []
    for one in split_multiple_persons_names(value):
        one = one.strip()
        if not one:
            continue
        if one.startswith("{") and _closes_at_end(one):
            people.append(Name(literal=plain(one)))
            continue
        parts = parse_single_name_into_parts(one, strict=False)
        joined = {name: plain(" ".join(getattr(parts, name))) for name in ("last", "first", "von", "jr")}
        if joined["last"] == "others" and not joined["first"]:
            people.append(Name(literal="others"))
        else:
            people.append(Name(joined["last"], joined["first"], joined["von"], joined["jr"]))
    return people


def _closes_at_end(text: str) -> bool:
    depth = 0
    for index, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return index == len(text) - 1
    return False
