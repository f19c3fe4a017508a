"""The connections of the store: durable, and with errors that say what to do."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from homeostat.errors import StateError, Unavailable, UserError
from homeostat.store import driver
from homeostat.store.failures import explain, is_broken_disk
from homeostat.store.mark import Mark, acknowledged_in
from homeostat.store.missing import note_missing
from homeostat.store.place import refuse_network_disk
from homeostat.store.preparation import Preparation

__all__ = ["Database", "open_database"]

POSTGRES = "postgresql+psycopg"
READERS, MOST_READERS = 5, 15  #: connections to a file that are kept, and at one moment
_SAFETY = {"NORMAL": 1, "FULL": 2}  # how SQLite spells its answer when asked for synchronous


@dataclass(frozen=True, slots=True)
class Database:
    """Transactions on one database; of the writing ones SQLite has one at a time."""

    name: str  #: for messages, without the password
    reader: Engine
    writer: Engine
    hasty: Engine  #: as the writer, but its commits do not wait for the disk
    busy_timeout_s: float
    turn: Lock  #: spares threads of one process the polling for SQLite's lock
    mark: Mark | None  #: of a SQLite file that is opened for writing
    preparation: Preparation = field(default_factory=Preparation)
    suspect: Event = field(default_factory=Event)  #: set when the disk has failed
    kept: dict[Engine, Connection] = field(default_factory=dict)  #: that write to a file

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of SQLite; else it is PostgreSQL."""
        return self.writer.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the store, whatever others write."""
        self.preparation.ensure()
        with self._explained(), self.reader.begin() as connection:
            yield connection

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Connection]:
        """A transaction that is durable when the block is left, or has not happened.

        Parameters
        ----------
        durable
            If not, a loss of power may take it back, until the next one that is durable.

        Raises
        ------
        Unavailable
            When the database is locked, read-only, full or does not answer.
        """
        self.preparation.ensure()
        engine = self.writer if durable else self.hasty
        with self._explained(), self._my_turn():
            with self._doubting(), self._begun(engine) as connection:
                if self.suspect.is_set():
                    self._look_again(connection)
                yield connection
                held = acknowledged_in(connection) if self.mark and durable else None
            if self.mark and held:
                self.mark.write(held)

    def connect(self) -> None:
        """Open all connections to a file that are kept: their number then stays as it is.

        Else one more is opened whenever more threads than ever before read at one moment,
        which may be after weeks, and may be one file too many.
        """
        if not self.is_sqlite:
            return
        with self._explained(), ExitStack() as held:
            readers = [held.enter_context(self.reader.connect()) for _ in range(READERS)]
            for connection in (*readers, self._kept(self.writer), self._kept(self.hasty)):
                driver.execute(connection, "SELECT count(*) FROM sqlite_master")

    def close(self) -> None:
        """Close all connections."""
        self._hang_up()
        if self.mark:
            self.mark.close()

    def _hang_up(self) -> None:
        while self.kept:
            self.kept.popitem()[1].close()
        for engine in (self.reader, self.hasty, self.writer):  # the last one empties the log
            engine.dispose()

    @contextmanager
    def _begun(self, engine: Engine) -> Iterator[Connection]:
        """A transaction that writes; to a file always through the same connection.

        To take one from the pool each time is a tenth of a commit of few rows.
        """
        if not self.is_sqlite:
            with engine.begin() as connection:
                yield connection
            return
        connection = self._kept(engine)
        with connection.begin():
            yield connection

    def _kept(self, engine: Engine) -> Connection:
        """The one connection that writes to a file, opened when it is first asked for."""
        if engine not in self.kept:
            self.kept[engine] = engine.connect()
        return self.kept[engine]

    @contextmanager
    def _doubting(self) -> Iterator[None]:
        """After a failure of the disk no open file is trusted any more.

        What the kernel could not write it may call written the next time it is asked.
        """
        try:
            yield
        except DBAPIError as error:
            if self.is_sqlite and is_broken_disk(error):
                self.suspect.set()
                self._hang_up()
            raise

    def _look_again(self, connection: Connection) -> None:
        """Take up a file that was opened anew: it must hold what was acknowledged."""
        if self.mark:
            note_missing(connection, self.mark)
        self.suspect.clear()

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        if not self.is_sqlite:
            yield
            return
        if not self.turn.acquire(timeout=self.busy_timeout_s):
            raise Unavailable(f"the store at {self.name} is busy; try again")
        try:
            with self.mark.turn(self.busy_timeout_s) if self.mark else nullcontext():
                yield
        finally:
            self.turn.release()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise explain(self.name, error) from error
        except PoolTimeoutError as error:
            message = f"all connections to the store at {self.name} are in use; try again"
            raise Unavailable(message) from error


def open_database(url: str, *, create: bool, busy_timeout_s: float) -> Database:
    """The database at `url`, with connections that keep what they acknowledge.

    Nothing is connected yet; the folder of a SQLite file is made when `create`.
    """
    parsed = _parse(url)
    is_sqlite = parsed.get_backend_name() == "sqlite"
    if is_sqlite:
        _prepare_folder(parsed, create=create)
    if is_sqlite:
        # One connection writes, whose pages in memory stay good from commit to commit.
        reader = _sqlite(parsed, busy_timeout_s, pool_size=READERS)
        engine, hasty = (_sqlite(parsed, busy_timeout_s, durable=one) for one in (True, False))
    else:
        engine, hasty = (_postgres(parsed, busy_timeout_s, durable=one) for one in (True, False))
        reader = engine.execution_options(isolation_level="REPEATABLE READ")
    return Database(
        name=_name(parsed),
        reader=reader,
        writer=engine.execution_options(write=True),
        hasty=hasty.execution_options(write=True),
        busy_timeout_s=busy_timeout_s,
        turn=Lock(),
        mark=Mark(Path(str(parsed.database)), _name(parsed)) if _is_plain_file(parsed) else None,
    )


def _sqlite(url: URL, busy_timeout_s: float, *, durable: bool = True, pool_size: int = 1) -> Engine:
    arguments = {"timeout": busy_timeout_s}
    engine = create_engine(
        url, connect_args=arguments, pool_size=pool_size, max_overflow=MOST_READERS - READERS
    )
    event.listen(engine, "connect", _sqlite_setter("FULL" if durable else "NORMAL"))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _postgres(url: URL, busy_timeout_s: float, *, durable: bool) -> Engine:
    engine = create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    event.listen(engine, "connect", _postgres_setter(busy_timeout_s, "on" if durable else "off"))
    return engine


def _is_plain_file(url: URL) -> bool:
    """Whether it is SQLite by path, and not by an address that may say "read-only"."""
    return url.get_backend_name() == "sqlite" and not str(url.database).startswith("file:")


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        if parsed.drivername in {"postgres", "postgresql"}:
            parsed = parsed.set(drivername=POSTGRES)
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError) as error:
        raise UserError(f"no store can be opened at this URL: {error}; {_EXAMPLES}") from error
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        message = f"no store can be kept in {parsed.get_backend_name()}; {_EXAMPLES}"
        raise UserError(message)
    if parsed.get_backend_name() == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise UserError(f"the store outlives its process, so it needs a file; {_EXAMPLES}")
    return parsed


_EXAMPLES = "use sqlite:///folder/homeostat.db or postgresql://user:password@host/database"


def _name(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return url.render_as_string(hide_password=True)


def _prepare_folder(url: URL, *, create: bool) -> None:
    if _is_plain_file(url):
        refuse_network_disk(Path(str(url.database)))
    if not create or not _is_plain_file(url):
        return
    folder = Path(str(url.database)).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"the folder {folder} of the store cannot be made: {error.strerror}"
        raise Unavailable(message) from error


def _sqlite_setter(safety: str) -> Callable[[Any, object], None]:
    def set_sqlite(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself: _begin_sqlite
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA synchronous = {safety}")
        cursor.execute("PRAGMA fullfsync = ON")  # where fsync leaves data in the drive's cache
        cursor.execute("PRAGMA foreign_keys = ON")
        mode = _write_ahead(cursor)
        (synchronous,) = cursor.execute("PRAGMA synchronous").fetchone()
        cursor.close()
        if mode != "wal":
            message = f"the file system cannot keep a write-ahead log ({mode}); use a local disk"
            raise StateError(message)
        if synchronous != _SAFETY[safety]:
            raise StateError(f"SQLite would not wait for the disk: synchronous is {synchronous}")

    return set_sqlite


def _write_ahead(cursor: sqlite3.Cursor) -> str:
    """The journal mode after the switch to a write-ahead log.

    SQLite does not wait out its busy timeout when several switch a new file at once.
    """
    (timeout_ms,) = cursor.execute("PRAGMA busy_timeout").fetchone()
    deadline = time.monotonic() + timeout_ms / 1000
    while True:
        try:
            (mode,) = cursor.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= deadline:
                raise
            time.sleep(0.01)
        else:
            return str(mode)


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later could fail half-way; IMMEDIATE cannot.
    immediate = connection.get_execution_options().get("write", False)
    driver.execute(connection, "BEGIN IMMEDIATE" if immediate else "BEGIN")


def _postgres_setter(busy_timeout_s: float, safety: str) -> Callable[[Any, object], None]:
    def set_postgres(connection: Any, _record: object) -> None:
        connection.autocommit = True  # a setting made in a transaction would end with it
        cursor = connection.cursor()
        cursor.execute(f"SET synchronous_commit = {safety}")
        cursor.execute(f"SET lock_timeout = {int(busy_timeout_s * 1000)}")
        (synchronous,) = cursor.execute("SHOW synchronous_commit").fetchone()
        cursor.close()
        connection.autocommit = False
        if synchronous != safety:
            message = f"PostgreSQL would not wait for the disk: synchronous_commit is {synchronous}"
            raise StateError(message)

    return set_postgres
