"""What AWS says that somebody changed, told by whoever heard of it to whoever has the next turn."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column; who knows nothing of it gives it nothing."""
    op.add_column("turns", sa.Column("heard", sa.Text, nullable=False, server_default=""))
