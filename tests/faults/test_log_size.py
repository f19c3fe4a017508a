"""The write-ahead log stays small while a dashboard looks, and would not if it kept looking.

HOMEOSTAT_FAULTS_COMMITS sets how many commits; 120,000 are ten minutes at 200 a second.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest

from homeostat.store import Store, open_store
from homeostat.testing.store_samples import BINS, DAY, START, count_minutes, sample_prediction

pytestmark = pytest.mark.slow

COMMITS = int(os.environ.get("HOMEOSTAT_FAULTS_COMMITS", "1500"))
LARGEST = (64 if COMMITS > 100_000 else 8) * 2**20  #: bytes of the log


def look(store: Store, ended: Event) -> None:
    """What a dashboard asks, again and again."""
    while not ended.wait(0.05):
        store.count_predictions("m")
        store.recent_predictions("m", 100)
        store.window_profile("m", 1, BINS, START, START + DAY)


def largest_log(file: Path, store: Store) -> int:
    """The most bytes that the log had while rows were written one by one."""
    log = file.with_name(file.name + "-wal")
    largest = 0
    for i in range(COMMITS):
        store.add_predictions([sample_prediction(f"{i}", minutes=i % 1000)], count_minutes)
        largest = max(largest, log.stat().st_size)
    return largest


def test_the_log_stays_small_while_a_dashboard_looks(tmp_path: Path) -> None:
    file = tmp_path / "homeostat.db"
    ended = Event()
    with open_store(f"sqlite:///{file}") as store, open_store(f"sqlite:///{file}") as reader:
        dashboard = Thread(target=look, args=(reader, ended))
        dashboard.start()
        largest = largest_log(file, store)
        ended.set()
        dashboard.join()

    assert largest < LARGEST


def test_one_transaction_that_stays_open_makes_it_grow(tmp_path: Path) -> None:
    file = tmp_path / "homeostat.db"
    with (
        open_store(f"sqlite:///{file}") as store,
        closing(sqlite3.connect(file, isolation_level=None)) as reader,
    ):
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM predictions").fetchall()
        largest = largest_log(file, store)

    assert largest > LARGEST
