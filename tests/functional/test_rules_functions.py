"""Lambda's rules: waiting for states, optimistic locking, roles, failed changes, lagging listings."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lockstep.local.ministack import LocalCloud
from lockstep.model import Outcome, Verb
from tests.strict import (
    Call,
    ListingLag,
    Notifications,
    Pages,
    Revisions,
    RoleExists,
    RoleLag,
    UpdatesInProgress,
    everything,
)
from tests.strict.proxy import Rule
from tests.strict.wire import Answer
from tests.support.clouds import ACCOUNT, Cloud, client, make_bucket, make_function, make_role
from tests.support.engine import Lab, Meanwhile, Refuse, changes_of
from tests.support.projects import make_fleet, make_target, trigger

KEY, NAME = "staging/notifier", "notifier-staging"
NEW = "def handler(event, context):\n    return 'new'\n"


def changing(lab: Lab) -> list[str]:
    """Return the names of the changing calls in their order, without leases."""
    calls = [call for call in lab.aws.calls if call.mutation]
    return [c.name for c in calls if not c.operation.params.get("Key", "").startswith("lockstep/leases")]


class ReadsBehind(Rule):
    """The first reads after a write answer as before it: ``writes`` maps a write to its read."""

    def __init__(self, writes: dict[str, str], *, calls: int = 1) -> None:
        self._writes, self._calls = writes, calls
        self._old: dict[tuple[str, str], Answer] = {}
        self._left: dict[tuple[str, str], int] = {}
        self.served = 0

    def before(self, call: Call) -> Answer | None:
        """Answer from the past."""
        key = (call.name, call.function or call.request.target)
        if self._left.get(key, 0) > 0 and key in self._old:
            self._left[key] -= 1
            self.served += 1
            old = self._old[key]
            return Answer(status=old.status, headers=dict(old.headers), body=old.body)
        return None

    def after(self, call: Call, answer: Answer) -> Answer:
        """Remember what was read; a write makes the next reads lag."""
        key = (call.name, call.function or call.request.target)
        if call.name in self._writes.values():
            self._old[key] = Answer(status=answer.status, headers=dict(answer.headers), body=answer.body)
        elif call.name in self._writes and answer.is_success:
            read = self._writes[call.name]
            self._left |= {one: self._calls for one in self._old if one[0] == read}
        return answer


def test_each_change_waits_for_the_one_before(cloud: Cloud, lab_on: Callable[..., Lab]) -> None:
    """Creation, configuration and code are waited for, so AWS never answers that an update is in progress."""
    lab = lab_on(cloud, Revisions(), UpdatesInProgress(calls=3), Notifications())
    lab.sync(make_fleet(make_target(KEY, trigger("staging/"))))
    lab.sync(
        make_fleet(
            make_target(KEY, trigger("staging/"), source=NEW, version="2.0.0", settings={"memorySize": 256})
        )
    )
    assert not [call.summary for call in lab.aws.calls if call.status == 409]
    assert changing(lab) == [
        "s3.PutObject",
        "lambda.CreateFunction",
        "lambda.AddPermission",
        "s3.PutBucketNotificationConfiguration",
        *sorted(changing(lab)[4:6]),
        "lambda.UpdateFunctionCode",
        "lambda.TagResource",
    ]
    names = [call.name for call in lab.aws.calls]
    begun, done = names.index("lambda.CreateFunction"), names.index("s3.PutBucketNotificationConfiguration")
    assert names[begun:done].count("lambda.GetFunction") > 3


NO_INTERFACES = "The provided execution role does not have permissions to call CreateNetworkInterface on EC2"


def test_a_refusal_that_passes_is_waited_for_and_told(
    ministack: LocalCloud, lab_on: Callable[..., Lab]
) -> None:
    """A role that may not yet create network interfaces: the same run goes on, and says why it takes long."""
    refuse = Refuse("lambda.CreateFunction", "InvalidParameterValueException", NO_INTERFACES, times=3)
    lab = lab_on(ministack, refuse)
    run = lab.run(make_fleet(make_target(KEY)))
    assert run.report.is_success, run.failures
    waits = [one for one in run.told if one.outcome is Outcome.WAITING]
    assert [(one.step, one.waits_for) for one in waits] == 3 * [
        (f"{KEY}:create", "IAM to let the role create network interfaces")
    ]
    assert all(one.outcome is Outcome.DONE for one in run.report.results)


def test_a_refusal_that_does_not_pass_is_told_at_its_line(
    ministack: LocalCloud, lab_on: Callable[..., Lab]
) -> None:
    """In the end: the line of the setting, the call with AWS's words, and what to do."""
    lab = lab_on(
        ministack,
        Refuse("lambda.UpdateFunctionConfiguration", "InvalidParameterValueException", NO_INTERFACES),
    )
    lab.sync(make_fleet(make_target(KEY)))
    one = replace(make_target(KEY, settings={"timeout": 9}), places={"vpc.subnetIds": "staging/a.yaml:12"})
    error = lab.run(make_fleet(one)).error
    assert error.startswith("staging/a.yaml:12: lambda:UpdateFunctionConfiguration: ")
    assert f"{NO_INTERFACES} (after 150 s)" in error
    assert "\n  fix: give the execution role what a VPC needs" in error


