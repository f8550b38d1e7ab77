"""Rules of EventBridge on a strict AWS: events arrive, what others made stays, failures in a 200 are seen."""

import json
from typing import Any

import pytest

from lockstep.delivery.sync.truth import look
from lockstep.model import Environment, Fleet, Resource
from tests.functional.kinds.samples import resource
from tests.support.clouds import REGION, client
from tests.support.engine import Lab, changes_of
from tests.support.projects import make_fleet, make_project, make_target
from tests.support.waiting import until

KEY, NAME = "staging/notifier", "notifier-staging"
RULE = "notifier-staging-orders"
PATTERN = '{"source":["shop"]}'
PRINTS = 'def handler(event, context):\n    print("GOT " + str(event))\n'
QUEUE = {"Id": "theirs", "Arn": f"arn:aws:sqs:{REGION}:123456789012:orders"}


def declared(*beside: Resource, **fields: Any) -> Fleet:
    """One function and its rules."""
    return make_fleet(make_target(KEY, resources=beside, **fields))


def rule(on: str = "", **settings: Any) -> Resource:
    """A rule for the shop's events."""
    return resource("rules", on=on, **{"pattern": PATTERN, **settings})


def targets(lab: Lab) -> dict[str, str]:
    """The targets of the rule by id, past the proxy; {} without the rule."""
    events = client(lab.aws.behind, "events")
    if RULE not in [one["Name"] for one in events.list_rules()["Rules"]]:
        return {}
    return {one["Id"]: one["Arn"] for one in events.list_targets_by_rule(Rule=RULE)["Targets"]}


def statements(lab: Lab) -> list[str]:
    """What of the function rules may call."""
    answer = json.loads(lab.client("lambda").get_policy(FunctionName=NAME)["Policy"])
    mine = [one for one in answer["Statement"] if one["Sid"].startswith("lockstep-rules-")]
    return [one["Resource"].partition(f":{NAME}")[2] for one in mine]


