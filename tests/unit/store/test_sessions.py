"""Who is logged in, as rows; and what somebody may see of the history."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lockstep.store.database import Database
from lockstep.store.entries import Event, Happened, Run, Session, new_run
from lockstep.store.history import History

AT, LATER, MUCH_LATER = (f"2026-01-0{day}T00:00:00.000+00:00" for day in (1, 2, 3))
ADA = Session(
    id="a" * 64,
    subject="1",
    name="Ada",
    groups=("developers",),
    began=AT,
    checked=AT,
    ends=MUCH_LATER,
    sealed="sealed",
)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """An empty one."""
    history = History(Database(tmp_path / "history.db", pytest.fail))
    yield history
    history.close()


def test_a_session_is_found_until_it_ends(history: History) -> None:
    """By its time, by somebody who ends it, by the next login of the same browser, and with its file."""
    sessions = history.sessions
    sessions.begin(ADA)
    assert sessions.find(ADA.id, AT) == ADA
    assert sessions.find(ADA.id, MUCH_LATER) is None
    assert sessions.find("b" * 64, AT) is None
    sessions.check(ADA.id, at=LATER, name="Ada L.", groups=(), sealed="anew")
    found = replace(ADA, checked=LATER, name="Ada L.", groups=(), sealed="anew")
    assert sessions.find(ADA.id, AT) == found
    sessions.begin(replace(ADA, id="c" * 64), instead_of=ADA.id)
    assert [one.id for one in sessions.all(AT)] == ["c" * 64]
    sessions.check(ADA.id, at=LATER, name="Ada", groups=("admins",), sealed="")
    assert sessions.find(ADA.id, AT) is None
    sessions.begin(replace(ADA, id="d" * 64, subject="2", began=LATER))
    assert [one.id for one in sessions.all(AT)] == ["d" * 64, "c" * 64]
    assert [one.id for one in sessions.all(AT, subject="1")] == ["c" * 64]
    sessions.end("c" * 64)
    Path(history.where).unlink()
    assert sessions.all(AT) == []


def test_what_is_over_is_not_kept(history: History) -> None:
    """The next login removes it."""
    history.sessions.begin(replace(ADA, ends=LATER))
    history.sessions.begin(replace(ADA, id="b" * 64, began=LATER))
    assert [one.id for one in history.sessions.all(AT)] == ["b" * 64]


def test_a_scope_shows_its_projects_and_environments(history: History) -> None:
    """Names are compared as they are; what is about a whole project is for whom all of it is."""
    history.drift("shop", AT, {"staging/api": ("c", "w"), "Staging/b": ("c", "w")}, lambda _: False)
    history.drift("site", AT, {"stagingx/api": ("c", "w"), "preview/pr-1/api": ("c", "w")}, lambda _: False)
    history.add(Event(at=AT, project="shop", kind=Happened.PUSHED, words="pushed"))
    run = Run(
        id=new_run(), project="shop", began=AT, why="", actor="", commit=None, targets="staging/a, staging/b"
    )
    history.begin(run)
    everything = [one.target for one in history.drifts()]
    assert len(everything) == 4
    for scope, seen, is_run_seen in (
        (None, {*everything, None}, True),
        ({}, set(), False),
        ({"shop": None}, {"staging/api", "Staging/b", None}, True),
        ({"shop": frozenset()}, set(), False),
        ({"shop": frozenset({"staging"})}, {"staging/api"}, True),
        ({"site": frozenset({"staging", "preview"})}, {"preview/pr-1/api"}, False),
    ):
        assert {one.target for one in history.drifts(scope=scope)} == seen - {None}
        assert {one.target for one in history.events(scope=scope)} == seen
        assert bool(history.runs(scope=scope)) == is_run_seen
        assert (history.run(run.id, scope=scope) is not None) == is_run_seen
