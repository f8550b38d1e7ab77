"""The pull request that a run made."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column; who knows nothing of it gives it nothing."""
    op.add_column("runs", sa.Column("pull", sa.Text))