def test_waiting_asks_getfunction_which_has_a_quota_of_its_own(lab: Lab) -> None:
    """States are waited for with GetFunction (100 a second), never with GetFunctionConfiguration."""
    lab.sync(make_fleet(make_target(KEY)))
    lab.sync(make_fleet(make_target(KEY, settings={"timeout": 9})))
    assert "lambda.GetFunctionConfiguration" not in lab.aws.counts()


def test_somebody_elses_update_under_way_is_waited_for_and_planned_again(
    cloud: Cloud, lab_on: Callable[..., Lab]
) -> None:
    """An update that somebody begins before ours is not overwritten blindly: the target is stale."""
    updates = UpdatesInProgress(calls=2)
    lab = lab_on(cloud, Revisions(), updates)
    lab.sync(make_fleet(make_target(KEY)))
    fleet = make_fleet(make_target(KEY, settings={"memorySize": 256}))

    def change(_: Any) -> None:
        lab.somebody("lambda").update_function_configuration(FunctionName=NAME, Timeout=77)

    run = lab.run(fleet, between=change)
    assert run.engine.stale == {KEY}
    again = run.engine.preview(fleet).plan
    assert set(changes_of(again, KEY)) == {"memorySize", "timeout"}
    assert not run.engine.apply(again, lambda _: None).is_success  # it was still under way when it was read
    assert run.engine.stale == {KEY}
    assert run.engine.apply(run.engine.preview(fleet).plan, lambda _: None).is_success
    assert run.engine.preview(fleet).plan.is_empty


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        ("lambda.PutFunctionConcurrency", {"settings": {"reservedConcurrency": 5}}),
        ("lambda.TagResource", {"tags": {"team": "a"}}),
    ],
)
def test_what_an_update_of_somebody_refuses_is_done_after_it(
    ministack: LocalCloud, lab_on: Callable[..., Lab], call: str, wanted: dict[str, Any]
) -> None:
    """A limit or a tag that is refused while an update is under way is waited for and set."""

    def change(_: Any) -> None:
        lab.somebody("lambda").update_function_configuration(FunctionName=NAME, Timeout=77)

    lab = lab_on(ministack, Meanwhile(call, change), UpdatesInProgress(calls=2))
    lab.sync(make_fleet(make_target(KEY)))
    run = lab.run(make_fleet(make_target(KEY, **wanted)))
    assert run.report.is_success, run.failures
    assert lab.aws.named(call)[0].status == 409


