"""The process in which papermill executes one chapter: `python -m unrolled.execution._worker JOB.json`.

It holds standard input open. When the runner ends, however it ends, that pipe closes, and this process takes
its kernel with it: a killed runner leaves nothing running.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import threading
from pathlib import Path


def end_tree(root: int | None = None) -> None:
    """Kill every descendant of a process, by default of this one; kernels have a session of their own."""
    import psutil

    try:
        children = psutil.Process(root).children(recursive=True)
    except psutil.NoSuchProcess:
        return
    for child in children:
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue


def _end_with_the_runner() -> None:
    while os.read(0, 1):
        pass
    end_tree()
    os._exit(1)


def _peak_memory_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # kilobytes; bytes on macOS
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)


def main(job_file: str) -> int:
    """Execute the notebook of a job and write what came of it to its ``report``; 0 where all cells ran."""
    threading.Thread(target=_end_with_the_runner, daemon=True).start()
    job = json.loads(Path(job_file).read_text(encoding="utf-8"))
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S"
    )

    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    report: dict[str, object] = {"fault": None}
    try:
        papermill.execute_notebook(
            job["input"],
            job["output"],
            parameters=job["parameters"],
            kernel_name="python3",
            language="python",
            progress_bar=False,
            log_output=True,
            start_timeout=job["start_timeout"],
            cwd=job["folder"],
            coalesce_streams=True,
        )
    except PapermillExecutionError as error:
        print(error, file=sys.stderr, flush=True)
        report |= {"fault": "cell", "cell": error.cell_index, "error": f"{error.ename}: {error.evalue}"}
    except DeadKernelError:
        report["fault"] = "kernel"
    except Exception as error:  # whatever else papermill raises, the runner tells in one line
        logging.getLogger("unrolled").exception("papermill failed")
        report |= {"fault": "papermill", "error": f"{type(error).__name__}: {error}"}
    report["peak_memory_mb"] = _peak_memory_mb()
    Path(job["report"]).write_text(json.dumps(report), encoding="utf-8")
    return 0 if report["fault"] is None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
