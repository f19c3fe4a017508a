"""Figures of a model with their intervals, as they were known at a time."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "performance_metrics",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            primary_key=True,
        ),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),  # measured, or reference
        sa.Column("segment", sa.Text, nullable=False),  # "" is all rows
        sa.Column("metric", sa.Text, nullable=False),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("lower", sa.Double),  # null is unbounded
        sa.Column("upper", sa.Double),
        sa.Column("standard_error", sa.Double),
        sa.Column("size", sa.Double),
        sa.Column("bias", sa.Double, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.Column("since", sa.BigInteger),  # microseconds since 1970 UTC
        sa.Column("until", sa.BigInteger),
        sa.Column("known_at", sa.BigInteger, nullable=False),
    )
    op.create_index(
        "ix_performance_metrics_one",
        "performance_metrics",
        ["model", "kind", "version", "known_at", "segment", "metric"],
        unique=True,
    )
    op.create_index(
        "ix_performance_metrics_known", "performance_metrics", ["model", "metric", "known_at"]
    )
