"""Opening a store: its schema brought up to date, and what is missing from it found."""

from functools import partial

from homeostat.errors import HomeostatError, Unavailable
from homeostat.store.engine import Database, open_database
from homeostat.store.migrate import prepare
from homeostat.store.missing import find_missing, note_missing
from homeostat.store.store import Store

__all__ = ["open_store"]


def open_store(
    url: str, *, create: bool = True, busy_timeout_s: float = 5.0, patient: bool = False
) -> Store:
    """The store at `url`, its schema brought to the newest revision.

    Parameters
    ----------
    url
        Such as ``sqlite:///folder/homeostat.db`` or ``postgresql://user@host/database``.
    create
        Whether to make and migrate it; else it must be there and be up to date.
    busy_timeout_s
        How long to wait for a lock that another process holds.
    patient
        Whether a server that does not answer yet is opened all the same: every call then
        raises Unavailable, until it does.

    Raises
    ------
    UserError
        When no store can be kept at such a URL.
    NotFound
        When there is no store and `create` is false.
    StateError
        When the schema is newer than this code, or the file is damaged.
    Unavailable
        When it is locked, read-only or does not answer.
    """
    database = open_database(url, create=create, busy_timeout_s=busy_timeout_s)
    database.preparation.later(partial(_prepare, database, create=create))
    try:
        database.preparation.ensure()
    except Unavailable:
        if database.is_sqlite or not patient:
            database.close()
            raise
    except HomeostatError:
        database.close()
        raise
    return Store(database)


def _prepare(database: Database, *, create: bool) -> None:
    """Bring the schema to the newest revision, and see whether all that should is there."""
    prepare(database, create=create)
    mark = database.mark
    if mark is None:
        return
    with database.read() as connection:
        complete = find_missing(connection, mark) is None
    if not complete:
        with database.write() as connection:
            note_missing(connection, mark)
