"""The only way to the database: SQLite and PostgreSQL, one schema, migrations."""

from homeostat.store.challengers import Said, Shadow
from homeostat.store.heart import Heart
from homeostat.store.labels import KnownLabels, LabelReceipt, ScoredLabels
from homeostat.store.missing import MISSING
from homeostat.store.opening import open_store
from homeostat.store.profiles import MinuteProfile
from homeostat.store.reported import OTHER, Receipt, ReportedRow
from homeostat.store.slack import Slack
from homeostat.store.store import Store
from homeostat.store.traffic import MinuteTraffic
from homeostat.store.trials import Trials
from homeostat.store.writer import QueueFull, Writer

__all__ = [
    "MISSING",
    "OTHER",
    "Heart",
    "KnownLabels",
    "LabelReceipt",
    "MinuteProfile",
    "MinuteTraffic",
    "QueueFull",
    "Receipt",
    "ReportedRow",
    "Said",
    "ScoredLabels",
    "Shadow",
    "Slack",
    "Store",
    "Trials",
    "Writer",
    "open_store",
]
