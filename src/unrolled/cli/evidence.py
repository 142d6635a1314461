"""Commands on evidence: ``unrolled evidence list``, ``show``, ``collect``, ``verify`` (and `compare`)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from unrolled.base.errors import UnrolledError
from unrolled.cli import app
from unrolled.cli.library import AS_JSON, chapter_key, print_json, print_table

if TYPE_CHECKING:
    from unrolled.library.judged import Judged
    from unrolled.library.measurements import Run

evidence_app = typer.Typer(
    help="Collect, show and verify what was measured for statements and findings.", no_args_is_help=True
)
app.add_typer(evidence_app, name="evidence")

WEIGHTS = typer.Option(None, "--weights", help="Keep the weights of this preset's median seed: copy.")
SLUG = typer.Argument(help="The entry's slug.")
BECAME = typer.Option(None, "--as", help="A claim of version 0.1 and what it became: OLD=NEW.")


def rows(slug: str) -> list[dict[str, object]]:
    """Every statement and finding of an entry with its outcome and numbers, for tables and JSON."""
    from unrolled.library.judged import load_evidence

    found = load_evidence(slug, chapter_key(slug))
    return [_row(slug, item) for item in (*found.statements(), *found.findings())]


def _row(slug: str, item: Judged) -> dict[str, object]:
    from unrolled.library.statements import Statement

    part = item.part
    return {
        "slug": slug,
        "id": item.id,
        "kind": item.of.kind if isinstance(item.of, Statement) else "finding",
        "headline": getattr(item.of, "headline", False),
        "outcome": str(item.outcome) if item.outcome else None,
        "scale": str(item.scale) if item.scale else None,
        "reductions": list(item.reductions),
        "reproduced": item.reproduced,
        "paper": item.paper,
        "ours": item.ours,
        "against": item.against,
        "difference": item.difference,
        "spread": item.spread,
        "n": item.n,
        "interval": item.interval,
        "level": part.level if part else None,
        "agree": part.agree if part else None,
        "per_seed": dict(item.per_seed),
        "parts": [one.model_dump(mode="json") for one in item.parts],
        "unit": item.of.unit,
        "note": item.note,
    }


def _table(found: list[dict[str, object]]) -> None:
    lines = []
    for row in found:
        unit = f" {row['unit']}" if row["unit"] else ""
        numbers = {
            name: "–" if row[name] is None else f"{row[name]:.4g}" for name in ("paper", "ours", "difference")
        }
        if row["ours"] is not None:
            numbers["ours"] += f" ± {row['spread']:.2g}" if row["spread"] is not None else ""
        interval = "–" if row["interval"] is None else "{:.3g} to {:.3g}".format(*row["interval"])
        scale = " ".join(
            filter(None, [row["scale"], f"({', '.join(row['reductions'])})" if row["reductions"] else ""])
        )
        lines.append(
            [
                row["id"],
                row["kind"],
                numbers["paper"],
                numbers["ours"] + (unit if row["ours"] is not None else ""),
                numbers["difference"],
                interval,
                str(row["n"] or "–"),
                scale or "–",
                row["outcome"] or "–",
                row["note"],
            ]
        )
    columns = ["id", "kind", "paper", "ours", "difference", "interval", "n", "scale", "outcome", "note"]
    print_table(columns, lines)


@evidence_app.command("list")
def list_evidence(as_json: bool = AS_JSON) -> None:
    """List the statements of every entry with their outcomes. Example: unrolled evidence list --json"""
    from unrolled.library.entries import slugs

    found = [row for slug in slugs() for row in rows(slug)]
    if as_json:
        print_json(found)
        return
    names = ("slug", "id", "outcome", "scale")
    print_table(list(names), [[str(row[name] or "–") for name in names] for row in found])


@evidence_app.command()
def show(slug: str = SLUG, as_json: bool = AS_JSON) -> None:
    """Show an entry's statements and findings: paper, ours, outcome. Example: unrolled evidence show dkt"""
    found = rows(slug)
    if as_json:
        print_json(found)
    else:
        _table(found)


