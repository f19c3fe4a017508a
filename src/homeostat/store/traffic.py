"""What became of the requests: written by minute and process, read as sums over a window."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from homeostat.store import tables
from homeostat.store.profiles import HOUR, hour_of, minute_of
from homeostat.store.statements import lock_writers, upsert
from homeostat.traffic import Traffic, total_traffic

__all__ = ["MinuteTraffic", "add_traffic", "compact_traffic", "traffic_by_version"]

_TRAFFIC = tables.traffic

ALL = ""  #: in place of a process: the sum over all of them


@dataclass(frozen=True, slots=True)
class MinuteTraffic:
    """What one process saw of the requests of one minute to one version."""

    model: str
    version: int
    minute: datetime  #: UTC, its beginning
    process: str  #: not empty, and no other's
    traffic: Traffic  #: of the whole minute so far: written again it takes the place of the old


def add_traffic(connection: Connection, minutes: Sequence[MinuteTraffic]) -> None:
    """Write down what was seen; what is there of the same minute and process is replaced."""
    for one in minutes:
        row = {
            "model": one.model,
            "version": one.version,
            "minute": minute_of(one.minute),
            "process": one.process,
            "body": _text(one.traffic),
        }
        upsert(connection, _TRAFFIC, row)


def traffic_by_version(
    connection: Connection, model: str, since: datetime | None, until: datetime
) -> dict[int, Traffic]:
    """The sums over the minutes in [since, until); all before `until` where `since` is None.

    Of an hour that was compacted either all counts or nothing, by its beginning.
    """
    query = select(_TRAFFIC.c.version, _TRAFFIC.c.body).where(
        _TRAFFIC.c.model == model, _TRAFFIC.c.minute < until
    )
    if since is not None:
        query = query.where(_TRAFFIC.c.minute >= minute_of(since))
    found = defaultdict[int, list[Traffic]](list)
    for version, body in connection.execute(query):
        found[version].append(_read(body))
    return {version: total_traffic(parts) for version, parts in sorted(found.items())}


def compact_traffic(connection: Connection, model: str, until: datetime) -> int:
    """How many rows of hours that ended by `until` became one for each hour and version."""
    lock_writers(connection, _TRAFFIC)
    query = select(_TRAFFIC.c.version, _TRAFFIC.c.minute).where(
        _TRAFFIC.c.model == model,
        _TRAFFIC.c.minute < hour_of(until),
        _TRAFFIC.c.process != ALL,
    )
    found = [(version, hour_of(minute)) for version, minute in connection.execute(query)]
    for version, hour in sorted(set(found)):
        _join_hour(connection, model, version, hour)
    return len(found)


def _join_hour(connection: Connection, model: str, version: int, hour: datetime) -> None:
    """One row for the hour; what came late joins the row that is there."""
    rows = (
        _TRAFFIC.c.model == model,
        _TRAFFIC.c.version == version,
        _TRAFFIC.c.minute >= hour,
        _TRAFFIC.c.minute < hour + HOUR,
    )
    bodies = connection.scalars(select(_TRAFFIC.c.body).where(*rows))
    joined = total_traffic(_read(body) for body in bodies)
    connection.execute(delete(_TRAFFIC).where(*rows))
    row = {"model": model, "version": version, "minute": hour, "process": ALL}
    connection.execute(insert(_TRAFFIC), {**row, "body": _text(joined)})


def _text(traffic: Traffic) -> str:
    return json.dumps(traffic.to_dict(), separators=(",", ":"))


def _read(body: str) -> Traffic:
    return Traffic.from_dict(json.loads(body))