@pytest.mark.parametrize(
    ("wanted", "step"),
    [({"settings": {"memorySize": 256}}, "configuration"), ({"source": NEW, "version": "2.0.0"}, "code")],
    ids=["configuration", "code"],
)
def test_a_stale_revision_is_read_and_planned_again(lab: Lab, wanted: dict[str, Any], step: str) -> None:
    """A function that changed since it was read answers 412; nothing is overwritten, a new plan mends it."""
    lab.sync(make_fleet(make_target(KEY)))
    fleet = make_fleet(make_target(KEY, **wanted))

    def change(_: Any) -> None:
        lab.somebody("lambda").update_function_configuration(FunctionName=NAME, Timeout=77)
        lab.settle(NAME)

    run = lab.run(fleet, between=change)
    assert 412 in [call.status for call in lab.aws.calls]
    assert "was changed since it was read" in run.failures[f"{KEY}:{step}"]
    assert run.engine.stale == {KEY}
    assert lab.live(NAME)["Configuration"]["Timeout"] == 77
    again = run.engine.preview(fleet).plan
    assert changes_of(again, KEY)["timeout"] == 3
    assert run.engine.apply(again, lambda _: None).is_success
    assert run.engine.preview(fleet).plan.is_empty


def test_a_role_that_iam_does_not_show_yet_is_waited_for(cloud: Cloud, lab_on: Callable[..., Lab]) -> None:
    """ "Cannot be assumed" right after the role was made is tried again, for creation and for updates."""
    lab = lab_on(cloud, RoleLag(calls=3), RoleExists())
    make_role(lab.aws, "fresh-role")
    lab.sync(make_fleet(make_target(KEY, settings={"role": "fresh-role"})))
    assert len(lab.aws.named("lambda.CreateFunction")) == 4
    make_role(lab.aws, "fresher-role")
    lab.sync(make_fleet(make_target(KEY, settings={"role": "fresher-role"})))
    assert len(lab.aws.named("lambda.UpdateFunctionConfiguration")) == 4


def test_a_role_that_does_not_exist_is_reported_after_the_tries(lab: Lab) -> None:
    """A role that stays away ends the step with AWS's own words, after as many tries as the pace says."""
    run = lab.run(make_fleet(make_target(KEY, settings={"role": "no-such-role"})))
    assert "cannot be assumed" in run.error
    assert len(lab.aws.named("lambda.CreateFunction")) == 31  # every five seconds for 150 s


def test_another_invalid_parameter_is_not_tried_again(cloud: Cloud, lab_on: Callable[..., Lab]) -> None:
    """Only the role's propagation is waited for; other invalid parameters fail at once."""
    refuse = Refuse("lambda.CreateFunction", "InvalidParameterValueException", "Unzipped size is too large")
    lab = lab_on(cloud, refuse)
    run = lab.run(make_fleet(make_target(KEY)))
    assert "Unzipped size is too large" in run.error
    assert refuse.refused == 1


def test_a_failed_update_shows_lambdas_reason_and_keeps_the_old_code(
    cloud: Cloud, lab_on: Callable[..., Lab]
) -> None:
    """``LastUpdateStatus=Failed`` ends the step at once with code and reason; running again mends it."""
    updates = UpdatesInProgress(calls=1)
    lab = lab_on(cloud, updates)
    lab.sync(make_fleet(make_target(KEY)))
    updates.fail[NAME] = ("InvalidSubnet", "The subnet was deleted")
    fleet = make_fleet(make_target(KEY, source=NEW, version="2.0.0"))
    run = lab.run(fleet)
    assert "LastUpdateStatus=Failed InvalidSubnet: The subnet was deleted" in run.failures[f"{KEY}:code"]
    assert lab.live(NAME)["Tags"]["lockstep:version"] == "1.0.0"  # the tag says what runs
    assert "lambda.DeleteFunction" not in lab.aws.counts()
    lab.sync(fleet)


