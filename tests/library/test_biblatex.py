"""What real bibliographies hold: fields of biblatex, crossref, accents, addresses, names, dates, keys."""

# ruff: noqa: E501 (a row of a table is one line)

from __future__ import annotations

import random
import time

import pytest
import rispy

from unrolled.library.biblatex import understood, unread, web_address
from unrolled.library.bibliography import parse
from unrolled.library.citing import cite, render
from unrolled.library.csl import csl_item
from unrolled.library.latex import names, plain


def only(text: str):
    found = parse(text)
    assert not found.faults, found.faults
    return list(found.entries.values())


def apa(fields: str, kind: str = "article") -> str:
    return render(only(f"@{kind}{{k, {fields}}}")[:1], "apa").strip()


def person(name: str, style: str = "apa") -> str:
    reference = only(f"@book{{k, author={{{name}}}, title={{T}}, publisher={{P}}, year=2001}}")
    return render(reference, style).strip().split(" (2001)")[0].split(", T.")[0]


@pytest.mark.parametrize(
    ("tex", "read"),
    [
        (r"Jo\~ao Silva", "João Silva"),
        (r"Mu\~noz, A.", "A. Muñoz"),
        (r"Guimar\~{a}es, V.", "V. Guimarães"),
        (r"G{\"o}del, Kurt", "Kurt Gödel"),
        (r"G\"odel, Kurt", "Kurt Gödel"),
        (r"G{\" o}del, Kurt", "Kurt Gödel"),
        (r"Erd\H{o}s, P\'al", "Pál Erdős"),
        (r"\v{C}ech, Eduard", "Eduard Čech"),
        (r"{\v C}ech, Eduard", "Eduard Čech"),
        (r"\L{}ukasiewicz, Jan", "Jan Łukasiewicz"),
        (r"{\L}ukasiewicz, Jan", "Jan Łukasiewicz"),
        (r"H{\aa}stad, Johan", "Johan Håstad"),
        (r"Nu{\~{n}}ez, Jos{\'{e}}", "José Nuñez"),
        (r"Garc{\'\i}a, Mar\'{\i}a", "María García"),
        (r"Gar{\c{c}}on, Fran\c cois", "François Garçon"),
        (r"\O ystein Ore", "Øystein Ore"),
        (r"Ludwig van Beethoven", "Ludwig van Beethoven"),
        (r"van~der~Berg, J.", "J. van der Berg"),
        (r"O'Brien, Anne", "Anne O'Brien"),
        (r"Jean-Paul Sartre", "Jean-Paul Sartre"),
        (r"King, Jr., Martin", "Martin King Jr."),
        (r"{Barnes and Noble}", "Barnes and Noble"),
        (r"M{\"u}ller-L{\"u}denscheidt, Hans", "Hans Müller-Lüdenscheidt"),
    ],
)
def test_accents_in_every_form_and_particles_in_names(tex, read):
    assert [str(name) for name in names(tex)] == [read]


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("Wong, Wai-kin", "Wong, W.-k."),
        ("doe, jane", "doe, j."),
        ("Doe, Ann-marie", "Doe, A.-m."),
        ("Yeung, Dit-Yan", "Yeung, D.-Y."),
        ("כהן, דוד", "כהן, ד."),
        ("王, 小明", "王小明."),
        ("Tolkien, J.R.R.", "Tolkien, J. R. R."),
        ("Иванов, Пётр Ильич", "Иванов, П. И."),
        ("de la Vega, María José", "de la Vega, M. J."),
        ("{Some Body}", "Some Body."),
        ("Doe, J. and others", "Doe, J. et al."),
        ("Plato", "Plato."),
    ],
)
def test_initials_are_those_of_every_part_in_every_script(name, printed):
    assert person(name) == printed


def test_ieee_prints_names_given_first():
    assert person("Wong, Wai-kin and Roe, Ann", "ieee") == "W.-k. Wong and A. Roe"
    assert person("Doe, J. and others", "ieee") == "J. Doe et al."


