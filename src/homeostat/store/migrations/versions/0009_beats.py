"""When each loop last did its work."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "beats",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("loop", sa.Text, primary_key=True),
        sa.Column("every_s", sa.Double),  # as it promised
        sa.Column("begun_at", sa.BigInteger),  # microseconds since 1970 UTC
        sa.Column("seen_at", sa.BigInteger),
        sa.Column("succeeded_at", sa.BigInteger),
        sa.Column("failing_since", sa.BigInteger),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
    )
