"""Freezes: when they hold promotions up, and until when."""

import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.model import Freeze
from lockstep.planning.freezes import frozen

LONDON = "Europe/London"


def _now(text: str, zone: str = "UTC") -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def _until(freezes: list[Freeze], now: datetime.datetime) -> str | None:
    found = frozen(freezes, now, ZoneInfo)
    return found.until.isoformat(timespec="minutes") if found else None


WEEKEND = Freeze(days=(4,), start="16:00", end="24:00", timezone=LONDON)
SATURDAY = Freeze(days=(5, 6), start="00:00", end="24:00", timezone=LONDON)
NIGHT = Freeze(days=(0, 1, 2, 3, 4, 5, 6), start="22:00", end="06:00", timezone="UTC")
CHRISTMAS = Freeze(start="2026-12-20", end="2027-01-03", timezone=LONDON)


@pytest.mark.parametrize(
    ("freezes", "now", "until"),
    [
        ([WEEKEND], "2026-11-27T15:59", None),  # a Friday
        ([WEEKEND], "2026-11-27T16:00", "2026-11-28T00:00+00:00"),
        ([WEEKEND], "2026-11-28T00:00", None),
        ([WEEKEND, SATURDAY], "2026-11-27T17:00", "2026-11-30T00:00+00:00"),
        ([NIGHT], "2026-11-27T23:00", "2026-11-28T06:00+00:00"),
        ([NIGHT], "2026-11-27T05:59", "2026-11-27T06:00+00:00"),
        ([NIGHT], "2026-11-27T06:00", None),
        ([CHRISTMAS], "2026-12-19T23:59", None),
        ([CHRISTMAS], "2026-12-20T00:00", "2027-01-04T00:00+00:00"),
        ([CHRISTMAS], "2027-01-03T23:59", "2027-01-04T00:00+00:00"),
        ([CHRISTMAS], "2027-01-04T00:00", None),
        ([], "2026-12-25T00:00", None),
    ],
)
def test_a_freeze_holds_from_its_start_to_its_end(freezes: list[Freeze], now: str, until: str | None) -> None:
    """The first minute is in, the last is out, and windows without a gap between them are one."""
    assert _until(freezes, _now(now)) == until


def test_a_freeze_follows_the_clock_of_its_time_zone() -> None:
    """16:00 in London in summer is 15:00 UTC."""
    assert _until([WEEKEND], _now("2026-07-03T14:59")) is None
    assert _until([WEEKEND], _now("2026-07-03T15:00")) == "2026-07-04T00:00+01:00"


def test_a_night_in_which_clocks_change_ends_by_the_clock() -> None:
    """22:00 to 06:00 is nine hours long when the clock is put back."""
    night = Freeze(days=(5,), start="22:00", end="06:00", timezone=LONDON)
    found = frozen([night], _now("2026-10-25T01:30"), ZoneInfo)
    assert found is not None
    assert (
        found.until.astimezone(datetime.UTC) - found.since.astimezone(datetime.UTC)
    ).total_seconds() == 9 * 3600


def test_a_freeze_of_every_hour_does_not_look_for_its_end_for_ever() -> None:
    """Windows that never leave a gap give a far end, not an endless search."""
    always = Freeze(days=tuple(range(7)), start="00:00", end="24:00", timezone="UTC")
    found = frozen([always], _now("2026-11-27T12:00"), ZoneInfo)
    assert found is not None
    assert found.until - found.since > datetime.timedelta(days=30)


@given(
    days=st.sets(st.integers(0, 6), min_size=1).map(lambda d: tuple(sorted(d))),
    start=st.integers(0, 1439),
    end=st.integers(1, 1440),
    now=st.datetimes(datetime.datetime(2026, 1, 1), datetime.datetime(2027, 12, 31)),
    zone=st.sampled_from([LONDON, "America/New_York", "Asia/Kolkata", "UTC"]),
)
def test_what_is_frozen_has_begun_and_not_ended(
    days: tuple[int, ...], start: int, end: int, now: datetime.datetime, zone: str
) -> None:
    """A freeze in force began before now and ends after it, and at its end it is over."""
    freeze = Freeze(
        days=days,
        start=f"{start // 60:02}:{start % 60:02}",
        end=f"{end // 60:02}:{end % 60:02}",
        timezone=zone,
    )
    moment = now.replace(tzinfo=datetime.UTC)
    found = frozen([freeze], moment, ZoneInfo)
    if found is None:
        return
    assert found.since <= moment < found.until
    if found.until - found.since < datetime.timedelta(days=40):
        assert frozen([freeze], found.until, ZoneInfo) is None
