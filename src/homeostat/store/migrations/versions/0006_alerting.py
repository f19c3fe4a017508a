"""Alerts with their kind and urgency, what is told of them, and who wants silence."""

import sqlalchemy as sa
from alembic import op

TOKEN = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("type", sa.Text, nullable=False, server_default="DATA_DRIFT"),
        sa.Column("severity", sa.Integer, nullable=False, server_default="2"),
        sa.Column("acknowledged_at", sa.BigInteger),  # microseconds since 1970 UTC
        sa.Column("overdue_at", sa.BigInteger),
        sa.Column("body", sa.Text),
    ):
        op.add_column("alerts", column)
    op.create_table(
        "outbox",
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("id", TOKEN, nullable=False, unique=True),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("alert_id", sa.Text),
        sa.Column("change", sa.Text),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("message_id", sa.Text),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("refusals", sa.Integer, nullable=False),
        sa.Column("fallback_for", sa.Text),
        sa.Column("trouble", sa.Text),
        sa.Column("ended_at", sa.BigInteger),
    )
    op.create_index("ix_outbox_due", "outbox", ["channel", "state", "due_at"])
    op.create_index("ix_outbox_alert", "outbox", ["alert_id", "channel"])
    op.create_table(
        "deliveries",
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("severity", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("receipt", sa.Text),
    )
    op.create_index("ix_deliveries_at", "deliveries", ["channel", "at"])
    op.create_index("ix_deliveries_message", "deliveries", ["message_id"])
    op.create_table(
        "silences",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("key", sa.Text),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("ended_by", sa.Text),
    )
    op.create_index("ix_silences_ends", "silences", ["model", "ends_at"])
    op.create_table(
        "alert_events",
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_index("ix_alert_events_at", "alert_events", ["model", "at"])
    _make_append_only("alert_events")


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
        f"CREATE OR REPLACE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{says}'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()"
    )
