"""Versions over time, and the last good one."""

import datetime
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lockstep.model.commit import LogEntry
from lockstep.model.era import Era, Said
from lockstep.model.record import Done, Record
from lockstep.planning.eras import deployments_of, eras_of, in_order, last_good


def _changes(*saids: Said | str | None) -> list[tuple[LogEntry, Said, bool]]:
    """Changes newest first, given oldest first."""
    made = []
    for number, one in enumerate(saids):
        said = one if isinstance(one, Said) else Said(version=one)
        entry = LogEntry(
            sha=f"{number:08x}".ljust(40, "0"),
            author="Ada",
            date=f"2026-11-{number + 1:02}",
            message=f"c{number}",
        )
        made.append((entry, said, False))
    return made[::-1]


def _eras(*saids: Said | str | None) -> tuple[Era, ...]:
    return eras_of(_changes(*saids))


def test_each_version_lasts_until_the_next_one() -> None:
    """Newest first, with the commit that brought it and when it ended."""
    second, first = _eras("1.0", "1.0", "1.1")
    assert (first.version, first.since, first.until, first.sha[:8]) == (
        "1.0",
        "2026-11-01",
        "2026-11-03",
        "00000000",
    )
    assert (first.author, first.subject, second.sha[:8], second.subject) == ("Ada", "c0", "00000002", "c2")
    assert (second.version, second.since, second.until) == ("1.1", "2026-11-03", None)


def test_a_declaration_that_was_removed_is_an_era_without_a_version() -> None:
    """The time in which there was nothing is told too."""
    assert [era.version for era in _eras("1.0", None, "1.0")] == ["1.0", None, "1.0"]


def test_a_pin_that_was_left_standing_is_not_the_next_versions() -> None:
    """Only one that names its version may stay the same: both were built to the same bytes."""
    pinned = Said(version="1.0", sha256="aa")
    third, second, first = _eras(
        "1.0", pinned, Said(version="1.1", sha256="aa"), Said(version="1.2", sha256="bb")
    )
    assert (first.said.sha256, second.said.sha256, third.said.sha256) == (None, None, "bb")
    named, _ = _eras(pinned, Said(version="1.1", sha256="aa", is_named=True))
    assert named.said.sha256 == "aa"


def test_the_pull_request_is_read_from_the_commit() -> None:
    """As GitHub writes it when it squashes or merges."""
    squashed = LogEntry(sha="a" * 40, date="d", message="staging: api 1.1 (#12)\n\nmore (#99)")
    merged = LogEntry(
        sha="b" * 40, date="d", message="Merge pull request #7 from lockstep/promote/staging/api"
    )
    plain = LogEntry(sha="c" * 40, date="d", message="fixes (#3) at last")
    eras = eras_of(
        [
            (squashed, Said(version="3"), False),
            (merged, Said(version="2"), False),
            (plain, Said(version="1"), False),
        ]
    )
    assert [era.pull for era in eras] == [12, 7, None]


def _good(*saids: Said | str | None) -> tuple[str | None, dict[str, str]]:
    found = last_good(_eras(*saids))
    return found.era.version if found.era else None, dict(found.passed)


def test_the_last_good_version_is_the_one_before() -> None:
    """Another version than the declared one, the newest first."""
    assert _good("1.0", "1.1", "1.2") == ("1.1", {})


def test_a_version_that_was_taken_back_is_not_good() -> None:
    """Rolling back twice goes on to the version before, never to the bad one again."""
    version, passed = _good("1.0", "1.1", "1.2", Said(version="1.1", held="1.2"))
    assert version == "1.0"
    assert passed == {"1.2": "taken back by Ada (00000003)"}


def test_a_hold_that_somebody_writes_later_takes_its_version_back() -> None:
    """Also where it is written for a version that another one has replaced by then."""
    version, passed = _good("1.0", "1.1", "1.2", Said(version="1.2", held="1.1"))
    assert (version, passed) == ("1.0", {"1.1": "taken back by Ada (00000003)"})


def test_after_a_revert_going_back_never_goes_forward_again() -> None:
    """What a return to an earlier version left behind is passed over, all of it, with who returned."""
    assert _good("0.9", "1.0", "1.1", "1.0") == ("0.9", {"1.1": "reverted to 1.0 by Ada (00000003)"})
    assert _good("1.0", "1.1", "1.0")[0] is None
    assert _good("0.9", "1.0", "1.1", "1.2", "1.0")[0] == "0.9"
    assert _good("0.9", "1.0", "1.1", None, "1.0")[0] == "0.9"
    assert _good("0.9", "1.0", "1.1", "1.0", "1.2") == ("1.0", {})