@pytest.mark.parametrize(
    ("fields", "kind", "printed"),
    [
        ("author={Doe, J.}, title={Is it so?}, journal={J}, year=2001", "article", "Doe, J. (2001). Is it so? J."),
        ("author={{Some Body}}, title={T}, year=2020", "misc", "Some Body. (2020). T."),
        ("author={{Some Body}}, title={T}", "misc", "Some Body. (n.d.). T."),
        ("author={{Ancient}}, title={T}, publisher={P}, year={350 B.C.E}", "book", "Ancient. (350 BC). T. P."),
        (
            r"author={Doe, J.}, title={a & c with \LaTeX{} and \TeX}, journal={J}, year=2001, month={1}",
            "article",
            "Doe, J. (2001). a & c with LaTeX and TeX. J.",
        ),
        ("author={Doe, J.}, title={Wait...}, journal={J}, year=2001", "article", "Doe, J. (2001). Wait... J."),
        ("author={Doe, J.}, title={Stop!}, year=2001", "misc", "Doe, J. (2001). Stop!"),
        ("author={Doe, J.}, title={T}, year={in press}", "misc", "Doe, J. (in press). T."),
        ("author={Doe, J.}, title={T}, year={1998--2001}", "misc", "Doe, J. (1998–2001). T."),
        ("author={Doe, J.}, title={T}, year={c. 1650}", "misc", "Doe, J. (c. 1650). T."),
        ("author={Doe, J.}, title={T}, year={476}", "misc", "Doe, J. (476). T."),
        ("editor={Ed, E. and Low, L.}, title={T}, publisher={P}, year=2001", "book", "Ed, E., & Low, L. (Eds.). (2001). T. P."),
        ("author={Doe, J.}, title={100% of $5}, year=2001", "misc", "Doe, J. (2001). 100% of $5."),
        ("author={Doe, J.}, title={A title}, subtitle={And more}, year=2001", "misc", "Doe, J. (2001). A title: And more."),
    ],
)  # fmt: skip
def test_apa_prints_what_its_guide_would(fields, kind, printed):
    assert apa(fields, kind) == printed


CROSSED = """
@inproceedings{c1, author={Low, Lea}, title={Crossed}, pages={1--2}, crossref={proc1}}
@proceedings{proc1, title={Proceedings of X}, editor={Ed, Eva}, year={2010}, publisher={Pub}}
"""


def test_fields_of_biblatex_are_read_in_every_output():
    journal = only(
        "@article{b1, author={Low, Lea}, title={Edges}, journaltitle={Journal of Edges}, volume={103},"
        " number={1}, pages={45-58}, date={2001-03-01}}"
    )
    assert render(journal, "apa") == "Low, L. (2001). Edges. Journal of Edges, 103(1), 45–58.\n"
    assert csl_item(journal[0])["issued"] == {"date-parts": [[2001, 3, 1]]}
    (record,) = rispy.loads(render(journal, "ris"))
    assert (record["secondary_title"], record["year"], record["date"]) == (
        "Journal of Edges",
        "2001",
        "2001/03/01",
    )
    thesis = only(
        "@thesis{b2, author={Low, Lea}, title={E}, date={2019-05}, type={phdthesis}, institution={University of X}}"
    )
    (record,) = rispy.loads(render(thesis, "ris"))
    assert (record["type_of_reference"], record["year"], record["publisher"]) == (
        "THES",
        "2019",
        "University of X",
    )
    assert understood(only("@thesis{b, title={T}, type={mathesis}}")[0]).type == "mastersthesis"
    assert csl_item(only("@report{b, title={T}, institution={I}, number={7}}")[0])["number"] == "7"
    place = only("@book{b, title={T}, location={Oslo}, publisher={P}, date={1999/2001}}")[0]
    assert csl_item(place)["publisher-place"] == "Oslo"
    assert csl_item(place)["issued"] == {"date-parts": [[1999], [2001]]}


@pytest.mark.parametrize("order", [1, -1])
def test_crossref_is_followed_and_never_left_dangling(order):
    blocks = [f"@{block}" for block in CROSSED.strip().split("@") if block][::order]
    found = parse("\n".join(blocks))
    assert not found.faults
    child = found.entries["c1"]
    assert render([child], "apa") == "Low, L. (2010). Crossed. In Proceedings of X (pp. 1–2). Pub.\n"
    (alone,) = only(render([child], "bibtex"))
    assert alone["booktitle"] == "Proceedings of X"
    assert "crossref" not in alone.fields
    (fault,) = parse(CROSSED.split("@proceedings")[0]).faults
    assert "no entry 'proc1' for its crossref" in fault.problem


def test_crossref_goes_round_no_circle_and_xdata_joins_several():
    assert [
        r.get("year") for r in only("@book{a, crossref={b}, title={A}}\n@book{b, crossref={a}, year=2001}")
    ] == ["2001"] * 2
    (one, *_) = only("@misc{m, title={M}, xdata={x, y}}\n@xdata{x, year=2001}\n@xdata{y, publisher={P}}")
    assert (one["year"], one["publisher"]) == ("2001", "P")


