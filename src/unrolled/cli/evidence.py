"""Commands on evidence: ``unrolled evidence list``, ``show``, ``collect``, ``verify`` (and `compare`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from unrolled.base.errors import UnrolledError
from unrolled.cli import app
from unrolled.cli.library import AS_JSON, chapter_key, print_json, print_table

if TYPE_CHECKING:
    from unrolled.training.experiment import Experiment, TrainingConfig

evidence_app = typer.Typer(
    help="Collect, show and verify what was measured for the claims.", no_args_is_help=True
)
app.add_typer(evidence_app, name="evidence")

SLUG = typer.Argument(help="The entry's slug.")


def _rows(slug: str) -> list[dict[str, object]]:
    from unrolled.library.entries import load_entry
    from unrolled.library.evidence import load, stale_claims, verdicts

    entry, evidence, key = load_entry(slug), load(slug), chapter_key(slug)
    found = verdicts(entry, evidence, key)
    stale = stale_claims(evidence, entry.datasets, key) if evidence else {}
    measured = {item.claim: item for item in evidence.measurements} if evidence else {}
    rows = []
    for claim in entry.claims:
        item = measured.get(claim.id)
        reason = stale.get(claim.id) or ("" if item else claim.not_attempted or "")
        rows.append(
            {
                "slug": slug,
                "claim": claim.id,
                "kind": claim.kind,
                "paper": claim.paper_value,
                "value": item.value if item else None,
                "spread": item.spread if item else None,
                "n": item.n if item else 0,
                "unit": claim.unit,
                "scale": item.scale or item.profile if item else "",
                "verdict": str(found[claim.id]),
                "note": reason or (item.carried_over if item else None) or "",
            }
        )
    return rows


def _print(rows: list[dict[str, object]]) -> None:
    columns = ["claim", "kind", "paper", "ours", "n", "scale", "verdict", "note"]
    table = []
    for row in rows:
        value, spread, unit = row["value"], row["spread"], f" {row['unit']}" if row["unit"] else ""
        ours = (
            "–"
            if value is None
            else f"{value:.4g}" + (f" ± {spread:.2g}" if spread is not None else "") + unit
        )
        paper = "–" if row["paper"] is None else f"{row['paper']:g}{unit}"
        cells = [row["claim"], row["kind"], paper, ours, row["n"] or "–", row["scale"] or "–", row["verdict"]]
        table.append([str(cell) for cell in (*cells, row["note"])])
    print_table(columns, table)


@evidence_app.command("list")
def list_evidence(as_json: bool = AS_JSON) -> None:
    """List every claim of every entry with its verdict. Example: unrolled evidence list --json"""
    from unrolled.library.entries import slugs

    rows = [row for slug in slugs() for row in _rows(slug)]
    if as_json:
        print_json(rows)
        return
    print_table(
        ["entry", "claim", "verdict", "scale"],
        [[str(row[name]) for name in ("slug", "claim", "verdict", "scale")] for row in rows],
    )


@evidence_app.command()
def show(slug: str = SLUG, as_json: bool = AS_JSON) -> None:
    """Show the claims of an entry: paper, ours, verdict. Example: unrolled evidence show bn_lstm"""
    rows = _rows(slug)
    if as_json:
        print_json(rows)
    else:
        _print(rows)


@evidence_app.command()
def collect(
    slug: str = SLUG,
    replace: bool = typer.Option(
        False, "--replace", help="Let smaller or incomplete runs replace evidence too."
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="Measure and show, but write nothing."),
) -> None:
    """Measure claims from finished runs into bib/evidence. Example: unrolled evidence collect bn_lstm"""
    from unrolled.base.paths import runs
    from unrolled.library.collecting import collect as collected
    from unrolled.library.collecting import results
    from unrolled.library.entries import load_entry
    from unrolled.library.evidence import save

    entry = load_entry(slug)
    if not results(slug)[0]:
        raise UnrolledError(
            f"no finished run of {slug}", file=runs() / slug, hint=f"unrolled train {slug} --profile paper"
        )
    outcome = collected(entry, replace=replace)
    for damaged in outcome.damaged:
        typer.echo(f"left out, cannot be read: {damaged}", err=True)
    for claim, why in outcome.kept.items():
        typer.echo(f"kept: {claim} was {why} (--replace takes the new ones)", err=True)
    if not dry_run:
        path = save(outcome.evidence)
        typer.echo(f"{_count(outcome.measured)} measured; wrote {path}", err=True)
        _print(_rows(slug))
    else:
        typer.echo(f"{_count(outcome.measured)} measured; nothing written", err=True)
        for item in outcome.evidence.measurements:
            if item.claim in outcome.measured:
                typer.echo(f"{item.claim}\t{item.value:.6g}\t{item.scale}")


@evidence_app.command()
def verify(
    slug: str = SLUG,
    every: bool = typer.Option(
        False, "--all", help="Repeat the first updates of evidence that is not stale too."
    ),
) -> None:
    """Repeat first updates and carry equal evidence over. Example: unrolled evidence verify bn_lstm

    Where the losses are equal, changed code computes the same, and the evidence gets the new key and says so.
    Where they differ, it stays stale and the exit status is 1.
    """
    from unrolled.library import evidence as files
    from unrolled.library.entries import load_entry

    entry, evidence = load_entry(slug), files.load(slug)
    if evidence is None:
        raise UnrolledError(f"nothing was measured for {slug}", hint=f"unrolled evidence collect {slug}")
    stale = files.stale_claims(evidence, entry.datasets)
    wanted = [item for item in evidence.measurements if item.key_parts and (every or item.claim in stale)]
    if not wanted:
        typer.echo("no evidence from runs is stale")
        return
    compared = {
        name: _repeat(slug, evidence, name) for name in sorted({run for item in wanted for run in item.runs})
    }
    today = datetime.now(UTC).date().isoformat()
    measurements, differing = [], []
    for item in evidence.measurements:
        if item not in wanted:
            measurements.append(item)
            continue
        faults = [reason for run in item.runs if (reason := compared[run])]
        if "data" in stale.get(item.claim, ""):
            faults.append(stale[item.claim])  # other data: twenty updates cannot tell
        if faults:
            differing.append(f"{item.claim}: {faults[0]}")
            measurements.append(item)
        elif item.claim in stale:
            kinds = [versions.partition(":")[0] for versions in item.key_parts.versions]
            versions = tuple(
                files.pinned_versions(k) or v for k, v in zip(kinds, item.key_parts.versions, strict=True)
            )
            parts = item.key_parts.model_copy(
                update={"source": files.source_part(slug), "versions": versions}
            )
            said = f"the first updates of its runs were repeated on {today} with equal losses, after a change"
            measurements.append(item.model_copy(update={"key_parts": parts, "carried_over": said}))
            typer.echo(f"{item.claim}: equal, carried over")
        else:
            measurements.append(item)
            typer.echo(f"{item.claim}: equal")
    files.save(evidence.model_copy(update={"measurements": tuple(measurements)}))
    if differing:
        for line in differing:
            typer.echo(line, err=True)
        raise UnrolledError(
            f"{len(differing)} of {len(wanted)} claims stay stale",
            file=files.evidence_file(slug),
            hint=f"train again: unrolled train {slug} --profile paper",
        )


def _repeat(slug: str, evidence, run: str) -> str | None:
    """Repeat a run's first updates; None where the losses are equal, else why they are not."""
    from importlib import import_module

    from unrolled.training.fingerprint import verify_fingerprint

    print_ = next((item for item in evidence.fingerprints if item.run == run), None)
    if print_ is None:
        return f"run {run} has no fingerprint"
    experiment = import_module(f"unrolled.papers.{slug}.experiment").EXPERIMENT
    try:
        config = restored(experiment, print_.profile, print_.config)
        device = "cpu" if print_.device == "cpu" else "cuda"
        found = verify_fingerprint(experiment, config, print_.seed, device, print_.losses)
    except (TypeError, UnrolledError) as error:
        return f"run {run} cannot be repeated: {error}"
    return None if found.equal else f"run {run}: losses differ by {found.difference:.2g} (relative)"


def restored(experiment: Experiment, profile: str, config: Mapping[str, object]) -> TrainingConfig:
    """A configuration as it was, from what a run's record says of it.

    Raises:
        TypeError: if the paper's configuration has no such field any more.
    """
    planned = next(iter(experiment.variants(profile).values()))  # all are of the paper's one Config
    return type(planned)(**{name: _frozen(value) for name, value in config.items()})


def _frozen(value: object) -> object:
    """Lists of a stored configuration as the tuples that they were."""
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _count(claims: list[str]) -> str:
    return f"{len(claims)} claim" + "s" * (len(claims) != 1)