def test_after_a_downgrade_the_higher_version_is_not_good() -> None:
    """Whether or not the lower one had been declared before."""
    why = "downgraded to 1.1.0 by Ada (00000002)"
    assert _good("1.0.0", "1.2.0", "1.1.0") == ("1.0.0", {"1.2.0": why})
    assert _good("0.9.0", "1.2.0", "1.1.0", "1.2.1") == ("1.1.0", {})
    assert _good("1.2.0", "1.1.0")[0] is None


def test_versions_without_an_order_are_judged_by_returns() -> None:
    """Ids of commits, as Kubernetes services have them."""
    assert _good("f3a", "a1b", "9c2", "a1b") == ("f3a", {"9c2": "reverted to a1b by Ada (00000003)"})
    assert _good("f3a", "a1b", "9c2") == ("a1b", {})


def test_a_version_that_came_back_to_stay_is_judged_by_its_later_time() -> None:
    """Reverted because of something else, declared again, and good since."""
    assert _good("1.0", "1.1", "1.0", "1.1", "1.2") == ("1.1", {})
    assert _good("1.0", "1.1", Said(version="1.0", held="1.1"), "1.1", "1.2") == ("1.1", {})


def _timed(*pairs: tuple[str, int]) -> tuple[str | None, dict[str, str]]:
    """The last good one of versions that each lasted some minutes, oldest first."""
    moment = datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC)
    changes = []
    for version, minutes in pairs:
        entry = LogEntry(sha=f"{len(changes):040x}", author="Ada", date=moment.isoformat(), message="c")
        changes.append((entry, Said(version=version), False))
        moment += datetime.timedelta(minutes=minutes)
    found = last_good(eras_of(changes[::-1]))
    return found.era.version if found.era else None, dict(found.passed)


def test_a_version_that_was_replaced_within_minutes_is_not_good() -> None:
    """It had to be mended; an older one that lasted is."""
    assert _timed(("1.0", 900), ("1.1", 5), ("1.2", 900)) == (
        "1.0",
        {"1.1": "another version replaced it after 5 min"},
    )
    assert _timed(("1.0", 900), ("1.1", 20), ("1.2", 900)) == ("1.1", {})


def test_a_version_that_lasted_before_is_good_however_short_its_return_was() -> None:
    """All of its time counts."""
    assert _timed(("1.0", 900), ("1.1", 5), ("1.0", 3), ("1.2", 900))[0] == "1.0"


def test_where_nothing_lasted_the_newest_that_was_not_taken_back_has_to_do() -> None:
    """A project that has just begun can be rolled back too."""
    assert _timed(("1.0", 3), ("1.1", 2), ("1.2", 1)) == ("1.1", {})
    assert _timed(("1.0", 3), ("1.1", 2), ("1.0", 2), ("1.2", 1)) == ("1.0", {})


def test_without_an_earlier_version_there_is_none() -> None:
    """One version, or only versions that were taken back, or no history."""
    assert _good("1.0") == (None, {})
    assert _good(None, "1.0") == (None, {})
    assert last_good(()).era is None


@given(st.lists(st.sampled_from(["1", "2", "3", None]), max_size=20))
def test_eras_follow_one_another_without_a_gap(versions: list[str | None]) -> None:
    """No two neighbours are alike, each ends when the next begins, and only the newest has no end."""
    eras = _eras(*versions)
    for newer, older in pairwise(eras):
        assert newer.version != older.version
        assert older.until == newer.since
    assert [era.until for era in eras[:1]] == [None] * len(eras[:1])


@given(st.lists(st.sampled_from(["1.1.0", "1.2.0", "1.3.0", None]), max_size=20))
def test_going_back_again_and_again_ends_and_never_comes_to_a_version_twice(
    versions: list[str | None],
) -> None:
    """Each rollback, written as a return without a hold, leads to a version that was not left that way."""
    saids: list[Said | str | None] = [*versions]
    seen = [saids[-1]] if saids else []
    while (era := last_good(_eras(*saids)).era) is not None:
        assert era.version not in (None, *seen)
        seen.append(era.version)
        saids.append(era.version)


def _record(day: float, version: str, done: Done = Done.DEPLOYED) -> Record:
    return Record(at=_at(day), done=done, version=version, by="Ada")