@pytest.mark.parametrize(
    ("fields", "address"),
    [
        (r"howpublished={\url{https://example.com/a%20b}}", "https://example.com/a%20b"),
        (r"doi={https://doi.org/10.1000/ab_c}", "https://doi.org/10.1000/ab_c"),
        (r"doi={http://dx.doi.org/10.1000/ab\_c}", "https://doi.org/10.1000/ab_c"),
        (r"doi={doi: https://doi.org/10.1000/ab_c}", "https://doi.org/10.1000/ab_c"),
        (r"doi={doi:10.1000/ab_c}", "https://doi.org/10.1000/ab_c"),
        (r"doi={\url{https://doi.org/10.1000/ab{\_}c}}", "https://doi.org/10.1000/ab_c"),
        (r"url={\url{https://example.com/a%20b}}", "https://example.com/a%20b"),
        (r"url={www.example.com/x}", "https://www.example.com/x"),
        (r"url={https://example.com/{\textasciitilde}doe/a\_b}", "https://example.com/~doe/a_b"),
        (r"url={\href{https://example.com/x}{here}}", "https://example.com/x"),
        (r"note={Available at \url{https://example.com/x}}", "https://example.com/x"),
        (r"howpublished={https://example.com/x}", "https://example.com/x"),
        (r"title={\href{https://example.com/x}{Linked title}}", "https://example.com/x"),
        (r"eprint={arXiv:1506.04214}", "https://arxiv.org/abs/1506.04214"),
        (r"eprint={https://arxiv.org/pdf/1506.04214v2.pdf}", "https://arxiv.org/abs/1506.04214v2"),
        (r"eprint={1506.04214}, eprinttype={arxiv}", "https://arxiv.org/abs/1506.04214"),
        (r"url={javascript:alert(1)}", ""),
        (r"url={data:text/html,x}", ""),
        (r"url={https://example.com/\" onclick=x}", ""),
    ],
)
def test_every_address_is_one_clean_address(fields, address):
    (reference,) = only(
        f"@misc{{k, author={{Doe, J.}}, {fields.replace(chr(92) + chr(34), chr(34))}, year=2021}}"
    )
    assert web_address(understood(reference)) == address
    assert render([reference], "apa").count("http") == (1 if address else 0)
    assert render([reference], "ris").count("UR  -") == (1 if address else 0)


def test_a_linked_title_prints_its_text_and_keeps_its_address():
    fields = r"author={Doe, J.}, title={\href{https://example.com/x}{Linked title}}, year=2021"
    assert apa(fields, "misc") == "Doe, J. (2021). Linked title. https://example.com/x"


@pytest.mark.parametrize(
    "key",
    ["10.1145/0000000.0000001", "2001ApJ...500..525S", "Müller2024a", "_title_2010", "DBLP:conf/nips/X", "a+b",
     "O'Brien2001", "AT&T", "x@y", "王2020", "doe.etal-2001"],
)  # fmt: skip
def test_keys_of_every_form_are_accepted(key):
    (reference,) = only(f"@article{{{key}, author={{Doe, J.}}, title={{T}}, journal={{J}}, year=2016}}")
    assert reference.key == key
    assert only(render([reference]))[0] == reference


def test_what_bibtex_itself_takes_is_taken():
    assert only("@book{m, title={T}, month=January}")[0]["month"] == "January"
    assert only("@article{m, title={T}, journal=jacm}")[0]["journal"] == "Journal of the ACM"
    assert only("@article{m, title={T}, __markedentry = {[x:6]}}")[0].key == "m"
    assert [r.key for r in only("@misc{one, title={A}} @misc{two, title={B}}")] == ["one", "two"]


def test_the_second_entry_on_a_line_is_found_by_its_key(project):
    with (project / "bib" / "references.bib").open("a") as file:
        file.write("@misc{one, title={A}, year=2001} @misc{two, title={B}, year=2001}\n")
    assert cite("two", "apa") == "B. (2001).\n"


def test_what_no_output_carries_is_told_and_bookkeeping_is_not():
    (one,) = only(
        "@misc{k, title={T}, foo={bar}, url={javascript:x}, file={a.pdf}, date-added={2001}, year=2001}"
    )
    assert unread(one) == [
        "field foo is in no output but BibTeX",
        "url 'javascript:x' is no address, left out",
    ]
    assert unread(only("@painting{k, title={T}}")[0]) == ["type @painting is unknown, printed as a document"]


