"""Envelopes: what waits to be told, what was tried, and what came of it."""

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from homeostat.alert import Alert, AlertSeverity, Change
from homeostat.outgoing import Attachment, Envelope, Notice, Queue, Sent
from homeostat.store.alert_tables import deliveries, outbox
from homeostat.store.statements import insert_if_new

__all__ = [
    "Delivery",
    "Told",
    "abandon",
    "add_envelopes",
    "claim",
    "deliveries_of",
    "finish",
    "postpone",
    "queue",
    "thread",
    "told",
]

WAITING, DELIVERED, DEAD = "waiting", "delivered", "dead"

MOST = 1_000  #: envelopes that are looked at for one message
FEW = 50  #: of those that go one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One try to deliver a message, and what came of it."""

    message_id: str
    channel: str
    model: str
    severity: AlertSeverity
    at: datetime  #: UTC
    outcome: str  #: "delivered", "trouble" or "dead"
    detail: str = ""
    receipt: str | None = None  #: by which the channel knows the message


@dataclass(frozen=True, slots=True)
class Told:
    """What a channel was told of an alert."""

    waiting: bool = False  #: whether something is still to be told
    delivered_at: datetime | None = None  #: when it was last told; UTC
    given_up_at: datetime | None = None  #: when that was last given up; UTC


def add_envelopes(connection: Connection, new: Iterable[Envelope]) -> int:
    """How many were put into the outbox; one whose id is there already is not."""
    return sum(insert_if_new(connection, outbox, _row(one)) for one in new)


def queue(
    connection: Connection, model: str, channel: str, *, grouped: bool, now: datetime
) -> Queue:
    """What the channel of this model has to be told, and what it was told lately."""
    mine = (outbox.c.channel == channel, outbox.c.model == model, outbox.c.state == WAITING)
    due = (
        select(outbox)
        .where(*mine, outbox.c.due_at <= now)
        .order_by(outbox.c.message_id.is_(None), outbox.c.number)
        .limit(MOST if grouped else FEW)
    )
    busy = select(outbox.c.alert_id).where(*mine, outbox.c.message_id.is_not(None)).distinct()
    lately = select(deliveries.c.severity, deliveries.c.at).where(
        deliveries.c.channel == channel,
        deliveries.c.model == model,
        deliveries.c.outcome == DELIVERED,
        deliveries.c.at > now - timedelta(hours=1),
    )
    return Queue(
        waiting=tuple(_from(row) for row in connection.execute(due)),
        busy=frozenset(one for one in connection.scalars(busy) if one is not None),
        sent=tuple(
            Sent(severity=AlertSeverity(severity), at=at)
            for severity, at in connection.execute(lately)
        ),
    )


def claim(connection: Connection, batch: Sequence[Envelope], message_id: str) -> list[Envelope]:
    """Those of the batch that still wait, now parts of the message, with this try counted."""
    ids = [one.id for one in batch]
    connection.execute(
        update(outbox)
        .where(outbox.c.id.in_(ids), outbox.c.state == WAITING)
        .values(message_id=message_id, tries=outbox.c.tries + 1)
    )
    query = select(outbox).where(outbox.c.id.in_(ids), outbox.c.state == WAITING)
    return [_from(row) for row in connection.execute(query.order_by(outbox.c.number))]


def finish(connection: Connection, done: Delivery) -> None:
    """The message was delivered, or is given up; none of its parts waits any longer."""
    _note(connection, done)
    values = {"state": done.outcome, "ended_at": done.at, "trouble": done.detail or None}
    connection.execute(_parts(done.message_id).values(**values))


def postpone(connection: Connection, tried: Delivery, due_at: datetime, refusals: int) -> None:
    """The message did not get through, and is tried again."""
    _note(connection, tried)
    values = {"due_at": due_at, "refusals": refusals, "trouble": tried.detail}
    connection.execute(_parts(tried.message_id).values(**values))


def abandon(
    connection: Connection, model: str, known: Sequence[str], *, at: datetime
) -> dict[str, int]:
    """How many envelopes are dead letters now, by channel: those of no channel that is known."""
    lost = (
        outbox.c.model == model,
        outbox.c.state == WAITING,
        outbox.c.channel.not_in(known),
    )
    count = select(outbox.c.channel, func.count()).where(*lost).group_by(outbox.c.channel)
    found = {channel: int(n) for channel, n in connection.execute(count)}
    if found:
        reason = "the channel is no longer in the settings"
        values = {"state": DEAD, "ended_at": at, "trouble": reason}
        connection.execute(update(outbox).where(*lost).values(**values))
    return found


