"""Laws of a bucket's notifications: merging, overlap, ids, and what is left after a failure."""

from itertools import combinations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lockstep.model import Trigger
from lockstep.planning.notifications import (
    KINDS,
    LAMBDA,
    clashes,
    entries_of,
    entry_for,
    find_overlaps,
    is_same,
    merge,
    overlap,
    owner_of,
    trigger_of,
)
from lockstep.planning.triggers import survivors

many = settings(max_examples=200, deadline=None)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True)
keys = st.one_of(
    st.tuples(names, names).map("/".join), st.tuples(st.just("preview"), names, names).map("/".join)
)
filters = st.text(alphabet="ab/", max_size=4)
events = st.lists(
    st.sampled_from(
        ["s3:ObjectCreated:*", "s3:ObjectCreated:Put", "s3:ObjectRemoved:*", "s3:ObjectRemoved:Delete"]
    ),
    min_size=1,
    max_size=2,
    unique=True,
).map(lambda found: tuple(sorted(found)))
triggers = st.builds(
    Trigger, bucket=st.sampled_from(["one", "two"]), prefix=filters, suffix=filters, events=events
)
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=4)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
    """Whatever a bucket may hold: ours and others' entries, odd ids, members nobody has heard of."""
    raw: dict[str, Any] = {}
    for member, destination in KINDS.items():
        found = []
        for number in range(draw(st.integers(0, 4))):
            entry: dict[str, Any] = {destination: f"arn:{number}", "Events": list(draw(events))}
            entry |= draw(st.sampled_from([{}, {"Unknown": {"x": 1}}]))
            style = draw(st.sampled_from(["ours", "foreign", "prefixed", "no id"]))
            match style:
                case "ours":
                    entry |= {"Id": f"lockstep-p.staging.{number}.0123456789ab"}
                case "foreign":
                    entry |= {"Id": f"{member}-{number}"}
                case "prefixed":
                    entry |= {"Id": f"lockstep-{number}"}
                case _:
                    pass
            found.append(entry)
        if found:
            raw[member] = found
    raw |= draw(st.dictionaries(st.sampled_from(["EventBridgeConfiguration", "Future"]), json_values))
    return raw


@many
@given(configurations(), st.lists(st.tuples(keys, triggers), max_size=3), st.lists(st.integers(0, 4)))
def test_merging_never_loses_alters_or_reorders_a_foreign_entry(
    raw: dict[str, Any], wanted: list[tuple[str, Trigger]], gone: list[int]
) -> None:
    """What is neither put nor removed by id stays as it is and where it is."""
    put = {e["Id"]: e for key, trigger in wanted for e in [entry_for("p", key, "arn:f", trigger)]}
    remove = [f"lockstep-p.staging.{number}.0123456789ab" for number in gone]
    merged = merge(raw, put=put.values(), remove=[*remove, ""])
    others = [entry for entry in raw.get(LAMBDA, ()) if entry.get("Id") not in {*put, *remove}]
    assert [e for e in merged.get(LAMBDA, ()) if e.get("Id") not in put] == others
    assert {m: v for m, v in merged.items() if m != LAMBDA} == {m: v for m, v in raw.items() if m != LAMBDA}
    assert {e["Id"] for e in merged.get(LAMBDA, ()) if e.get("Id") in put} == set(put)


@many
@given(configurations(), st.lists(st.tuples(keys, triggers), max_size=3))
def test_merging_twice_is_merging_once(raw: dict[str, Any], wanted: list[tuple[str, Trigger]]) -> None:
    """A PUT that is repeated changes nothing; merging nothing changes nothing."""
    put = [entry_for("p", key, "arn:f", trigger) for key, trigger in wanted]
    once = merge(raw, put=put, remove=())
    assert merge(once, put=put, remove=()) == once
    assert merge(raw, put=(), remove=()) == raw


@many
@given(names.filter(lambda name: "." not in name), keys, triggers)
def test_an_entry_tells_whose_it_is(project: str, key: str, trigger: Trigger) -> None:
    """The id names project and target, dots in names and all; the entry reads back as its trigger."""
    entry = entry_for(project, key, "arn:f", trigger)
    assert owner_of(entry["Id"]) == (project, key)
    assert trigger_of(trigger.bucket, entry) == trigger
    assert is_same(entry, {**entry, "Id": "other", "Events": list(reversed(entry["Events"]))})