@pytest.mark.parametrize(
    "tex",
    [r"\href{a}", r"\url", r"\foo{bar} b", r"{\apj}", "\\", r"\'{}", r"$\alpha", r"\begin{x}", "{", "}", r"\cite{a}",
     r"\verb|x|", "%", r"\frac{1}", r"\~", r"{\em", r"\input{/etc/passwd}", r"\newcommand{\x}{y}\x", "#1", r"\\"],
)  # fmt: skip
def test_tex_of_no_known_form_never_fails_and_loses_no_word(tex):
    shown = plain(tex)
    for word in ("foo", "bar", "alpha", "passwd"):
        assert word not in tex or word in shown or "α" in shown
    assert plain(r"{\apj} and \unknownjournal") == r"ApJ and \unknownjournal"


SHAPES = {
    "title": ["Title {n}", r"{{\href{{https://e.org/{n}}}{{Linked {n}}}}}", r"{{DNA}} of $\alpha_{n}$", r"El Ni\~no {n}?"],
    "author": ["Doe, J. and Roe, Ann-marie", r"M{{\"u}}ller, J\'anos and others", "{{The Group {n}}}", "van der Berg, C."],
    "date": ["2001-03-{d:02}", "1999", "2001/2003", "-0350", "2010-1{m}"],
    "year": ["2001", "in press", "350 B.C.", "1998--2001"],
    "journaltitle": ["Journal {n}", r"{{\apj}}"],
    "booktitle": ["Proceedings of {n}"],
    "doi": ["10.1000/x_{n}", "https://doi.org/10.1000/{n}", "doi:10.1000/{n}"],
    "url": ["https://e.org/{n}", r"\url{{https://e.org/a\_{n}}}", "www.e.org/{n}"],
    "howpublished": [r"\url{{https://h.org/{n}}}", "Talk {n}"],
    "eprint": ["1506.{n:05}", "arXiv:1506.{n:05}"],
    "pages": ["1--{n}", "e{n}"],
    "note": ["Note {n}", r"See \url{{https://n.org/{n}}}"],
    "institution": ["University {n}"],
    "keywords": ["a{n}, b{n}"],
    "month": ["jan", "10~{{}}March", "3"],
}  # fmt: skip
KINDS = ["article", "inproceedings", "thesis", "report", "online", "misc", "book", "incollection", "software"]


@pytest.mark.parametrize("count", [120, pytest.param(2400, marks=pytest.mark.long)])
def test_a_large_file_of_real_shapes_crashes_nothing_loses_nothing_and_doubles_no_address(
    count, record_property
):
    rng = random.Random(count)
    blocks, given = [], []
    for n in range(1, count + 1):
        names_ = ["title", "author", *rng.sample(list(SHAPES)[2:], rng.randint(2, 8))]
        values = {name: rng.choice(SHAPES[name]).format(n=n, d=n % 28 + 1, m=n % 3) for name in names_}
        key = rng.choice(["k{}", "10.1145/{}", "ü{}", "_x_{}"]).format(n)
        given.append((key, values))
        fields = ", ".join(f"{name} = {{{value}}}" for name, value in values.items())
        blocks.append(f"@{rng.choice(KINDS)}{{{key}, {fields}}}")
    began = time.perf_counter()
    found = parse("\n".join(blocks))
    assert not found.faults
    assert len(found.entries) == count
    for key, values in given:
        reference = found.entries[key]
        assert not unread(reference)
        record, item = render([reference], "ris"), csl_item(reference)
        (read,) = rispy.loads(record)
        assert record.count("http") <= 3
        assert "doi.org/https" not in record
        assert "\\" not in record.replace("\\_", "")
        assert ("year" in read) == bool({"date", "year"} & values.keys())
        assert item.get("title")
        assert "author" in item
        for name in ("booktitle", "journaltitle", "institution", "keywords"):
            if name in values and not {"booktitle", "journaltitle"} <= values.keys():
                assert plain(values[name]).split(",")[0] in record, (name, record)
    for style in ("apa", "ieee"):
        lines = render(list(found.entries.values())[:120], style).splitlines()
        assert all(line and "?." not in line and ".." not in line and "{" not in line for line in lines)
    record_property("references", count)
    record_property("seconds", round(time.perf_counter() - began, 1))
