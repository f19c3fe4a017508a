"""Removals: whole days that leave the store, each in one transaction with its audit row."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    delete,
    func,
    insert,
    select,
    tuple_,
)

from homeostat.errors import Conflict
from homeostat.prediction import Label, Prediction
from homeostat.store import driver, tables
from homeostat.store.alert_tables import deliveries, outbox
from homeostat.store.engine import Database
from homeostat.store.history_tables import alert_changes, periodic_reports, removals
from homeostat.store.predictions import prediction_from
from homeostat.store.statements import chunks, lock_writers

__all__ = [
    "DAY",
    "DayRows",
    "Logged",
    "Removal",
    "beginning",
    "days_with_rows",
    "iterate_day",
    "last_written",
    "remove_day",
    "remove_logged",
    "removed",
]

DAY = timedelta(days=1)

_PREDICTIONS, _LABELS = tables.predictions, tables.labels
_VERDICTS, _ALERTS = tables.verdicts, tables.alerts
_FIELDS = tuple(column.name for column in _LABELS.columns if column.name != "revision")


@dataclass(frozen=True, slots=True)
class DayRows:
    """One day, UTC, and how many rows it has."""

    day: date
    rows: int


@dataclass(frozen=True, slots=True)
class Logged:
    """A prediction with every label that it was given, oldest first."""

    prediction: Prediction
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """The audit record of one day that left the store."""

    model: str
    kind: str  #: predictions, verdicts, alerts, messages or reports
    day: str  #: UTC, as 2026-01-31
    removed_at: datetime  #: UTC
    removed_by: str
    rows: int
    labels: int = 0
    place: str | None = None  #: file with the rows; None when they were not kept
    sha256: str | None = None


def beginning(day: date) -> datetime:
    """When a day begins, UTC.

    Examples
    --------
    >>> beginning(date(2026, 1, 31)).isoformat()
    '2026-01-31T00:00:00+00:00'
    """
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def days_with_rows(
    connection: Connection, model: str, kind: str, before: datetime
) -> list[DayRows]:
    """The days that began before, oldest first, with what could be removed of them."""
    table, at = _PLACES[kind]
    found: list[DayRows] = []
    since: datetime | None = None
    while True:
        # From day to day over the index, instead of over all rows.
        query = select(func.min(at)).where(table.c.model == model, at < before)
        if since is not None:
            query = query.where(at >= since)
        oldest: datetime | None = connection.scalar(query)
        if oldest is None:
            return found
        day = oldest.astimezone(UTC).date()
        rows = connection.scalar(
            select(func.count()).select_from(table).where(*_of_day(connection, kind, model, day))
        )
        if rows:
            found.append(DayRows(day, rows))
        since = beginning(day) + DAY


def last_written(connection: Connection) -> set[str]:
    """The ids of the newest prediction and of that with the newest label, in a SQLite file.

    What was acknowledged is told by the last row (see `mark`), which therefore stays.
    """
    if connection.dialect.name != "sqlite":
        return set()
    asked = (
        "SELECT id FROM predictions ORDER BY rowid DESC LIMIT 1",
        "SELECT prediction_id FROM labels ORDER BY rowid DESC LIMIT 1",
    )
    return {key for one in asked for (key,) in driver.execute(connection, one)}


def iterate_day(
    database: Database, model: str, day: date, batch: int = 10_000
) -> Iterator[list[Logged]]:
    """The predictions of a day with all their labels, by time and id, in batches."""
    query = (
        select(_PREDICTIONS)
        .where(*_received(model, day))
        .order_by(_PREDICTIONS.c.received_at, _PREDICTIONS.c.id)
        .limit(batch)
    )
    page = query
    while True:
        with database.read() as connection:
            held = [prediction_from(row) for row in connection.execute(page)]
            found = _with_labels(connection, held)
        if not found:
            return
        yield found
        place = tuple_(_PREDICTIONS.c.received_at, _PREDICTIONS.c.id)
        page = query.where(place > (held[-1].received_at, held[-1].id))


def remove_logged(connection: Connection, removal: Removal) -> None:
    """Remove the predictions of a day with their labels and shadows, and write it down.

    Rows and labels are only ever added: when there are as many as in the file, they are
    the same.

    Raises
    ------
    Conflict
        When some came since the file was written; nothing is removed then.
    """
    lock_writers(connection, _LABELS)
    day = date.fromisoformat(removal.day)
    ids = select(_PREDICTIONS.c.id).where(*_received(removal.model, day))
    count = select(func.count())
    rows = connection.scalar(count.select_from(ids.subquery()))
    labels = connection.scalar(count.select_from(_LABELS).where(_LABELS.c.prediction_id.in_(ids)))
    _refuse_others(removal, (rows or 0, labels or 0))
    connection.execute(insert(removals), asdict(removal))
    shadows = tables.shadow_predictions
    for table in (_LABELS, tables.label_repeats, shadows):
        connection.execute(delete(table).where(table.c.prediction_id.in_(ids)))
    gone = connection.execute(delete(_PREDICTIONS).where(*_received(removal.model, day)))
    _refuse_others(removal, (gone.rowcount, labels or 0))


def _refuse_others(removal: Removal, found: tuple[int, int]) -> None:
    """Refuse to remove other rows and labels than were filed."""
    if found != (removal.rows, removal.labels):
        message = (
            f"{removal.day} has {found[0]:,} rows and {found[1]:,} labels, and {removal.rows:,} "
            f"and {removal.labels:,} were filed: something came in meanwhile; nothing was removed"
        )
        raise Conflict(message)


def remove_day(connection: Connection, removal: Removal) -> int:
    """How many rows of another kind were removed of a day; written down with it.

    ``removal.rows`` is filled in.
    """
    day = date.fromisoformat(removal.day)
    table, _ = _PLACES[removal.kind]
    which = _of_day(connection, removal.kind, removal.model, day)
    for part, key, of in _PARTS.get(removal.kind, ()):
        connection.execute(delete(part).where(key.in_(select(of).where(*which))))
    rows = connection.execute(delete(table).where(*which)).rowcount
    if rows:
        connection.execute(insert(removals), {**asdict(removal), "rows": rows})
    return rows


def removed(connection: Connection, model: str, kind: str | None) -> list[Removal]:
    """What was removed, oldest first."""
    columns = [column for column in removals.columns if column.name != "number"]
    query = select(*columns).where(removals.c.model == model)
    if kind is not None:
        query = query.where(removals.c.kind == kind)
    rows = connection.execute(query.order_by(removals.c.number))
    return [Removal(**row._asdict()) for row in rows]


def _with_labels(connection: Connection, held: Sequence[Prediction]) -> list[Logged]:
    labels: dict[str, list[Label]] = {one.id: [] for one in held}
    for some in chunks(list(labels)):
        query = (
            select(*(_LABELS.c[name] for name in _FIELDS))
            .where(_LABELS.c.prediction_id.in_(some))
            .order_by(_LABELS.c.revision)
        )
        for row in connection.execute(query):
            labels[row.prediction_id].append(Label(**dict(zip(_FIELDS, row, strict=True))))
    return [Logged(one, tuple(labels[one.id])) for one in held]


def _received(model: str, day: date) -> tuple[ColumnElement[bool], ...]:
    at = _PREDICTIONS.c.received_at
    since = beginning(day)
    return (_PREDICTIONS.c.model == model, at >= since, at < since + DAY)


def _of_day(
    connection: Connection, kind: str, model: str, day: date
) -> tuple[ColumnElement[bool], ...]:
    """The rows of a kind that may go of a day.

    The newest verdict on a question never does, nor what was told of an alert that is open.
    """
    table, at = _PLACES[kind]
    since = beginning(day)
    which = (table.c.model == model, at >= since, at < since + DAY)
    if kind == "verdicts":
        return (*which, _VERDICTS.c.number.not_in(_newest_verdicts(connection, model)))
    if kind == "messages":
        still = select(_ALERTS.c.id).where(_ALERTS.c.resolved_at.is_(None))
        return (*which, outbox.c.alert_id.is_(None) | outbox.c.alert_id.not_in(still))
    return which


def _newest_verdicts(connection: Connection, model: str) -> list[int]:
    """The newest verdict on each question: what the next look goes by."""
    rank = (
        func.row_number()
        .over(
            partition_by=_VERDICTS.c.question,
            order_by=(_VERDICTS.c.at.desc(), _VERDICTS.c.number.desc()),
        )
        .label("rank")
    )
    ranked = select(_VERDICTS.c.number, rank).where(_VERDICTS.c.model == model).subquery()
    return list(connection.scalars(select(ranked.c.number).where(ranked.c.rank == 1)))


#: Where each kind lies, and the time by which it is of a day.  Open alerts have no end, and
#: neither has what is still to be told, so they never are.
_PLACES: dict[str, tuple[Table, Any]] = {
    "predictions": (_PREDICTIONS, _PREDICTIONS.c.received_at),
    "verdicts": (_VERDICTS, _VERDICTS.c.at),
    "alerts": (_ALERTS, _ALERTS.c.resolved_at),
    "messages": (outbox, outbox.c.ended_at),
    "reports": (periodic_reports, periodic_reports.c.until),
}

#: What goes with the rows of a kind: its table, and the column that names them, as theirs.
_PARTS: dict[str, tuple[tuple[Table, Any, Any], ...]] = {
    "alerts": ((alert_changes, alert_changes.c.alert_id, _ALERTS.c.id),),
    "messages": ((deliveries, deliveries.c.message_id, outbox.c.message_id),),
}