def test_a_failed_creation_is_deleted_and_made_again(cloud: Cloud, lab_on: Callable[..., Lab]) -> None:
    """``State=Failed`` after creation can only be deleted; the next run creates the function again."""
    updates = UpdatesInProgress(calls=1, fail={NAME: ("ImageAccessDenied", "No access to the image")})
    lab = lab_on(cloud, updates)
    fleet = make_fleet(make_target(KEY))
    run = lab.run(fleet)
    assert "State=Failed ImageAccessDenied: No access to the image" in run.failures[f"{KEY}:create"]
    assert "lambda.DeleteFunction" in lab.aws.counts()
    assert lab.sync(fleet).plan.targets[0].verb is Verb.CREATE


@pytest.mark.parametrize("is_new", [True, False])
def test_a_failure_that_passes_is_outlasted(moto: Cloud, lab_on: Callable[..., Lab], is_new: bool) -> None:
    """Told by AWS after it took the call: the same is done again, also by deleting what never worked."""
    updates = UpdatesInProgress(calls=1)
    lab = lab_on(moto, updates)
    if not is_new:
        lab.sync(make_fleet(make_target(KEY)))
    updates.fail[NAME] = ("InsufficientRolePermissions", "The role may not")
    fleet = make_fleet(make_target(KEY, source=NEW, version="2.0.0"))
    run = lab.run(fleet)
    assert not run.failures, run.failures
    assert lab.live(NAME)["Tags"]["lockstep:version"] == "2.0.0"
    counts = lab.aws.counts()
    assert counts["lambda.CreateFunction" if is_new else "lambda.UpdateFunctionCode"] == 2
    assert counts.get("lambda.DeleteFunction", 0) == int(is_new)
    assert "IAM to show the role's permissions to Lambda" in {one.waits_for for one in run.told}


def test_a_failure_that_does_not_pass_is_told_at_its_line(moto: Cloud, lab_on: Callable[..., Lab]) -> None:
    """After six tries, with AWS's reason, what mends it and where it is declared."""

    class Always(dict[str, tuple[str, str]]):
        """What is taken out of it stays."""

        def pop(self, key: str, *default: Any) -> Any:
            """Like ``get``."""
            return self.get(key, *default)

    updates = UpdatesInProgress(calls=1)
    updates.fail = Always({NAME: ("InsufficientRolePermissions", "The role may not")})
    lab = lab_on(moto, updates)
    run = lab.run(make_fleet(make_target(KEY, places={"role": "values.yaml:3"})))
    assert "InsufficientRolePermissions: The role may not (6 times)" in run.error
    assert "values.yaml:3" in run.error
    assert len(lab.aws.named("lambda.CreateFunction")) == 6


def test_a_function_that_appears_meanwhile_is_planned_again(lab: Lab) -> None:
    """ "Already exists" is never forced: the next plan sees whose it is and asks for adoption."""
    fleet = make_fleet(make_target(KEY))
    run = lab.run(fleet, between=lambda _: make_function(lab.aws.behind, NAME))
    assert "exists already" in run.failures[f"{KEY}:create"]
    assert run.engine.stale == {KEY}
    assert len(lab.aws.named("lambda.CreateFunction")) == 1
    again = run.engine.preview(fleet).plan
    assert again.targets[0].verb is Verb.ADOPT
    assert "--adopt" in str(again.targets[0].problem)
    assert not again.steps


@pytest.mark.parametrize("name", ["lambda.GetFunction", "lambda.CreateFunction", "lambda.TagResource"])
def test_throttled_calls_are_made_again(cloud: Cloud, lab_on: Callable[..., Lab], name: str) -> None:
    """429 is waited out, for reads and for writes."""
    refuse = Refuse(name, "TooManyRequestsException", "Rate exceeded", status=429, times=1)
    lab = lab_on(cloud, refuse)
    lab.sync(make_fleet(make_target(KEY)))
    lab.sync(make_fleet(make_target(KEY, version="1.0.1")))
    assert refuse.refused == 1


