"""A process that takes days out of the store and dies leaves all of a day, or none of it."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from homeostat.archive import read_day
from homeostat.store import Logged, open_store
from homeostat.testing.store_samples import DAY, START, sample_label, sample_prediction
from tests.faults.disk import need_strace

pytestmark = pytest.mark.slow

DAYS, ROWS = 3, 30  #: that are old enough, and rows of each
NOW = START + 100 * DAY

PRUNES = """
import sys
from pathlib import Path
from homeostat.keeping import KeepPolicy
from homeostat.retention import Retention
from homeostat.schema import *
from homeostat.store import open_store, removals
from homeostat.testing.store_samples import *

def commit_too_early(connection, _table):
    connection.exec_driver_sql("COMMIT")

if sys.argv[2] == "torn":
    removals.lock_writers = commit_too_early
feature = Feature(name="income", kind=Kind.NUMBER)
schema = Schema(task=Task.BINARY, target=Target(column="bad"), features=(feature,))
with open_store("sqlite:///" + sys.argv[1] + "/homeostat.db") as store:
    Retention(
        store=store,
        model="m",
        schema=schema,
        folder=Path(sys.argv[1]) / "history",
        policy=KeepPolicy(predictions_days=10),
        training=DAY,
        labels_due=DAY,
    ).prune(now=START + 100 * DAY)
"""


@dataclass(frozen=True, slots=True)
class Left:
    """What a killed run left of one day."""

    stored: list[Logged]
    filed: list[Logged] | None  #: None when the store does not say that it left


def prepared(folder: Path) -> dict[str, list[Logged]]:
    """A store in the folder, and what its old days hold."""
    folder.mkdir()
    with open_store(f"sqlite:///{folder / 'homeostat.db'}") as store:
        for day in (*range(DAYS), 99):
            keys = [f"{day}-{i}" for i in range(ROWS)]
            rows = [sample_prediction(one, minutes=day * 1440 + i) for i, one in enumerate(keys)]
            store.add_predictions(rows)
            store.add_labels([sample_label(one) for one in keys[::2]])
        return {
            str(one.day): [row for part in store.history.day("m", one.day) for row in part]
            for one in store.history.days("m", "predictions", before=NOW)[:DAYS]
        }


def run(folder: Path, how: str, call: str, nth: int) -> int:
    """The exit code of a run that is killed at the n-th call of this kind."""
    inject = ["-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={nth}"]
    command = [need_strace(), "-f", "-qq", "-o", "/dev/null", *inject, sys.executable, "-c", PRUNES]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    done = subprocess.run(
        [*command, str(folder), how], env=environment, capture_output=True, check=False, timeout=120
    )
    return done.returncode


def left(folder: Path) -> dict[str, Left]:
    """What the store and the files say of each old day."""
    with closing(sqlite3.connect(folder / "homeostat.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with open_store(f"sqlite:///{folder / 'homeostat.db'}") as store:
        assert store.flag("store:missing") is None
        filed = {one.day: one for one in store.history.removed("m", "predictions")}
        found = {}
        for day in (START + n * DAY for n in range(DAYS)):
            name = str(day.date())
            stored = [row for part in store.history.day("m", day.date()) for row in part]
            audit = filed.get(name)
            there = None
            if audit is not None:
                assert audit.place
                assert audit.sha256
                there = list(read_day(folder / "history", audit.place, audit.sha256, "m"))
            found[name] = Left(stored, there)
        return found


def kills(tmp_path: Path, how: str, call: str) -> Iterator[tuple[Path, dict[str, list[Logged]]]]:
    """The folders of runs that were killed later and later, until one came to its end."""
    base = tmp_path / "base"
    before = prepared(base)
    nth, step = 1, 1
    while True:
        folder = tmp_path / f"killed-{call}-{nth}"
        shutil.copytree(base, folder)
        code = run(folder, how, call, nth)
        yield folder, before
        if code == 0:
            return
        assert code in {-9, 137}, code
        nth, step = nth + step, step + 1


@pytest.mark.parametrize("call", ["pwrite64", "rename", "fsync"])
def test_a_kill_leaves_all_of_a_day_or_none(tmp_path: Path, call: str) -> None:
    seen = 0
    for folder, before in kills(tmp_path, "whole", call):
        found = left(folder)
        seen += 1
        for day, rows in before.items():
            one = found[day]
            assert (one.stored, one.filed) in [(rows, None), ([], rows)], (folder, day)
        assert run(folder, "whole", "reboot", 1) == 0
        assert {day: one.filed for day, one in left(folder).items()} == before
        assert len(list((folder / "history").rglob("*.parquet"))) == DAYS
        assert not list((folder / "history").glob(".writing-*"))

    assert seen >= 3


def test_a_removal_in_several_transactions_would_be_found_out(tmp_path: Path) -> None:
    def is_torn(folder: Path, before: dict[str, list[Logged]]) -> bool:
        found = left(folder)
        return any(
            (found[day].stored, found[day].filed) not in [(rows, None), ([], rows)]
            for day, rows in before.items()
        )

    assert any(is_torn(*one) for one in kills(tmp_path, "torn", "pwrite64"))
