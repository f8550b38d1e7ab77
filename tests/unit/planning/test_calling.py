"""Who calls which functions: of every kind by its rows, and as far as it was read."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.model import FIELDS, Bucket, Fleet, Obstacle, Statement
from lockstep.model.calling import CallGraph, Party, Standing, Way
from lockstep.model.kinds import KINDS
from lockstep.model.relay import rules_of
from lockstep.planning.calling import among, calls_of
from tests.functional.kinds.samples import SAMPLES, resource
from tests.support.projects import UPLOADS, make_fleet, make_target, trigger
from tests.unit.planning.fixtures import SCOPES

KEY = "staging/notifier"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:orders"
FAILED = "arn:aws:sqs:eu-west-1:123456789012:failed"


def said(graph: CallGraph) -> set[tuple[str, str, str]]:
    """The ways by what people call their ends, with their standing."""
    names = {key: one.target or f"{one.kind} {one.name}" for key, one in graph.parties.items()}
    return {(names[way.source], names[way.sink], way.standing.value) for way in graph.ways}


def live_of(fleet: Fleet, **changes: Any) -> Fleet:
    """The fleet as it would be live."""
    return replace(fleet, scopes=SCOPES, **changes)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_kind_is_drawn_by_its_rows(name: str) -> None:
    """What invites has somebody who calls, what is handed on has a taker; a new kind needs nothing more."""
    one = resource(name, **SAMPLES[name].FIRST)
    graph = calls_of(make_fleet(make_target(KEY, resources=(one,))), None)
    into = [way for way in graph.ways if way.sink == KEY]
    out = [way for way in graph.ways if way.source == KEY]
    assert len(into) == KINDS[name].invites
    gets = [row.name for row in KINDS[name].rows if row.gets and row.name in one.settings]
    assert len(out) == len(gets)
    assert {way.standing for way in graph.ways} <= {Standing.DECLARED}


def test_rows_that_name_what_is_handed_something_say_so() -> None:
    """Whatever is called a destination, a dead letter queue, or where failures go."""
    rows = [("", row) for row in FIELDS] + [(name, row) for name, kind in KINDS.items() for row in kind.rows]
    named = {
        (kind, row.name) for kind, row in rows if re.search(r"on(Success|Failure)$|deadLetter", row.name)
    }
    assert {(kind, row.name) for kind, row in rows if row.gets} >= named
    assert len(named) >= 4


def test_one_queue_is_one_party_whoever_reads_and_whoever_fills_it() -> None:
    """A function hands to another by way of a queue; a destination that is a function is that target."""
    function = "arn:aws:lambda:eu-west-1:111111111111:function:reader-staging"
    fleet = make_fleet(
        make_target(KEY, resources=(resource("asyncInvoke", onFailure=QUEUE, onSuccess=function),)),
        make_target("staging/reader", resources=(resource("eventSources", source=QUEUE),)),
    )
    assert said(calls_of(fleet, None)) == {
        (KEY, "queue orders", "declared"),
        ("queue orders", "staging/reader", "declared"),
        (KEY, "staging/reader", "declared"),
    }


def test_a_trigger_through_eventbridge_is_drawn_from_its_bucket_once() -> None:
    """Not as the rule that it is made of; without the bucket's switch it calls nobody."""
    there = trigger("in/")
    target = make_target(KEY, resources=rules_of(there, "", "notifier-staging"))
    fleet = make_fleet(replace(target, relayed=(there,)))
    way = (f"bucket {UPLOADS}", KEY)
    assert said(calls_of(fleet, None)) == {(*way, "declared")}
    for raw, standing in (({"EventBridgeConfiguration": {}}, "live"), ({}, "missing")):
        live = live_of(fleet, buckets={UPLOADS: Bucket(name=UPLOADS, raw=raw)})
        assert said(calls_of(fleet, live)) == {(*way, standing)}


