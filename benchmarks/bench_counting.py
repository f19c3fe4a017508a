"""What counting costs: a row at a time, whole frames, files, and only reading the file.

    python benchmarks/bench_counting.py [ROWS]

Rows of 20 columns: 15 numbers (normal, lognormal, mostly zero, whole, one with 5 % missing)
and 5 texts of 5 to 200 categories.  Times are of the processor, user and system, the best of
three, in one process; read the ratios.
"""

import resource
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from homeostat.bins import Bins
from homeostat.dataset.sources import open_source
from homeostat.engines.frames import count_frame, fit_frame_bins
from homeostat.engines.rows import RowCounter
from homeostat.profile import Profile
from homeostat.schema import Feature, Kind, Row, Schema, Target, Task

NUMBERS = 15
CATEGORIES = (5, 10, 20, 50, 200)
REFERENCE = 100_000
ROWS = 1_000_000
ONE_BY_ONE = 20_000  #: of the rows; the time for each does not depend on their number
REPEATS = 3

SCHEMA = Schema(
    task=Task.BINARY,
    target=Target(column="y"),
    features=(
        *(Feature(name=f"x{i}", kind=Kind.NUMBER, nullable=True) for i in range(NUMBERS)),
        *(Feature(name=f"c{i}", kind=Kind.CATEGORY) for i in range(len(CATEGORIES))),
    ),
)


def number(i: int, rows: int, rng: np.random.Generator) -> NDArray[np.float64]:
    if i % 4 == 0:
        return rng.normal(size=rows)
    if i % 4 == 1:
        return rng.lognormal(size=rows)
    if i % 4 == 2:
        return np.where(rng.random(rows) < 0.6, 0.0, rng.lognormal(size=rows))
    return rng.poisson(20, rows).astype(float)


def frame(rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    columns = {f"x{i}": pl.Series(number(i, rows, rng)) for i in range(NUMBERS)}
    missing = pl.Series(rng.random(rows) < 0.05)
    columns["x0"] = columns["x0"].set(missing, None)
    for i, levels in enumerate(CATEGORIES):
        words = pl.Series([f"level {j}" for j in range(levels)])
        columns[f"c{i}"] = words[rng.integers(0, levels, rows)]
    return pl.DataFrame(columns)


def one_by_one(rows: list[Row], bins: Bins) -> Profile:
    counter = RowCounter(bins)
    for row in rows:
        counter.add(row)
    return counter.profile


def processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def best(work: Callable[[], object]) -> float:
    """Processor seconds of the quickest run."""
    seconds = []
    for _ in range(REPEATS):
        before = processor_s()
        work()
        seconds.append(processor_s() - before)
    return min(seconds)


def count_file(path: Path, bins: Bins) -> Profile:
    return count_frame(open_source(path), bins)


def main(rows: int) -> None:
    reference, current = frame(REFERENCE, seed=0), frame(rows, seed=1)
    bins = fit_frame_bins(reference, SCHEMA)
    some = current[: min(rows, ONE_BY_ONE)]
    as_rows: list[Row] = some.to_dicts()
    if one_by_one(as_rows, bins) != count_frame(some, bins):
        raise SystemExit("a row at a time and a whole frame give other counts")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        current.write_parquet(path)
        if count_file(path, bins) != count_frame(current, bins):
            raise SystemExit("a file and its frame give other counts")
        work: dict[str, tuple[Callable[[], object], int]] = {
            "read Parquet, polars": (partial(pl.read_parquet, path), rows),
            "count Parquet": (partial(count_file, path, bins), rows),
            "count polars": (partial(count_frame, current, bins), rows),
            "count pyarrow": (partial(count_frame, current.to_arrow(), bins), rows),
            "count pandas": (partial(count_frame, current.to_pandas(), bins), rows),
            "count row by row": (partial(one_by_one, as_rows, bins), len(as_rows)),
            "fit bins": (partial(fit_frame_bins, reference, SCHEMA), REFERENCE),
        }
        measured = {name: (best(one), n) for name, (one, n) in work.items()}
    print(f"{rows:,} rows of {len(SCHEMA.features)} features, {bins.offsets[-1]:,} bins")
    print(f"{'':<22}{'us a row':>10}{'times reading':>15}")
    floor = measured["read Parquet, polars"][0] / rows
    for name, (seconds, n) in measured.items():
        print(f"{name:<22}{1e6 * seconds / n:>10.3f}{seconds / n / floor:>15.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
