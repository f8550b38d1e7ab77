"""The history in its file: what is written is read, and what happens to the file costs history alone."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event as listening

from lockstep.store import database as module
from lockstep.store.database import Database, StoreError
from lockstep.store.entries import Event, Happened, Run, RunState, StepEntry, new_run
from lockstep.store.history import History

AT = "2026-01-0{}T00:00:00.000+00:00"


class Told(History):
    """A history with what was said of its file."""

    def __init__(self, path: Path) -> None:
        self.said: list[str] = []
        self.database = Database(path, self.said.append)
        self.path = path
        super().__init__(self.database)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[Told]:
    """An empty one."""
    history = Told(tmp_path / "history.db")
    yield history
    history.close()


def happened(words: str = "main is at cafe", **more: Any) -> Event:
    """An event."""
    fields = {"at": AT.format(1), "project": "shop", "kind": Happened.PUSHED, "words": words}
    return Event(**{**fields, **more})


def begun(**more: Any) -> Run:
    """A run that goes on."""
    fields = {
        "id": new_run(),
        "project": "shop",
        "began": AT.format(1),
        "why": "cafe was pushed",
        "actor": "Ada",
        "commit": "c" * 40,
        "targets": "staging/api",
    }
    return Run(**{**fields, **more})


def words(history: History, **asked: Any) -> list[str]:
    """Of the events that are found."""
    return [one.words for one in history.events(**asked)]


def test_a_run_is_read_as_it_was_written(history: Told) -> None:
    """With its steps as they ended, and what became of its targets."""
    run = begun()
    history.begin(run)
    step = StepEntry(
        at=AT.format(1), target="staging/api", words="create function", outcome="done", seconds=0.5
    )
    history.add_step(run.id, step)
    assert history.run(run.id) == (run, [step])
    deployed = happened("", kind=Happened.DEPLOYED, target="staging/api", version="1.0.0", run=run.id)
    history.end(run.id, at=AT.format(2), state=RunState.DONE, words="1 done", calls=7, events=[deployed])
    (found,) = history.runs(query="PUSHED ada")
    assert (found.state, found.ended, found.calls) == (RunState.DONE, AT.format(2), 7)
    (record,) = history.records("shop", "staging/api")
    assert (record.version, record.run) == ("1.0.0", run.id)
    assert history.records("shop", "staging/ap_") == history.records("blog", "staging/api") == []
    assert history.run("../" + run.id) is None


def test_runs_that_were_under_way_are_lost_with_their_process(history: Told) -> None:
    """Whoever starts next says so; what had ended stays what it was."""
    first, second = begun(), begun()
    for run in (first, second):
        history.begin(run)
    history.end(first.id, at=AT.format(1), state=RunState.FAILED, words="no", calls=0, events=[])
    history.lose_running(AT.format(2))
    assert {run.id: run.state for run in history.runs()} == {
        first.id: RunState.FAILED,
        second.id: RunState.LOST,
    }


def test_drift_is_seen_once_and_mended_once(history: Told) -> None:
    """What was not read stays as it was known; the same target may drift again."""
    history.drift("shop", AT.format(1), {"a/b": ("AWS was changed", "memorySize: 1 -> 2")}, lambda _: True)
    history.drift("shop", AT.format(2), {"a/b": ("AWS was changed", "timeout: 1 -> 2")}, lambda _: True)
    history.drift("shop", AT.format(3), {}, lambda _: False)
    history.drift("blog", AT.format(3), {}, lambda _: True)
    (open_,) = history.drifts()
    assert (open_.seen, open_.mended, open_.words) == (AT.format(1), None, "memorySize: 1 -> 2")
    history.drift("shop", AT.format(4), {}, lambda target: target == "a/b")
    history.drift("shop", AT.format(5), {"a/b": ("", "again")}, lambda _: True)
    assert [(one.seen, one.mended) for one in history.drifts()] == [
        (AT.format(5), None),
        (AT.format(1), AT.format(4)),
    ]
    kinds = [one.kind for one in history.events()]
    assert kinds == [Happened.DRIFTED, Happened.MENDED, Happened.DRIFTED]
    history.drift("blog", AT.format(4), {"a/b": ("", "x"), "a/c": ("", "x")}, lambda _: True)
    days = ["2025-12-31", "2026-01-01", "2026-01-03", "2026-01-04", "2026-01-05"]
    counts = [count for _, count in history.drift_by_day(days)]
    assert counts == [0, 1, 1, 3, 3]  # of one day each target once
    assert [count for _, count in history.drift_by_day(days, project="shop", query="again")] == [
        0,
        0,
        0,
        0,
        1,
    ]
    assert history.drift_by_day(days[-1:], scope={"blog": frozenset({"b"})}) == [("2026-01-05", 0)]


def test_what_is_old_is_forgotten_and_what_still_differs_is_not(history: Told) -> None:
    """Everything else goes by its time."""
    old, new = begun(), begun(began=AT.format(5))
    for run in (old, new):
        history.begin(run)
        history.add_step(run.id, StepEntry(at=run.began, target="t", words="w", outcome="done", seconds=0))
        history.add(happened(at=run.began))
    history.drift("shop", AT.format(1), {"a/b": ("", "x")}, lambda _: True)
    history.prune(AT.format(3))
    assert [run.id for run in history.runs()] == [new.id]
    assert len(history.events()) == 1
    assert history.run(new.id) is not None
    assert [one.target for one in history.drifts()] == ["a/b"]


def test_events_are_searched_by_words_and_read_in_parts(history: Told) -> None:
    """Signs that a database takes for others mean themselves."""
    for text in ("50% of it", "505 of it", "a_b", "axb", "'; DROP TABLE events; --"):
        history.add(happened(text, actor="Ada"))
    assert words(history, query="50% ADA") == ["50% of it"]
    assert words(history, query="a_b") == ["a_b"]
    assert words(history, query="drop table") == ["'; DROP TABLE events; --"]
    assert words(history, project="blog") == []
    newest = history.events(limit=2)
    assert words(history, before=newest[-1].id) == ["a_b", "505 of it", "50% of it"]


def test_two_writers_lose_nothing(history: Told) -> None:
    """Two processes with one file wait for each other: what one has read the other does not change."""
    other = Told(history.path)

    def write(to: History) -> None:
        for number in range(40):
            to.drift("shop", AT.format(1), {f"a/{number}": ("", "x")}, lambda _: False)

    history.add(happened())
    threads = [threading.Thread(target=write, args=(to,)) for to in (history, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert len(history.drifts(limit=1000)) == 40


def removed(history: Told) -> None:
    """Somebody removes the file while it is open."""
    history.path.unlink()


def removed_with_all(history: Told) -> None:
    """And what lies beside it."""
    for path in history.path.parent.iterdir():
        path.unlink()


def overwritten(history: Told) -> None:
    """Nothing of a database is in it any more."""
    history.close()
    history.path.write_bytes(b"<html>" * 4096)


def torn(history: Told) -> None:
    """Its middle is lost."""
    history.close()
    with history.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (history.path.stat().st_size - 4096))


@pytest.mark.parametrize("spoil", [removed, removed_with_all, overwritten, torn])
def test_a_file_that_is_lost_is_begun_anew(history: Told, spoil: Callable[[Told], None]) -> None:
    """What happens next is in it; one that was broken is kept, and said to be."""
    run = begun()
    history.begin(run)
    history.add(happened("before"))
    spoil(history)
    history.end(run.id, at=AT.format(2), state=RunState.DONE, words="", calls=0, events=[happened("after")])
    assert words(history) == ["after"]
    assert history.runs() == []
    is_kept = any(".broken-" in path.name for path in history.path.parent.iterdir())
    assert is_kept == (len(history.said) == 1) == (spoil in (overwritten, torn))


def test_a_full_disk_is_told_and_passes(history: Told) -> None:
    """What was there can be read meanwhile."""
    history.add(happened("before"))

    @listening.listens_for(history.database.engine, "connect")
    def limited(connection: Any, record: object) -> None:
        connection.execute("PRAGMA max_page_count = 30")

    history.close()
    with pytest.raises(StoreError, match="there is no room left"):
        history.add(happened("x" * 500_000))
    assert words(history) == ["before"]
    listening.remove(history.database.engine, "connect", limited)
    history.close()
    history.add(happened("after"))
    assert words(history) == ["after", "before"]


def test_a_file_that_is_in_use_is_told(history: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while; then it is written again."""
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    hurried = Told(history.path)
    history.add(happened("before"))
    other = sqlite3.connect(history.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="another process has been writing"):
        hurried.add(happened("meanwhile"))
    other.execute("COMMIT")
    other.close()
    hurried.add(happened("after"))
    hurried.close()
    assert words(history) == ["after", "before"]


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (
            "CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('9999')",
            "newer",
        ),
        ("CREATE TABLE recipes (name TEXT)", "something else"),
    ],
)
def test_a_file_of_somebody_else_is_left_alone(history: Told, statement: str, says: str) -> None:
    """Of a newer Lockstep, or of another program."""
    with sqlite3.connect(history.path) as other:
        other.executescript(statement)
    other.close()
    with pytest.raises(StoreError, match=says):
        history.add(happened())
    assert not any("broken" in path.name for path in history.path.parent.iterdir())


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """Nothing else comes of it."""
    history = Told(tmp_path / "gone" / "history.db")
    with pytest.raises(StoreError):
        history.add(happened())