@evidence_app.command()
def collect(
    slug: str = SLUG,
    replace: bool = typer.Option(
        False, "--replace", help="Let smaller or incomplete runs replace evidence too."
    ),
    weights: list[str] = WEIGHTS,
    dry_run: bool = typer.Option(False, "--dry-run", help="Measure and show, but write nothing."),
) -> None:
    """Measure statements and findings from finished runs. Example: unrolled evidence collect dkt"""
    from unrolled.base.paths import runs
    from unrolled.library.collecting import collect as collected
    from unrolled.library.collecting import finished
    from unrolled.library.entries import load_entry
    from unrolled.library.evidence import save

    entry = load_entry(slug)
    if weights and not dry_run:
        from unrolled.training.weights import keep_median

        for preset in weights:
            typer.echo(f"kept: {keep_median(slug, preset)}", err=True)
    outcome = collected(entry, replace=replace)
    for damaged in outcome.damaged:
        typer.echo(f"left out, cannot be read: {damaged}", err=True)
    for name, why in outcome.kept.items():
        typer.echo(f"kept: {name} was {why} (--replace takes the new ones)", err=True)
    if outcome.evidence.chapter is None and not outcome.evidence.runs and not finished(slug)[0]:
        hint = f"unrolled train {slug} PRESET --seeds 0-4"
        raise UnrolledError(
            f"no finished run and no executed chapter of {slug}", file=runs() / slug, hint=hint
        )
    count = f"{len(outcome.measured)} measured"
    if dry_run:
        typer.echo(f"{count}; nothing written", err=True)
        for name in outcome.measured:
            item = outcome.evidence.measured(name)
            typer.echo(f"{name}\t{item.parts[0].mean:.6g}\t{item.outcome or '–'}\t{item.scale or '–'}")
        return
    path = save(outcome.evidence)
    typer.echo(f"{count}; wrote {path}", err=True)
    _table(rows(slug))


@evidence_app.command()
def verify(
    slug: str = SLUG,
    every: bool = typer.Option(False, "--all", help="Measure fingerprints of runs that are not stale too."),
) -> None:
    """Measure fingerprints again and carry runs over that agree. Example: unrolled evidence verify dkt

    A fingerprint says what the code computes at given weights. Where it is the same under changed code, the
    run stands for the new code too, and says so. Where it differs, it stays stale and the exit status is 1.
    """
    from unrolled.library import evidence as files
    from unrolled.library import staleness
    from unrolled.library.entries import load_entry
    from unrolled.library.measurements import CarriedOver

    entry, evidence = load_entry(slug), files.load(slug)
    if evidence is None or not evidence.runs:
        raise UnrolledError(f"no run of {slug} is in the evidence", hint=f"unrolled evidence collect {slug}")
    present = staleness.Present(slug, entry.datasets)
    stale = {name: present.stale(run) for name, run in evidence.runs.items()}
    wanted = [name for name in evidence.runs if every or stale[name]]
    if not wanted:
        typer.echo("no run is stale")
        return
    runs, differing = dict(evidence.runs), []
    for name in wanted:
        run = runs[name]
        other_data = "checksums of the data" in (stale[name] or "")  # a few batches cannot tell
        reason = stale[name] if other_data else _differs(slug, run)
        if reason:
            differing.append(f"{name}: {reason}")
            continue
        typer.echo(f"{name}: equal" + (", carried over" if stale[name] else ""))
        if stale[name]:
            versions = run.key_parts["versions"]
            now = CarriedOver(
                source=present.source,
                versions=staleness.pinned_versions(versions.partition(":")[0]) or versions,
                on=datetime.now(UTC).date().isoformat(),
            )
            runs[name] = run.model_copy(update={"carried_over": now})
    files.save(evidence.model_copy(update={"runs": runs}))
    if differing:
        for line in differing:
            typer.echo(line, err=True)
        raise UnrolledError(
            f"{len(differing)} of {len(wanted)} runs differ from their fingerprints",
            file=files.evidence_file(slug),
            hint=f"train them again: unrolled train {slug}",
        )


def _differs(slug: str, run: Run) -> str | None:
    """Why a run's fingerprint is not what the present code computes, or None where it is."""
    from unrolled.training.experiment import experiment
    from unrolled.training.fingerprint import compare, measure

    if not run.fingerprint:
        return "it has no fingerprint"
    try:
        kind = experiment(slug)
        found = measure(kind(kind.Config.of(run.config), run.seed), _weights(run))
    except (TypeError, RuntimeError, UnrolledError) as error:
        return f"it cannot be repeated: {error}"
    lines = compare(run.fingerprint, found)
    return "; ".join(lines[:2]) if lines else None


def _weights(run: Run) -> dict | None:
    """The best weights of a run, where its folder is in the run store."""
    from unrolled.base.paths import runs
    from unrolled.training.checkpoints import read_tensors

    found = list(runs().glob(f"*/{run.name}/best.safetensors"))
    return read_tensors(found[0])[0] if found else None


@evidence_app.command()
def archive(
    slug: str = SLUG,
    became: list[str] = BECAME,
) -> None:
    """Archive what version 0.1 measured. Example: unrolled evidence archive dkt --as raw-rows=rows"""
    from unrolled.base.errors import UsageError
    from unrolled.library.archiving import archive as archived
    from unrolled.library.entries import entry_file, read_entry
    from unrolled.library.evidence import save

    pairs = [text.partition("=") for text in became or ()]
    if any(not (old and new) for old, _, new in pairs):
        raise UsageError("--as needs OLD=NEW")
    entry, _ = read_entry(entry_file(slug))
    evidence = archived(slug, entry, {old: new for old, _, new in pairs})
    path = save(evidence)
    said = sum(item.statement is not None for item in evidence.archived)
    typer.echo(f"{len(evidence.archived)} archived, {said} with a statement or finding; wrote {path}")
