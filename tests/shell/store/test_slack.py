"""What may be answered before it is on the disk, and where a file may lie."""

import asyncio
import sqlite3
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import event, text

from homeostat.errors import StateError, Unavailable, UserError
from homeostat.store import Slack, Store, Writer, open_store
from homeostat.store import engine as engine_module
from homeostat.store.engine import open_database
from homeostat.store.place import log_reset_warning, refuse_network_disk
from homeostat.store.slack import LONGEST_S, MOST_ROWS
from homeostat.store.writer import FLUSHED
from homeostat.testing.store_samples import sample_prediction


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_without_slack_every_commit_waits() -> None:
    slack = Slack(relaxed=False)

    assert slack.must_wait(1)
    assert slack.left_s is None


def test_slack_ends_with_its_rows_or_its_time() -> None:
    clock = Clock()
    slack = Slack(relaxed=True, monotonic=clock)
    assert not slack.must_wait(MOST_ROWS)
    assert slack.must_wait(MOST_ROWS + 1)
    slack.written(400)
    assert not slack.must_wait(600)
    assert slack.must_wait(601)
    clock.now = LONGEST_S
    assert slack.must_wait(1)
    assert slack.left_s == 0
    slack.flushed()
    assert not slack.must_wait(1000)
    assert slack.left_s is None


def test_when_the_disk_takes_nothing_no_more_is_answered_before_it_does() -> None:
    clock = Clock()
    slack = Slack(relaxed=True, monotonic=clock)
    slack.written(1)
    slack.failed()

    assert slack.must_wait(1)
    assert slack.left_s == LONGEST_S
    slack.flushed()
    assert not slack.must_wait(1)


def test_a_relaxed_writer_brings_an_idle_answer_to_the_disk(store_url: str) -> None:
    with open_store(store_url) as store:
        writer = Writer(store, None, slack=Slack(relaxed=True))
        writer.start()
        asyncio.run(writer.submit([sample_prediction("a")]))
        answered = store.flag(FLUSHED)
        while store.flag(FLUSHED) is None:
            pass
        writer.stop()

        assert answered is None
        assert not writer.durable
        assert store.count_predictions("m") == 1


def test_a_relaxed_writer_waits_for_the_disk_when_it_ends(store: Store) -> None:
    writer = Writer(store, None, slack=Slack(relaxed=True, monotonic=lambda: 0.0))
    writer.start()
    asyncio.run(writer.submit([sample_prediction("a")]))
    writer.stop()

    assert store.flag(FLUSHED) == ""


def test_only_what_may_be_hasty_is(store: Store) -> None:
    asked, expected = (
        ("PRAGMA synchronous", (2, 1))
        if store._database.is_sqlite
        else ("SHOW synchronous_commit", ("on", "off"))
    )
    for durable, answer in zip((True, False), expected, strict=True):
        with store._database.write(durable=durable) as connection:
            assert connection.scalar(text(asked)) == answer


