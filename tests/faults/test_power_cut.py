"""1,000 power cuts lose nothing that was acknowledged, and would if the store did not wait.

A loop of SIGKILL cannot show this: what the kernel holds survives the death of a process,
whether it was synced or not.
"""

import random
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from homeostat.store import open_store
from tests.faults.disk import Disk, Event, record

pytestmark = pytest.mark.slow

CUTS = 1000

#: Predictions one by one and in batches, labels, compaction, and a new start in between.
WRITES = """
import sys
from datetime import timedelta
from sqlalchemy import event
from homeostat.store import open_store
from homeostat.testing.store_samples import *

url, synchronous = sys.argv[1:]

def opened():
    store = open_store(url)
    def weaken(connection, *_):
        connection.execute(f"PRAGMA synchronous = {synchronous}")
    event.listen(store._database.writer, "engine_connect", lambda c: weaken(c.connection))
    return store

def acknowledge(*keys):
    print("".join(f"{key}\\n" for key in keys), end="", flush=True)

i = 0
for start in range(3):
    with opened() as store:
        for turn in range(80):
            size = 1 + turn % 5
            keys = [f"p/{i + k}" for k in range(size)]
            i += size
            batch = [sample_prediction(key, minutes=turn) for key in keys]
            store.add_predictions(batch, count_minutes)
            acknowledge(*keys)
            if turn % 4 == 3:
                store.add_labels([sample_label(key, minutes=turn) for key in keys])
                acknowledge(*(key.replace("p/", "l/") for key in keys))
            if turn % 40 == 39:
                store.compact_profiles("m", START + turn * MINUTE)
"""


@dataclass
class Seen:
    """What became of some cuts."""

    acknowledged: int = 0
    lost: int = 0
    cuts_with_loss: int = 0
    damaged: int = 0  #: stores that are no longer whole


def recorded(folder: Path, synchronous: str) -> tuple[Disk, list[Event]]:
    """A disk with an empty store, and what is then done to it."""
    data = folder / "data"
    data.mkdir()
    url = f"sqlite:///{data / 'homeostat.db'}"
    open_store(url).close()
    disk = Disk.of(data)
    return disk, record(WRITES, [url, synchronous], data)


def cut(folder: Path, synchronous: str, cuts: int) -> Seen:
    disk, events = recorded(folder, synchronous)
    turns = sorted(random.Random(4).choices(range(len(events)), k=cuts))
    rows = stored(folder / "data" / "homeostat.db")  # as nobody disturbed them
    seen = Seen()
    played = 0
    for seed, turn in enumerate(turns):
        for one in events[played:turn]:
            disk.play(one)
        played = turn
        disk.lose_power(folder / "after", seed)
        look(folder / "after" / "homeostat.db", disk.said, rows, seen)
    shutil.rmtree(folder / "after")
    return seen


def stored(file: Path) -> dict[str, tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA synchronous = OFF")  # this copy need not outlive the test
        rows = {row[0]: row for row in database.execute("SELECT * FROM predictions")}
        labels = database.execute("SELECT * FROM labels").fetchall()
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    return {**rows, **{row[0].replace("p/", "l/"): row for row in labels}}


def look(file: Path, said: list[str], rows: dict[str, tuple[object, ...]], seen: Seen) -> None:
    """Count what a store that was cut off still holds."""
    seen.acknowledged += len(said)
    try:
        held = stored(file)
    except (sqlite3.DatabaseError, AssertionError):
        seen.damaged += 1
        return
    assert all(rows[key] == row for key, row in held.items()), "half a row"
    lost = sum(key not in held for key in said)
    seen.lost += lost
    seen.cuts_with_loss += lost > 0


def test_no_power_cut_loses_what_was_acknowledged(tmp_path: Path) -> None:
    seen = cut(tmp_path, "FULL", CUTS)

    assert seen.acknowledged > 100 * CUTS
    assert seen == Seen(acknowledged=seen.acknowledged)


@pytest.mark.parametrize(("synchronous", "damages"), [("NORMAL", False), ("OFF", True)])
def test_a_store_that_does_not_wait_for_the_disk_loses_rows(
    tmp_path: Path, synchronous: str, damages: bool
) -> None:
    seen = cut(tmp_path, synchronous, CUTS // 4)

    assert seen.lost > 100
    assert seen.cuts_with_loss + seen.damaged > CUTS // 8
    assert (seen.damaged > 0) == damages
