"""A store opens as it should be, or says why it does not."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Barrier, Event

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from homeostat.engines.rows import RowCounter
from homeostat.errors import HomeostatError, NotFound, StateError, Unavailable, UserError
from homeostat.prediction import Prediction
from homeostat.reference import Reference
from homeostat.store import Kind, MinuteProfile, Span, Store, migrate, open_store
from homeostat.store.columns import EPOCH
from homeostat.store.migrate import VERSION_TABLE, alembic_config
from homeostat.store.tables import METADATA, REVISION
from homeostat.testing.store_samples import (
    BINS,
    START,
    sample_decision,
    sample_label,
    sample_prediction,
    sample_version,
)

NOBODY = 65534


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "homeostat.db"


@pytest.fixture
def folder_of_nobody() -> Iterator[Path]:
    """A folder that a user without rights can reach, as those of pytest cannot be."""
    folder = Path(tempfile.mkdtemp(prefix="homeostat-store-"))
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    yield folder
    folder.chmod(0o700)
    shutil.rmtree(folder)


@contextmanager
def without_rights() -> Iterator[None]:
    """As nobody when we are root, whom no permission binds."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def execute(url: str, statement: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_a_store_is_there_again_after_it_was_closed(store_url: str) -> None:
    with open_store(store_url) as store:
        store.add_predictions([sample_prediction("a")])

    with open_store(store_url, create=False) as store:
        assert store.prediction("a") == sample_prediction("a")


def test_the_migrations_make_the_tables_that_the_code_uses(store: Store) -> None:
    with store._database.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        differences = compare_metadata(context, METADATA)
        head = ScriptDirectory.from_config(alembic_config(connection)).get_current_head()

    assert differences == []
    assert head == REVISION


def test_a_commit_waits_for_the_disk(store: Store) -> None:
    asked, expected = (
        ("PRAGMA synchronous", 2)
        if store._database.is_sqlite
        else ("SHOW synchronous_commit", "on")
    )
    for transaction in (store._database.read, store._database.write):
        with transaction() as connection:
            assert connection.scalar(text(asked)) == expected


def test_many_may_open_an_empty_store_at_once(store_url: str) -> None:
    def opened(i: int) -> int:
        with open_store(store_url) as store:
            store.add_predictions([sample_prediction(f"{i}")])
            return i

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(opened, range(4))) == list(range(4))
    with open_store(store_url) as store:
        assert store.count_predictions("m") == 4


