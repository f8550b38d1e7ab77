"""The tables. A change of one is a migration in ``migrations/versions``, and another ``REVISION``."""

from sqlalchemy import Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

__all__ = [
    "DRIFTS",
    "EVENTS",
    "METADATA",
    "ORDERS",
    "REVISION",
    "ROLLOUTS",
    "RUNS",
    "SENT",
    "SESSIONS",
    "STEPS",
    "TURNS",
]

REVISION = "0006"
"""Of the newest migration."""

METADATA = MetaData()

RUNS = Table(
    "runs",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("project", String(63), nullable=False),
    Column("began", String(40), nullable=False),
    Column("why", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("commit", String(64)),
    Column("targets", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("ended", String(40)),
    Column("words", Text, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("first", String(16)),
    Column("pull", Text),
    Index("runs_began", "began"),
)

STEPS = Table(
    "steps",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("run", String(16), nullable=False),
    Column("at", String(40), nullable=False),
    Column("target", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("seconds", Float, nullable=False),
    Column("error", Text, nullable=False),
    Column("requests", Text, nullable=False),
    Index("steps_run", "run"),
    Index("steps_at", "at"),
)

EVENTS = Table(
    "events",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("at", String(40), nullable=False),
    Column("project", String(63), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("words", Text, nullable=False),
    Column("target", Text),
    Column("version", Text),
    Column("actor", Text, nullable=False),
    Column("commit", String(64)),
    Column("source", Text),
    Column("run", String(16)),
    Index("events_at", "at"),
    Index("events_target", "project", "target"),
)

DRIFTS = Table(
    "drifts",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("project", String(63), nullable=False),
    Column("target", Text, nullable=False),
    Column("seen", String(40), nullable=False),
    Column("cause", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("mended", String(40)),
    Index("drifts_open", "project", "mended"),
    Index("drifts_seen", "seen"),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("subject", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("groups", Text, nullable=False),
    Column("began", String(40), nullable=False),
    Column("checked", String(40), nullable=False),
    Column("ends", String(40), nullable=False),
    Column("sealed", Text, nullable=False),
    Index("sessions_ends", "ends"),
)

ROLLOUTS = Table(
    "rollouts",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("project", String(63), nullable=False),
    Column("target", Text, nullable=False),
    Column("release", Text, nullable=False),
    Column("began", String(40), nullable=False),
    Column("state", String(16), nullable=False),
    Column("words", Text, nullable=False),
    Column("ended", String(40)),
    Index("rollouts_open", "project", "ended"),
)

SENT = Table(
    "sent",
    METADATA,
    Column("key", String(40), primary_key=True),
    Column("destination", String(63), primary_key=True),
    Column("remote", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("at", String(40), nullable=False),
)

TURNS = Table(
    "turns",
    METADATA,
    Column("project", String(63), primary_key=True),
    Column("token", Integer, nullable=False),
    Column("worker", Text, nullable=False),
    Column("until", Float, nullable=False),
    Column("due", Float, nullable=False),
    Column("hinted", Boolean, nullable=False),
    Column("heard", Text, nullable=False, server_default=""),
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),
)

ORDERS = Table(
    "orders",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("project", String(63), nullable=False),
    Column("run", String(16), nullable=False),
    Column("said", Text, nullable=False),
    Index("orders_project", "project"),
)