def test_an_event_is_worked_off_by_the_function(lab: Lab) -> None:
    """Through its alias, as the template says."""
    made = rule("live", inputPaths=[{"name": "id", "path": "$.detail.id"}], inputTemplate='{"order": <id>}')
    lab.sync(declared(made, alias="live", source=PRINTS))
    events, logs = client(lab.aws.behind, "events"), client(lab.aws.behind, "logs")
    entry = {"Source": "shop", "DetailType": "order", "Detail": '{"id": "o-1"}'}
    assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0

    def is_told() -> bool:
        groups = [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
        if f"/aws/lambda/{NAME}" not in groups:
            return False
        found = logs.filter_log_events(logGroupName=f"/aws/lambda/{NAME}")["events"]
        return any("GOT {'order': 'o-1'}" in one["message"] for one in found)

    until(is_told)


def test_a_rule_moves_to_an_alias_in_place(lab: Lab) -> None:
    """The same rule and target; the alias is let in before it moves, the function locked after it."""
    lab.sync(declared(rule()))
    lab.aws.forget()
    run = lab.sync(declared(rule("live"), alias="live"))
    assert changes_of(run.plan, KEY)["rules.orders"] == "on live"
    assert [arn.rpartition(":")[2] for arn in targets(lab).values()] == ["live"]
    assert statements(lab) == [":live"]
    order = [call.name for call in lab.aws.calls if call.mutation and "lambda.TagResource" not in call.name]
    add, put, gone = (
        order.index(name) for name in ("lambda.AddPermission", "events.PutTargets", "lambda.RemovePermission")
    )
    assert add < put < len(order) - 1 - order[::-1].index("lambda.RemovePermission")
    assert gone
    lab.sync(declared(rule()))
    assert statements(lab) == [""]


def test_targets_of_others_stay_and_so_does_their_rule(lab: Lab) -> None:
    """Ours goes; a rule that somebody's target is left on is not deleted."""
    lab.sync(declared(rule()))
    client(lab.aws.behind, "events").put_targets(Rule=RULE, Targets=[QUEUE])
    lab.sync(declared(rule(description="for the shop")))
    assert len(targets(lab)) == 2
    lab.sync(declared())
    assert targets(lab) == {QUEUE["Id"]: QUEUE["Arn"]}
    assert statements(lab) == []


def test_a_rule_of_others_is_taken_over_only_when_told(lab: Lab) -> None:
    """Its name is taken: the plan is blocked until --adopt, and then says what changes."""
    events = client(lab.aws.behind, "events")
    events.put_rule(Name=RULE, EventPattern='{"source":["bank"]}', Description="theirs")
    lab.sync(declared())
    (target,) = lab.plan(declared(rule())).blocked
    assert "the rule of rules.orders is there, and is not Lockstep's" in str(target.problem)
    run = lab.run(declared(rule()), adopt=True)
    assert run.report.is_success, run.failures
    changes = changes_of(run.plan, KEY)
    assert changes["rules.orders.pattern"] == PATTERN
    assert changes["rules.orders.description"] == ""
    assert events.describe_rule(Name=RULE)["EventPattern"] == PATTERN
    assert lab.plan(declared(rule())).is_empty


def test_a_rule_of_others_is_not_overwritten_by_a_new_function(lab: Lab) -> None:
    """Nobody could see it in the plan; the next one says it, and still takes nothing."""
    events = client(lab.aws.behind, "events")
    events.put_rule(Name=RULE, EventPattern='{"source":["bank"]}')
    run = lab.run(declared(rule()))
    assert "is there already, and is not Lockstep's" in run.error
    assert events.describe_rule(Name=RULE)["EventPattern"] == '{"source":["bank"]}'
    assert lab.plan(declared(rule())).blocked
    # A removed line takes nothing of theirs away either.
    lab.sync(declared())
    assert events.describe_rule(Name=RULE)["EventPattern"] == '{"source":["bank"]}'


def test_a_target_that_is_not_taken_is_a_failure(lab: Lab) -> None:
    """EventBridge answers 200 and tells it inside: a rule takes five targets."""
    lab.sync(declared())
    events = client(lab.aws.behind, "events")
    lab.sync(declared(rule()))
    ours = next(iter(targets(lab)))
    events.remove_targets(Rule=RULE, Ids=[ours])
    events.put_targets(Rule=RULE, Targets=[{**QUEUE, "Id": f"theirs-{number}"} for number in range(5)])
    run = lab.run(declared(rule()))
    assert "was not taken: LimitExceededException" in run.error
    assert "five targets" in run.error


def test_one_that_somebody_disabled_stays_so(lab: Lab) -> None:
    """Until enabled: true is declared."""
    lab.sync(declared(rule()))
    events = client(lab.aws.behind, "events")
    events.disable_rule(Name=RULE)
    assert lab.plan(declared(rule())).is_empty
    lab.sync(declared(rule(description="paused")))
    assert events.describe_rule(Name=RULE)["State"] == "DISABLED"
    lab.sync(declared(rule(enabled=True)))
    assert events.describe_rule(Name=RULE)["State"] == "ENABLED"


@pytest.mark.parametrize("left", [True, False])
def test_a_function_that_goes_takes_its_rule_along(lab: Lab, left: bool) -> None:
    """AWS keeps it, and it would call nobody; also one whose target a killed run took away already."""
    project = make_project("shop", Environment(name="staging", region=REGION, prune=True))
    lab.sync(declared(rule()), project=project)
    if not left:
        client(lab.aws.behind, "events").remove_targets(Rule=RULE, Ids=[*targets(lab)])
    run = lab.run(make_fleet(), project=project, allow_deletes=1)
    assert run.report.is_success, run.failures
    assert RULE not in [one["Name"] for one in client(lab.aws.behind, "events").list_rules()["Rules"]]


def test_a_function_without_rules_costs_no_call(lab: Lab) -> None:
    """Nor do eleven; with rules each costs two, and its policy."""
    fleet = make_fleet(*(make_target(f"staging/n{number}") for number in range(11)))
    lab.run(fleet)
    lab.aws.forget()
    assert lab.plan(fleet, full=True).is_empty
    assert not [call for call in lab.aws.calls if call.name.startswith("events.")]
    lab.sync(declared(rule()))
    lab.aws.forget()
    assert lab.plan(declared(rule())).is_empty
    counts = lab.aws.counts()
    assert {name: count for name, count in counts.items() if name.startswith("events.")} == {
        "events.DescribeRule": 1,
        "events.ListTargetsByRule": 1,
    }
    assert counts["lambda.GetPolicy"] == 1


def test_many_rules_are_read_in_pages(lab: Lab) -> None:
    """A hundred a call; the targets of each are asked for."""
    many = make_fleet(
        *(make_target(f"staging/n{number}", resources=(named(number),)) for number in range(11))
    )
    lab.sync(many)
    lab.aws.forget()
    assert lab.plan(many).is_empty
    counts = lab.aws.counts()
    assert {name: count for name, count in counts.items() if name.startswith("events.")} == {
        "events.ListEventBuses": 1,
        "events.ListRules": 1,
        "events.ListTargetsByRule": 11,
    }


def named(number: int) -> Resource:
    """A rule of a name of its own."""
    return resource("rules", name=f"orders-{number}", pattern=PATTERN)


@pytest.mark.parametrize("is_there", [True, False])
def test_terraform_does_not_take_a_rule_of_others(lab: Lab, is_there: bool) -> None:
    """PutRule, which it makes one by, writes over the one that is there."""
    if is_there:
        lab.sync(declared())
    client(lab.aws.behind, "events").put_rule(Name=RULE, ScheduleExpression="rate(1 day)")
    fleet = declared(rule())
    seen = look(lab.engine(), fleet, fleet.targets)
    assert "the rule of rules.orders is there, and is not Lockstep's" in seen.refused[KEY]
    assert not look(lab.engine(adopt=True), fleet, fleet.targets).refused
