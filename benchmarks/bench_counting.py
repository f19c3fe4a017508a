"""What counting costs: a row at a time, a whole frame, and only reading the file.

    python benchmarks/bench_counting.py [ROWS]

Rows of 20 features, 15 numbers and 5 categories.  Times are of the processor, the best of
three, in one process; read the ratios.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from homeostat.bins import Bins
from homeostat.engines.frames import count_frame, fit_frame_bins
from homeostat.engines.rows import RowCounter
from homeostat.profile import Profile
from homeostat.schema import Feature, Kind, Row, Schema, Target, Task

NUMBERS, CATEGORIES = 15, 5
LEVELS = tuple(f"level {i}" for i in range(20))
REFERENCE = 20_000
ROWS = 200_000
ONE_BY_ONE = 20_000  #: of the rows; the time for each does not depend on their number
REPEATS = 3

SCHEMA = Schema(
    task=Task.BINARY,
    target=Target(column="y"),
    features=(
        *(Feature(name=f"x{i}", kind=Kind.NUMBER, nullable=True) for i in range(NUMBERS)),
        *(Feature(name=f"c{i}", kind=Kind.CATEGORY, categories=LEVELS) for i in range(CATEGORIES)),
    ),
)


def frame(rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    columns: dict[str, pl.Series] = {}
    for i in range(NUMBERS):
        values = rng.lognormal(0, 1, rows)
        values[rng.random(rows) < 0.02] = np.nan
        columns[f"x{i}"] = pl.Series(values).fill_nan(None)
    for i in range(CATEGORIES):
        columns[f"c{i}"] = pl.Series(rng.choice(LEVELS, rows))
    return pl.DataFrame(columns)


def one_by_one(rows: list[Row], bins: Bins) -> Profile:
    counter = RowCounter(bins)
    for row in rows:
        counter.add(row)
    return counter.profile


def best(work: Callable[[], object]) -> float:
    """Processor seconds of the quickest run."""
    seconds = []
    for _ in range(REPEATS):
        before = time.process_time()
        work()
        seconds.append(time.process_time() - before)
    return min(seconds)


def main(rows: int) -> None:
    bins = fit_frame_bins(frame(REFERENCE, seed=0), SCHEMA)
    current = frame(rows, seed=1)
    some = current[: min(rows, ONE_BY_ONE)]
    as_rows: list[Row] = some.to_dicts()
    if one_by_one(as_rows, bins) != count_frame(some, bins):
        raise SystemExit("a row at a time and a whole frame give other counts")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        current.write_parquet(path)
        measured = {
            "read, polars": (best(lambda: pl.read_parquet(path)), rows),
            "count the frame": (best(lambda: count_frame(current, bins)), rows),
            "count row by row": (best(lambda: one_by_one(as_rows, bins)), len(as_rows)),
        }
    print(f"{rows:,} rows of {NUMBERS + CATEGORIES} features, {bins.offsets[-1]:,} bins")
    print(f"{'':<18}{'us a row':>10}{'times reading':>15}")
    floor = measured["read, polars"][0] / rows
    for name, (seconds, n) in measured.items():
        print(f"{name:<18}{1e6 * seconds / n:>10.3f}{seconds / n / floor:>15.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