def test_what_is_live_is_told_apart_from_what_is_not_there_and_what_was_not_read() -> None:
    """By kind of resource: a setting that nobody asked AWS for is neither there nor missing."""
    beside = (resource("eventSources", source=QUEUE), resource("asyncInvoke", onFailure=FAILED))
    target = make_target(KEY, resources=beside, settings={"deadLetterTarget": FAILED})
    fleet = make_fleet(target)
    assert target.function is not None
    there = live_of(fleet)
    assert {standing for _, _, standing in said(calls_of(fleet, there))} == {"live"}
    bare = replace(target, resources=(), function=replace(target.function, settings={}))
    gone = live_of(fleet, targets={KEY: bare})
    assert {standing for _, _, standing in said(calls_of(fleet, gone))} == {"missing"}
    unasked = replace(bare, function=replace(bare.function, unread=frozenset({"eventSources"})))  # type: ignore[type-var]
    graph = calls_of(fleet, live_of(fleet, targets={KEY: unasked}))
    assert ("queue orders", KEY, "unknown") in said(graph)
    assert graph.unread == {KEY: ("event source",)}  # declared, and denied
    closed = live_of(fleet, targets={}, unread={KEY: Obstacle(text="access denied", is_unread=True)})
    graph = calls_of(fleet, closed)
    assert {standing for _, _, standing in said(graph)} == {"unknown"}
    assert graph.unread == {KEY: ("access denied",)}


def test_what_others_made_is_foreign_and_what_git_has_no_more_is_left() -> None:
    """By the function's tags, by the ids of statements and of a bucket's entries."""
    target = make_target(KEY, trigger("in/"))
    fleet = make_fleet(target)
    assert target.function is not None
    theirs, ours = resource("eventSources", source=QUEUE), resource("eventSources", source=FAILED)
    statements = (
        Statement(source_arn="arn:aws:sns:eu-west-1:123456789012:news", source_account=None, sid="news"),
        Statement(source_arn=f"arn:aws:s3:::{UPLOADS}", source_account=None, sid="lockstep-0123456789abcdef"),
    )
    live = replace(
        target,
        resources=tuple(replace(one, name="") for one in (theirs, ours)),
        statements=statements,
        function=replace(target.function, tags={"lockstep:resources": ours.word}),
    )
    raw = {
        "LambdaFunctionConfigurations": [
            {"Id": "x", "LambdaFunctionArn": "arn:aws:lambda:eu-west-1:1:function:other", "Events": ["e"]}
        ],
        "QueueConfigurations": [{"Id": "q", "QueueArn": QUEUE, "Events": ["s3:ObjectRemoved:*"]}],
    }
    buckets = {UPLOADS: Bucket(name=UPLOADS, raw=raw)}
    graph = calls_of(fleet, live_of(fleet, targets={KEY: live}, buckets=buckets))
    bucket = f"bucket {UPLOADS}"
    assert said(graph) == {
        (bucket, KEY, "missing"),
        ("queue orders", KEY, "foreign"),
        ("queue failed", KEY, "left"),
        ("topic news", KEY, "foreign"),
        (bucket, "function other", "foreign"),
        (bucket, "queue orders", "foreign"),
    }
    foreign = {one.name for one in graph.parties.values() if one.is_foreign}
    assert foreign == {"orders", "news", "other"}


def test_a_selection_shows_its_own_functions() -> None:
    """And what they share with others, but not the others."""
    beside = (resource("eventSources", source=QUEUE),)
    fleet = make_fleet(
        make_target(KEY, resources=beside),
        make_target("production/notifier", resources=beside),
        selection=("staging",),
    )
    assert said(calls_of(fleet, None)) == {("queue orders", KEY, "declared")}


@given(
    ends=st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("abcde")), max_size=12),
    functions=st.sets(st.sampled_from("abcd")),
    shown=st.sets(st.sampled_from("abcd")),
)
def test_a_part_of_a_graph_tells_nothing_of_what_is_not_shown(
    ends: list[tuple[str, str]], functions: set[str], shown: set[str]
) -> None:
    """Neither its name nor what happens between others; of what is shown nothing is left out."""
    parties = {
        key: Party(kind="function", name=f"name-{key}", target=f"env/{key}" if key in functions else "")
        for key in "abcde"
    }
    ways = tuple(
        Way(source=source, sink=sink, words=source + sink, standing=Standing.LIVE) for source, sink in ends
    )
    graph = CallGraph(parties=parties, ways=ways, unread=dict.fromkeys(functions, ("rule",)), notes=("note",))
    part = among(graph, lambda target: target.rpartition("/")[2] in shown)
    hidden, seen = functions - shown, functions & shown
    told = {name for one in part.parties.values() for name in (one.name, one.target)}
    assert not told & {f"name-{key}" for key in hidden} | told & {f"env/{key}" for key in hidden}
    assert {*part.parties} >= seen
    kept = [way for way in ways if way.source in seen or way.sink in seen]
    assert part == graph if not hidden else list(part.ways) == kept
    assert all(way.source in part.parties and way.sink in part.parties for way in part.ways)
    assert {*part.unread} == seen
