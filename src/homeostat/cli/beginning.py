"""What a service makes sure of, and tells, before it answers from a store."""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from homeostat.errors import Unavailable, UserError

if TYPE_CHECKING:
    from homeostat.alerting import Alerting

__all__ = ["STORE", "alert_of_missing", "sole_service", "warn_of_sqlite"]

STORE = "store"  #: key of the alert that something acknowledged is missing


@contextlib.contextmanager
def sole_service(url: str) -> Iterator[None]:
    """Keep a second service from answering out of the same SQLite file.

    Each would know only its own queue, and both would wait for one lock.  Commands and the
    loop may use the file beside the service.

    Raises
    ------
    UserError
        When there is one already.
    Unavailable
        When the file that says so cannot be written.
    """
    place = url.partition("///")[2]
    if not url.startswith("sqlite") or place.startswith("file:"):
        yield
        return
    mine = Path(place + "-serving")
    try:
        mine.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(mine, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        message = f"{mine} cannot be written: {error.strerror}; let this user write to its folder"
        raise Unavailable(message) from error
    try:
        _claim(descriptor, place)
        yield
    finally:
        os.close(descriptor)


def _claim(descriptor: int, place: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        message = (
            f"another service answers out of {place} already; SQLite takes one, so stop that "
            "one, or keep the store in PostgreSQL to have several"
        )
        raise UserError(message) from error


def warn_of_sqlite(url: str) -> None:
    """Log what an operator should know of the version of SQLite, if it is used."""
    import structlog

    from homeostat.store.place import log_reset_warning

    if url.startswith("sqlite") and (text := log_reset_warning(sqlite3.sqlite_version_info)):
        structlog.get_logger().warning("old SQLite", detail=text)


def alert_of_missing(alerting: "Alerting", *, now: datetime) -> None:
    """Open an alert when something that was acknowledged is missing from the store.

    A store that does not answer yet is looked at by whoever opens it next.
    """
    import structlog

    from homeostat.store import MISSING
    from homeostat.verdict import Outcome, Verdict

    with contextlib.suppress(Unavailable):
        text = alerting.store.flag(MISSING)
        if text is None:
            return
        structlog.get_logger().error("acknowledged rows are missing", detail=text)
        if alerting.store.open_alert(alerting.model, STORE) is None:
            verdict = Verdict(question=STORE, outcome=Outcome.FAIL, reason=text)
            alerting.consider([verdict], now=now)
