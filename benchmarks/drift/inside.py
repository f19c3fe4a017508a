"""What the parts cost that no file is read for: sums of minute profiles, and counting a row.

python -m benchmarks.drift.inside ROWS_REFERENCE WINDOWS ROWS_A_MINUTE...

One line of JSON on standard output.  Processor time, the best of three.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.drift.engines.ours import schema
from benchmarks.drift.workload import rows
from homeostat.bins import Bins
from homeostat.engines.frames import count_frame, fit_frame_bins
from homeostat.engines.rows import RowCounter
from homeostat.prediction import Prediction
from homeostat.profile import Sparse, total
from homeostat.store import MinuteProfile, Store, open_store

STEP = timedelta(minutes=5)  #: from window to window
LENGTHS_MINUTES = (5, 60, 1440)
DISTINCT = 60  #: minutes that are counted; they come round again
ONE_BY_ONE = 20_000
START = datetime(2026, 1, 5, tzinfo=UTC)
REPEATS = 3


def best_s(work: Callable[[], object]) -> float:
    """Processor seconds of the quickest run."""
    seconds = []
    for _ in range(REPEATS):
        before = time.process_time()
        work()
        seconds.append(time.process_time() - before)
    return min(seconds)


def minutes(bins: Bins, rows_a_minute: int) -> list[Sparse]:
    """The profiles of some minutes."""
    table = rows(DISTINCT * rows_a_minute, seed=1, drifted=False)
    return [
        count_frame(table.slice(i * rows_a_minute, rows_a_minute), bins).sparse()
        for i in range(DISTINCT)
    ]


def in_memory_ms(bins: Bins, parts: list[Sparse], length: int, windows: int) -> float:
    """So many windows of `length` minutes, each from the profiles of its minutes."""
    held = [[parts[(5 * w + i) % len(parts)] for i in range(length)] for w in range(windows)]
    return 1000 * best_s(lambda: [total(bins, some) for some in held])


def filled(folder: Path, parts: list[Sparse], n: int) -> Store:
    """A store that holds the profiles of `n` minutes, compacted as it does by itself."""
    store = open_store(f"sqlite:///{folder / 'homeostat.db'}")
    held = [
        MinuteProfile("m", 1, START + timedelta(minutes=i), parts[i % len(parts)]) for i in range(n)
    ]
    first = Prediction(
        id="first",
        model="m",
        version=1,
        received_at=START,
        features={},
        prediction=0,
        probability=0.0,
        body_digest="0" * 64,
    )
    store.add_predictions([first], lambda _: held)
    store.compact_profiles("m", START + timedelta(minutes=n))
    return store


def in_store_ms(store: Store, bins: Bins, length: int, windows: int) -> float:
    """So many windows of `length` minutes, read from the database and summed."""
    last = max(LENGTHS_MINUTES)
    ends = [START + timedelta(minutes=last) + w * STEP for w in range(windows)]
    span = timedelta(minutes=length)
    return 1000 * best_s(
        lambda: [store.window_profile("m", 1, bins, end - span, end) for end in ends]
    )


def row_us(bins: Bins) -> float:
    """Microseconds to count one row, its share of the summing included."""
    held = rows(ONE_BY_ONE, seed=2, drifted=False).to_pylist()

    def one_by_one() -> None:
        counter = RowCounter(bins)
        for row in held:
            counter.add(row)
        _ = counter.profile

    return 1e6 * best_s(one_by_one) / len(held)


def main(reference_rows: int, windows: int, minutely: list[int]) -> None:
    bins = fit_frame_bins(rows(reference_rows, seed=0, drifted=False), schema())
    sums = []
    for rows_a_minute in minutely:
        parts = minutes(bins, rows_a_minute)
        with tempfile.TemporaryDirectory() as folder:
            n = max(LENGTHS_MINUTES) + 5 * windows
            with filled(Path(folder), parts, n) as store:
                sums += [
                    {
                        "rows_a_minute": rows_a_minute,
                        "minutes": length,
                        "memory_ms": in_memory_ms(bins, parts, length, windows),
                        "store_ms": in_store_ms(store, bins, length, windows),
                    }
                    for length in LENGTHS_MINUTES
                ]
    print(json.dumps({"windows": windows, "sums": sums, "row_us": row_us(bins)}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), [int(one) for one in sys.argv[3:]])
