"""The only way to the database: SQLite and PostgreSQL, one schema, migrations."""

from homeostat.store.labels import KnownLabels, LabelReceipt, ScoredLabels
from homeostat.store.profiles import MinuteProfile
from homeostat.store.reported import OTHER, Receipt, ReportedRow
from homeostat.store.store import Store, open_store
from homeostat.store.traffic import MinuteTraffic
from homeostat.store.writer import QueueFull, Writer

__all__ = [
    "OTHER",
    "KnownLabels",
    "LabelReceipt",
    "MinuteProfile",
    "MinuteTraffic",
    "QueueFull",
    "Receipt",
    "ReportedRow",
    "ScoredLabels",
    "Store",
    "Writer",
    "open_store",
]
