"""Rows of models that are served elsewhere, and the names of their versions."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    token = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "reported_rows",
        sa.Column("id", token, primary_key=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),  # as its owner calls it
        sa.Column("received_at", sa.BigInteger, nullable=False),  # microseconds since 1970 UTC
        sa.Column("event_time", sa.BigInteger),
        sa.Column("features", sa.Text, nullable=False),
        sa.Column("probability", sa.Double),
        sa.Column("body_digest", sa.Text, nullable=False),
    )
    op.create_index("ix_reported_rows_received", "reported_rows", ["model", "received_at", "id"])
    op.create_table(
        "reported_versions",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("name", token, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
    )
