"""Whether the addresses of entries and bibliography still answer, told gone from refused."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from http.client import HTTPException
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from unrolled import __version__
from unrolled.base.errors import UnrolledError
from unrolled.base.files import atomic_write
from unrolled.library import bibliography
from unrolled.library.biblatex import understood, web_address
from unrolled.library.faults import Fault
from unrolled.library.latex import plain_field

State = Literal["alive", "moved", "gone", "refused", "unreachable"]
STATES: dict[State, str] = {
    "alive": "answers",
    "moved": "answers at another address, for good",
    "gone": "the server says that it is not there (404, 410)",
    "refused": "the server does not say: 401, 403, 429, 5xx, no answer in time",
    "unreachable": "no server there: no such name, no connection",
}
AT_ONCE = 4
"""Hosts that are asked at the same time; of one host, one address after the other."""


@dataclass
class Address:
    """One address, where the project names it, and what became of it."""

    url: str
    places: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)  # what entries say already: dead, moved
    state: State | None = None
    status: int | None = None
    detail: str = ""  # where it moved to, or the fault

    @property
    def news(self) -> bool:
        """Whether it is gone or moved, and no entry says so."""
        said = {"gone": {"dead", "moved"}, "moved": {"moved"}, "unreachable": {"dead", "moved"}}
        return self.state in ("gone", "moved", "unreachable") and not (said[self.state] & self.known)


def addresses() -> list[Address]:
    """Every address of entries and bibliography, each once, sorted."""
    from unrolled.library.entries import read_all

    found: dict[str, Address] = {}

    def note(url: str, place: str, state: str = "unknown") -> None:
        if url.startswith(("http://", "https://")):
            address = found.setdefault(url, Address(url))
            address.places.append(place)
            address.known.add(state)

    entries, documents = read_all()
    for slug, entry in entries.items():
        for index, link in enumerate(entry.links):
            fault = Fault(documents[slug].file, documents[slug].line("links", index, "url"), "")
            note(link.url, f"{fault.place}:{fault.line}", link.state)
    bib = bibliography.load()
    for reference in bib.entries.values():
        place = f"{Fault(bib.file, 1, '').place}:{reference.line}"
        given = understood(reference)
        for name in ("url", "pdf", "code"):
            note(plain_field(name, given.get(name)), place)
        for name in ("doi", "eprint"):  # what each gives by itself
            note(
                web_address(
                    replace(
                        given, fields={n: v for n, v in given.fields.items() if n in (name, "archiveprefix")}
                    )
                ),
                place,
            )
    return [found[url] for url in sorted(found)]


def check(
    chosen: Iterable[Address],
    *,
    timeout: float = 15.0,
    pause: float = 0.5,
    told: Callable[[Address], None] | None = None,
) -> list[Address]:
    """Ask for every address: HEAD first, and GET where that fails, since some servers know no HEAD.

    Args:
        timeout: seconds to wait for one answer.
        pause: seconds between two requests to one host.
        told: called after each address.

    Raises:
        UnrolledError: if none of the first hosts can be reached, so that there is no internet here.
    """
    chosen = list(chosen)
    hosts: dict[str, list[Address]] = {}
    for address in chosen:
        hosts.setdefault(urlsplit(address.url).netloc.lower(), []).append(address)

    def ask_host(ours: list[Address]) -> None:
        for number, address in enumerate(ours):
            if number:
                time.sleep(pause)
            ask(address, timeout)
            if told:
                told(address)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        first = [ours[:1] for ours in list(hosts.values())[:AT_ONCE]]
        list(pool.map(ask_host, first))
        asked = [address for ours in first for address in ours]
        if asked and all(address.status is None for address in asked):
            count = f"{len(asked)} hosts" if len(asked) > 1 else "1 host"
            raise UnrolledError(
                f"no internet here: of {count} asked, none answers", hint="run it where there is internet"
            )
        list(pool.map(ask_host, [[a for a in ours if a.state is None] for ours in hosts.values()]))
    return chosen


def ask(address: Address, timeout: float) -> None:
    """Find out the state of one address."""
    for method in ("HEAD", "GET"):
        watcher = _Watcher()
        request = urllib.request.Request(
            address.url,
            method=method,
            headers={"User-Agent": f"unrolled-links/{__version__}", "Accept": "*/*"},
        )
        address.status, address.detail = None, ""
        try:
            with urllib.request.build_opener(watcher).open(request, timeout=timeout) as answer:
                address.status = answer.status
                moved = watcher.lasting and answer.url.rstrip("/") != address.url.rstrip("/")
                address.state = "moved" if moved else "alive"
                address.detail = answer.url if moved else ""
                return
        except urllib.error.HTTPError as error:
            with error:
                address.status, address.detail = error.code, str(error.reason)
            address.state = "gone" if error.code in (404, 410) else "refused"
            if error.code == 429:  # a second request would make it worse
                return
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            address.detail = " ".join(str(reason or type(error).__name__).split())
            slow = isinstance(reason, TimeoutError)
            hung_up = isinstance(error, HTTPException | ConnectionResetError)
            address.state = "refused" if slow or hung_up else "unreachable"
            if not hung_up:
                return


class _Watcher(urllib.request.HTTPRedirectHandler):
    """Follows redirects, and notes whether all of them are for good."""

    def __init__(self) -> None:
        self.codes: list[int] = []

    @property
    def lasting(self) -> bool:
        return bool(self.codes) and all(code in (301, 308) for code in self.codes)

    def redirect_request(self, request, fp, code, msg, headers, newurl):
        self.codes.append(code)
        made = super().redirect_request(request, fp, code, msg, headers, newurl)
        if made is not None:
            made.method = request.get_method()  # urllib would turn a HEAD into a GET
        return made


def report(checked: Iterable[Address]) -> dict[str, object]:
    """What was found, as a record that fits JSON."""
    checked = list(checked)
    return {
        "counts": {state: sum(a.state == state for a in checked) for state in STATES},
        "states": dict(STATES),
        "addresses": [
            {
                "url": address.url,
                "state": address.state,
                "status": address.status,
                "detail": address.detail,
                "known": bool(address.known & {"dead", "moved"}),
                "places": address.places,
            }
            for address in checked
        ],
    }


def write_report(checked: Iterable[Address], path: Path) -> Path:
    """Write the report as JSON."""
    return atomic_write(path, json.dumps(report(checked), indent=1, ensure_ascii=False) + "\n")
