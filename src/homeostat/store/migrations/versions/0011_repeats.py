"""The newest label of a prediction that only said what stood already."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TOKEN = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "label_repeats",
        sa.Column("prediction_id", TOKEN, primary_key=True),
        sa.Column("value", sa.Integer, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),  # microseconds since 1970 UTC
        sa.Column("labelled_at", sa.BigInteger),
        sa.Column("source", sa.Text, nullable=False),
    )
