"""The command: every stream with every method, prints the tables, writes them to the page."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.estimates.measure import measured
from benchmarks.estimates.real import DRAWS, real
from benchmarks.estimates.report import Results, report, targets
from benchmarks.estimates.simulated import WORLDS, simulated
from benchmarks.estimates.stream import CONCEPT, Rows, Stream
from benchmarks.machine import described, versions
from benchmarks.page import fill
from benchmarks.processes import PEERS, ROOT, last_line, python_of, run, why_absent
from homeostat.dataset import ScoredColumns, read_scored

PAGE = ROOT / "docs" / "explanation" / "bench-estimates.md"
KEPT = ROOT / "build" / "bench-estimates" / "results.json"
LAGS = (1, 5)
LIMIT_S = 3_600.0


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.estimates", description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT / "data", help="the real data files")
    parser.add_argument("--only", default="", help="streams whose names hold this")
    parser.add_argument("--draws", type=int, default=DRAWS, help="of each stream that is drawn")
    parser.add_argument("--without-peers", action="store_true", help="no packages but homeostat")
    parser.add_argument("--peers", type=Path, default=python_of(PEERS), help="their interpreter")
    parser.add_argument("--simulated", action="store_true", help="the streams of the settings")
    parser.add_argument("--stream", type=Path, nargs="*", default=[], help="files of your own")
    parser.add_argument("--columns", default="time,score,label", help="their columns, in order")
    parser.add_argument("--reference", type=int, default=5_000, help="their first labelled rows")
    parser.add_argument("--rows", type=int, default=1_000, help="of a window of theirs")
    parser.add_argument("--kept", type=Path, default=KEPT, help="where the results are kept")
    parser.add_argument("--again", action="store_true", help="tables of what is kept alone")
    parser.add_argument("--date", help="of the run [default: today, UTC]")
    parser.add_argument("--write", action="store_true", help=f"the tables to {PAGE.name}")
    parser.add_argument("--check", action="store_true", help="leave with 1 when a target is missed")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    asked = arguments(given)
    if asked.again:
        kept = json.loads(asked.kept.read_text(encoding="utf-8"))
    else:
        kept = {"made": _made(asked), "results": _results(asked)}
        asked.kept.parent.mkdir(parents=True, exist_ok=True)
        asked.kept.write_text(json.dumps(kept), encoding="utf-8")
    text = f"{kept['made']}\n\n{report(kept['results'])}"
    print(text)
    if asked.write:
        fill(PAGE, "bench-estimates", text)
    missed = [one for one in targets(kept["results"]) if not one.met]
    return 1 if asked.check and missed else 0


def _made(asked: argparse.Namespace) -> str:
    date = asked.date or f"{datetime.now(UTC):%Y-%m-%d}"
    installed = versions("homeostat", "numpy", "scipy", "scikit-learn")
    named = ", ".join(f"{name} {version}" for name, version in installed.items())
    return f"{described(date)}. {named}."


def _results(asked: argparse.Namespace) -> Results:
    found: Results = []
    for draws in _streams(asked):
        if asked.only not in draws[0].name:
            continue
        theirs = {} if asked.without_peers else by_nannyml(draws, asked.peers)
        if isinstance(theirs, str):
            found.append({"table": "absent", "peer": "NannyML", "why": theirs})
            theirs = {}
        for i, stream in enumerate(draws):
            for lag in LAGS:
                rows = measured(stream, lag, nannyml=theirs.get(str(i)))
                found += [{"table": "measured", "draw": i, **asdict(one)} for one in rows]
        print(draws[0].name, file=sys.stderr, flush=True)
    return found


def _streams(asked: argparse.Namespace) -> Iterator[list[Stream]]:
    """Every stream in its draws."""
    if asked.stream:
        yield from ([from_file(one, asked)] for one in asked.stream)
    elif asked.simulated:
        yield from ([simulated(one, i) for i in range(asked.draws)] for one in WORLDS)
    else:
        yield from real(asked.data, asked.draws)


def from_file(path: Path, asked: argparse.Namespace) -> Stream:
    """A stream from a file with the time, the score and the label of each row."""
    time, score, label = asked.columns.split(",")
    rows = read_scored(path, ScoredColumns(time=time, score=score, label=label))
    held = Rows(rows.score[rows.labelled], rows.label[rows.labelled])
    first, rest = (
        Rows(held.score[part], held.label[part])
        for part in (slice(None, asked.reference), slice(asked.reference, None))
    )
    return Stream(name=path.stem, changes=CONCEPT, reference=first, rows=rest, size=asked.rows)


def by_nannyml(
    draws: Sequence[Stream], python: Path
) -> Mapping[str, Mapping[str, list[float]]] | str:
    """Its estimate of each window, by draw and metric; or why there is none."""
    if not python.exists():
        return f"not installed: {why_absent(PEERS)}"
    with tempfile.TemporaryDirectory() as folder:
        for i, one in enumerate(draws):
            np.savez(
                Path(folder) / f"{i}.npz",
                reference_score=one.reference.score,
                reference_label=one.reference.label,
                score=one.rows.score,
                label=one.rows.label,
                threshold=one.threshold,
                size=one.size,
            )
        ended = run(python, ["-m", "benchmarks.estimates.peers", folder], wall_limit_s=LIMIT_S)
    if ended.code:
        return f"failed: {last_line(ended.errors)}"
    found: dict[str, Any] = json.loads(ended.output.splitlines()[-1])
    return found


if __name__ == "__main__":
    raise SystemExit(main())
