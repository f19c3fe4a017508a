"""The tables of what is told: outbox, deliveries, silences, and who did what to an alert."""

from sqlalchemy import Column, Index, Integer, Table, Text

from homeostat.store.columns import Number, Token, UtcTime
from homeostat.store.tables import METADATA

__all__ = ["alert_events", "deliveries", "outbox", "silences"]

#: One change of an alert for one channel, written with the alert itself.
outbox = Table(
    "outbox",
    METADATA,
    Column("number", Number, primary_key=True),
    Column("id", Token, nullable=False, unique=True),
    Column("channel", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("alert_id", Text),  # null for a notice
    Column("change", Text),
    Column("body", Text, nullable=False),  # JSON of the alert after the change, or the notice
    Column("created_at", UtcTime, nullable=False),
    Column("state", Text, nullable=False),  # waiting, delivered or dead
    Column("due_at", UtcTime, nullable=False),
    Column("message_id", Text),
    Column("tries", Integer, nullable=False),
    Column("refusals", Integer, nullable=False),
    Column("fallback_for", Text),
    Column("trouble", Text),
    Column("ended_at", UtcTime),
    Index("ix_outbox_due", "channel", "state", "due_at"),
    Index("ix_outbox_alert", "alert_id", "channel"),
)

#: Append-only: every try, and what came of it.
deliveries = Table(
    "deliveries",
    METADATA,
    Column("number", Number, primary_key=True),
    Column("message_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("outcome", Text, nullable=False),  # delivered, trouble or dead
    Column("detail", Text, nullable=False),
    Column("receipt", Text),  # by which the channel knows the message
    Index("ix_deliveries_at", "channel", "at"),
    Index("ix_deliveries_message", "message_id"),
)

#: One that is taken back keeps its row.
silences = Table(
    "silences",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("model", Text, nullable=False),
    Column("key", Text),
    Column("owner", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("ends_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("ended_by", Text),
    Index("ix_silences_ends", "model", "ends_at"),
)

#: Append-only: what people, and the sender, did.
alert_events = Table(
    "alert_events",
    METADATA,
    Column("number", Number, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("model", Text, nullable=False),
    Column("subject", Text, nullable=False),  # the id of the alert, silence or envelope
    Column("event", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Index("ix_alert_events_at", "model", "at"),
)
