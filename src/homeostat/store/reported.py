"""Rows of models that are served elsewhere: kept as they were reported, counted by version.

A version has the name that its owner gives it, which is data and may be anything, so that
only so many are told apart: the others share the number `OTHER`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from homeostat.errors import Conflict
from homeostat.schema import Row
from homeostat.store import profiles, tables
from homeostat.store.profiles import MinuteProfile, hour_of
from homeostat.store.statements import chunks, lock_writers, upsert

__all__ = [
    "OTHER",
    "CountReported",
    "Receipt",
    "ReportedRow",
    "add_reported",
    "reported_rows",
    "reported_versions",
]

OTHER = 0  #: the number of all versions that are not told apart

#: Versions that are told apart at a time, and how long one that is not seen keeps its place.
MOST_VERSIONS = 100
FORGOTTEN_AFTER = timedelta(days=7)

_ROWS, _VERSIONS = tables.reported_rows, tables.reported_versions
_COLUMNS = tuple(column.name for column in _ROWS.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedRow:
    """One row that somebody else's model was asked about.  Never changed once written."""

    id: str  #: given by the caller, or a UUIDv7
    model: str  #: of ours, whose reference it is compared with
    version: str  #: as its owner calls it
    received_at: datetime  #: UTC, by the server's clock; windows go by it
    event_time: datetime | None = None  #: UTC, when it happened, if the caller knows
    features: Row
    probability: float | None = None  #: what the model said, if the caller tells
    body_digest: str  #: sha256 of the canonical report, to tell a repeat from a clash


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of reported rows."""

    new: frozenset[str]  #: the ids of those that were not there before
    numbers: Mapping[str, int]  #: what each of their versions is counted under


#: What counts new rows, with the number of the version of each.
CountReported = Callable[[Sequence[tuple[ReportedRow, int]]], Sequence[MinuteProfile]]


def add_reported(
    connection: Connection, batch: Sequence[ReportedRow], count: CountReported
) -> Receipt:
    """Store the rows that are new, and what `count` makes of them; all or none.

    Raises
    ------
    Conflict
        When ids stand for other rows already; all of them are named.
    """
    known = {one.id: one for one in reversed(batch)}
    _refuse_clashes(connection, batch, known)
    numbers = _numbers(connection, batch)
    inserted = _insert_new(connection, known)
    new = [(known[key], numbers[known[key].version]) for key in known if key in inserted]
    profiles.add_parts(connection, count(new))
    return Receipt(inserted, numbers)


def reported_rows(
    connection: Connection, model: str, since: datetime, until: datetime
) -> list[ReportedRow]:
    """Those received in [since, until), by time and id."""
    query = (
        select(_ROWS)
        .where(_ROWS.c.model == model, _ROWS.c.received_at >= since, _ROWS.c.received_at < until)
        .order_by(_ROWS.c.received_at, _ROWS.c.id)
    )
    found = []
    for row in connection.execute(query):
        plain = dict(zip(_COLUMNS, row, strict=True))
        plain["features"] = json.loads(plain["features"])
        found.append(ReportedRow(**plain))
    return found


def reported_versions(connection: Connection, model: str, at: datetime) -> dict[str, int]:
    """The versions that are told apart at a time, with what their rows are counted under."""
    return {name: number for name, (number, _) in _seen(connection, model, at).items()}


def _seen(connection: Connection, model: str, at: datetime) -> dict[str, tuple[int, datetime]]:
    query = (
        select(_VERSIONS.c.name, _VERSIONS.c.number, _VERSIONS.c.seen_at)
        .where(_VERSIONS.c.model == model, _VERSIONS.c.seen_at > at - FORGOTTEN_AFTER)
        .order_by(_VERSIONS.c.number)
    )
    return {name: (number, seen_at) for name, number, seen_at in connection.execute(query)}


def _numbers(connection: Connection, batch: Sequence[ReportedRow]) -> dict[str, int]:
    """The number of each version in the batch; a new one is given its own while there is room."""
    if not batch:
        return {}
    model, at = batch[0].model, max(one.received_at for one in batch)
    names = list(dict.fromkeys(one.version for one in batch))
    seen = _seen(connection, model, at)
    stale = [name for name in names if name not in seen or seen[name][1] < hour_of(at)]
    if stale and (len(seen) < MOST_VERSIONS or any(name in seen for name in stale)):
        seen = _note_versions(connection, model, stale, at)
    return {name: seen[name][0] if name in seen else OTHER for name in names}


def _note_versions(
    connection: Connection, model: str, names: Sequence[str], at: datetime
) -> dict[str, tuple[int, datetime]]:
    """Write down that these were seen, as far as there is room; a forgotten one starts anew."""
    lock_writers(connection, _VERSIONS)
    seen = _seen(connection, model, at)
    last = select(func.max(_VERSIONS.c.number)).where(_VERSIONS.c.model == model)
    number = connection.scalar(last) or OTHER
    for name in names:
        if name in seen:
            own = seen[name][0]
        elif len(seen) < MOST_VERSIONS:
            own = number = number + 1
        else:
            continue
        seen[name] = (own, hour_of(at))
        row = {"model": model, "name": name, "number": own, "seen_at": hour_of(at)}
        upsert(connection, _VERSIONS, row)
    return seen


def _refuse_clashes(
    connection: Connection, batch: Sequence[ReportedRow], known: Mapping[str, ReportedRow]
) -> None:
    """Refuse ids that stand for another row, here or in the store."""
    stored = {
        key: (model, digest)
        for some in chunks(list(known))
        for key, model, digest in connection.execute(
            select(_ROWS.c.id, _ROWS.c.model, _ROWS.c.body_digest).where(_ROWS.c.id.in_(some))
        )
    }
    asked = {key: (one.model, one.body_digest) for key, one in known.items()} | stored
    clashes = [i for i, one in enumerate(batch) if asked[one.id] != (one.model, one.body_digest)]
    if clashes:
        problems = [f"rows[{i}].prediction_id: stands for another row already" for i in clashes]
        raise Conflict("an id stands for one row only; choose another for another row", problems)


def _insert_new(connection: Connection, batch: Mapping[str, ReportedRow]) -> frozenset[str]:
    """The ids of those of `batch` that were not there and are now."""
    if not batch:
        return frozenset()
    insert: postgresql.Insert | sqlite.Insert = (
        postgresql.insert(_ROWS).on_conflict_do_nothing()
        if connection.dialect.name == "postgresql"
        else sqlite.insert(_ROWS).on_conflict_do_nothing()
    )
    # In the order of the ids: two batches that share some then wait and never deadlock.
    rows = [_plain(batch[key]) for key in sorted(batch)]
    return frozenset(connection.execute(insert.returning(_ROWS.c.id), rows).scalars())


def _plain(one: ReportedRow) -> dict[str, Any]:
    plain = {name: getattr(one, name) for name in _COLUMNS}
    return {**plain, "features": json.dumps(one.features, separators=(",", ":"))}
