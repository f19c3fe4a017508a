"""Profiles by minute: written as parts, read as the sum over a window."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from sqlalchemy import (
    BindParameter,
    CompoundSelect,
    Connection,
    bindparam,
    or_,
    select,
    union_all,
)

from homeostat.bins import Bins
from homeostat.profile import Profile, Sparse, total
from homeostat.store import driver, tables
from homeostat.store.codec import check_fits, pack, unpack
from homeostat.store.columns import microseconds

__all__ = ["MinuteProfile", "add_parts", "hour_of", "minute_of", "window_profile"]

HOUR = timedelta(hours=1)

_INSERT = "INSERT INTO profile_parts (model, version, minute, body) VALUES ("

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
    bare = [
        (part.model, part.version, microseconds(minute_of(part.minute)), pack(part.profile))
        for part in parts
    ]
    if bare and connection.dialect.name == "sqlite":
        driver.execute_many(connection, _INSERT + "?, ?, ?, ?)", bare)
    elif bare:
        connection.exec_driver_sql(_INSERT + "%s, %s, %s, %s)", bare)


def window_profile(
    connection: Connection, of: tuple[str, int], bins: Bins, since: datetime, until: datetime
) -> Profile:
    """The sum over the minutes in [since, until), both floored, of a model and its version.

    Whole hours are taken from the rows of hours, what is marked as summed in them is left
    out, and everything else is added minute by minute and part by part.
    """
    since, until = minute_of(since.astimezone(UTC)), minute_of(until.astimezone(UTC))
    window = {
        "of_model": of[0],
        "of_version": of[1],
        "since": since,
        "first": hour_of(since + HOUR - timedelta(minutes=1)),  # the first hour that is whole
        "last": hour_of(until),
        "until": until,
    }
    found = [unpack(body) for body in connection.scalars(_bodies(), window)]
    check_fits(bins, found)
    return total(bins, found)


@cache
def _bodies() -> CompoundSelect[bytes]:
    """What there is of a window, in one question.

    Without a whole hour in it, `first` is not before `last`: no hour lies between them, and
    every minute lies outside.
    """
    since: BindParameter[datetime] = bindparam("since")
    first: BindParameter[datetime] = bindparam("first")
    last: BindParameter[datetime] = bindparam("last")
    until: BindParameter[datetime] = bindparam("until")
    parts, minutes, hours = (
        select(table.c.body).where(
            table.c.model == bindparam("of_model"), table.c.version == bindparam("of_version")
        )
        for table in (_PARTS, _MINUTES, _HOURS)
    )
    part, minute, hour = _PARTS.c.minute, _MINUTES.c.minute, _HOURS.c.hour
    unsummed = or_(_MINUTES.c.summed.is_(False), minute < first, minute >= last)
    return union_all(
        parts.where(part >= since, part < until),
        hours.where(hour >= first, hour < last),
        minutes.where(minute >= since, minute < until, unsummed),
    )
