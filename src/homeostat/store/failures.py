"""What an error of the database means, and what to do about it."""

import sqlite3

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError

from homeostat.errors import HomeostatError, StateError, Unavailable, UserError

__all__ = ["explain", "is_broken_disk"]

#: What the driver says, the kind of error that it is for us, and what to do.
_CAUSES: tuple[tuple[str, type[HomeostatError], str], ...] = (
    (
        "locked",
        Unavailable,
        "another process holds it; try again, or stop what keeps it open",
    ),
    (
        "lock timeout",
        Unavailable,
        "another process holds a lock on it; try again",
    ),
    (
        "readonly database",
        Unavailable,
        "the file or its folder is read-only; let this user write to both",
    ),
    (
        "read-only transaction",
        Unavailable,
        "the server is a standby or read-only; point the URL to the primary",
    ),
    (
        "unable to open database file",
        Unavailable,
        "the folder is missing, or one of them is read-only; let this user write to both",
    ),
    ("disk is full", Unavailable, "free some space on the disk"),
    ("no space left", Unavailable, "free some space on the disk"),
    ("no such table", StateError, "part of the schema is missing; restore a backup"),
    ("not a database", StateError, "the file is something else or damaged; restore a backup"),
    ("malformed", StateError, "the file is damaged; restore a backup"),
)


def explain(where: str, error: DBAPIError) -> HomeostatError:
    """Our error for one of the driver's, with what it said and what to do."""
    said = " ".join(str(error.orig).split())
    for fragment, kind, advice in _CAUSES:
        if fragment in said.lower() and not isinstance(error, IntegrityError | DataError):
            return kind(f"the store at {where}: {said}; {advice}")
    if isinstance(error, DataError):
        return UserError(f"the store at {where} cannot hold a value: {said}")
    if isinstance(error, IntegrityError | ProgrammingError):
        return StateError(f"the store at {where} refused: {said}")
    return Unavailable(
        f"the store at {where} did not answer: {said}; "
        "whether a write took place is unknown: retry with the same ids"
    )


def is_broken_disk(error: DBAPIError) -> bool:
    """Whether SQLite was refused by the disk itself, as by a sync that failed."""
    code = getattr(error.orig, "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_IOERR  # the rest of the code says of what call
