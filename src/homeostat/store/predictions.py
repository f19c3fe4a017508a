"""Predictions: written once, found by id, model and time."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Select, func, select, tuple_
from sqlalchemy.exc import IntegrityError

from homeostat.errors import Conflict
from homeostat.prediction import Prediction
from homeostat.store import driver, profiles, tables
from homeostat.store.columns import microseconds
from homeostat.store.engine import Database
from homeostat.store.profiles import MinuteProfile
from homeostat.store.statements import chunks

__all__ = [
    "Count",
    "add_predictions",
    "count_predictions",
    "iterate_predictions",
    "prediction",
    "prediction_from",
    "predictions",
    "predictions_by_id",
    "present",
    "recent_predictions",
    "within",
]

#: What counts predictions into the profiles of their minutes.
Count = Callable[[Sequence[Prediction]], Sequence[MinuteProfile]]

_TABLE = tables.predictions
#: Rows in one statement: SQLite before 3.32 takes 999 values, and a text for each number of
#: rows is kept prepared.
MOST_ROWS = 64

_COLUMNS = tuple(column.name for column in _TABLE.columns)
_ENCODE = json.JSONEncoder(separators=(",", ":")).encode
_INSERT = f"INSERT INTO predictions ({', '.join(_COLUMNS)}) VALUES "  # noqa: S608  # names of ours
_VALUES = f"({', '.join('?' * len(_COLUMNS))})"
_SOME = "SELECT id FROM predictions WHERE id IN ("

#: One array for each column: one statement, whatever the number of rows.
_UNNEST = (
    f"INSERT INTO predictions ({', '.join(_COLUMNS)}) "  # noqa: S608  # names of ours
    "SELECT * FROM unnest(%s::text[], %s::text[], %s::integer[], %s::bigint[], %s::bigint[], "
    "%s::text[], %s::integer[], %s::double precision[], %s::text[]) "
    "ON CONFLICT DO NOTHING RETURNING id"
)


def add_predictions(
    connection: Connection, batch: Sequence[Prediction], count: Count | None
) -> list[Prediction | Conflict]:
    """The stored answer for each of `batch`, in its order; the new ones are stored now."""
    known: dict[str, Prediction] = {}
    for one in batch:
        known.setdefault(one.id, one)
    inserted = _insert_new(connection, known)
    known |= predictions_by_id(connection, [key for key in known if key not in inserted])
    if count is not None and inserted:
        new = [one for key, one in known.items() if key in inserted]
        profiles.add_parts(connection, count(new))
    return [_answer(known[one.id], one) for one in batch]


def prediction(connection: Connection, key: str) -> Prediction | None:
    """The prediction with the id `key`, if there is one."""
    return predictions_by_id(connection, [key]).get(key)


def predictions(
    connection: Connection,
    model: str,
    since: datetime,
    until: datetime,
    version: int | None,
) -> list[Prediction]:
    """Those received in [since, until), by time and id."""
    query = within(select(_TABLE), model, since, until, version)
    return [prediction_from(row) for row in connection.execute(query)]


def within(
    query: Select[Any], model: str, since: datetime, until: datetime, version: int | None
) -> Select[Any]:
    """The query, restricted to predictions received in [since, until), by time and id."""
    query = query.where(
        _TABLE.c.model == model, _TABLE.c.received_at >= since, _TABLE.c.received_at < until
    )
    if version is not None:
        query = query.where(_TABLE.c.version == version)
    return query.order_by(_TABLE.c.received_at, _TABLE.c.id)


def count_predictions(connection: Connection, model: str) -> int:
    """How many predictions of the model there are."""
    query = select(func.count()).select_from(_TABLE).where(_TABLE.c.model == model)
    return connection.scalar(query) or 0


def recent_predictions(connection: Connection, model: str, limit: int) -> list[Prediction]:
    """The newest `limit` predictions, newest first."""
    query = (
        select(_TABLE)
        .where(_TABLE.c.model == model)
        .order_by(_TABLE.c.received_at.desc(), _TABLE.c.id.desc())
        .limit(limit)
    )
    return [prediction_from(row) for row in connection.execute(query)]


def iterate_predictions(database: Database, model: str, batch: int) -> Iterator[list[Prediction]]:
    """All predictions of the model by time and id, each batch in a transaction of its own."""
    query = (
        select(_TABLE)
        .where(_TABLE.c.model == model)
        .order_by(_TABLE.c.received_at, _TABLE.c.id)
        .limit(batch)
    )
    page = query
    while True:
        with database.read() as connection:
            found = [prediction_from(row) for row in connection.execute(page)]
        if not found:
            return
        yield found
        place = tuple_(_TABLE.c.received_at, _TABLE.c.id)
        page = query.where(place > (found[-1].received_at, found[-1].id))


def present(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Those of `keys` that are ids of stored predictions."""
    return {
        key
        for some in chunks(keys)
        for key in connection.scalars(select(_TABLE.c.id).where(_TABLE.c.id.in_(some)))
    }


