"""The only way to the database: SQLite and PostgreSQL, one schema, migrations."""

from homeostat.store.challengers import Said, Shadow
from homeostat.store.envelopes import Delivery, Told
from homeostat.store.labels import KnownLabels, LabelReceipt, ScoredLabels
from homeostat.store.missing import MISSING
from homeostat.store.opening import open_store
from homeostat.store.outboxes import AlertBook, Entry, Outbox, Standing
from homeostat.store.profiles import MinuteProfile
from homeostat.store.reported import OTHER, Receipt, ReportedRow
from homeostat.store.silences import AlertEvent
from homeostat.store.slack import Slack
from homeostat.store.store import Store
from homeostat.store.traffic import MinuteTraffic
from homeostat.store.trials import Trials
from homeostat.store.writer import QueueFull, Writer

__all__ = [
    "MISSING",
    "OTHER",
    "AlertBook",
    "AlertEvent",
    "Delivery",
    "Entry",
    "KnownLabels",
    "LabelReceipt",
    "MinuteProfile",
    "MinuteTraffic",
    "Outbox",
    "QueueFull",
    "Receipt",
    "ReportedRow",
    "Said",
    "ScoredLabels",
    "Shadow",
    "Slack",
    "Standing",
    "Store",
    "Told",
    "Trials",
    "Writer",
    "open_store",
]
