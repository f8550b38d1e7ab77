"""The tables come from the migrations, and files of every released revision become today's."""

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from lockstep.store.database import Database
from lockstep.store.history import History
from lockstep.store.tables import METADATA, REVISION

REVISIONS = sorted(Path(__file__).with_name("revisions").glob("*.sql"))


def test_migrations_make_the_tables(tmp_path: Path) -> None:
    """No column, index or type is declared otherwise than the migrations make it."""
    database = Database(tmp_path / "history.db", lambda words: None)
    found = database.run(lambda to: compare_metadata(MigrationContext.configure(to), METADATA))
    database.close()
    assert found == []


def test_every_revision_is_tested() -> None:
    """A new one comes with a file of its own, and the one that is looked for is the newest."""
    config = Config()
    config.set_main_option("script_location", "lockstep.store:migrations")
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [REVISION]
    assert [path.stem for path in REVISIONS] == sorted(one.revision for one in scripts.walk_revisions())


@pytest.mark.parametrize("path", REVISIONS, ids=[path.stem for path in REVISIONS])
def test_a_file_of_a_released_revision_is_brought_up(path: Path, tmp_path: Path) -> None:
    """Nothing that it holds is lost."""
    with sqlite3.connect(tmp_path / "history.db") as connection:
        connection.executescript(path.read_text())
    connection.close()
    history = History(Database(tmp_path / "history.db", lambda words: pytest.fail(words)))
    ((run, steps),) = [history.run(one.id) for one in history.runs()]  # type: ignore[misc]
    assert (run.targets, [step.words for step in steps]) == ("staging/api", ["create function"])
    assert (run.pull is not None) is (path.stem >= "0006")
    assert [event.words for event in history.events()] == ["declared by Ada in cafecafe"]
    assert [drift.target for drift in history.drifts()] == ["production/api"]
    logged_in = [one.name for one in history.sessions.all("2026-01-01")]
    assert logged_in == (["Ada"] if path.stem >= "0002" else [])
    told = [one.remote for one in history.outbox.sent("on-call").values()]
    assert told == (["1.1"] if path.stem >= "0003" else [])
    history.close()
