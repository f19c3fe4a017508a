"""Alerts: at most one open for a model and key."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from homeostat.alert import Alert, AlertSeverity, AlertType, Finding
from homeostat.errors import Conflict, NotFound
from homeostat.store import tables
from homeostat.store.history import note_alert
from homeostat.store.statements import insert_if_new, upsert

__all__ = ["alert", "alerts", "newest_alerts", "open_alert", "save_alert", "unacknowledged"]

_TABLE = tables.alerts


def open_alert(connection: Connection, model: str, key: str) -> Alert | None:
    """The alert that is open for the key, if any."""
    query = select(_TABLE).where(
        _TABLE.c.model == model, _TABLE.c.key == key, _TABLE.c.resolved_at.is_(None)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else _from(row)


def newest_alerts(connection: Connection, model: str, keys: Sequence[str]) -> dict[str, Alert]:
    """The newest alert of each key that ever had one, open or not."""
    newest: dict[str, Alert] = {}
    for key in dict.fromkeys(keys):
        query = (
            select(_TABLE)
            .where(_TABLE.c.model == model, _TABLE.c.key == key)
            .order_by(_TABLE.c.resolved_at.is_(None).desc(), _TABLE.c.opened_at.desc())
            .limit(1)
        )
        row = connection.execute(query).one_or_none()
        if row is not None:
            newest[key] = _from(row)
    return newest


def save_alert(connection: Connection, new: Alert) -> None:
    """Store the alert, or its newest state; Conflict when another one is open for its key."""
    row = {
        "id": new.id,
        "model": new.model,
        "key": new.key,
        "type": new.finding.kind.value,
        "severity": int(new.severity),
        "reason": new.reason,
        "opened_at": new.opened_at,
        "updated_at": new.updated_at,
        "resolved_at": new.resolved_at,
        "times_seen": new.times_seen,
        "acknowledged_at": new.acknowledged_at,
        "overdue_at": new.overdue_at,
        "body": json.dumps(new.to_dict(), separators=(",", ":")),
    }
    if insert_if_new(connection, _TABLE, row):
        note_alert(connection, new)
        return
    standing = open_alert(connection, new.model, new.key)
    if new.resolved_at is None and standing is not None and standing.id != new.id:
        message = f"an alert {new.key!r} of model {new.model!r} is already open"
        raise Conflict(f"{message}: {standing.id!r}; update that one")
    upsert(connection, _TABLE, row)
    note_alert(connection, new)


def alert(connection: Connection, model: str, key: str) -> Alert:
    """The alert with this id, or the newest with this key; NotFound when there is none."""
    row = connection.execute(
        select(_TABLE).where(_TABLE.c.model == model, _TABLE.c.id == key)
    ).one_or_none()
    found = _from(row) if row is not None else newest_alerts(connection, model, [key]).get(key)
    if found is None:
        raise NotFound(f"no alert {key!r} of model {model!r}; see `homeostat alert list --all`")
    return found


def alerts(connection: Connection, model: str, *, open_only: bool) -> list[Alert]:
    """All alerts of the model, or those still open, newest first."""
    query = select(_TABLE).where(_TABLE.c.model == model)
    if open_only:
        query = query.where(_TABLE.c.resolved_at.is_(None))
    query = query.order_by(_TABLE.c.opened_at.desc(), _TABLE.c.id.desc())
    return [_from(row) for row in connection.execute(query)]


def unacknowledged(connection: Connection, model: str, opened_by: datetime) -> list[Alert]:
    """Open alerts that nobody took up and that nobody was told of for that reason."""
    query = select(_TABLE).where(
        _TABLE.c.model == model,
        _TABLE.c.resolved_at.is_(None),
        _TABLE.c.acknowledged_at.is_(None),
        _TABLE.c.overdue_at.is_(None),
        _TABLE.c.opened_at <= opened_by,
    )
    return [_from(row) for row in connection.execute(query.order_by(_TABLE.c.opened_at))]


def _from(row: Row[Any]) -> Alert:
    if row.body is not None:
        return Alert.from_dict(json.loads(row.body))
    finding = Finding(
        key=row.key,
        kind=AlertType(row.type),
        severity=AlertSeverity(row.severity),
        title=row.key,
        reason=row.reason,
    )
    return Alert(
        id=row.id,
        model=row.model,
        finding=finding,
        severity=finding.severity,
        opened_at=row.opened_at,
        updated_at=row.updated_at,
        resolved_at=row.resolved_at,
        times_seen=row.times_seen,
    )
