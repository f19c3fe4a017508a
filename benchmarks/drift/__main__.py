"""The command: measures one after the other, prints the tables, writes them to the page."""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.drift.contestants import ALL, OURS, Contestant
from benchmarks.drift.measure import LIMIT_S, REPEATS, Measured, Paths, measure
from benchmarks.drift.report import report, targets
from benchmarks.drift.workload import REFERENCE_ROWS
from benchmarks.machine import described
from benchmarks.page import fill
from benchmarks.processes import ROOT, run

PAGE = ROOT / "docs" / "explanation" / "bench-drift.md"
SIZES = (100_000, 1_000_000, 10_000_000)
SMALL = 1_000  #: rows of the call that makes everything ready
WINDOWS = 100
MINUTELY = (40, 4_000)  #: rows of a minute whose profiles are summed

#: Writes a file of the workload, apart from this process: what a child inherits stays small.
MAKE = (
    "import sys; from pathlib import Path; from benchmarks.drift.workload import file;"
    "print(file(Path(sys.argv[1]), int(sys.argv[2]), drifted=sys.argv[3] == 'True'))"
)

#: The versions of what a contestant's environment holds.
VERSIONS = (
    "import json, sys; from benchmarks.machine import versions;"
    "print(json.dumps(versions(*sys.argv[1:])))"
)


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drift", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES, help="current rows")
    parser.add_argument("--reference", type=int, default=REFERENCE_ROWS, help="reference rows")
    parser.add_argument("--all", action="store_true", help="every peer at every size: minutes")
    parser.add_argument("--without-peers", action="store_true", help="ours, SciPy and the floors")
    parser.add_argument("--limit", type=int, default=LIMIT_S, help="CPU s; then one is stopped")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="of what is quick")
    parser.add_argument("--windows", type=int, default=WINDOWS, help="summed from minutes")
    parser.add_argument("--minutely", type=int, nargs="+", default=MINUTELY, help="their rows")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench-drift")
    parser.add_argument("--date", help="of the run [default: today, UTC]")
    parser.add_argument("--write", action="store_true", help=f"the tables to {PAGE.name}")
    parser.add_argument("--check", action="store_true", help="leave with 1 when a target is missed")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    asked = arguments(given)
    some = [one for one in ALL if not (asked.without_peers and one.environment)]
    results = {rows: _at(rows, some, asked) for rows in asked.rows}
    numbers = [str(one) for one in (asked.reference, asked.windows, *asked.minutely)]
    inside = json.loads(_ours(["-m", "benchmarks.drift.inside", *numbers]))
    date = asked.date or f"{datetime.now(UTC):%Y-%m-%d}"
    text = f"{described(date)}. {_versions(some)}.\n\n{report(results, inside)}"
    print(text)
    if asked.write:
        fill(PAGE, "bench-drift", text)
    missed = [one for one in targets(results, inside) if one.met is False]
    return 1 if asked.check and missed else 0


def _at(rows: int, some: list[Contestant], asked: argparse.Namespace) -> dict[str, Measured]:
    paths = Paths(
        reference=_file(asked.folder, asked.reference, drifted=False),
        current=_file(asked.folder, rows, drifted=True),
        small=_file(asked.folder, SMALL, drifted=True),
    )
    found = {}
    for one in some:
        if one.rows is None or rows <= one.rows or asked.all:
            print(f"{rows:,} rows: {one.name}", file=sys.stderr, flush=True)
            found[one.name] = measure(one, paths, limit_s=asked.limit, repeats=asked.repeats)
    return found


def _file(folder: Path, rows: int, *, drifted: bool) -> Path:
    return Path(_ours(["-c", MAKE, str(folder.resolve()), str(rows), str(drifted)]).strip())


def _ours(command: list[str], python: Path = OURS) -> str:
    ended = run(python, command, wall_limit_s=3600.0)
    if ended.code:
        raise SystemExit(f"{' '.join(command[:2])} ended with {ended.code}\n{ended.errors}")
    return ended.output


def _versions(some: list[Contestant]) -> str:
    """What is installed, environment by environment."""
    said = []
    for python in dict.fromkeys(one.python for one in some if one.python.exists()):
        packages = [name for one in some if one.python == python for name in one.packages]
        held = json.loads(_ours(["-c", VERSIONS, *dict.fromkeys(packages)], python))
        said.append(", ".join(f"{name} {version}" for name, version in held.items()))
    return "; ".join(said)


if __name__ == "__main__":
    raise SystemExit(main())
