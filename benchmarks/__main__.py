"""Time the models against the fused layer and a textbook loop: ``python -m benchmarks``.

The contenders alternate in one process, and each one's median of all rounds counts. Only ratios are printed:
they carry over to another machine of the kind, times do not. On a GPU each contender is also captured as one
CUDA graph, and times are printed beside the ratios, with the card's name.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator

import torch

from benchmarks import pages
from benchmarks.registry import BENCHMARKS, Benchmark, Update
from unrolled.base.allocator import keep_freed_memory


def captured(update: Update) -> Update:
    """The whole update as one CUDA graph; a call replays it."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            update()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        update()
    return graph.replay


def seconds(update: Update, device: str) -> float:
    """Seconds of one update: by the wall on a GPU; of the process on a CPU, which others may share."""
    if device != "cuda":
        start = time.process_time()
        update()
        return time.process_time() - start
    torch.cuda.synchronize()
    start = time.perf_counter()
    update()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def measure(benchmark: Benchmark, steps: int, arguments: argparse.Namespace) -> Iterator[dict[str, object]]:
    """One row a contender, after all rounds."""
    device = arguments.device
    updates: dict[str, Update] = {}
    for contender in benchmark.contenders:
        if contender.compiled and not arguments.compile:
            continue
        updates[contender.name] = update = contender.build(steps, device)
        update()
        if device == "cuda" and contender.capturable:
            updates[f"{contender.name}, captured"] = captured(contender.build(steps, device))
    taken: dict[str, list[float]] = {name: [] for name in updates}
    for _ in range(arguments.rounds + 1):
        for name, update in updates.items():
            taken[name].append(seconds(update, device))
    # The first round warms caches up.
    median = {name: statistics.median(times[1:] or times) for name, times in taken.items()}
    limit, textbook = (contender.name for contender in benchmark.contenders[:2])
    for name, value in median.items():
        row = {
            "model": benchmark.slug,
            "steps": steps,
            "contender": name,
            "share_of_fused": median[limit] / value,
            "times_textbook": median[textbook] / value,
            "goal": benchmark.goals.get(name, {}).get(steps) if device == "cpu" else None,
        }
        yield row | ({"milliseconds": 1e3 * value} if device == "cuda" else {})


def table(rows: list[dict[str, object]], title: str) -> None:
    """Rows as a table on a terminal, as plain lines elsewhere."""
    names = list(rows[0])
    heads = [name.replace("_", " ") for name in names]
    cells = [
        [f"{row[name]:.2f}" if isinstance(row[name], float) else str(row[name] or "") for name in names]
        for row in rows
    ]
    if not sys.stdout.isatty():
        print("\t".join(heads), *("\t".join(line) for line in cells), sep="\n")
        return
    from rich.console import Console
    from rich.table import Table

    shown = Table(*heads, title=title)
    for line in cells:
        shown.add_row(*line)
    Console().print(shown)


def main() -> int:
    """Run what the arguments select."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Compare training updates of the models, as ratios.",
        epilog="Example: python -m benchmarks --only bn_lstm --steps 100 --json",
    )
    parser.add_argument(
        "--only", choices=[*(b.slug for b in BENCHMARKS), "pages"], help="run one model, or the pages"
    )
    parser.add_argument("--steps", type=int, action="append", help="a length instead of the registered ones")
    parser.add_argument("--rounds", type=int, default=7, help="rounds that count (default 7)")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--no-compile", dest="compile", action="store_false", help="leave compiled ones out")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    if arguments.rounds < 1 or min(arguments.steps or [1]) < 1:
        parser.error("--rounds and --steps must be at least 1")
    if arguments.device == "cuda" and not torch.cuda.is_available():
        print("benchmarks: no CUDA device here (leave --device out to run on the CPU)", file=sys.stderr)
        return 1
    torch.set_num_threads(1)
    keep_freed_memory()  # as training does
    torch.manual_seed(0)
    where = torch.cuda.get_device_name() if arguments.device == "cuda" else "CPU, one thread"
    rows = [
        row
        for benchmark in BENCHMARKS
        if arguments.only in (None, benchmark.slug)
        for steps in arguments.steps or benchmark.steps
        for row in measure(benchmark, steps, arguments)
    ]
    versions = {"device": where, "torch": torch.__version__, "rounds": arguments.rounds}
    generated = (
        list(pages.measure()) if arguments.only == "pages" or not (arguments.only or arguments.steps) else []
    )
    if arguments.json:
        print(json.dumps({**versions, "rows": rows, "pages": generated}, indent=2))
        return 0
    if rows:
        table(rows, f"Training updates, {where}, torch {torch.__version__}")
    if generated:
        table(generated, "The book's generated pages, without Sphinx")
    return 0


if __name__ == "__main__":
    sys.exit(main())