def test_a_deleted_function_is_made_again(lab: Lab) -> None:
    """A function that somebody deletes is missing in the plan, and is created with permission and trigger."""
    fleet = make_fleet(make_target(KEY, trigger("staging/")))
    lab.sync(fleet)
    lab.somebody("lambda").delete_function(FunctionName=NAME)
    run = lab.sync(fleet)
    assert run.plan.targets[0].verb is Verb.CREATE
    assert "lambda.AddPermission" in lab.aws.counts()


def test_a_function_deleted_between_plan_and_update_is_planned_again(lab: Lab) -> None:
    """An update of a function that is gone is stale, and the next plan creates it."""
    lab.sync(make_fleet(make_target(KEY)))
    fleet = make_fleet(make_target(KEY, settings={"timeout": 9}))
    run = lab.run(fleet, between=lambda _: lab.client("lambda").delete_function(FunctionName=NAME))
    assert run.engine.stale == {KEY}
    assert run.engine.preview(fleet).plan.targets[0].verb is Verb.CREATE


def test_what_a_listing_does_not_show_yet_is_asked_for(cloud: Cloud, lab_on: Callable[..., Lab]) -> None:
    """Functions and tags that the listings are behind with are confirmed one by one, never created twice."""
    lab = lab_on(cloud, ListingLag(calls=2), Pages())
    fleet = make_fleet(*(make_target(f"preview/pr-{n}/notifier") for n in range(14)))
    run = lab.run(fleet)
    assert run.report.is_success, run.failures
    for _ in range(3):  # twice behind, then up to date
        plan = lab.plan(fleet)
        assert plan.is_empty, [step.id for step in plan.steps]
    assert len(lab.aws.named("lambda.CreateFunction")) == 14


def test_a_listing_that_still_shows_a_deleted_function_deletes_it_once(
    cloud: Cloud, lab_on: Callable[..., Lab]
) -> None:
    """Removed previews that the tagging API still shows are confirmed to be gone: nothing is left to do."""
    lab = lab_on(cloud, ListingLag(calls=1), Pages())
    stays = make_target(KEY)
    lab.sync(make_fleet(stays, *(make_target(f"preview/pr-{n}/notifier") for n in range(3))))
    run = lab.run(make_fleet(stays))
    while not run.plan.steps:  # the listing may not show the previews yet
        run = lab.run(make_fleet(stays))
    assert run.report.is_success, run.failures
    assert lab.plan(make_fleet(stays)).is_empty
    assert len(lab.aws.named("lambda.DeleteFunction")) == 3


@pytest.mark.parametrize(
    "writes",
    [
        {"lambda.CreateFunction": "lambda.GetFunction"},
        {"lambda.AddPermission": "lambda.GetPolicy"},
        {"lambda.TagResource": "lambda.GetFunction"},
        {"lambda.UpdateFunctionConfiguration": "lambda.GetFunction"},
        {"lambda.UpdateFunctionCode": "lambda.GetFunction"},
        {"lambda.PutFunctionConcurrency": "lambda.GetFunction"},
        {"s3.PutBucketNotificationConfiguration": "s3.GetBucketNotificationConfiguration"},
        {"logs.PutRetentionPolicy": "logs.DescribeLogGroups"},
    ],
    ids=lambda writes: next(iter(writes)),
)
def test_a_read_back_that_lags_is_looked_at_again(
    cloud: Cloud, lab_on: Callable[..., Lab], writes: dict[str, str]
) -> None:
    """A read that does not show the write yet is repeated before the step is called a failure."""
    behind = ReadsBehind(writes, calls=1)
    lab = lab_on(cloud, behind, Notifications())
    make_bucket(cloud, "second-bucket")
    run = lab.run(make_fleet(make_target(KEY, trigger("one/"))))
    assert run.report.is_success, run.failures
    wanted = make_target(
        KEY,
        trigger("two/"),
        trigger("two/", bucket="second-bucket"),
        source=NEW,
        version="2.0.0",
        settings={"timeout": 9, "reservedConcurrency": 5, "logRetentionDays": 7},
    )
    run = lab.run(make_fleet(wanted))
    assert run.report.is_success, run.failures
    assert behind.served
    assert lab.plan(make_fleet(wanted)).is_empty


