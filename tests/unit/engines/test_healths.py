"""Which remembered health is believed, and how long."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lockstep.delivery.sync.options import Options
from lockstep.engines.aws import packed
from lockstep.engines.aws.healths import DAY, Healths
from lockstep.model import Code, Function, Health

ABOUT = {"project": "shop", "environment": "staging", "account": "123456789012", "region": "eu-west-1"}


def function(health: Health = Health.HEALTHY, *, revision: str = "r1", modified: str = "m1") -> Function:
    """The same function, as it may be read."""
    return Function(name="f", code=Code(), health=health, revision=revision, modified=modified)


def file(folder: Path) -> Path:
    """Where the health of the environment is kept."""
    path = packed.file_in(folder, "healthy", ABOUT)
    assert path is not None
    return path


def read_at(folder: Path, when: str) -> Healths:
    """What is remembered of one function that was read then."""
    packed.write(file(folder), packed.pack(ABOUT, "healthy", {"f": ["r1", "m1", when]}))
    return Healths(ABOUT, folder)


def test_a_healthy_function_is_known_by_both_its_revision_and_its_time_of_change(tmp_path: Path) -> None:
    """From one run to the next, in a file of the user's alone; any other is asked for."""
    first = Healths(ABOUT, tmp_path)
    first.keep(function())
    first.save()
    then = Healths(ABOUT, tmp_path)
    assert then.recall(function(Health.UNKNOWN)) is not None
    assert then.recall(function(Health.UNKNOWN, revision="r2")) is None
    assert then.recall(function(Health.UNKNOWN, modified="m2")) is None
    assert file(tmp_path).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("health", sorted({*Health} - {Health.HEALTHY}))
def test_nothing_but_health_is_remembered(tmp_path: Path, health: Health) -> None:
    """A function that is under way or ill is asked for again, also when it was healthy at that revision."""
    memory = Healths(ABOUT, tmp_path)
    memory.keep(function())
    memory.keep(function(health))
    assert memory.recall(function(Health.UNKNOWN)) is None


@pytest.mark.parametrize(
    ("ago", "is_believed"),
    [
        (timedelta(hours=1), True),
        (DAY - timedelta(minutes=1), True),
        (DAY, False),
        (-timedelta(hours=1), False),
    ],
)
def test_health_is_believed_for_a_day(tmp_path: Path, ago: timedelta, is_believed: bool) -> None:
    """Older health is read again, and so is what a clock says to be of the future."""
    when = (datetime.now(UTC) - ago).isoformat()
    found = read_at(tmp_path, when).recall(function(Health.UNKNOWN))
    assert found == (when if is_believed else None)


@pytest.mark.parametrize("when", ["", "today", "2026-01-01T00:00:00", 7, None])
def test_a_row_of_another_shape_is_not_believed(tmp_path: Path, when: str) -> None:
    """Nor does it end the run."""
    assert not read_at(tmp_path, when).knows("f")


def test_what_is_about_something_else_is_not_believed(tmp_path: Path) -> None:
    """Another project, environment, account or Region, and bytes that are damaged."""
    rows = {"f": ["r1", "m1", datetime.now(UTC).isoformat()]}
    good = packed.pack(ABOUT, "healthy", rows)
    others = [packed.pack({**ABOUT, name: "another"}, "healthy", rows) for name in ABOUT]
    for data in (*others, packed.pack(ABOUT, "policies", rows), good[:-1], b""):
        packed.write(file(tmp_path), data)
        assert not Healths(ABOUT, tmp_path).knows("f")
    packed.write(file(tmp_path), good)
    assert Healths(ABOUT, tmp_path).knows("f")


def test_nothing_that_decides_recalls() -> None:
    """Promotions, drift and syncs read health; only who asks for it is told what was."""
    assert not Options().recalls
