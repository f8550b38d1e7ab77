"""Versions over time, and the last good one."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lockstep.model.commit import LogEntry
from lockstep.model.era import Era, Said
from lockstep.planning.eras import eras_of, last_good, taken_back


def _changes(*saids: Said | str | None) -> list[tuple[LogEntry, Said, bool]]:
    """Changes newest first, given oldest first."""
    made = []
    for number, one in enumerate(saids):
        said = one if isinstance(one, Said) else Said(version=one)
        entry = LogEntry(
            sha=f"{number:040x}", author="Ada", date=f"2026-11-{number + 1:02}", message=f"c{number}"
        )
        made.append((entry, said, False))
    return made[::-1]


def _eras(*saids: Said | str | None) -> tuple[Era, ...]:
    return eras_of(_changes(*saids))


def test_each_version_lasts_until_the_next_one() -> None:
    """Newest first, with the commit that brought it and when it ended."""
    second, first = _eras("1.0", "1.0", "1.1")
    assert (first.version, first.since, first.until, first.sha[-1]) == (
        "1.0",
        "2026-11-01",
        "2026-11-03",
        "0",
    )
    assert (second.version, second.since, second.until) == ("1.1", "2026-11-03", None)


def test_a_declaration_that_was_removed_is_an_era_without_a_version() -> None:
    """The time in which there was nothing is told too."""
    assert [era.version for era in _eras("1.0", None, "1.0")] == ["1.0", None, "1.0"]


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


def test_the_last_good_version_is_the_one_before() -> None:
    """Another version than the declared one, the newest first."""
    found = last_good(_eras("1.0", "1.1", "1.2"), frozenset())
    assert found is not None
    assert found.version == "1.1"


def test_a_version_that_was_taken_back_is_not_good() -> None:
    """Rolling back twice goes on to the version before, never to the bad one again."""
    saids = [Said(version="1.0"), Said(version="1.1"), Said(version="1.2"), Said(version="1.1", held="1.2")]
    eras = _eras(*saids)
    found = last_good(eras, taken_back(saids))
    assert found is not None
    assert found.version == "1.0"


def test_without_an_earlier_version_there_is_none() -> None:
    """One version, or only versions that were taken back, or no history."""
    assert last_good(_eras("1.0"), frozenset()) is None
    assert last_good(_eras(None, "1.0"), frozenset()) is None
    assert last_good(_eras("1.0", "1.1"), frozenset({"1.0"})) is None
    assert last_good((), frozenset()) is None


@given(st.lists(st.sampled_from(["1", "2", "3", None]), max_size=20))
def test_eras_follow_one_another_without_a_gap(versions: list[str | None]) -> None:
    """No two neighbours are alike, each ends when the next begins, and only the newest has no end."""
    eras = _eras(*versions)
    for newer, older in pairwise(eras):
        assert newer.version != older.version
        assert older.until == newer.since
    assert [era.until for era in eras[:1]] == [None] * len(eras[:1])
    good = last_good(eras, frozenset())
    assert good is None or good.version not in (None, eras[0].version)
