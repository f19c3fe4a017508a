"""Versions that are tried beside the champion, and what those in the shadow said."""

import sqlalchemy as sa
from alembic import op

TOKEN = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "challengers",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("lower", sa.Double, nullable=False),
        sa.Column("share", sa.Double, nullable=False),
        sa.Column("salt", sa.Text, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),  # microseconds since 1970 UTC
        sa.Column("started_by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
    )
    op.create_index("ix_challengers_started", "challengers", ["model", "started_at"])
    op.create_table(
        "shadow_predictions",
        sa.Column("prediction_id", TOKEN, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("prediction", sa.Integer, nullable=False),
        sa.Column("probability", sa.Double, nullable=False),
    )
