"""Silences, and what people did to alerts."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from homeostat.errors import Conflict, NotFound
from homeostat.silence import Silence
from homeostat.store import alert_tables
from homeostat.store.statements import insert_if_new

__all__ = ["AlertEvent", "add_silence", "end_silence", "events", "note_event", "silences"]

_TABLE, _EVENTS = alert_tables.silences, alert_tables.alert_events


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEvent:
    """Something that somebody did: who, what, when and why."""

    at: datetime  #: UTC
    model: str
    subject: str  #: the id of the alert, silence or message
    event: str  #: such as "acknowledged" or "silenced"
    who: str
    reason: str = ""


def add_silence(connection: Connection, new: Silence) -> None:
    """Keep a silence, and that it was asked for; Conflict when its id is taken."""
    if not insert_if_new(connection, _TABLE, asdict(new)):
        raise Conflict(f"the silence {new.id!r} is there already")
    note_event(
        connection,
        AlertEvent(
            at=new.created_at,
            model=new.model,
            subject=new.id,
            event="silenced",
            who=new.owner,
            reason=f"{new.key or 'all alerts'} until {new.ends_at.isoformat()}: {new.reason}",
        ),
    )


def end_silence(connection: Connection, model: str, key: str, at: datetime, by: str) -> Silence:
    """The silence with this id, which is over now; NotFound when there is none in force."""
    ended = connection.execute(
        update(_TABLE)
        .where(
            _TABLE.c.id == key,
            _TABLE.c.model == model,
            _TABLE.c.ended_at.is_(None),
            _TABLE.c.ends_at > at,
        )
        .values(ended_at=at, ended_by=by)
    )
    if not ended.rowcount:
        raise NotFound(f"no silence {key!r} of model {model!r} is in force")
    event = AlertEvent(at=at, model=model, subject=key, event="silence ended", who=by)
    note_event(connection, event)
    row = connection.execute(select(_TABLE).where(_TABLE.c.id == key)).one()
    return Silence(**row._asdict())


def silences(connection: Connection, model: str, now: datetime | None) -> Sequence[Silence]:
    """Those in force at `now`, or all, newest first."""
    query = select(_TABLE).where(_TABLE.c.model == model)
    if now is not None:
        query = query.where(
            _TABLE.c.ended_at.is_(None), _TABLE.c.created_at <= now, _TABLE.c.ends_at > now
        )
    query = query.order_by(_TABLE.c.created_at.desc(), _TABLE.c.id.desc())
    return [Silence(**row._asdict()) for row in connection.execute(query)]


def note_event(connection: Connection, event: AlertEvent) -> None:
    """Write down what somebody did."""
    connection.execute(insert(_EVENTS), asdict(event))


def events(connection: Connection, model: str, subject: str | None, limit: int) -> list[AlertEvent]:
    """What was done, newest first; to one alert or silence, or to any."""
    query = select(_EVENTS).where(_EVENTS.c.model == model)
    if subject is not None:
        query = query.where(_EVENTS.c.subject == subject)
    query = query.order_by(_EVENTS.c.number.desc()).limit(limit)
    return [
        AlertEvent(**{name: value for name, value in row._asdict().items() if name != "number"})
        for row in connection.execute(query)
    ]