def test_a_newer_schema_is_refused(store_url: str) -> None:
    open_store(store_url).close()
    execute(store_url, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")

    with pytest.raises(StateError, match=rf"'9999'.*'{REVISION}': upgrade homeostat"):
        open_store(store_url)


def test_an_older_schema_is_not_used_as_it_is(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(store_url).close()
    monkeypatch.setattr(migrate, "REVISION", "9999")  # as in a later version of the code

    with pytest.raises(StateError, match=f"'{REVISION}' and '9999' is needed"):
        open_store(store_url, create=False)


def test_a_store_of_the_first_schema_is_migrated_with_what_it_holds(store_url: str) -> None:
    engine = create_engine(store_url)
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0001")
        connection.execute(
            text(
                "INSERT INTO predictions (id, model, version, received_at, features, prediction, "
                "probability, body_digest) VALUES ('a', 'm', 1, 0, '{}', 1, 0.5, 'x')"
            )
        )
        connection.execute(
            text(
                "INSERT INTO alerts (id, model, key, reason, opened_at, updated_at, times_seen) "
                "VALUES ('b', 'm', 'drift', 'seen', 0, 1000000, 3)"
            )
        )
    engine.dispose()

    with open_store(store_url) as store:
        [told] = store.history.entries(Kind.ALERTS, "m", Span()).entries
        assert store.traffic("m", until=sample_prediction("a").received_at) == {}
        assert store.count_predictions("m") == 1
    assert (told.at, told.body["times_seen"]) == (EPOCH, 3)
    assert told.body["updated_at"] == "1970-01-01T00:00:01+00:00"
    assert told.body["resolved_at"] is None


def test_a_store_that_is_not_there_is_not_found(store_url: str) -> None:
    with pytest.raises(NotFound, match="check the URL"):
        open_store(store_url, create=False)


@pytest.mark.parametrize("table", ["decisions", "labels"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET source = 'x'", "DELETE FROM {}"])
def test_what_is_append_only_stays(store: Store, table: str, statement: str) -> None:
    column = {"decisions": "model", "labels": "source"}[table]
    store.add_predictions([sample_prediction("a")])
    store.add_labels([sample_label("a")])
    store.add_decision(sample_decision("a"))
    change = text(statement.replace("source", column).format(table))

    with (
        pytest.raises(HomeostatError, match=f"{table} are append-only"),
        store._database.write() as connection,
    ):
        connection.execute(change)
    assert store.decision("a") == sample_decision("a")


def test_a_changed_reference_is_not_given_out(store: Store) -> None:
    counter = RowCounter(BINS)
    counter.add({"income": 3})
    reference = Reference(
        model="m",
        created_at=START,
        source="rows",
        data_fingerprint="ab",
        profile=counter.profile,
    )
    store.add_reference(reference)
    with store._database.write() as connection:
        connection.execute(text("UPDATE reference_profiles SET data_fingerprint = 'cd'"))

    with pytest.raises(StateError, match="was changed"):
        store.reference("m", reference.digest)


def test_a_changed_decision_is_not_given_out(store: Store) -> None:
    store.add_decision(sample_decision("a"))
    sqlite = store._database.is_sqlite
    trigger = "decisions_no_update" if sqlite else "decisions_no_change ON decisions"
    with store._database.write() as connection:
        connection.execute(text(f"DROP TRIGGER {trigger}"))
        connection.execute(
            text("UPDATE decisions SET body = replace(body, '0.3 seen', '0.1 seen')")
        )

    with pytest.raises(StateError, match="were changed"):
        store.decision("a")


# What does not open, and why.


@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param("mysql://host/x", "mysql", id="other database"),
        pytest.param("homeostat.db", "sqlite:///", id="no URL"),
        pytest.param("sqlite://", "needs a file", id="memory"),
        pytest.param("nothing+here://x", "sqlite:///", id="unknown dialect"),
    ],
)
def test_other_urls_are_refused(url: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        open_store(url)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_a_server_that_does_not_answer_is_unavailable(scheme: str, unused_port: int) -> None:
    url = f"{scheme}://someone:secret@127.0.0.1:{unused_port}/x"

    with pytest.raises(Unavailable) as caught:
        open_store(url)
    assert "did not answer" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_the_folder_of_a_new_file_is_made(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "homeostat.db"
    open_store(f"sqlite:///{path}").close()

    assert path.exists()


def test_a_file_that_is_no_database_is_refused(file: Path) -> None:
    file.write_bytes(b"something else " * 1000)

    with pytest.raises(StateError, match="not a database"):
        open_store(f"sqlite:///{file}")


def test_a_locked_file_is_unavailable(file: Path) -> None:
    url = f"sqlite:///{file}"
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unavailable, match=r"locked.*another process"):
            open_store(url, busy_timeout_s=0.01)
        other.execute("ROLLBACK")

        with open_store(url, busy_timeout_s=0.01) as store:
            other.execute("BEGIN EXCLUSIVE")
            with pytest.raises(Unavailable, match=r"locked.*another process"):
                store.add_predictions([sample_prediction("a")])
            assert store.count_predictions("m") == 0
            other.execute("ROLLBACK")
            assert store.add_predictions([sample_prediction("a")]) == [sample_prediction("a")]


def test_a_locked_table_is_unavailable(postgres_database: str) -> None:
    other = create_engine(postgres_database)
    with open_store(postgres_database, busy_timeout_s=0.05) as store:
        with other.begin() as connection:
            connection.execute(text("LOCK TABLE labels IN EXCLUSIVE MODE"))
            with pytest.raises(Unavailable, match="lock timeout"):
                store.add_labels([sample_label("a")], park=True)
        assert store.add_labels([sample_label("a")], park=True).parked == 1
    other.dispose()


def test_a_standby_is_unavailable_for_writing(postgres_database: str) -> None:
    open_store(postgres_database).close()
    name = postgres_database.rpartition("/")[2]
    execute(postgres_database, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')

    with open_store(postgres_database) as store:
        assert store.count_predictions("m") == 0
        with pytest.raises(Unavailable, match="point the URL to the primary"):
            store.set_flag("x", "y")


def write_something(store: Store) -> None:
    store.add_version(sample_version(1))


def test_a_file_opened_read_only_reads_and_does_not_write(file: Path) -> None:
    with open_store(f"sqlite:///{file}") as store:
        store.add_predictions([sample_prediction("a")])
    with open_store(f"sqlite:///file:{file}?mode=ro&uri=true", create=False) as store:
        assert store.count_predictions("m") == 1

        with pytest.raises(Unavailable, match="read-only"):
            write_something(store)


@pytest.mark.parametrize(
    "forbid",
    [
        pytest.param(lambda file: file.chmod(0o444), id="file"),
        pytest.param(lambda file: file.parent.chmod(0o555), id="folder"),
    ],
)
def test_what_may_not_be_written_is_unavailable(
    folder_of_nobody: Path, forbid: Callable[[Path], None]
) -> None:
    file = folder_of_nobody / "homeostat.db"
    open_store(f"sqlite:///{file}").close()
    if os.geteuid() == 0:
        os.chown(file, NOBODY, NOBODY)
    forbid(file)

    with (
        without_rights(),
        pytest.raises(Unavailable, match="read-only"),
        open_store(f"sqlite:///{file}") as store,
    ):
        write_something(store)


def test_a_folder_that_may_not_be_written_takes_no_new_store(folder_of_nobody: Path) -> None:
    folder_of_nobody.chmod(0o555)

    with without_rights():
        with pytest.raises(Unavailable, match="read-only"):
            open_store(f"sqlite:///{folder_of_nobody}/homeostat.db")
        with pytest.raises(Unavailable, match="cannot be made: Permission denied"):
            open_store(f"sqlite:///{folder_of_nobody}/deeper/homeostat.db")


def test_who_waits_too_long_for_another_thread_is_told(file: Path) -> None:
    begun, done = Event(), Event()

    def hold(_rows: Sequence[Prediction]) -> list[MinuteProfile]:
        begun.set()
        assert done.wait(30)
        return []

    with (
        open_store(f"sqlite:///{file}", busy_timeout_s=0.01) as store,
        ThreadPoolExecutor(1) as threads,
    ):
        slow = threads.submit(store.add_predictions, [sample_prediction("a")], hold)
        assert begun.wait(30)
        with pytest.raises(Unavailable, match="busy; try again"):
            store.set_flag("x", "y")
        done.set()

        assert slow.result() == [sample_prediction("a")]


def test_no_connection_is_opened_once_all_are(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path / 'x.db'}") as store:
        store.connect()
        before = handles(tmp_path)
        with ThreadPoolExecutor(5) as threads:
            together = Barrier(5)
            for done in [threads.submit(read, store, together) for _ in range(5)]:
                done.result()
        store.set_flag("a", "b")

        assert handles(tmp_path) == before > 5


def read(store: Store, together: Barrier) -> None:
    with store._database.read() as connection:
        together.wait()  # all of them hold a connection now
        assert connection.exec_driver_sql("SELECT count(*) FROM predictions").scalar() == 0


def handles(folder: Path) -> int:
    """Open files of this process in the folder."""
    links = [one for one in Path("/proc/self/fd").iterdir() if one.is_symlink()]
    return sum(one.readlink().is_relative_to(folder) for one in links)
