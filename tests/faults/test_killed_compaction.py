"""Compaction that is killed at any write has happened as a whole, or not at all."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from homeostat.store import open_store
from homeostat.testing.store_samples import (
    BINS,
    DAY,
    MINUTE,
    START,
    count_minutes,
    sample_prediction,
)
from tests.faults.disk import Disk, record

pytestmark = pytest.mark.slow

ROWS = 120

COMPACTS = """
import sys
from sqlalchemy import event
from homeostat.store import compaction, open_store
from homeostat.testing.store_samples import *

def commit_too_early(connection, _table):
    connection.exec_driver_sql("COMMIT")

if sys.argv[2] == "torn":
    compaction.lock_writers = commit_too_early
with open_store(sys.argv[1]) as store:
    store.compact_profiles("m", START + 100 * MINUTE)
"""


def rows_after_kills(folder: Path, how: str, every: int) -> list[tuple[int, int]]:
    """How many rows the profiles hold when compaction dies at a write, and when it is repeated.

    It dies at each write, or only at every so-many-th step.
    """
    data, after = folder / "data", folder / "after"
    data.mkdir()
    url = f"sqlite:///{data / 'homeostat.db'}"
    with open_store(url) as store:
        for i in range(ROWS):
            store.add_predictions([sample_prediction(f"{i}", minutes=i)], count_minutes)
    disk = Disk.of(data)
    events = record(COMPACTS, [url, how], data)
    counted = []
    for i, event in enumerate(events):
        disk.play(event)
        if event.kind in {"write", "truncate", "unlink"} and not i % every:
            disk.lose_the_process(after)
            if i // every % 2:  # the disk loses power instead
                disk.lose_power(after, i)
            counted.append(counted_in(after / "homeostat.db"))
    shutil.rmtree(after)
    return counted


def counted_in(file: Path) -> tuple[int, int]:
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with open_store(f"sqlite:///{file}") as store:
        before = store.window_profile("m", 1, BINS, START, START + DAY).n
        store.compact_profiles("m", START + 200 * MINUTE)
        return before, store.window_profile("m", 1, BINS, START, START + DAY).n


def test_every_kill_leaves_all_or_nothing(tmp_path: Path) -> None:
    counted = rows_after_kills(tmp_path, "whole", 1)

    assert len(counted) > 20
    assert set(counted) == {(ROWS, ROWS)}


def test_compaction_in_several_transactions_would_be_found_out(tmp_path: Path) -> None:
    counted = rows_after_kills(tmp_path, "torn", 60)

    assert any(before != ROWS for before, _ in counted)
