"""Profiles by minute: written as parts, read as the sum over a window."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, insert, select

from homeostat.bins import Bins
from homeostat.profile import Profile, Sparse, total
from homeostat.store import tables
from homeostat.store.codec import check_fits, pack, unpack

__all__ = ["MinuteProfile", "add_parts", "hour_of", "minute_of", "window_profile"]

HOUR = timedelta(hours=1)

_PARTS, _MINUTES, _HOURS = tables.profile_parts, tables.profile_minutes, tables.profile_hours


@dataclass(frozen=True, slots=True)
class MinuteProfile:
    """Some rows of one minute, counted in the bins of the reference of their version."""

    model: str
    version: int
    minute: datetime  #: UTC, its beginning
    profile: Sparse


def minute_of(moment: datetime) -> datetime:
    """The beginning of the minute.

    Examples
    --------
    >>> minute_of(datetime(2024, 5, 1, 12, 34, 56)).isoformat()
    '2024-05-01T12:34:00'
    """
    return moment.replace(second=0, microsecond=0)


def hour_of(moment: datetime) -> datetime:
    """The beginning of the hour.

    Examples
    --------
    >>> hour_of(datetime(2024, 5, 1, 12, 34, 56)).isoformat()
    '2024-05-01T12:00:00'
    """
    return moment.replace(minute=0, second=0, microsecond=0)


def add_parts(connection: Connection, parts: Sequence[MinuteProfile]) -> None:
    """Write down what was counted; it joins its minute when the profiles are compacted."""
    rows = [
        {
            "model": part.model,
            "version": part.version,
            "minute": minute_of(part.minute),
            "body": pack(part.profile),
        }
        for part in parts
    ]
    if rows:
        connection.execute(insert(_PARTS), rows)


def window_profile(
    connection: Connection, of: tuple[str, int], bins: Bins, since: datetime, until: datetime
) -> Profile:
    """The sum over the minutes in [since, until), both floored, of a model and its version.

    Whole hours are taken from the rows of hours, what is marked as summed in them is left
    out, and everything else is added minute by minute and part by part.
    """
    since, until = minute_of(since), minute_of(until)
    first, last = hour_of(since + HOUR - timedelta(minutes=1)), hour_of(until)
    bodies = _bodies(connection, _PARTS, of, _between(_PARTS.c.minute, since, until))
    if first < last:
        minute = _MINUTES.c.minute
        bodies += _bodies(connection, _HOURS, of, _between(_HOURS.c.hour, first, last))
        bodies += _bodies(connection, _MINUTES, of, _between(minute, since, first))
        bodies += _bodies(connection, _MINUTES, of, _between(minute, last, until))
        unsummed = [*_between(minute, first, last), _MINUTES.c.summed.is_(False)]
        bodies += _bodies(connection, _MINUTES, of, unsummed)
    else:
        bodies += _bodies(connection, _MINUTES, of, _between(_MINUTES.c.minute, since, until))
    found = [unpack(body) for body in bodies]
    check_fits(bins, found)
    return total(bins, found)


def _between(column: Any, since: datetime, until: datetime) -> list[ColumnElement[bool]]:
    return [column >= since, column < until]


def _bodies(
    connection: Connection, table: Table, of: tuple[str, int], where: list[ColumnElement[bool]]
) -> list[bytes]:
    model, version = of
    query = select(table.c.body).where(table.c.model == model, table.c.version == version, *where)
    return list(connection.scalars(query))
