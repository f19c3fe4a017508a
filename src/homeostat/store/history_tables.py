"""The tables of the history: what alerts went through, periodic reports, what was removed."""

from sqlalchemy import Column, Index, Integer, Table, Text

from homeostat.store.columns import Number, UtcTime
from homeostat.store.tables import METADATA

__all__ = ["alert_changes", "periodic_reports", "removals"]

#: Append-only: every state that an alert was in, so that any past one can be told.
alert_changes = Table(
    "alert_changes",
    METADATA,
    Column("number", Number, primary_key=True),
    Column("alert_id", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("at", UtcTime, nullable=False),  # when it came into this state
    Column("opened_at", UtcTime, nullable=False),
    Column("body", Text, nullable=False),  # JSON
    Index("ix_alert_changes_opened", "model", "opened_at", "alert_id", "number"),
)

#: One for each period, written once.
periodic_reports = Table(
    "periodic_reports",
    METADATA,
    Column("model", Text, primary_key=True),
    Column("schedule", Text, primary_key=True),  # daily, weekly
    Column("since", UtcTime, primary_key=True),
    Column("until", UtcTime, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("body", Text, nullable=False),  # JSON
    Index("ix_periodic_reports_until", "model", "schedule", "until"),
)

#: Append-only: what retention took out of the store, and where it lies now.
removals = Table(
    "removals",
    METADATA,
    Column("number", Number, primary_key=True),
    Column("model", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("day", Text, nullable=False),  # UTC, as 2026-01-31
    Column("removed_at", UtcTime, nullable=False),
    Column("removed_by", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("labels", Integer, nullable=False),
    Column("place", Text),  # file, relative to the folder of the partitions; null: not kept
    Column("sha256", Text),  # of the file
    Index("ix_removals_day", "model", "kind", "day"),
)