def prediction_from(row: Sequence[Any]) -> Prediction:
    """The prediction in a row of the table."""
    plain = dict(zip(_COLUMNS, row, strict=True))
    plain["features"] = json.loads(plain["features"])
    return Prediction(**plain)


def _insert_new(connection: Connection, batch: dict[str, Prediction]) -> set[str]:
    """The ids of those of `batch` that were not there and are now.

    The rows go past the parameters of SQLAlchemy, which would cost as much as the insertion.
    """
    if connection.dialect.name == "postgresql":
        # In the order of the ids: two batches that share some then wait and never deadlock.
        columns = zip(*(_bare(batch[key]) for key in sorted(batch)), strict=True)
        arrays = tuple(list(column) for column in columns)
        return set(connection.exec_driver_sql(_UNNEST, arrays).scalars()) if arrays else set()
    return {
        key
        for some in chunks(list(batch.values()), MOST_ROWS)
        for key in _insert_those_new(connection, some)
    }


def _insert_those_new(connection: Connection, some: Sequence[Prediction]) -> list[str]:
    """The same on SQLite, for as many as one statement takes; it inserts all or none."""
    try:
        _insert(connection, some)
    except IntegrityError:
        there = _there(connection, [one.id for one in some])
        if not there:
            raise  # it was something else
        some = [one for one in some if one.id not in there]
        if some:
            _insert(connection, some)
    return [one.id for one in some]


def _insert(connection: Connection, some: Sequence[Prediction]) -> None:
    # In one step, for at each the driver lets another thread go first.
    statement = _INSERT + ", ".join([_VALUES] * len(some))
    driver.execute(connection, statement, tuple(chain.from_iterable(map(_bare, some))))


def _there(connection: Connection, keys: Sequence[str]) -> set[str]:
    """What `present` says, on SQLite."""
    return {
        key
        for some in chunks(keys)
        for (key,) in driver.execute(connection, _SOME + ",".join("?" * len(some)) + ")", some)
    }


def predictions_by_id(connection: Connection, keys: Sequence[str]) -> dict[str, Prediction]:
    """Those of `keys` that are stored, by their id."""
    return {
        row.id: prediction_from(row)
        for some in chunks(keys)
        for row in connection.execute(select(_TABLE).where(_TABLE.c.id.in_(some)))
    }


def _bare(one: Prediction) -> tuple[Any, ...]:
    """The values of all columns, in their order, as the drivers take them."""
    return (
        one.id,
        one.model,
        one.version,
        microseconds(one.received_at),
        None if one.event_time is None else microseconds(one.event_time),
        _ENCODE(one.features) if one.encoded is None else one.encoded.decode(),
        one.prediction,
        one.probability,
        one.body_digest,
    )


def _answer(stored: Prediction, asked: Prediction) -> Prediction | Conflict:
    if (stored.model, stored.body_digest) == (asked.model, asked.body_digest):
        return stored
    return Conflict(
        f"the prediction id {asked.id!r} is already stored with another body; "
        "use a new id for a new row"
    )
