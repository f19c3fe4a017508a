"""The tables of the store, the same on SQLite and PostgreSQL.

A change here needs a revision under `migrations/versions/` and its name in `REVISION`.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

from homeostat.store.columns import Number, Token, UtcTime

__all__ = [
    "METADATA",
    "REVISION",
    "alerts",
    "beats",
    "challengers",
    "decisions",
    "deployments",
    "estimates",
    "flags",
    "keys",
    "label_repeats",
    "labelled_references",
    "labels",
    "leases",
    "predictions",
    "profile_hours",
    "profile_minutes",
    "profile_parts",
    "reference_profiles",
    "reported_rows",
    "reported_versions",
    "shadow_predictions",
    "traffic",
    "verdicts",
    "versions",
]

REVISION = "0011"  #: of the schema that this code reads and writes

METADATA = MetaData()

predictions = Table(
    "predictions",
    METADATA,
    Column("id", Token, primary_key=True),
    Column("model", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("event_time", UtcTime),
    Column("features", Text, nullable=False),  # JSON
    Column("prediction", Integer, nullable=False),
    Column("probability", Double, nullable=False),
    Column("body_digest", Text, nullable=False),
    CheckConstraint("probability BETWEEN 0 AND 1", name="probability_is_one"),
    Index("ix_predictions_received", "model", "received_at", "id"),
)

#: Append-only.  No foreign key: a label may come before its prediction.
labels = Table(
    "labels",
    METADATA,
    Column("prediction_id", Token, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),  # 1, 2, 3 as they came
    Column("value", Integer, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("labelled_at", UtcTime),
    Column("source", Text, nullable=False),
    Index("ix_labels_received", "received_at"),
)

#: The newest label of a prediction that only said what stood already, and is no revision:
#: against it, an older one that comes after it is weighed.
label_repeats = Table(
    "label_repeats",
    METADATA,
    Column("prediction_id", Token, primary_key=True),
    Column("value", Integer, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("labelled_at", UtcTime),
    Column("source", Text, nullable=False),
)

#: Counts as they were committed with their predictions; compaction moves them to minutes.
profile_parts = Table(
    "profile_parts",
    METADATA,
    Column("id", Number, primary_key=True),
    Column("model", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("minute", UtcTime, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("ix_profile_parts_minute", "model", "minute", "version"),
)

profile_minutes = Table(
    "profile_minutes",
    METADATA,
    Column("model", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("minute", UtcTime, primary_key=True),
    Column("summed", Boolean, nullable=False),  # whether the row of its hour holds it too
    Column("body", LargeBinary, nullable=False),
    Index("ix_profile_minutes_summed", "model", "summed", "minute"),
)

#: The sum of all minutes of the hour that are marked as summed, and of nothing else.
profile_hours = Table(
    "profile_hours",
    METADATA,
    Column("model", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("hour", UtcTime, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

#: What became of the requests of one minute, as one process saw it; of closed hours the sum
#: over all processes, under the name "".
traffic = Table(
    "traffic",
    METADATA,
    Column("model", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("minute", UtcTime, primary_key=True),
    Column("process", Text, primary_key=True),
    Column("body", Text, nullable=False),  # JSON
    Index("ix_traffic_minute", "model", "minute"),
)

#: Append-only but for the end: the trials of versions beside the champion.
challengers = Table(
    "challengers",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("model", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("mode", Text, nullable=False),
    Column("lower", Double, nullable=False),
    Column("share", Double, nullable=False),
    Column("salt", Text, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("started_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("ended_at", UtcTime),
    Index("ix_challengers_started", "model", "started_at"),
)

#: What versions in the shadow said of rows that another one answered.
shadow_predictions = Table(
    "shadow_predictions",
    METADATA,
    Column("prediction_id", Token, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("prediction", Integer, nullable=False),
    Column("probability", Double, nullable=False),
)

#: Of models that are served elsewhere, under the names that their owners give the versions.
reported_rows = Table(
    "reported_rows",
    METADATA,
    Column("id", Token, primary_key=True),
    Column("model", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("event_time", UtcTime),
    Column("features", Text, nullable=False),  # JSON
    Column("probability", Double),
    Column("body_digest", Text, nullable=False),
    Index("ix_reported_rows_received", "model", "received_at", "id"),
)

#: The number that the profiles of such a version are kept under.
reported_versions = Table(
    "reported_versions",
    METADATA,
    Column("model", Text, primary_key=True),
    Column("name", Token, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("seen_at", UtcTime, nullable=False),  # to the hour
)

reference_profiles = Table(
    "reference_profiles",
    METADATA,
    Column("model", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("created_at", UtcTime, nullable=False),
    Column("source", Text, nullable=False),
    Column("data_fingerprint", Text, nullable=False),
    Column("bins", Text, nullable=False),  # JSON
    Column("body", LargeBinary, nullable=False),
)

versions = Table(
    "versions",
    METADATA,
    Column("model", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("created_at", UtcTime, nullable=False),
    Column("algorithm", Text, nullable=False),
    Column("schema", Text, nullable=False),  # JSON
    Column("threshold", Double, nullable=False),
    Column("metrics", Text, nullable=False),  # JSON
    Column("manifest", Text, nullable=False),  # JSON
    Column("digest", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("reference_digest", Text, nullable=False),
    Column("data_fingerprint", Text, nullable=False),
    Column("trained_until", UtcTime),
    Column("origin", Text, nullable=False),
)

deployments = Table(
    "deployments",
    METADATA,
    Column("model", Text, primary_key=True),
    Column("token", BigInteger, nullable=False),
    Column("champion", Integer),
    Column("champion_digest", Text),
    Column("previous", Integer),
    Column("candidate", Integer),
    Column("phase", Text, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("promoted_at", UtcTime),
)

#: Append-only: the audit record.
decisions = Table(
    "decisions",
    METADATA,
    Column("number", Number, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("model", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("decided_at", UtcTime, nullable=False),
    Column("body", Text, nullable=False),  # JSON
    Index("ix_decisions_decided", "model", "decided_at"),
)

verdicts = Table(
    "verdicts",
    METADATA,
    Column("number", Number, primary_key=True),
    Column("model", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("body", Text, nullable=False),  # JSON
    Index("ix_verdicts_at", "model", "question", "at"),
)

alerts = Table(
    "alerts",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("model", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("severity", Integer, nullable=False),  # 1 LOW to 4 CRITICAL
    Column("reason", Text, nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("resolved_at", UtcTime),
    Column("times_seen", Integer, nullable=False),
    Column("acknowledged_at", UtcTime),
    Column("overdue_at", UtcTime),
    Column("body", Text),  # JSON of the whole alert; null in those of before revision 0006
    Index("ix_alerts_opened", "model", "opened_at"),
)
Index(
    "ix_alerts_one_open",
    alerts.c.model,
    alerts.c.key,
    unique=True,
    sqlite_where=alerts.c.resolved_at.is_(None),
    postgresql_where=alerts.c.resolved_at.is_(None),
)

#: A released lease keeps its row, so that its token goes on rising.
leases = Table(
    "leases",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("holder", Text),
    Column("token", BigInteger, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
)

flags = Table(
    "flags",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

#: Of the service.  A revoked key keeps its row, so that its name stands for one holder only.
keys = Table(
    "keys",
    METADATA,
    Column("name", Token, primary_key=True),
    Column("roles", Text, nullable=False),  # words with a space between
    Column("digest", Text, nullable=False, unique=True),
    Column("created_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
    Column("rate_per_s", Double),
)

#: What was expected of windows that do not overlap, and once they are there what labels said.
estimates = Table(
    "estimates",
    METADATA,
    Column("number", Number, primary_key=True),
    Column("model", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("until", UtcTime, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("body", Text, nullable=False),  # JSON
    Column("scored_at", UtcTime),
    Column("scored", Text),  # JSON
    Index("ix_estimates_until", "model", "version", "until", unique=True),
)

#: The labels of the reference by the score that a version gives its rows.
labelled_references = Table(
    "labelled_references",
    METADATA,
    Column("model", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("digest", Text, nullable=False),  # of the version
    Column("body", Text, nullable=False),  # JSON
)

#: When each loop last did its work, and what it promised.
beats = Table(
    "beats",
    METADATA,
    Column("model", Text, primary_key=True),
    Column("loop", Text, primary_key=True),
    Column("every_s", Double),
    Column("begun_at", UtcTime),
    Column("seen_at", UtcTime),
    Column("succeeded_at", UtcTime),
    Column("failing_since", UtcTime),
    Column("failures", Integer, nullable=False),
    Column("problem", Text, nullable=False),
)
