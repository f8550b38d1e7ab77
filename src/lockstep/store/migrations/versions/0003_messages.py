"""What people were told, how rollouts went, and which runs are attempts at one thing."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables and the column."""
    op.add_column("runs", sa.Column("first", sa.String(16)))
    op.create_table(
        "rollouts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("project", sa.String(63), nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("release", sa.Text, nullable=False),
        sa.Column("began", sa.String(40), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("ended", sa.String(40)),
    )
    op.create_index("rollouts_open", "rollouts", ["project", "ended"])
    op.create_table(
        "sent",
        sa.Column("key", sa.String(40), primary_key=True),
        sa.Column("destination", sa.String(63), primary_key=True),
        sa.Column("remote", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
    )
