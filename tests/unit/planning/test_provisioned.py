"""What only published code has: when a rollout waits for it, and an alias that others still use."""

from dataclasses import replace

from lockstep.model import Alias, Resource, Target, Verb
from lockstep.model.alias import described
from lockstep.model.kinds import KINDS
from lockstep.model.rollout import Rollout, Stage
from lockstep.planning.beside import has_others
from tests.unit.planning.fixtures import PROJECT, desired, live, live_of, of, plan, target

KEY = "staging/api"
STEPS = Rollout(name="1 step", stages=(Stage(weight=0.1, seconds=300),), place="values.yaml:9")
WARM = Resource(kind="provisionedConcurrency", qualifier="live", settings={"executions": 2})


def declared(digest: str, rollout: Rollout | None = None) -> Target:
    """A release with environments that are ready."""
    return target(KEY, alias="live", digest=digest, rollout=rollout, resources=(WARM,))


def held(at: Target) -> Target:
    """The live one, whose alias points at it, while AWS still calls version 1."""
    found = live_of(at)
    assert found.function is not None
    tags = {**found.function.tags, "lockstep:resources": "provisionedConcurrency"}
    function = replace(found.function, tags=tags)
    alias = Alias(
        name="live",
        version="2",
        function=function,
        description=described(PROJECT, KEY, at.version or ""),
        held={"1": 1.0},
    )
    warm = replace(WARM, state="IN_PROGRESS")
    return replace(found, function=function, aliases=(alias,), resources=(warm,))


def test_weights_that_aws_gives_itself_are_no_drift() -> None:
    """The alias points where it should; nothing is left to do."""
    assert plan(desired(declared("a")), live(held(declared("a")))).is_empty


def test_a_rollout_begins_once_aws_lets_the_calls_go() -> None:
    """AWS takes no weights before: the plan says who has the calls, and does nothing."""
    done = plan(desired(declared("b", STEPS)), live(held(declared("a"))))
    one = of(done, KEY)
    assert one.verb is Verb.BLOCKED
    assert "AWS keeps the calls of live on version 1" in str(one.problem)
    assert not done.steps


def test_another_number_waits_while_aws_holds_the_calls() -> None:
    """It is a difference and no step, and a note says why."""
    more = replace(declared("a"), resources=(replace(WARM, settings={"executions": 5}),))
    done = plan(desired(more), live(held(declared("a"))))
    assert not done.steps
    assert any("provisionedConcurrency stays as it is for now" in note for note in done.notes)


def test_an_alias_on_which_others_manage_one_of_several_stays() -> None:
    """Deleting it would take along what ``ignore`` leaves to them by its name."""
    caller = {"principal": "iot.amazonaws.com", "sourceArn": "arn:aws:iot:eu-west-1:111111111111:rule/r"}
    theirs = KINDS["permissions"].declared(caller, "blue", "orders", "")
    one = target(KEY, ignore=("permissions.orders",))
    found = live_of(one)
    assert found.function is not None
    tags = {**found.function.tags, "lockstep:resources": theirs.word}
    found = replace(found, function=replace(found.function, tags=tags), resources=(replace(theirs, name=""),))
    assert has_others(one, found, "blue")
    assert not has_others(replace(one, ignore=()), found, "blue")
