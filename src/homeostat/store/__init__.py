"""The only way to the database: SQLite and PostgreSQL, one schema, migrations."""

from homeostat.store.challengers import Said, Shadow
from homeostat.store.chronicle import Chronicle
from homeostat.store.envelopes import Delivery, Told
from homeostat.store.figures import Figure, FigureKind
from homeostat.store.heart import Heart
from homeostat.store.history import Entry, HistoryPage, Kind, Span
from homeostat.store.labels import KnownLabels, LabelReceipt, ScoredLabels
from homeostat.store.missing import MISSING
from homeostat.store.opening import open_store
from homeostat.store.outboxes import AlertBook, AlertEntry, Outbox, Standing
from homeostat.store.performances import Performances
from homeostat.store.profiles import MinuteProfile, minute_of
from homeostat.store.removals import DayRows, Logged, Removal
from homeostat.store.reported import OTHER, Receipt, ReportedRow
from homeostat.store.served import Served
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
    "AlertEntry",
    "AlertEvent",
    "Chronicle",
    "DayRows",
    "Delivery",
    "Entry",
    "Figure",
    "FigureKind",
    "Heart",
    "HistoryPage",
    "Kind",
    "KnownLabels",
    "LabelReceipt",
    "Logged",
    "MinuteProfile",
    "MinuteTraffic",
    "Outbox",
    "Performances",
    "QueueFull",
    "Receipt",
    "Removal",
    "ReportedRow",
    "Said",
    "ScoredLabels",
    "Served",
    "Shadow",
    "Slack",
    "Span",
    "Standing",
    "Store",
    "Told",
    "Trials",
    "Writer",
    "minute_of",
    "open_store",
]
