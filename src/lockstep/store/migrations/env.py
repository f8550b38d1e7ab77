"""What Alembic runs: the migrations, on the connection that it is given, in its transaction."""

from alembic import context

from lockstep.store.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
