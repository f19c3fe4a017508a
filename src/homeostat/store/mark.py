"""Mark: how much was acknowledged, beside the file that should hold it.

SQLite drops a damaged end of its write-ahead log without a word, and whole commits behind the
damage with it.  What was acknowledged is therefore written down a second time, in a small
file beside the database, after each commit.  It is not synced, so it may be behind the
database when the power fails, but it never runs ahead of it: a database that holds less than
its mark has lost something.

The same file is what processes lock to write one after the other.  SQLite before 3.51.3 can
damage a file when one connection commits while another one moves the log into the database.
"""

import fcntl
import os
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sqlalchemy import Connection

from homeostat.errors import Unavailable
from homeostat.store import driver

__all__ = ["Acknowledged", "Mark", "acknowledged_in"]

SUFFIX = "-acknowledged"
POLL_S = 0.001  #: between two looks at whether another process is done

_ROWS = "SELECT (SELECT max(rowid) FROM predictions), (SELECT max(rowid) FROM labels)"


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """How many rows of the log there are, or were said to be stored."""

    predictions: int = 0
    labels: int = 0

    def beyond(self, held: Self) -> "Acknowledged":
        """How much more this is than what is held; zero where it is not more.

        Examples
        --------
        >>> Acknowledged(10, 2).beyond(Acknowledged(7, 5))
        Acknowledged(predictions=3, labels=0)
        """
        return Acknowledged(
            max(0, self.predictions - held.predictions), max(0, self.labels - held.labels)
        )


def acknowledged_in(connection: Connection) -> Acknowledged:
    """What a SQLite database holds: rows are never deleted from the log, so the last tells."""
    (row,) = driver.execute(connection, _ROWS)
    return Acknowledged(row[0] or 0, row[1] or 0)


class Mark:
    """The file beside a SQLite database; of no effect where it cannot be written.

    Parameters
    ----------
    database
        The file of the database.
    name
        Of the store, for messages.
    """

    def __init__(self, database: Path, name: str) -> None:
        self.path = database.with_name(database.name + SUFFIX)
        self.database = database
        self._name = name
        self._descriptor: int | None = None

    @contextmanager
    def turn(self, timeout_s: float) -> Iterator[None]:
        """Keep other processes of ours from writing.

        Raises
        ------
        Unavailable
            When one of them does not end for so long.
        """
        descriptor = self._opened()
        if descriptor is None:
            yield
            return
        deadline = time.monotonic() + timeout_s
        while not _locked(descriptor):
            if time.monotonic() >= deadline:
                message = f"the store at {self._name}: database is locked; another process holds it"
                raise Unavailable(f"{message}; try again, or stop what keeps it open")
            time.sleep(POLL_S)
        try:
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)

    def write(self, rows: Acknowledged) -> None:
        """Note what is stored by now; only within a turn, and after the commit."""
        if self._descriptor is not None:
            with suppress(OSError):  # behind the database it may be, only never before it
                os.pwrite(self._descriptor, _encoded(rows), 0)

    def read(self) -> Acknowledged | None:
        """What was noted; None when nothing was.

        Raises
        ------
        ValueError
            When the file holds something else.
        """
        try:
            content = self.path.read_bytes()
        except OSError:
            return None
        return _decoded(content) if content else None

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _opened(self) -> int | None:
        if self._descriptor is None:
            try:
                self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            except OSError as error:
                if os.access(self.database, os.W_OK, effective_ids=True):
                    raise Unavailable(self._unwritable(error)) from error
                return None  # SQLite itself says what is wrong
        return self._descriptor

    def _unwritable(self, error: OSError) -> str:
        return (
            f"the store at {self._name} needs the file {self.path} beside it, which cannot be "
            f"written ({error.strerror}); the folder may be read-only: let this user write to both"
        )


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _encoded(rows: Acknowledged) -> bytes:
    r"""One line of 51 bytes: within a sector, so that it is written whole or not at all.

    Examples
    --------
    >>> _encoded(Acknowledged(12, 3))
    b'00000000000000000012 00000000000000000003 99832ebf\n'
    """
    text = f"{rows.predictions:020} {rows.labels:020}".encode()
    return text + f" {zlib.crc32(text):08x}\n".encode()


def _decoded(content: bytes) -> Acknowledged:
    predictions, labels, _ = content.split()
    rows = Acknowledged(int(predictions), int(labels))
    if _encoded(rows) != content:
        raise ValueError("the checksum differs")
    return rows