def test_a_setting_that_does_not_take_is_a_failure(cloud: Cloud, lab_on: Callable[..., Lab]) -> None:
    """When the read-back keeps showing another value, the step fails and names the field, not the value."""

    class Overrides(Rule):
        """Somebody's automation puts the time-out back at once."""

        def after(self, call: Call, answer: Answer) -> Answer:
            """Show the time-out that the automation wants."""
            if call.name == "lambda.GetFunction" and answer.is_success:
                body = json.loads(answer.body)
                body["Configuration"]["Timeout"] = 77
                answer.body = json.dumps(body).encode()
            return answer

    lab = lab_on(cloud, Overrides())
    run = lab.run(make_fleet(make_target(KEY, settings={"timeout": 9})))
    assert "other values of timeout" in run.error
    assert not run.report.is_success


def test_a_plan_that_was_not_just_made_is_refused(lab: Lab) -> None:
    """Only a plan that this engine has just made is applied, and once."""
    run = lab.sync(make_fleet(make_target(KEY)))
    with pytest.raises(Exception, match="plan again"):
        run.engine.apply(run.plan, lambda _: None)
    with pytest.raises(Exception, match="plan again"):
        lab.engine().apply(run.plan, lambda _: None)


def test_deleting_looks_once_more_whose_function_it_is(cloud: Cloud, lab_on: Callable[..., Lab]) -> None:
    """A function that changes its owner between plan and deletion is left alone."""
    lab = lab_on(cloud, *everything())
    stays, goes = make_target(KEY), make_target("preview/pr-1/notifier", name="goes")
    lab.sync(make_fleet(stays, goes))
    arn = lab.live("goes")["Configuration"]["FunctionArn"]

    def take(_: Any) -> None:
        client(cloud, "lambda").tag_resource(Resource=arn, Tags={"lockstep:project": "other"})

    run = lab.run(make_fleet(stays), between=take)
    while not run.plan.steps:
        run = lab.run(make_fleet(stays), between=take)
    assert "not owned by preview/pr-1/notifier any more" in run.error
    assert "lambda.DeleteFunction" not in lab.aws.counts()
    assert lab.live("goes")


def test_the_account_is_in_every_role(lab: Lab) -> None:
    """A role by name becomes the ARN in the account that the credentials are for."""
    lab.sync(make_fleet(make_target(KEY)))
    assert lab.live(NAME)["Configuration"]["Role"] == f"arn:aws:iam::{ACCOUNT}:role/lambda-role"


def test_a_step_that_fails_holds_back_only_what_needs_it(lab: Lab) -> None:
    """Independent targets go on past a failure; the report says what was not tried."""
    bad = make_target("staging/bad", trigger("bad/"), settings={"role": "no-such-role"})
    run = lab.run(make_fleet(bad, make_target("staging/good", trigger("good/"))))
    assert set(run.failures) == {"staging/bad:create"}
    untried = {
        result.step.partition(":")[0] for result in run.report.results if result.outcome == "not tried"
    }
    assert untried == {"staging/bad"}
    entries = lab.notifications()["LambdaFunctionConfigurations"]
    assert [entry["LambdaFunctionArn"].rpartition(":")[2] for entry in entries] == ["good-staging"]


def test_somebody_who_deletes_the_function_before_the_permission_is_noticed(
    cloud: Cloud, lab_on: Callable[..., Lab]
) -> None:
    """A function that vanishes in the middle of a sync fails its own steps, and running again mends it."""
    lab = lab_on(
        cloud,
        Meanwhile(
            "lambda.AddPermission", lambda _: client(cloud, "lambda").delete_function(FunctionName=NAME)
        ),
        Notifications(),
    )
    fleet = make_fleet(make_target(KEY, trigger("staging/")))
    run = lab.run(fleet)
    assert not run.report.is_success
    assert "lambda:AddPermission" in run.error
    lab.sync(fleet)
