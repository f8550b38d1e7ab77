"""Which previews go: laws about what is never enough for it."""

import datetime

from hypothesis import given
from hypothesis import strategies as st

from lockstep.model.preview import Preview, PreviewPolicy, PullSeen, StoredObject
from lockstep.planning.previews import Fate, ends_at, judge, removal_problem, stale_packages

NOW = datetime.datetime(2026, 11, 24, 9, tzinfo=datetime.UTC)
KEY = "lockstep/packages/{service}/{sha256}.zip"

moments = st.none() | st.integers(-90, 0).map(lambda d: (NOW + datetime.timedelta(days=d)).isoformat())
spans = st.none() | st.integers(1, 30).map(lambda d: d * 86_400)
previews = st.builds(
    Preview, number=st.integers(1, 5), created=moments, updated=moments, ttl=spans, warned=moments
)
policies = st.builds(
    PreviewPolicy, ttl=spans, warn=st.integers(0, 5 * 86_400), label=st.none() | st.just("preview")
)
seen = st.builds(
    PullSeen,
    number=st.integers(1, 5),
    is_open=st.booleans(),
    state=st.just("?"),
    labels=st.sampled_from([(), ("preview",)]),
)


@given(st.lists(previews, max_size=4), policies)
def test_what_was_not_seen_stays(some: list[Preview], policy: PreviewPolicy) -> None:
    """Without an answer about its own pull request nothing happens to a preview, however old it is."""
    assert all(one.fate is Fate.KEEP for one in judge(some, {}, policy, NOW))


@given(previews, seen, policies)
def test_an_end_was_announced(preview: Preview, pull: PullSeen, policy: PreviewPolicy) -> None:
    """An open pull request with its label loses its preview only after a warning, and a promised time."""
    (one,) = judge([preview], {preview.number: pull}, policy, NOW)
    if one.fate is Fate.REMOVE and pull.is_open and (policy.label is None or policy.label in pull.labels):
        assert preview.warned is not None
        ttl = preview.ttl or policy.ttl or 0
        promised = datetime.timedelta(seconds=min(policy.warn, ttl // 2))
        assert datetime.datetime.fromisoformat(preview.warned) + promised <= NOW
        assert ends_at(preview, policy) == one.ends


@given(previews, policies)
def test_a_closed_pull_request_has_none(preview: Preview, policy: PreviewPolicy) -> None:
    """Whatever its time to live says."""
    closed = PullSeen(number=preview.number, is_open=False, state="closed")
    (one,) = judge([preview], {preview.number: closed}, policy, NOW)
    assert (one.fate, one.why) == (Fate.REMOVE, "its pull request is closed")


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 3), st.none() | st.integers(0, 50))
def test_the_guard_of_folders(going: int, stay: int, opened: int, allowed: int | None) -> None:
    """Five, or a fifth of all; none when nothing is open; as many as somebody has named."""
    most = allowed if allowed is not None else max(5, (going + stay) // 5) if opened else 0
    assert (removal_problem(going, going + stay, opened, allowed) is None) == (going <= most)


def stored(service: str, number: int, days: int) -> StoredObject:
    """A package of some age."""
    return StoredObject(
        bucket="b",
        key=f"lockstep/packages/{service}/{number:064x}.zip",
        size=1,
        modified=NOW - datetime.timedelta(days=days),
    )


@given(st.lists(st.integers(0, 200), max_size=30), st.sets(st.integers(0, 29)))
def test_packages_that_stay(ages: list[int], kept: set[int]) -> None:
    """The declared and recorded ones, the young ones, and of each service the newest."""
    objects = [stored("a", number, days) for number, days in enumerate(ages)]
    digests = {f"{number:064x}" for number in kept}
    stale = stale_packages(objects, KEY, digests, now=NOW, days=90, newest=3)
    assert not {one.key[-68:-4] for one in stale} & digests
    assert all(one.modified < NOW - datetime.timedelta(days=90) for one in stale)
    left = [one for one in objects if one not in stale]
    assert len(left) >= min(3, len(objects))
    assert sum(all(one.modified >= gone.modified for gone in stale) for one in left) >= min(3, len(objects))


def test_keys_of_others_are_no_packages() -> None:
    """What packages.key does not make is not looked at; each service has its own newest ones."""
    others = [
        StoredObject(bucket="b", key=key, size=1, modified=NOW - datetime.timedelta(days=999))
        for key in (
            "lockstep/packages/a/notes.txt",
            "lockstep/packages/a/deep/" + "0" * 64 + ".zip",
            "lockstep/packages/" + "0" * 64 + ".zip",
            "lockstep/packages/a/" + "0" * 63 + ".zip",
        )
    ]
    ours = [stored("a", 1, 999), stored("b", 2, 999)]
    assert stale_packages([*others, *ours], KEY, (), now=NOW, days=90, newest=0) == tuple(ours)
    assert stale_packages([*others, *ours], KEY, (), now=NOW, days=90, newest=1) == ()
