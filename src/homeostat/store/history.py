"""History: what the store knows of the past, kind by kind, as it was known at a time."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import Column, Connection, Select, and_, func, insert, or_, select

from homeostat.alert import Alert
from homeostat.errors import UserError
from homeostat.store import tables
from homeostat.store.columns import EPOCH, microseconds
from homeostat.store.history_tables import alert_changes, periodic_reports

__all__ = [
    "PERFORMANCE",
    "Entry",
    "HistoryPage",
    "Kind",
    "Span",
    "add_periodic",
    "entries",
    "note_alert",
    "periodic",
]

#: The questions whose verdicts are about quality, one measurement for each metric.
PERFORMANCE = ("quality", "thresholds", "degradation", "segments", "estimate")


class Kind(StrEnum):
    """What can be asked for."""

    ALERTS = "alerts"
    PERFORMANCE = "performance"
    DRIFT = "drift"
    DECISIONS = "decisions"
    VERDICTS = "verdicts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which entries: of [since, until), as they were known at `as_of`; None is open."""

    since: datetime | None = None
    until: datetime | None = None
    as_of: datetime | None = None
    limit: int = 100
    page: str | None = None  #: where the page before ended, as it said


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened."""

    at: datetime  #: UTC
    key: str  #: what tells it from others of the same time
    body: Mapping[str, Any]  #: plain data


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Entries, newest first, and where the next page begins; None at the end."""

    entries: tuple[Entry, ...]
    following: str | None


def entries(connection: Connection, kind: Kind, model: str, span: Span) -> HistoryPage:
    """The newest entries of a kind, newest first, at most `span.limit`.

    Raises
    ------
    UserError
        When `span.page` is none that a page named.
    """
    found = _KINDS[kind](connection, model, span)
    full = len(found) == span.limit and found
    return HistoryPage(tuple(found), _place(found[-1]) if full else None)


def note_alert(connection: Connection, alert: Alert) -> None:
    """Keep the state that an alert is in now beside those that it was in before."""
    times = (alert.updated_at, alert.acknowledged_at, alert.overdue_at)
    row = {
        "alert_id": alert.id,
        "model": alert.model,
        "at": max(one for one in times if one is not None),
        "opened_at": alert.opened_at,
        "body": json.dumps(alert.to_dict(), separators=(",", ":")),
    }
    connection.execute(insert(alert_changes), row)


def add_periodic(
    connection: Connection, model: str, schedule: str, body: Mapping[str, Any], made_at: datetime
) -> None:
    """Keep the report of a period; `body` says of which, as ISO times under since and until."""
    row = {
        "model": model,
        "schedule": schedule,
        "since": datetime.fromisoformat(body["since"]),
        "until": datetime.fromisoformat(body["until"]),
        "made_at": made_at,
        "body": json.dumps(body, separators=(",", ":")),
    }
    connection.execute(insert(periodic_reports), row)


def periodic(
    connection: Connection, model: str, schedule: str, until: datetime | None
) -> dict[str, Any] | None:
    """The newest report of a period that ended by `until`; None when there is none."""
    table = periodic_reports.c
    query = select(table.body).where(table.model == model, table.schedule == schedule)
    if until is not None:
        query = query.where(table.until <= until)
    body = connection.scalar(query.order_by(table.until.desc()).limit(1))
    return None if body is None else dict(json.loads(body))


def _alerts(connection: Connection, model: str, span: Span) -> list[Entry]:
    """Alerts opened in the span, each in the state that it was in then."""
    table = alert_changes.c
    newest = select(table.alert_id, func.max(table.number).label("number"))
    newest = newest.where(table.model == model)
    if span.as_of is not None:
        newest = newest.where(table.at <= span.as_of)
    last = newest.group_by(table.alert_id).subquery()
    query = select(table.opened_at, table.alert_id, table.body)
    query = query.join(last, last.c.number == table.number)
    query = _within(query, (table.opened_at, table.alert_id), span)
    return [_entry(*row) for row in connection.execute(query)]


def _decisions(connection: Connection, model: str, span: Span) -> list[Entry]:
    table = tables.decisions.c
    query = select(table.decided_at, table.number, table.body).where(table.model == model)
    query = _within(query, (table.decided_at, table.number), span)
    return [_entry(*row) for row in connection.execute(query)]


def _verdicts(*questions: str) -> "Asking":
    """What answers with verdicts on these questions, or on all."""

    def ask(connection: Connection, model: str, span: Span) -> list[Entry]:
        table = tables.verdicts.c
        query = select(table.at, table.number, table.body).where(table.model == model)
        if questions:
            query = query.where(table.question.in_(questions))
        query = _within(query, (table.at, table.number), span)
        return [_entry(*row) for row in connection.execute(query)]

    return ask


Asking = Callable[[Connection, str, Span], list[Entry]]

#: How each kind is asked.  Performance is what the verdicts on quality say; the figures that
#: they judge are in `Store.performance`.
_KINDS: Mapping[Kind, Asking] = MappingProxyType(
    {
        Kind.ALERTS: _alerts,
        Kind.PERFORMANCE: _verdicts(*PERFORMANCE),
        Kind.DRIFT: _verdicts("drift"),
        Kind.DECISIONS: _decisions,
        Kind.VERDICTS: _verdicts(),
    }
)


def _within(query: Select[Any], by: tuple[Column[Any], Column[Any]], span: Span) -> Select[Any]:
    """The query, restricted to a span and one page of it, newest first."""
    at, key = by
    if span.since is not None:
        query = query.where(at >= span.since)
    if span.until is not None:
        query = query.where(at < span.until)
    if span.as_of is not None:
        query = query.where(at <= span.as_of)
    if span.page is not None:
        moment, last = _read_place(span.page, number=key.type.python_type is int)
        query = query.where(or_(at < moment, and_(at == moment, key < last)))
    return query.order_by(at.desc(), key.desc()).limit(span.limit)


def _entry(at: datetime, key: Any, body: str) -> Entry:
    return Entry(at, str(key), json.loads(body))


def _place(one: Entry) -> str:
    return f"{microseconds(one.at)}-{one.key}"


def _read_place(page: str, *, number: bool) -> tuple[datetime, Any]:
    moment, _, key = page.partition("-")
    try:
        return EPOCH + timedelta(microseconds=int(moment)), int(key) if number else key
    except (ValueError, OverflowError) as error:
        message = f"{page!r} is no page; take what the page before says is next"
        raise UserError(message) from error