@many
@given(st.text(max_size=30).map(lambda text: f"lockstep-{text}") | st.text(max_size=30))
def test_no_id_is_too_odd_to_be_read(entry_id: str) -> None:
    """Ids of others never raise, whatever they look like."""
    owner = owner_of(entry_id)
    assert owner is None or all(owner)


def _meet(a: Trigger, b: Trigger) -> bool:
    """Say whether some event and object match both filters.

    When any key does, the longer prefix followed by the longer suffix does.
    """
    key = max(a.prefix, b.prefix, key=len) + max(a.suffix, b.suffix, key=len)
    return any(
        x == y or (x[-1] == "*" and y.startswith(x[:-1])) or (y[-1] == "*" and x.startswith(y[:-1]))
        for x in a.events
        for y in b.events
    ) and all(key.startswith(one.prefix) and key.endswith(one.suffix) for one in (a, b))


@many
@given(triggers, triggers)
def test_two_filters_overlap_when_one_object_matches_both(a: Trigger, b: Trigger) -> None:
    """S3's rule: prefixes and suffixes overlap, and an event is shared; in whatever order."""
    one = overlap(a.events, a.prefix, a.suffix, b.events, b.prefix, b.suffix)
    assert one == overlap(b.events, b.prefix, b.suffix, a.events, a.prefix, a.suffix)
    assert one == _meet(a, b)


@many
@given(st.lists(st.tuples(names, triggers), max_size=12))
def test_overlaps_found_by_sorting_are_all_that_there_are(found: list[tuple[str, Trigger]]) -> None:
    """The quick search agrees with comparing every pair."""
    expected = [
        (i, j)
        for (i, (_, a)), (j, (_, b)) in combinations(enumerate(found), 2)
        if a.bucket == b.bucket and overlap(a.events, a.prefix, a.suffix, b.events, b.prefix, b.suffix)
    ]
    assert find_overlaps(found) == expected


@st.composite
def handovers(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]], list[str], frozenset[str]]:
    """Targets that hand prefixes to each other in one PUT, and those of them that failed."""
    targets = [f"staging/{name}" for name in "abcd"]
    before = draw(st.permutations(range(4)))
    after = draw(st.permutations(range(4)))

    def entry(key: str, place: int) -> dict[str, Any]:
        return entry_for("p", key, f"arn:{key}", Trigger(bucket="b", prefix=f"{place}/"))

    live = [entry(key, place) for key, place in zip(targets, before, strict=True) if draw(st.booleans())]
    wanted = [entry(key, place) for key, place in zip(targets, after, strict=True) if draw(st.booleans())]
    ids = {e["Id"] for e in wanted}
    held = {e["Id"] for e in live}
    failed = frozenset(draw(st.lists(st.sampled_from(targets), max_size=3)))
    put = [e for e in wanted if e["Id"] not in held]
    return {LAMBDA: live, "Future": 1}, put, [e["Id"] for e in live if e["Id"] not in ids], failed


@many
@given(handovers())
def test_a_failed_target_never_leaves_a_prefix_without_a_function(
    change: tuple[dict[str, Any], list[dict[str, Any]], list[str], frozenset[str]],
) -> None:
    """What is left of the change is something S3 takes, and every prefix that is to be served still is."""
    raw, put, remove, failed = change
    kept, removals = survivors(raw, put, remove, failed)
    merged = merge(raw, put=kept, remove=removals)
    assert clashes(merged) == []
    assert set(removals) <= set(remove)
    assert all((owner_of(entry["Id"]) or ("", ""))[1] not in failed for entry in kept)
    whole = merge(raw, put=put, remove=remove)
    to_be_served = {entry.prefix for entry in entries_of(whole)}
    served_before = {entry.prefix for entry in entries_of(raw)}
    served = {entry.prefix for entry in entries_of(merged)}
    assert to_be_served & served_before <= served
    if not failed:
        assert (kept, removals) == (put, remove)