def told(connection: Connection, alert_ids: Sequence[str]) -> dict[str, dict[str, Told]]:
    """What each channel was told of these alerts, by alert and channel."""
    query = (
        select(outbox.c.alert_id, outbox.c.channel, outbox.c.state, func.max(outbox.c.ended_at))
        .where(outbox.c.alert_id.in_(alert_ids))
        .group_by(outbox.c.alert_id, outbox.c.channel, outbox.c.state)
    )
    found: dict[str, dict[str, Told]] = {}
    for alert_id, channel, state, ended_at in connection.execute(query):
        channels = found.setdefault(alert_id, {})
        known = channels.get(channel, Told())
        channels[channel] = {
            WAITING: replace(known, waiting=True),
            DELIVERED: replace(known, delivered_at=ended_at),
            DEAD: replace(known, given_up_at=ended_at),
        }[state]
    return found


def thread(connection: Connection, channel: str, alert_id: str) -> str | None:
    """The receipt of the first message about this alert that the channel gave one for."""
    query = (
        select(deliveries.c.receipt)
        .join(outbox, outbox.c.message_id == deliveries.c.message_id)
        .where(
            outbox.c.alert_id == alert_id,
            outbox.c.channel == channel,
            deliveries.c.channel == channel,
            deliveries.c.outcome == DELIVERED,
            deliveries.c.receipt.is_not(None),
        )
        .order_by(deliveries.c.number)
        .limit(1)
    )
    return connection.scalar(query)


def deliveries_of(connection: Connection, alert_id: str) -> list[Delivery]:
    """Every try to tell of this alert, oldest first."""
    ids = select(outbox.c.message_id).where(outbox.c.alert_id == alert_id)
    query = select(deliveries).where(deliveries.c.message_id.in_(ids)).order_by(deliveries.c.number)
    found = [row._asdict() for row in connection.execute(query)]
    return [
        Delivery(
            **{
                **{name: value for name, value in one.items() if name != "number"},
                "severity": AlertSeverity(one["severity"]),
            }
        )
        for one in found
    ]


def _parts(message_id: str) -> Any:
    return update(outbox).where(outbox.c.message_id == message_id, outbox.c.state == WAITING)


def _note(connection: Connection, one: Delivery) -> None:
    row = {
        "message_id": one.message_id,
        "channel": one.channel,
        "model": one.model,
        "severity": int(one.severity),
        "at": one.at,
        "outcome": one.outcome,
        "detail": one.detail,
        "receipt": one.receipt,
    }
    connection.execute(insert(deliveries), row)


def _row(one: Envelope) -> dict[str, Any]:
    return {
        "id": one.id,
        "channel": one.channel,
        "model": one.model,
        "alert_id": one.alert.id if one.alert else None,
        "change": one.change.value if one.change else None,
        "body": json.dumps(_body(one), separators=(",", ":")),
        "created_at": one.created_at,
        "state": WAITING,
        "due_at": one.due_at,
        "message_id": one.message_id,
        "tries": one.tries,
        "refusals": one.refusals,
        "fallback_for": one.fallback_for,
        "trouble": one.trouble,
        "ended_at": None,
    }


def _body(one: Envelope) -> dict[str, Any]:
    if one.alert is not None:
        return {"alert": one.alert.to_dict()}
    notice = one.notice
    if notice is None:
        return {}
    return {
        "notice": {
            "id": notice.id,
            "channel": notice.channel,
            "model": notice.model,
            "subject": notice.subject,
            "text": notice.text,
            "created_at": notice.created_at.isoformat(),
            "html": notice.html,
            "attachments": [
                [file.name, file.media_type, base64.b64encode(file.content).decode()]
                for file in notice.attachments
            ],
        }
    }


def _from(row: Row[Any]) -> Envelope:
    body = json.loads(row.body)
    made = Envelope(
        id=row.id,
        channel=row.channel,
        model=row.model,
        created_at=row.created_at,
        due_at=row.due_at,
        message_id=row.message_id,
        tries=row.tries,
        refusals=row.refusals,
        fallback_for=row.fallback_for,
        trouble=row.trouble,
        change=Change(row.change) if row.change else None,
    )
    if "alert" in body:
        return replace(made, alert=Alert.from_dict(body["alert"]))
    return replace(made, notice=_notice(body["notice"])) if "notice" in body else made


def _notice(plain: dict[str, Any]) -> Notice:
    files = tuple(
        Attachment(name=name, media_type=kind, content=base64.b64decode(content))
        for name, kind, content in plain.pop("attachments")
    )
    created_at = datetime.fromisoformat(plain.pop("created_at"))
    return Notice(created_at=created_at, attachments=files, **plain)
