"""Beats: when each loop last did its work, and how many rows came when."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Table, delete, func, select

from homeostat.liveness import Beat, Lull
from homeostat.store import tables
from homeostat.store.statements import upsert

__all__ = ["beats", "forget", "keep", "lulls"]

_TABLE = tables.beats
_LOGS = (tables.predictions, tables.reported_rows)

WEEK, HOUR = timedelta(weeks=1), timedelta(hours=1)

ENOUGH = 1_000  #: rows up to which they are counted

LONGEST = 500  #: letters of a problem that are kept


def beats(connection: Connection, model: str) -> dict[str, Beat]:
    """All loops of the model, by name."""
    query = select(_TABLE).where(_TABLE.c.model == model).order_by(_TABLE.c.loop)
    rows = [row._asdict() for row in connection.execute(query)]
    found = [Beat(**{name: row[name] for name in row if name != "model"}) for row in rows]
    return {one.loop: one for one in found}


def keep(connection: Connection, model: str, beat: Beat) -> None:
    """Write down what is known of the loop now."""
    told = replace(beat, problem=beat.problem[:LONGEST])
    upsert(connection, _TABLE, {"model": model, **asdict(told)})


def forget(connection: Connection, model: str, loop: str) -> bool:
    """Whether the loop was known; it is not any more."""
    gone = connection.execute(delete(_TABLE).where(_TABLE.c.model == model, _TABLE.c.loop == loop))
    return bool(gone.rowcount)


def lulls(
    connection: Connection, model: str, lengths: Sequence[timedelta], at: datetime, weeks: int
) -> list[Lull]:
    """The times of these lengths that end `at`, up to the first with rows.

    Where none came they stand beside those of up to so many weeks before, of which only
    those count that lie wholly after the first row that there is.
    """
    first = min(
        (when for one in _LOGS if (when := _first(connection, one, model)) is not None),
        default=at,
    )
    found = []
    for length in lengths:
        shift = max(length, HOUR)
        ends = [at - (1 + week) * WEEK for week in range(weeks)]
        ends = [end for end in ends if first <= end - length - shift]
        seen = _rows(connection, model, at - length, at)
        earlier = () if seen else tuple(_least(connection, model, end, length) for end in ends)
        found.append(Lull(length=length, seen=seen, weeks=len(ends), earlier=earlier))
        if seen:
            break
    return found


def _least(connection: Connection, model: str, end: datetime, length: timedelta) -> int:
    """The fewest rows of the time that ends then, the one before and the one after it."""
    shift = max(length, HOUR)
    ends = (end - shift, end, end + shift)
    return min(_rows(connection, model, one - length, one) for one in ends)


def _rows(connection: Connection, model: str, since: datetime, until: datetime) -> int:
    """How many rows were received in [since, until), up to `ENOUGH`."""
    return sum(_counted(connection, one, model, (since, until)) for one in _LOGS)


def _counted(
    connection: Connection, log: Table, model: str, window: tuple[datetime, datetime]
) -> int:
    since, until = window
    rows = (
        select(log.c.id)
        .where(log.c.model == model, log.c.received_at >= since, log.c.received_at < until)
        .limit(ENOUGH)
        .subquery()
    )
    return connection.scalar(select(func.count()).select_from(rows)) or 0


def _first(connection: Connection, log: Table, model: str) -> datetime | None:
    query = select(log.c.received_at).where(log.c.model == model)
    return connection.scalar(query.order_by(log.c.received_at).limit(1))
