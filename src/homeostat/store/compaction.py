"""Compaction: parts become minutes and minutes hours; no sum over a window changes.

Between transactions this always holds: a part is counted nowhere else, and the row of an
hour is the sum of exactly those minutes of it that are marked as summed.
"""

from collections import defaultdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from homeostat.profile import Sparse
from homeostat.store import tables
from homeostat.store.codec import merge, pack, unpack
from homeostat.store.engine import Database
from homeostat.store.profiles import HOUR, hour_of, minute_of
from homeostat.store.statements import chunks, lock_writers, upsert

__all__ = ["compact_profiles"]

#: Parts merged in one transaction: bounds the memory, and how long others wait.
PARTS_AT_ONCE = 2000

_PARTS, _MINUTES, _HOURS = tables.profile_parts, tables.profile_minutes, tables.profile_hours


def compact_profiles(database: Database, model: str, until: datetime) -> int:
    """How many parts of minutes that ended by `until` were merged; hours follow."""
    merged = 0
    while True:
        with database.write() as connection:
            some = _merge_parts(connection, model, minute_of(until))
        merged += some
        if some < PARTS_AT_ONCE:
            break
    with database.read() as connection:
        hours = _open_hours(connection, model, hour_of(until))
    for version, hour in hours:
        with database.write() as connection:
            _sum_hour(connection, model, version, hour)
    return merged


def _merge_parts(connection: Connection, model: str, until: datetime) -> int:
    lock_writers(connection, _MINUTES)
    query = (
        select(_PARTS.c.id, _PARTS.c.version, _PARTS.c.minute, _PARTS.c.body)
        .where(_PARTS.c.model == model, _PARTS.c.minute < until)
        .order_by(_PARTS.c.minute)
        .limit(PARTS_AT_ONCE)
    )
    ids, minutes = [], defaultdict[tuple[int, datetime], list[Sparse]](list)
    for key, version, minute, body in connection.execute(query):
        ids.append(key)
        minutes[version, minute].append(unpack(body))
    for version, hour in {(version, hour_of(minute)) for version, minute in minutes}:
        _open_hour(connection, model, version, hour)
    for (version, minute), parts in minutes.items():
        _add_to_minute(connection, (model, version, minute), parts)
    for some in chunks(ids):
        connection.execute(delete(_PARTS).where(_PARTS.c.id.in_(some)))
    return len(ids)


def _add_to_minute(
    connection: Connection, key: tuple[str, int, datetime], parts: list[Sparse]
) -> None:
    model, version, minute = key
    query = select(_MINUTES.c.body).where(
        _MINUTES.c.model == model, _MINUTES.c.version == version, _MINUTES.c.minute == minute
    )
    before = [unpack(body) for body in connection.scalars(query)]
    row: dict[str, Any] = {
        "model": model,
        "version": version,
        "minute": minute,
        "summed": False,
        "body": pack(merge([*before, *parts])),
    }
    upsert(connection, _MINUTES, row)


def _open_hour(connection: Connection, model: str, version: int, hour: datetime) -> None:
    """Take back the sum of an hour that a late part belongs to, if it was made."""
    gone = connection.execute(
        delete(_HOURS).where(
            _HOURS.c.model == model, _HOURS.c.version == version, _HOURS.c.hour == hour
        )
    )
    if gone.rowcount:
        connection.execute(
            update(_MINUTES).where(*_in_hour(model, version, hour)).values(summed=False)
        )


def _open_hours(connection: Connection, model: str, until: datetime) -> list[tuple[int, datetime]]:
    """Versions and hours that are over and have minutes not yet summed."""
    query = select(_MINUTES.c.version, _MINUTES.c.minute).where(
        _MINUTES.c.model == model, _MINUTES.c.summed.is_(False), _MINUTES.c.minute < until
    )
    return sorted({(version, hour_of(minute)) for version, minute in connection.execute(query)})


def _sum_hour(connection: Connection, model: str, version: int, hour: datetime) -> None:
    lock_writers(connection, _MINUTES)
    _open_hour(connection, model, version, hour)  # another process may have been first
    minutes = _in_hour(model, version, hour)
    bodies = connection.scalars(select(_MINUTES.c.body).where(*minutes))
    body = pack(merge([unpack(one) for one in bodies]))
    row = {"model": model, "version": version, "hour": hour, "body": body}
    connection.execute(insert(_HOURS), row)
    connection.execute(update(_MINUTES).where(*minutes).values(summed=True))


def _in_hour(model: str, version: int, hour: datetime) -> list[Any]:
    return [
        _MINUTES.c.model == model,
        _MINUTES.c.version == version,
        _MINUTES.c.minute >= hour,
        _MINUTES.c.minute < hour + HOUR,
    ]
