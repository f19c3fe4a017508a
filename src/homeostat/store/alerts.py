"""Alerts: at most one open for a model and key."""

from dataclasses import asdict

from sqlalchemy import Connection, select

from homeostat.alert import Alert
from homeostat.errors import Conflict
from homeostat.store import tables
from homeostat.store.history import note_alert
from homeostat.store.statements import insert_if_new, upsert

__all__ = ["alerts", "open_alert", "save_alert"]

_TABLE = tables.alerts


def open_alert(connection: Connection, model: str, key: str) -> Alert | None:
    """The alert that is open for the key, if any."""
    query = select(_TABLE).where(
        _TABLE.c.model == model, _TABLE.c.key == key, _TABLE.c.resolved_at.is_(None)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else Alert(**row._asdict())


def save_alert(connection: Connection, alert: Alert) -> None:
    """Store the alert, or its newest state; Conflict when another one is open for its key."""
    row = asdict(alert)
    if insert_if_new(connection, _TABLE, row):
        note_alert(connection, alert)
        return
    standing = open_alert(connection, alert.model, alert.key)
    if alert.resolved_at is None and standing is not None and standing.id != alert.id:
        message = f"an alert {alert.key!r} of model {alert.model!r} is already open"
        raise Conflict(f"{message}: {standing.id!r}; update that one")
    upsert(connection, _TABLE, row)
    note_alert(connection, alert)


def alerts(connection: Connection, model: str, *, open_only: bool) -> list[Alert]:
    """All alerts of the model, or those still open, newest first."""
    query = select(_TABLE).where(_TABLE.c.model == model)
    if open_only:
        query = query.where(_TABLE.c.resolved_at.is_(None))
    query = query.order_by(_TABLE.c.opened_at.desc(), _TABLE.c.id.desc())
    return [Alert(**row._asdict()) for row in connection.execute(query)]