def _at(day: float) -> str:
    return (
        datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC) + datetime.timedelta(days=day - 1)
    ).isoformat()


def test_a_version_was_deployed_when_a_sync_in_its_era_says_so() -> None:
    """The first that brought it; one of the same version at another time is another era's."""
    newest, middle, oldest = _eras("1.0", "1.1", "1.0")
    records = [_record(1.5, "1.0"), _record(1.7, "1.0"), _record(3.2, "1.0")]
    assert deployments_of((newest, middle, oldest), records) == {
        oldest.sha: records[0],
        newest.sha: records[2],
    }


def test_an_attempt_that_failed_is_told_where_none_succeeded() -> None:
    """The last one."""
    (era,) = _eras("1.0")
    records = [_record(1.1, "1.0", Done.FAILED), _record(1.2, "1.0", Done.FAILED)]
    assert deployments_of([era], records) == {era.sha: records[1]}
    found = _record(1.3, "1.0")
    assert deployments_of([era], [*records, found, _record(1.4, "1.0", Done.FAILED)]) == {era.sha: found}
    assert deployments_of([era], [_record(1.3, "1.0", Done.REMOVED)]) == {}


def test_clocks_may_be_a_little_apart() -> None:
    """A sync seems to come before the commit that it brought, or after the one that ended what it brought."""
    _, era = eras = _eras("1.0", "1.1")
    for day in (1 - 2 / 1440, 2, 2 + 2 / 1440):
        assert deployments_of(eras, [_record(day, "1.0")]).keys() == {era.sha}
    for day in (1 - 10 / 1440, 2 + 10 / 1440):
        assert deployments_of(eras, [_record(day, "1.0")]) == {}


def test_a_record_belongs_to_the_nearest_era_of_its_version() -> None:
    """Also where minutes are between them, and surely where it names the commit that brought the version."""
    minute = 1 / 1440
    changes = [
        (replace(entry, date=_at(1 + number * minute)), said, False)
        for number, (entry, said, _) in enumerate(reversed(_changes("1.0", "1.1", "1.0")))
    ]
    newest, _, oldest = eras = eras_of(changes[::-1])
    first, second = _record(1 + 0.4 * minute, "1.0"), _record(1 + 2.4 * minute, "1.0")
    assert deployments_of(eras, [first, second]) == {oldest.sha: first, newest.sha: second}
    late = replace(first, at=second.at, commit=oldest.sha)
    assert deployments_of(eras, [late, second]) == {oldest.sha: late, newest.sha: second}


def test_records_of_several_sources_are_put_in_order() -> None:
    """By the moment, however each writes it down."""
    times = ["2026-11-01T10:00:00+02:00", "2026-11-01T09:00:00", "2026-11-01T10:30:00+00:00"]
    records = [Record(at=at, done=Done.DEPLOYED, version="1.0", by="Ada") for at in times]
    assert in_order(reversed(records)) == tuple(records)


def _pinned(version: str, image: str | None) -> Said:
    return Said(version=version, image=image)


def test_a_version_that_is_pinned_to_its_image_later_is_one_era() -> None:
    """What it is pinned to is what to go back to; what was left standing from another version is not."""
    third, second, first = _eras("1.0", _pinned("1.0", "a"), _pinned("1.1", "a"), _pinned("1.1", "a"), "1.2")
    assert (first.said.image, second.said.image, third.said.image) == ("a", None, None)
    mended, _, _ = _eras(_pinned("1.0", "a"), _pinned("1.1", "a"), _pinned("1.2", "b"), _pinned("1.2", "b"))
    assert mended.said.image == "b"
    back, *_ = _eras(_pinned("1.0", "a"), _pinned("1.1", "a"), _pinned("1.1", "b"), _pinned("1.0", "a"))
    assert back.said.image == "a"


def test_a_name_that_moves_from_image_to_image_is_gone_back_to() -> None:
    """``main`` of yesterday is another thing than ``main`` of today, and neither is taken for a version."""
    eras = _eras(_pinned("main", "a"), _pinned("main", "b"), _pinned("main", "c"))
    good = last_good(eras)
    assert good.era is not None
    assert (good.era.version, good.era.said.image, good.passed) == ("main", "b", ())
    again = _eras(_pinned("main", "a"), _pinned("main", "b"), _pinned("main", "a"))
    assert last_good(again).era is None
    assert again[1].undone is not None
