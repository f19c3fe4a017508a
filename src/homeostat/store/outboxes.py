"""Outbox and AlertBook: the parts of the store about alerts and what is told of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from homeostat.alert import Alert, Change
from homeostat.outgoing import Envelope, Notice, Queue
from homeostat.silence import Silence
from homeostat.store import alerts, envelopes, silences, tables
from homeostat.store.engine import Database
from homeostat.store.envelopes import Delivery, Told
from homeostat.store.silences import AlertEvent
from homeostat.store.statements import lock_writers

__all__ = ["AlertBook", "AlertEntry", "Outbox", "Standing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known when alerts are changed."""

    held: Mapping[str, Alert]  #: the newest of each key, open or not
    silences: Sequence[Silence]  #: in force
    told: Mapping[str, Mapping[str, Told]]  #: by alert and channel


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEntry:
    """A change of an alert with what is to be told of it."""

    alert: Alert
    change: Change
    envelopes: tuple[Envelope, ...] = ()
    event: AlertEvent | None = None


Decide = Callable[[Standing], Sequence[AlertEntry]]


@dataclass(frozen=True, slots=True)
class AlertBook:
    """Alerts, who wants silence, and what people did.

    Each method is one transaction, from any thread, and raises what those of `Store` raise.
    """

    database: Database

    def change(
        self, model: str, keys: Sequence[str], decide: Decide, *, now: datetime
    ) -> tuple[AlertEntry, ...]:
        """What `decide` makes of the newest alerts of these keys, written with its envelopes.

        Either all of it is written or nothing is, and nobody else changes an alert meanwhile.
        """
        with self.database.write() as connection:
            lock_writers(connection, tables.alerts)
            held = alerts.newest_alerts(connection, model, keys)
            standing = Standing(
                held=held,
                silences=silences.silences(connection, model, now),
                told=envelopes.told(connection, [one.id for one in held.values()]),
            )
            entries = tuple(decide(standing))
            for entry in entries:
                alerts.save_alert(connection, entry.alert)
                envelopes.add_envelopes(connection, entry.envelopes)
                if entry.event is not None:
                    silences.note_event(connection, entry.event)
        return entries

    def alert(self, model: str, key: str) -> Alert:
        """The alert with this id, or the newest with this key; NotFound when there is none."""
        with self.database.read() as connection:
            return alerts.alert(connection, model, key)

    def unacknowledged(self, model: str, *, opened_by: datetime) -> list[Alert]:
        """Open alerts, opened by then, that nobody took up and that was not told so far."""
        with self.database.read() as connection:
            return alerts.unacknowledged(connection, model, opened_by)

    def silence(self, silence: Silence) -> None:
        """Tell nobody of what it covers until it ends; Conflict when its id is taken."""
        with self.database.write() as connection:
            silences.add_silence(connection, silence)

    def end_silence(self, model: str, key: str, *, at: datetime, by: str) -> Silence:
        """The silence with this id, taken back; NotFound when there is none in force."""
        with self.database.write() as connection:
            return silences.end_silence(connection, model, key, at, by)

    def silences(self, model: str, *, now: datetime | None = None) -> Sequence[Silence]:
        """Those in force at `now`, or all there ever were, newest first."""
        with self.database.read() as connection:
            return silences.silences(connection, model, now)

    def note(self, event: AlertEvent) -> None:
        """Write down what somebody did."""
        with self.database.write() as connection:
            silences.note_event(connection, event)

    def events(
        self, model: str, *, subject: str | None = None, limit: int = 100
    ) -> list[AlertEvent]:
        """What was done to one alert or silence, or to any, newest first."""
        with self.database.read() as connection:
            return silences.events(connection, model, subject, limit)


@dataclass(frozen=True, slots=True)
class Outbox:
    """What is to be told, and what was.

    Each method is one transaction, from any thread, and raises what those of `Store` raise.
    """

    database: Database

    def add(self, notice: Notice) -> bool:
        """Whether the notice waits to be told now; not when its id was added before."""
        envelope = Envelope(
            id=notice.id,
            channel=notice.channel,
            model=notice.model,
            created_at=notice.created_at,
            due_at=notice.created_at,
            notice=notice,
        )
        return self.put([envelope]) == 1

    def put(self, new: Sequence[Envelope]) -> int:
        """How many were put in; those whose id is there already are not."""
        with self.database.write() as connection:
            return envelopes.add_envelopes(connection, new)

    def queue(self, model: str, channel: str, *, grouped: bool, now: datetime) -> Queue:
        """What the channel of this model has to be told, and what it was told lately.

        Of one whose messages are not `grouped` only the next few.
        """
        with self.database.read() as connection:
            return envelopes.queue(connection, model, channel, grouped=grouped, now=now)

    def claim(self, batch: Sequence[Envelope], message_id: str) -> list[Envelope]:
        """Those of the batch that still wait, bound to this message, with the try counted.

        From now on they go together and under this id, however often they are tried.
        """
        with self.database.write() as connection:
            return envelopes.claim(connection, batch, message_id)

    def delivered(self, done: Delivery) -> None:
        """Write down that the message arrived."""
        with self.database.write() as connection:
            envelopes.finish(connection, replace(done, outcome=envelopes.DELIVERED))

    def postpone(self, tried: Delivery, *, due_at: datetime, refusals: int) -> None:
        """Write down that the message did not get through, and when it is tried again."""
        with self.database.write() as connection:
            tried = replace(tried, outcome="trouble")
            envelopes.postpone(connection, tried, due_at, refusals)

    def give_up(self, dead: Delivery, instead: Sequence[Envelope]) -> None:
        """Keep the message as a dead letter, and what is told to another channel instead."""
        with self.database.write() as connection:
            envelopes.finish(connection, replace(dead, outcome=envelopes.DEAD))
            envelopes.add_envelopes(connection, instead)

    def abandon(self, model: str, known: Sequence[str], *, now: datetime) -> dict[str, int]:
        """How many envelopes became dead letters, by channel, as their channel is not `known`."""
        with self.database.write() as connection:
            return envelopes.abandon(connection, model, known, at=now)

    def thread(self, channel: str, alert_id: str) -> str | None:
        """By which the channel knows the first message about this alert, if it told us."""
        with self.database.read() as connection:
            return envelopes.thread(connection, channel, alert_id)

    def deliveries(self, alert_id: str) -> list[Delivery]:
        """Every try to tell of this alert, oldest first."""
        with self.database.read() as connection:
            return envelopes.deliveries_of(connection, alert_id)
