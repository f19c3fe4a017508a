"""The first schema: everything."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.BigInteger()  # microseconds since 1970 UTC
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TOKEN = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

APPEND_ONLY = ("decisions", "labels")


def upgrade() -> None:
    _log()
    _profiles()
    _models()
    _judgements()
    _switches()
    for table in APPEND_ONLY:
        _make_append_only(table)


def _log() -> None:
    op.create_table(
        "predictions",
        sa.Column("id", TOKEN, primary_key=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("event_time", TIME),
        sa.Column("features", sa.Text, nullable=False),
        sa.Column("prediction", sa.Integer, nullable=False),
        sa.Column("probability", sa.Double, nullable=False),
        sa.Column("body_digest", sa.Text, nullable=False),
        sa.CheckConstraint("probability BETWEEN 0 AND 1", name="probability_is_one"),
    )
    op.create_index("ix_predictions_received", "predictions", ["model", "received_at", "id"])
    op.create_table(
        "labels",
        sa.Column("prediction_id", TOKEN, primary_key=True),
        sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("value", sa.Integer, nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("labelled_at", TIME),
        sa.Column("source", sa.Text, nullable=False),
    )
    op.create_index("ix_labels_received", "labels", ["received_at"])


def _profiles() -> None:
    op.create_table(
        "profile_parts",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("minute", TIME, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_profile_parts_minute", "profile_parts", ["model", "minute", "version"])
    op.create_table(
        "profile_minutes",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("minute", TIME, primary_key=True, autoincrement=False),
        sa.Column("summed", sa.Boolean, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_profile_minutes_summed", "profile_minutes", ["model", "summed", "minute"])
    op.create_table(
        "profile_hours",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("hour", TIME, primary_key=True, autoincrement=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "reference_profiles",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("data_fingerprint", sa.Text, nullable=False),
        sa.Column("bins", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )


def _models() -> None:
    op.create_table(
        "versions",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("algorithm", sa.Text, nullable=False),
        sa.Column("schema", sa.Text, nullable=False),
        sa.Column("threshold", sa.Double, nullable=False),
        sa.Column("metrics", sa.Text, nullable=False),
        sa.Column("manifest", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("reference_digest", sa.Text, nullable=False),
        sa.Column("data_fingerprint", sa.Text, nullable=False),
        sa.Column("trained_until", TIME),
        sa.Column("origin", sa.Text, nullable=False),
    )
    op.create_table(
        "deployments",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("champion", sa.Integer),
        sa.Column("champion_digest", sa.Text),
        sa.Column("previous", sa.Integer),
        sa.Column("candidate", sa.Integer),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("promoted_at", TIME),
    )


def _judgements() -> None:
    op.create_table(
        "decisions",
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("decided_at", TIME, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("ix_decisions_decided", "decisions", ["model", "decided_at"])
    op.create_table(
        "verdicts",
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("ix_verdicts_at", "verdicts", ["model", "question", "at"])
    op.create_table(
        "alerts",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("resolved_at", TIME),
        sa.Column("times_seen", sa.Integer, nullable=False),
    )
    op.create_index("ix_alerts_opened", "alerts", ["model", "opened_at"])
    is_open = sa.text("resolved_at IS NULL")
    op.create_index(
        "ix_alerts_one_open",
        "alerts",
        ["model", "key"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )


def _switches() -> None:
    op.create_table(
        "leases",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
    )
    op.create_table(
        "flags",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )


def _make_append_only(table: str) -> None:
    says = f"{table} are append-only"
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{says}'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{says}'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()"
    )
