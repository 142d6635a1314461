"""Addresses: gone is told from refused, moved from alive; polite; without internet one line."""

from __future__ import annotations

import json

import pytest

from unrolled.base.errors import UnrolledError
from unrolled.library import links
from unrolled.library.links import Address


def asked(url: str, timeout: float = 5.0) -> Address:
    address = Address(url)
    links.ask(address, timeout)
    return address


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (200, "alive"),
        (404, "gone"),
        (410, "gone"),
        (401, "refused"),
        (403, "refused"),
        (429, "refused"),
        (500, "refused"),
    ],
)
def test_the_status_tells_gone_from_refused(served, status, state):
    found = asked(served({"/x": (status, "")}) + "/x")
    assert (found.state, found.status) == (state, status)


def test_a_server_that_knows_no_head_is_asked_again_with_get(served):
    seen: list = []
    base = served({"/x": {"HEAD": (405, ""), "GET": (200, "here")}}, seen)
    assert asked(f"{base}/x").state == "alive"
    assert seen == [("HEAD", "/x"), ("GET", "/x")]


def test_a_server_that_asks_for_less_is_asked_once(served):
    seen: list = []
    assert asked(served({"/x": (429, "")}, seen) + "/x").state == "refused"
    assert seen == [("HEAD", "/x")]


def test_an_answer_to_head_is_enough(served):
    seen: list = []
    asked(served({"/x": (200, "")}, seen) + "/x")
    assert seen == [("HEAD", "/x")]


@pytest.mark.parametrize(("code", "state"), [(301, "moved"), (308, "moved"), (302, "alive"), (307, "alive")])
def test_only_a_lasting_redirect_is_a_move(served, code, state):
    base = served({"/old": (code, "/new"), "/new": (200, "")})
    found = asked(f"{base}/old")
    assert found.state == state
    assert found.detail == (f"{base}/new" if state == "moved" else "")


def test_a_redirect_to_nothing_or_to_a_file_is_no_success(served):
    base = served({"/old": (301, "/lost"), "/file": (301, "file:///etc/passwd"), "/round": (301, "/round")})
    assert asked(f"{base}/old").state == "gone"
    assert asked(f"{base}/file").state == "refused"
    assert asked(f"{base}/round").state == "refused"


def test_a_server_that_hangs_up_refuses(served):
    assert asked(served({"/x": (None, "")}) + "/x").state == "refused"


def test_a_server_that_never_answers_refuses():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = asked(f"http://127.0.0.1:{silent.getsockname()[1]}/x", timeout=0.2)
    assert (found.state, found.status) == ("refused", None)


def test_no_server_there_is_unreachable():
    assert asked("http://127.0.0.1:9/x").state == "unreachable"


def test_without_internet_one_clear_line():
    chosen = [Address("http://127.0.0.1:9/a"), Address("http://127.0.0.1:9/b")]
    with pytest.raises(UnrolledError, match=r"^no internet here: of 1 host asked, none answers"):
        links.check(chosen, pause=0)


def test_every_address_is_asked_once_and_the_rest_goes_on(served):
    seen: list = []
    base = served({f"/{n}": (200, "") for n in range(9)} | {"/0": (404, "")}, seen)
    chosen = [Address(f"{base}/{n}") for n in range(10)] + [Address("http://127.0.0.1:9/x")]
    checked = links.check(chosen, pause=0)
    assert [address.state for address in checked] == ["gone", *["alive"] * 8, "gone", "unreachable"]
    assert len(set(seen)) == len(seen) == 12
    found = links.report(checked)
    assert found["counts"] == {"alive": 8, "moved": 0, "gone": 2, "refused": 0, "unreachable": 1}
    json.dumps(found)


def test_addresses_come_from_entries_and_bibliography_with_their_places(project):
    found = {address.url: address for address in links.addresses()}
    paper = found["https://openreview.net/forum?id=r1VdcHcxx"]
    assert any(place.startswith("bib/entries/bn_lstm.yaml:") for place in paper.places)
    assert any(place.startswith("bib/references.bib:") for place in paper.places)
    assert "https://doi.org/10.1162/neco.1997.9.8.1735" in found
    assert all(url.startswith("http") for url in found)


def test_the_command_writes_a_report_and_fails_where_something_is_gone(project, served, capsys):
    from unrolled.cli import main

    base = served({"/here": (200, ""), "/old": (301, "/here")})
    entry = project / "bib" / "entries" / "bn_lstm.yaml"
    text = entry.read_text(encoding="utf-8")
    head, _, rest = text.partition("links:\n")
    rest = rest[rest.index("builds_on:") :]
    rows = "".join(
        f'  - {{kind: page, url: "{base}/{name}", label: x, state: {state}}}\n'
        for name, state in (("here", "alive"), ("gone", "unknown"), ("lost", "dead"), ("old", "unknown"))
    )
    entry.write_text(f"{head}links:\n{rows}{rest}", encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["links", "bn_lstm", "--timeout", "5"])
    out, _ = capsys.readouterr()
    assert ended.value.code == 1
    assert f"gone 404: {base}/gone" in out
    assert f"gone 404, as the entry says: {base}/lost" in out
    assert f"moved 200: {base}/old → {base}/here" in out
    said = json.loads((project / "_build" / "links.json").read_text(encoding="utf-8"))
    assert said["counts"] == {"alive": 1, "moved": 1, "gone": 2, "refused": 0, "unreachable": 0}
