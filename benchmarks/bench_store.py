"""What durability costs: predictions a second, with group commit and without the disk.

    python benchmarks/bench_store.py [SECONDS]

Each of 64 callers asks for one prediction after the other and waits until it is stored.
`each alone` gives every prediction a commit of its own; `synchronous=OFF` is what a store
would do that forgets at a power cut, and what no option of homeostat turns on.  SQLite in a
temporary folder (TMPDIR), so that it is its disk that is measured.
"""

import asyncio
import hashlib
import itertools
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import event
from sqlalchemy.pool import Pool

from homeostat.bins import Bins, fit_numeric
from homeostat.prediction import Prediction
from homeostat.serving.counting import Counting
from homeostat.store import Writer, open_store

CALLERS = 64
FEATURES = 10
SECONDS = 8.0
START = datetime(2026, 1, 5, tzinfo=UTC)
RNG = np.random.default_rng(0)
BINS = Bins(
    tuple(fit_numeric(f"x{i}", RNG.normal(size=2_000)) for i in range(FEATURES))
).with_scores(RNG.random(2_000))


def prediction(number: int) -> Prediction:
    values = np.random.default_rng(number).normal(size=FEATURES).tolist()
    return Prediction(
        id=f"{number:012}",
        model="m",
        version=1,
        received_at=START + timedelta(milliseconds=number),
        features={f"x{i}": value for i, value in enumerate(values)},
        prediction=number % 2,
        probability=(number % 1000) / 1000,
        body_digest=hashlib.sha256(str(number).encode()).hexdigest(),
    )


async def asked(writer: Writer, seconds: float) -> list[float]:
    """How long each prediction had to wait until it was stored, in seconds."""
    numbers = itertools.count()
    end = time.perf_counter() + seconds
    waited: list[float] = []

    async def caller() -> None:
        while time.perf_counter() < end:
            one = prediction(next(numbers))
            before = time.perf_counter()
            await writer.submit([one])
            waited.append(time.perf_counter() - before)

    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return waited


@contextmanager
def forgetful() -> Iterator[None]:
    """Connections that are used meanwhile do not wait for the disk."""

    def stop_waiting(connection: Any, _record: object, _proxy: object) -> None:
        connection.execute("PRAGMA synchronous = OFF")

    event.listen(Pool, "checkout", stop_waiting)
    try:
        yield
    finally:
        event.remove(Pool, "checkout", stop_waiting)


def measure(batch: int, seconds: float) -> tuple[float, float, float]:
    """Predictions a second, and the median and 99th percentile of the waiting in ms."""
    counting = Counting()
    counting.learn("m", 1, BINS)
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{Path(folder) / 'homeostat.db'}")
        writer = Writer(store, counting, batch=batch)
        writer.start()
        before = time.perf_counter()
        waited = asyncio.run(asked(writer, seconds))
        took = time.perf_counter() - before
        writer.stop()
        stored = store.count_predictions("m")
        store.close()
    if stored != len(waited):
        raise SystemExit(f"{len(waited)} were answered, and {stored} are stored")
    median, worst = np.quantile(waited, [0.5, 0.99]) * 1000
    return stored / took, float(median), float(worst)


def main(seconds: float) -> None:
    measured = {"durable, each alone": measure(1, seconds), "durable, group": measure(256, seconds)}
    with forgetful():
        measured["synchronous=OFF"] = measure(256, seconds)
    print(f"{CALLERS} callers, {FEATURES} features, {seconds:g} s each")
    print(f"{'':<22}{'per s':>8}{'ratio':>8}{'p50 ms':>9}{'p99 ms':>9}")
    most = measured["synchronous=OFF"][0]
    for name, (rate, median, worst) in measured.items():
        print(f"{name:<22}{rate:>8,.0f}{rate / most:>8.2f}{median:>9.1f}{worst:>9.1f}")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
