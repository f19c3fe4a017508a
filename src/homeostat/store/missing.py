"""What was acknowledged and is not there: found when a file is opened, and never silent."""

import shutil
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection

from homeostat.store.leases import flag, set_flag
from homeostat.store.mark import Acknowledged, Mark, acknowledged_in

__all__ = ["MISSING", "find_missing", "note_missing"]

MISSING = "store:missing"  #: flag that says what is gone, until somebody takes it away


def find_missing(connection: Connection, mark: Mark) -> str | None:
    """What a SQLite file should hold and does not, in words; None when all is there."""
    try:
        noted = mark.read()
    except ValueError as error:
        return (
            f"{mark.path} cannot be read ({error}), so nobody can tell whether something that "
            "was acknowledged is missing"
        )
    gone = (noted or Acknowledged()).beyond(acknowledged_in(connection))
    if gone == Acknowledged():
        return None
    return (
        f"{gone.predictions} predictions and {gone.labels} labels that were acknowledged are "
        "missing: the end of the file's log was damaged, or an older file was put in its place"
    )


def note_missing(connection: Connection, mark: Mark) -> None:
    """Write down what is missing, if anything, and keep what is left of the log.

    SQLite writes over a damaged log; its copy beside it may still hold what can be read.
    """
    found = find_missing(connection, mark)
    if found is None:
        return
    kept = _keep_log(mark)
    said = [flag(connection, MISSING), found + (f"; {kept} is a copy of it" if kept else "")]
    set_flag(connection, MISSING, "; ".join(one for one in said if one))


def _keep_log(mark: Mark) -> Path | None:
    log = mark.database.with_name(mark.database.name + "-wal")
    for i in range(1, 100):
        copy = log.with_name(f"{log.name}.damaged-{i}")
        if not copy.exists():
            with suppress(OSError):  # without room for it, what is missing is still said
                shutil.copyfile(log, copy)
                return copy
            return None
    return None
