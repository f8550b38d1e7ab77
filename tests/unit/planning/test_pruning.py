"""Which published versions go when another one comes."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from lockstep.model import Code, Function, Hold, Published, Target
from lockstep.model.alias import Alias, dated, described, undated, written_at
from lockstep.planning.pruning import prune

PROJECT, KEY = "shop", "staging/notifier"
WANTED = Function(name="f", settings={"memorySize": 512}, code=Code(sha256="a" * 64))
OTHER = Function(name="f", settings={"memorySize": 512}, code=Code(sha256="b" * 64))
OURS = described(PROJECT, KEY, "0.9.0")


def target(keep: int = 2, grace: int = 3600, **fields: object) -> Target:
    """A target that keeps so many versions."""
    return Target(
        environment="staging",
        service="notifier",
        version="1.0.0",
        function=WANTED,
        keep_versions=keep,
        keep_seconds=grace,
        **fields,  # type: ignore[arg-type]
    )


def version(number: int, **fields: object) -> Published:
    """A published version of ours that nobody needs."""
    return Published(**{"number": str(number), "description": OURS, "function": OTHER, **fields})  # type: ignore[arg-type]


versions = st.lists(
    st.builds(
        version,
        st.integers(1, 10**6),
        description=st.sampled_from([OURS, "by hand", described("other", KEY, "1"), ""]),
        function=st.sampled_from([WANTED, OTHER]),
        aliases=st.sampled_from([(), ("live",), ("blue", "live")]),
        needs=st.sampled_from(["", "it has a policy of its own"]),
    ),
    max_size=12,
    unique_by=lambda one: one.number,
)


@given(versions, st.integers(1, 6), st.none() | st.integers(0, 10_000))
def test_only_what_nobody_needs_goes(found: list[Published], keep: int, settled: int | None) -> None:
    """Ours, named by no alias, without anything of its own, not as declared, old enough and left long ago."""
    result = prune(PROJECT, target(keep), WANTED, found, settled)
    ours = sorted((int(one.number) for one in found if one.description == OURS), reverse=True)
    for one, reason in result.going:
        assert one.description == OURS
        assert not one.aliases
        assert not one.needs
        assert one.function is not WANTED
        assert ours.index(int(one.number)) >= keep - 1
        assert settled is not None
        assert settled >= 3600
        assert reason
    assert all(reason for _, reason in result.staying)
    told = {one.number for one, _ in (*result.going, *result.staying)}
    assert told == {str(number) for number in ours[keep - 1 :]}


def test_a_held_release_and_a_durable_function_keep_their_versions() -> None:
    """Somebody may still want to look at the one, and executions may run on the other."""
    held = target(1, hold=Hold(version="0.9.0", since="2026-01-01", by="me"))
    durable = Function(name="f", settings={"durable.executionTimeout": 60}, code=Code(sha256="c" * 64))
    for one, wanted in ((held, WANTED), (target(1), durable)):
        assert not prune(PROJECT, one, wanted, [version(1)], 10**6).going
    assert prune(PROJECT, target(1), WANTED, [version(1)], 10**6).going


def test_an_alias_that_somebody_else_moved_says_nothing_of_when() -> None:
    """What we pointed it at is written beside the time, and is compared with where it points."""
    now = datetime(2026, 11, 29, 12, 0, 5, tzinfo=UTC)
    text = dated(OURS, "7", now)
    assert undated(text) == OURS
    assert written_at(Alias(name="live", version="7", description=text)) == now
    assert written_at(Alias(name="live", version="6", description=text)) is None
    assert written_at(Alias(name="live", version="7", description=text, weights={"6": 0.5})) is None
    assert written_at(Alias(name="live", version="7", description=OURS)) is None


def test_a_version_that_is_declared_by_its_number_anywhere_stays() -> None:
    """In whichever environment of Git: it would be missing there at the next sync."""
    other = Target(environment="production", service="notifier", version="1", alias="production")
    assert prune(PROJECT, target(1), WANTED, [version(1)], 10**6).going
    kept = prune(PROJECT, target(1), WANTED, [version(1)], 10**6, [other])
    assert [why for _, why in kept.staying] == ["production/notifier declares it"]
    hold = Hold(version="0.9.0", since="2026-01-01", by="me")
    held = Target(environment="production", service="notifier", hold=hold)
    assert not prune(PROJECT, target(1), WANTED, [version(1)], 10**6, [held]).going
