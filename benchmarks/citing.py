"""Time ``unrolled cite`` for every entry, each in a process of its own: ``python -m benchmarks.citing``.

A reader waits for the whole process, so its start counts. The limit is half a second.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

from unrolled.library.entries import slugs

LIMIT = 0.5
"""Seconds that one citation may take."""


def seconds(slug: str, style: str) -> float:
    """Wall seconds of one command."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "unrolled", "cite", slug, "--style", style]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> int:
    """Print the median and the longest of all entries; exit 1 where the median is over the limit."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.citing", description=__doc__.partition(":")[0]
    )
    parser.add_argument("--style", default="bibtex")
    parser.add_argument("--only", action="append", help="time this entry alone; may be given again")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    taken = {slug: seconds(slug, arguments.style) for slug in arguments.only or slugs()}
    slowest = max(taken, key=taken.__getitem__)
    median = statistics.median(taken.values())
    if arguments.json:
        print(
            json.dumps(
                {"style": arguments.style, "limit": LIMIT, "median": median, "seconds": taken}, indent=1
            )
        )
    else:
        print(
            f"unrolled cite --style {arguments.style}: {len(taken)} entries, median {median:.2f} s, ", end=""
        )
        print(f"longest {taken[slowest]:.2f} s ({slowest}); limit {LIMIT} s")
    return int(median > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
