"""What Terraform plans and says, beside what was seen: nothing is Synced or live that was not read."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from lockstep.delivery.sync.truth import Seen, judged, mismatches
from lockstep.engines.terraform.ways_out import way_out
from lockstep.errors import Interrupted
from lockstep.model import (
    Change,
    Code,
    Health,
    Outcome,
    Plan,
    Report,
    StepResult,
    SyncStatus,
    TargetPlan,
    Verb,
)
from tests.support.projects import make_target

KEY = "staging/api"
MEMORY = Change(path="memorySize", old=512, new=1024)
CODE = Change(path="code", old="00" * 32, new="11" * 32)


def _seen(*changes: Change, unread: str | None = None, is_there: bool = True) -> Seen:
    """What was seen of one target that is declared at version 2."""
    declared = make_target(KEY, version="2")
    assert declared.function is not None
    live = replace(declared, function=replace(declared.function, arn="arn:x", health=Health.HEALTHY))
    if CODE in changes:
        live = replace(live, function=replace(declared.function, code=Code(sha256="00" * 32)))
    return Seen(
        declared={KEY: declared},
        live={KEY: live} if is_there else {},
        unread={KEY: unread} if unread else {},
        changes={KEY: changes} if changes else {},
    )


def _plan(verb: Verb, *changes: Change) -> Plan:
    status = SyncStatus.SYNCED if verb is Verb.NOTHING else SyncStatus.OUT_OF_SYNC
    one = TargetPlan(
        target=KEY, verb=verb, function="api-staging", version="2", changes=changes, status=status
    )
    return Plan(engine="terraform", project="shop", targets=(one,))


def _judged(plan: Plan, seen: Seen) -> TargetPlan:
    (one,) = judged(plan, seen, lambda key, left: f"{key}: {len(left)}").targets
    return one


def test_in_sync_is_what_was_read() -> None:
    """Terraform has nothing to do and AWS shows what Git says."""
    one = _judged(_plan(Verb.NOTHING), _seen())
    assert (one.verb, one.status, one.health, one.problem) == (
        Verb.NOTHING,
        SyncStatus.SYNCED,
        Health.HEALTHY,
        None,
    )


@pytest.mark.parametrize(
    ("change", "verb"),
    [
        (MEMORY, Verb.NOTHING),
        (CODE, Verb.BLOCKED),
        (Change(path="function", new="api-staging"), Verb.BLOCKED),
    ],
)
def test_what_terraform_would_leave_is_out_of_sync(change: Change, verb: Verb) -> None:
    """It is shown, with the way out; where the release itself is not live the target is blocked."""
    one = _judged(_plan(Verb.NOTHING), _seen(change))
    assert (one.verb, one.status, one.changes) == (verb, SyncStatus.OUT_OF_SYNC, (change,))
    assert one.problem == "staging/api: 1"


def test_what_terraform_changes_is_told_as_it_says() -> None:
    """A field that it plans to change is no problem; one beside it is."""
    one = _judged(_plan(Verb.UPDATE, MEMORY), _seen(MEMORY))
    assert (one.verb, one.changes, one.problem) == (Verb.UPDATE, (MEMORY,), None)
    one = _judged(_plan(Verb.UPDATE, MEMORY), _seen(MEMORY, CODE))
    assert (one.verb, one.changes, one.problem) == (Verb.UPDATE, (MEMORY, CODE), "staging/api: 1")
    one = _judged(_plan(Verb.CREATE), _seen(Change(path="function", new="api-staging"), is_there=False))
    assert (one.verb, one.health, one.problem) == (Verb.CREATE, Health.MISSING, None)


def test_what_cannot_be_read_is_unknown() -> None:
    """Never Synced, and never a difference."""
    one = _judged(_plan(Verb.NOTHING), _seen(unread="denied"))
    assert (one.status, one.changes, one.problem) == (SyncStatus.UNKNOWN, (), "denied")
    one = _judged(_plan(Verb.UPDATE, MEMORY), _seen(unread="denied"))
    assert (one.verb, one.problem) == (Verb.UPDATE, None)


@pytest.mark.parametrize(
    ("seen", "versions"),
    [
        (_seen(), {KEY: "2"}),
        (_seen(MEMORY), {KEY: "2"}),
        (_seen(CODE), {}),
        (_seen(Change(path="function", new="x"), is_there=False), {KEY: None}),
        (_seen(unread="denied"), {}),
    ],
)
def test_a_version_is_live_when_its_digest_is(seen: Seen, versions: dict[str, str | None]) -> None:
    """Whatever the state says of it."""
    assert seen.versions == versions


def _report(*outcomes: Outcome) -> Report:
    return Report(
        results=tuple(
            StepResult(step=str(number), target=KEY, outcome=outcome)
            for number, outcome in enumerate(outcomes)
        )
    )


def _again(seen: Seen) -> Callable[[Sequence[str]], Seen]:
    return lambda keys: seen if list(keys) == [KEY] else pytest.fail(str(keys))


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (_seen(), None),
        (_seen(CODE), f"{KEY}: applied, and api-staging does not run what is declared"),
        (_seen(Change(path="function", new="x"), is_there=False), f"{KEY}: applied, and"),
        (_seen(unread="denied"), f"{KEY}: applied, and nobody knows whether it is live: denied"),
        (_seen(MEMORY), "memorySize of staging/api is still not as declared"),
    ],
)
def test_what_was_done_is_looked_at(seen: Seen, words: str | None) -> None:
    """A release that is not seen to be live fails its target, whatever Terraform says."""
    found = mismatches(_plan(Verb.UPDATE, CODE), _report(Outcome.DONE), _again(seen))
    assert [text.startswith(words or "?") for text in found] == ([] if words is None else [True])


def test_what_was_told_before_is_not_told_again() -> None:
    """A difference that the plan said would stay is no surprise after it."""
    assert mismatches(_plan(Verb.UPDATE, MEMORY), _report(Outcome.DONE), _again(_seen(MEMORY))) == ()


def test_what_failed_or_was_not_tried_is_told_already() -> None:
    """Nothing is read for it."""
    for outcome in (Outcome.FAILED, Outcome.NOT_TRIED):
        assert mismatches(_plan(Verb.UPDATE), _report(Outcome.DONE, outcome), _again(Seen())) == ()
    assert mismatches(_plan(Verb.NOTHING), _report(), _again(Seen())) == ()


def test_a_stopped_run_does_not_know() -> None:
    """What could not be looked at any more is not live."""

    def stopped(keys: Sequence[str]) -> Seen:
        raise Interrupted("stopped")

    (text,) = mismatches(_plan(Verb.UPDATE), _report(Outcome.DONE), stopped)
    assert text.startswith(f"{KEY}: applied, and not looked at again")


def test_every_way_out_says_what_to_do() -> None:
    """And where."""
    for changes in ([MEMORY], [CODE], [Change(path="function", new="api")]):
        for is_refreshed in (True, False):
            text = way_out(changes, "terraform/x", is_refreshed=is_refreshed)
            assert "\n  fix: " in text
            assert "terraform/x" in text or not is_refreshed
