"""Damage to the end of the log costs what lies there, no more, and is never silent."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from homeostat.alerting import Alerting
from homeostat.cli.beginning import STORE, alert_of_missing
from homeostat.rules import Rules
from homeostat.store import MISSING, open_store
from homeostat.testing.store_samples import START, sample_label, sample_prediction
from tests.shell.serving.world import MODEL, World, asking

HEAD = 32  #: bytes of the head of the log
ROWS = 10


pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Log:
    """A store as a killed process left it: everything stands in the log."""

    folder: Path
    ends: list[int]  #: length of the log after each of the rows

    def damaged(self, content: bytes) -> Path:
        """The same store with other bytes for its log."""
        copy = self.folder.parent / "damaged"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.folder, copy)
        (copy / "homeostat.db-wal").write_bytes(content)
        return copy / "homeostat.db"

    @property
    def content(self) -> bytes:
        return (self.folder / "homeostat.db-wal").read_bytes()

    def whole_before(self, place: int) -> int:
        """How many rows stand in the log before this byte."""
        return sum(end <= place for end in self.ends)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    home = tmp_path_factory.mktemp("log")
    data, left = home / "data", home / "left"
    data.mkdir()
    ends = []
    open_store(f"sqlite:///{data / 'homeostat.db'}").close()
    with open_store(f"sqlite:///{data / 'homeostat.db'}") as store:
        for i in range(ROWS):
            store.add_predictions([sample_prediction(f"{i}", minutes=i)])
            ends.append((data / "homeostat.db-wal").stat().st_size)
        left.mkdir()
        for name in ("homeostat.db", "homeostat.db-wal", "homeostat.db-acknowledged"):
            shutil.copyfile(data / name, left / name)
    return Log(left, ends)


def opened(file: Path) -> tuple[list[str], str | None]:
    """The rows that are there, and what is said to be missing."""
    with open_store(f"sqlite:///{file}") as store:
        rows = [one.id for page in store.iterate_predictions("m") for one in page]
        return rows, store.flag(MISSING)


def recovered(file: Path) -> int:
    """How many rows SQLite gives back by itself."""
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA synchronous = OFF")
        assert database.execute("PRAGMA quick_check").fetchall() == [("ok",)]
        return int(database.execute("SELECT count(*) FROM predictions").fetchone()[0])


def test_an_undamaged_log_has_everything_and_nothing_is_said(log: Log) -> None:
    assert opened(log.damaged(log.content)) == ([f"{i}" for i in range(ROWS)], None)


def lengths(log: Log) -> Iterator[int]:
    """Every length near an end of a row, and one in each sector between."""
    size = len(log.content)
    near = {end + shift for end in log.ends for shift in range(-24, 25)}
    yield from sorted({*near, *range(0, size, 512), *range(HEAD + 1)} & {*range(size)})


def test_a_log_cut_at_any_length_holds_all_before_the_cut_and_says_the_rest(log: Log) -> None:
    said = 0
    for length in lengths(log):
        file = log.damaged(log.content[:length])
        expected = log.whole_before(length)
        if length % 16 == 8:  # the store itself is asked at fewer, for it takes longer
            rows, missing = opened(file)
            assert rows == [f"{i}" for i in range(expected)]
            assert (missing or "").startswith(f"{ROWS - expected} predictions and 0 labels")
            said += 1
        else:
            assert recovered(file) == expected
    assert said > 30


@pytest.mark.parametrize("row", [0, 4, ROWS - 1])
def test_a_flipped_byte_costs_nothing_before_it_and_is_said(log: Log, row: int) -> None:
    content = log.content
    first = log.ends[row - 1] if row else 0
    for place in range(first, log.ends[row], 293):
        flipped = content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]
        file = log.damaged(flipped)
        rows, missing = opened(file)

        held = len(rows)
        assert rows == [f"{i}" for i in range(held)]
        assert held >= log.whole_before(place)
        assert (missing is None) == (held == ROWS)
        if missing:
            assert missing.startswith(f"{ROWS - held} predictions")
            assert (file.parent / "homeostat.db-wal.damaged-1").read_bytes() == flipped


def test_without_the_mark_nobody_would_know(log: Log) -> None:
    """The negative control: SQLite itself says nothing."""
    file = log.damaged(log.content[: log.ends[6] + 100])
    (file.parent / "homeostat.db-acknowledged").unlink()

    rows, missing = opened(file)
    assert len(rows) == 7
    assert missing is None


@pytest.mark.parametrize("content", [b"x", b"1 2 00000000\n", b"1 2\n", b"\0" * 51])
def test_a_damaged_mark_is_no_all_clear(log: Log, content: bytes) -> None:
    file = log.damaged(log.content)
    (file.parent / "homeostat.db-acknowledged").write_bytes(content)

    rows, missing = opened(file)
    assert len(rows) == ROWS
    assert "nobody can tell" in (missing or "")


def test_missing_labels_are_counted_too(tmp_path: Path) -> None:
    file = tmp_path / "homeostat.db"
    with open_store(f"sqlite:///{file}") as store:
        store.add_predictions([sample_prediction("a")])
    kept = file.read_bytes()
    with open_store(f"sqlite:///{file}") as store:
        store.add_labels([sample_label("a")])
    file.write_bytes(kept)  # as from a backup that is too old

    with open_store(f"sqlite:///{file}") as store:
        assert (store.flag(MISSING) or "").startswith("0 predictions and 1 labels")
    with open_store(f"sqlite:///{file}") as store:  # it is said until somebody accepts it
        assert (store.flag(MISSING) or "").count("1 labels") == 1


@pytest.mark.anyio
async def test_the_service_says_what_is_missing_and_an_alert_is_open(world: World) -> None:
    world.store.set_flag(MISSING, "3 predictions are gone")
    ids = map("{}".format, count())
    alerting = Alerting(store=world.store, model=MODEL, rules=Rules(), new_id=lambda: next(ids))
    alert_of_missing(alerting, now=START)
    alert_of_missing(alerting, now=START)
    async with asking(world) as client:
        health = (await client.get("/health")).json()
        world.store.set_flag(MISSING, None)
        after = (await client.get("/health")).json()

    assert (health["status"], health["message"]) == ("degraded", "3 predictions are gone")
    assert (after["status"], after["message"]) == ("healthy", "ready")
    [alert] = world.store.alerts(MODEL, open_only=True)
    assert (alert.key, alert.reason) == (STORE, "3 predictions are gone")
