"""Runs with their steps, events, and drift."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "runs",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("project", sa.String(63), nullable=False),
        sa.Column("began", sa.String(40), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("commit", sa.String(64)),
        sa.Column("targets", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("ended", sa.String(40)),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("calls", sa.Integer, nullable=False),
    )
    op.create_index("runs_began", "runs", ["began"])
    op.create_table(
        "steps",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run", sa.String(16), nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("requests", sa.Text, nullable=False),
    )
    op.create_index("steps_run", "steps", ["run"])
    op.create_index("steps_at", "steps", ["at"])
    op.create_table(
        "events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("project", sa.String(63), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("target", sa.Text),
        sa.Column("version", sa.Text),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("commit", sa.String(64)),
        sa.Column("source", sa.Text),
        sa.Column("run", sa.String(16)),
    )
    op.create_index("events_at", "events", ["at"])
    op.create_index("events_target", "events", ["project", "target"])
    op.create_table(
        "drifts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("project", sa.String(63), nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("seen", sa.String(40), nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("mended", sa.String(40)),
    )
    op.create_index("drifts_open", "drifts", ["project", "mended"])
    op.create_index("drifts_seen", "drifts", ["seen"])
