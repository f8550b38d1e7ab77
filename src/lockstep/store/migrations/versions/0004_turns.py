"""Whose turn it is on which project, and what people ordered, for several machines."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "turns",
        sa.Column("project", sa.String(63), primary_key=True),
        sa.Column("token", sa.Integer, nullable=False),
        sa.Column("worker", sa.Text, nullable=False),
        sa.Column("until", sa.Float, nullable=False),
        sa.Column("due", sa.Float, nullable=False),
        sa.Column("hinted", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("project", sa.String(63), nullable=False),
        sa.Column("run", sa.String(16), nullable=False),
        sa.Column("said", sa.Text, nullable=False),
    )
    op.create_index("orders_project", "orders", ["project"])