class Deaf:
    """A connection to SQLite that does not take the order to wait for the disk."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def cursor(self) -> Any:
        cursor = self.connection.cursor()

        def execute(statement: str) -> sqlite3.Cursor:
            return cursor.execute(statement.replace("synchronous = FULL", "synchronous = OFF"))

        return SimpleNamespace(execute=execute, close=cursor.close)


def test_a_sqlite_that_would_not_wait_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "x.db") as connection:
        engine_module._sqlite_setter("FULL")(connection, None)
        with pytest.raises(StateError, match="synchronous is 0"):
            engine_module._sqlite_setter("FULL")(Deaf(connection), None)
    connection.close()


def test_a_postgresql_that_would_not_wait_is_refused(postgres_database: str) -> None:
    import psycopg

    with psycopg.connect(postgres_database.replace("+psycopg", "")) as real:
        cursor = real.cursor()

        def execute(statement: str) -> Any:
            return cursor.execute(statement.replace("commit = on", "commit = off"))

        deaf = SimpleNamespace(cursor=lambda: SimpleNamespace(execute=execute, close=cursor.close))
        deaf.autocommit = False
        engine_module._postgres_setter(1.0, "on")(real, None)
        with pytest.raises(StateError, match="synchronous_commit is off"):
            engine_module._postgres_setter(1.0, "on")(deaf, None)


@pytest.mark.parametrize(
    ("version", "warned"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 0), False),
        ((4, 0, 0), False),
    ],
)
def test_a_sqlite_with_the_log_reset_fault_is_warned_of(
    version: tuple[int, int, int], *, warned: bool
) -> None:
    text_ = log_reset_warning(version)

    assert (text_ is not None) == warned
    assert not warned or ".".join(map(str, version)) in (text_ or "")


MOUNTS = r"""22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/root rw
36 22 0:30 / /data rw - nfs4 server:/export rw,vers=4.2
37 36 254:2 / /data/fast rw - xfs /dev/vdb rw
38 22 0:31 / /the\040share rw - cifs //server/share rw
"""


@pytest.mark.parametrize("file", ["/data/homeostat.db", "/data/deep/x.db", "/the share/x.db"])
def test_a_disk_of_another_machine_is_refused(file: str) -> None:
    with pytest.raises(UserError, match=r"lies on (nfs4|cifs).*local disk, or PostgreSQL"):
        refuse_network_disk(Path(file), MOUNTS)


@pytest.mark.parametrize("file", ["/x.db", "/database/x.db", "/data/fast/x.db", "/the/x.db"])
def test_a_local_disk_is_taken(file: str) -> None:
    refuse_network_disk(Path(file), MOUNTS)


def test_the_store_looks_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"36 22 0:30 / {tmp_path.resolve()} rw - nfs server:/export rw\n")
    monkeypatch.setattr("homeostat.store.place._MOUNTS", mounts)

    with pytest.raises(UserError, match="lies on nfs"):
        open_store(f"sqlite:///{tmp_path}/homeostat.db")


def test_a_process_that_keeps_its_turn_is_said(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/homeostat.db"
    with (
        open_store(url) as one,
        open_store(url, busy_timeout_s=0.05) as other,
        one._database.write(),
        pytest.raises(Unavailable, match="locked; another process holds it"),
    ):
        other.set_flag("x", "y")


def test_a_file_beside_the_store_that_may_not_be_written_is_said(tmp_path: Path) -> None:
    file = tmp_path / "homeostat.db"
    open_store(f"sqlite:///{file}").close()
    (tmp_path / "homeostat.db-acknowledged").unlink()
    (tmp_path / "homeostat.db-acknowledged").mkdir()

    with (
        open_store(f"sqlite:///{file}") as store,
        pytest.raises(Unavailable, match=r"needs the file .*-acknowledged"),
    ):
        store.set_flag("x", "y")


def test_a_patient_store_is_there_as_soon_as_its_server_is(
    postgres_database: str, unused_port: int
) -> None:
    away = f"postgresql://someone@127.0.0.1:{unused_port}/x"
    with open_store(away, patient=True) as store:
        with pytest.raises(Unavailable, match="did not answer"):
            store.flag("x")
        with pytest.raises(Unavailable, match="did not answer"):
            store.set_flag("x", "y")

    failures = [Unavailable("away"), Unavailable("away")]
    with open_store(postgres_database) as store:
        store._database.preparation.later(partial(raise_next, failures))
        for _ in range(2):
            with pytest.raises(Unavailable):
                store.flag("x")
        assert store.flag("x") is None


def raise_next(failures: list[Unavailable]) -> None:
    if failures:
        raise failures.pop()


def test_a_file_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Unavailable):
        open_store(f"sqlite:///{tmp_path}/file/x.db", patient=True)


def test_after_a_failure_of_the_disk_nothing_open_is_trusted(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/x.db", create=True, busy_timeout_s=1)
    closed: list[object] = []
    for engine in (database.writer, database.reader):
        event.listen(engine.pool, "close", lambda connection, _: closed.append(connection))
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
    with database.reader.begin():
        pass

    with pytest.raises(Unavailable, match="disk I/O error"), database.write() as connection:
        raise sqlalchemy_error(connection, error)
    assert len(set(closed)) == 2  # that which wrote, and that which read
    assert database.suspect.is_set()
    database.close()


def sqlalchemy_error(connection: Any, error: sqlite3.Error) -> Exception:
    from sqlalchemy.exc import OperationalError

    assert connection
    return OperationalError("COMMIT", {}, error)
