"""Bringing a database to today's tables, in the transaction that asks for it."""

from sqlalchemy import Connection, inspect, text

from lockstep.store.base import StoreError
from lockstep.store.tables import REVISION

__all__ = ["bring_up"]


def bring_up(connection: Connection, where: str) -> None:
    """Give a database today's tables. StoreError when it is somebody else's, or a newer Lockstep's."""
    tables = inspect(connection).get_table_names()
    found = None
    if "alembic_version" in tables:
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    elif tables:
        raise StoreError("it holds something else", where=where, fix="let the history have one of its own")
    if found == REVISION:
        return
    from alembic import command  # takes half a second, and is needed once for each release
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "lockstep.store:migrations")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise StoreError(
            f"the history was written by a newer Lockstep (its revision is {found})",
            where=where,
            fix="run that one, or begin a new history elsewhere",
        )
    command.upgrade(config, "head")
