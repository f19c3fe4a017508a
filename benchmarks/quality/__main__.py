"""The command: does everything on all cores, prints the tables, writes them to the page."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.machine import described, versions
from benchmarks.page import fill
from benchmarks.processes import ROOT
from benchmarks.quality.plan import Size, tasks
from benchmarks.quality.report import report, targets
from benchmarks.quality.tasks import Results, Task, done
from benchmarks.quality.watched import MOST

PAGE = ROOT / "docs" / "explanation" / "bench-quality.md"
KEPT = ROOT / "build" / "bench-quality" / "results.json"

#: A thread for each process: the cores are kept busy by the processes.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

QUICK = 0.01  #: the scale that only shows that everything runs


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers of windows")
    parser.add_argument("--quick", action="store_true", help=f"--scale {QUICK}, without peers")
    parser.add_argument("--without-peers", action="store_true", help="no packages but homeostat")
    parser.add_argument("--only", default="", help="tasks whose names hold this")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reference", type=int, default=100_000, help="its rows")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="0: in this process")
    parser.add_argument(
        "--kept", type=Path, nargs="+", default=[KEPT], help="where the results are kept"
    )
    parser.add_argument(
        "--again", action="store_true", help="tables of what is kept alone, in several files too"
    )
    parser.add_argument("--date", help="of the run [default: today, UTC]")
    parser.add_argument("--write", action="store_true", help=f"the tables to {PAGE.name}")
    parser.add_argument("--check", action="store_true", help="leave with 1 when a target is missed")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    asked = arguments(given)
    kept = _kept(asked.kept) if asked.again else _measured(asked)
    text = f"{kept['made']}\n\n{report(kept['results'])}"
    print(text)
    if asked.write:
        fill(PAGE, "bench-quality", text)
    missed = [one for one in targets(kept["results"]) if not one.met]
    failed = any(one["table"] == "failed" for one in kept["results"])
    return 1 if failed or (asked.check and missed) else 0


def _kept(files: Sequence[Path]) -> dict[str, Any]:
    """What one run kept, or several that each did a part of it with ``--only``."""
    read = [json.loads(one.read_text(encoding="utf-8")) for one in files]
    made = dict.fromkeys(one["made"] for one in read)
    return {"made": " ".join(made), "results": [row for one in read for row in one["results"]]}


def _measured(asked: argparse.Namespace) -> dict[str, Any]:
    date = asked.date or f"{datetime.now(UTC):%Y-%m-%d}"
    installed = versions("homeostat", "numpy", "scipy")
    named = ", ".join(f"{name} {version}" for name, version in installed.items())
    scaled = f" Numbers of windows times {asked.scale:g}." if asked.scale != 1 else ""
    made = f"{described(date)}. {named}.{scaled}"
    kept = {"made": made, "results": _results(asked)}
    asked.kept[0].parent.mkdir(parents=True, exist_ok=True)
    asked.kept[0].write_text(json.dumps(kept), encoding="utf-8")
    return kept


def _results(asked: argparse.Namespace) -> Results:
    size = Size(
        scale=QUICK if asked.quick else asked.scale,
        peers=not (asked.quick or asked.without_peers),
        seed=asked.seed,
        reference_rows=asked.reference,
        most=2 if asked.quick else MOST,
    )
    chosen = [one for one in tasks(size) if asked.only in one.name]
    if not asked.jobs:
        return [row for one in chosen for row in done(one)]
    os.environ.update(ONE_THREAD)
    return _in_parallel(chosen, asked.jobs)


def _in_parallel(chosen: Sequence[Task], jobs: int) -> Results:
    found: dict[int, Results] = {}
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(done, one): i for i, one in enumerate(chosen)}
        for one in as_completed(waiting):
            i = waiting[one]
            error = one.exception()  # of one task; it costs no other its results
            if error is None:
                found[i] = one.result()
                told = f"{found[i][-1]['wall_s']:.0f} s"
            else:
                told = f"failed: {type(error).__name__}: {error}"
                found[i] = [{"table": "failed", "task": chosen[i].name, "why": told}]
            line = f"{len(found)} of {len(chosen)}: {chosen[i].name}, {told}"
            print(line, file=sys.stderr, flush=True)
    return [row for i in sorted(found) for row in found[i]]


if __name__ == "__main__":
    raise SystemExit(main())
