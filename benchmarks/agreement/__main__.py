"""The command: compares, and writes the table to the page.

python -m benchmarks.agreement --data FOLDER
"""

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.agreement.measures import by_scipy, measured, ours
from benchmarks.agreement.samples import Pair, pairs
from benchmarks.page import fill, table
from benchmarks.processes import PEERS, ROOT, python_of, run, why_absent

PAGE = ROOT / "docs" / "explanation" / "agreement.md"
LIMIT_S = 600.0
HEADS = ("data", "column", "distance", "homeostat", "SciPy", "Evidently", "NannyML")

#: By peer, pair, column and distance.
Found = Mapping[str, Mapping[str, Mapping[str, Mapping[str, float]]]]


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.agreement", description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT / "data", help="the real data files")
    parser.add_argument("--peers", type=Path, default=python_of(PEERS), help="their interpreter")
    asked = parser.parse_args(given)
    held = pairs(asked.data)
    text = compared(held, by_peers(held, asked.peers))
    print(text)
    fill(PAGE, "agreement", text)


def by_peers(held: Mapping[str, Pair], python: Path) -> Found:
    """What the peers say of the same rows."""
    if not python.exists():
        raise SystemExit(f"{python} is not there: {why_absent(PEERS)}")
    with tempfile.TemporaryDirectory() as folder:
        for name, pair in held.items():
            pair.reference.write_parquet(Path(folder) / f"{name}.reference.parquet")
            pair.current.write_parquet(Path(folder) / f"{name}.current.parquet")
        ended = run(python, ["-m", "benchmarks.agreement.peers", folder], wall_limit_s=LIMIT_S)
    if ended.code:
        raise SystemExit(f"the peers ended with {ended.code}: {ended.errors[-2_000:]}")
    found: Found = json.loads(ended.output.splitlines()[-1])
    return found


def compared(held: Mapping[str, Pair], peers: Found) -> str:
    """The table, one row for each distance of each column."""
    rows = []
    for name, pair in held.items():
        mine, scipys = ours(pair), by_scipy(pair)
        for column, one in measured(pair):
            place = column, one.shown
            others = (
                peers[peer][name].get(column, {}).get(one.shown)
                for peer in ("Evidently", "NannyML")
            )
            values = (mine[place], scipys[place], *others)
            shown = ["\u2013" if value is None else written(value) for value in values]
            rows.append([name, f"`{column}`", one.shown, *shown])
    return table(HEADS, rows, names=3)


def written(value: float) -> str:
    return f"{value:.5f}" if value < 10 else f"{value:.2f}"


if __name__ == "__main__":
    main()
