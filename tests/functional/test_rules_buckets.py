"""S3's rules: validation of destinations, overlap, conflicts, owners; each refusal names its cause."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.strict import Call, Notifications, PermissionLag
from tests.strict.errors import access_denied
from tests.strict.proxy import Rule
from tests.strict.wire import Answer
from tests.support.clouds import ACCOUNT, REGION, Cloud, allow_bucket, client, make_function
from tests.support.engine import Lab, Refuse
from tests.support.projects import UPLOADS, make_fleet, make_target, trigger

KEY, NAME = "staging/notifier", "notifier-staging"
PUT = "s3.PutBucketNotificationConfiguration"


def entry(function: str, prefix: str, entry_id: str = "theirs") -> dict[str, Any]:
    """Return somebody else's Lambda entry."""
    return {
        "Id": entry_id,
        "LambdaFunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}",
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}},
    }


def test_a_permission_that_is_not_seen_yet_is_waited_for(cloud: Cloud, lab_on: Callable[..., Lab]) -> None:
    """ "Unable to validate" right after AddPermission is tried again, up to the pauses of the pace."""
    lab = lab_on(cloud, PermissionLag(calls=2), Notifications())
    lab.sync(make_fleet(make_target(KEY, trigger("staging/"))))
    assert [call.status for call in lab.aws.named(PUT)] == [400, 400, 200]


def test_only_the_destinations_that_s3_names_are_looked_at(cloud: Cloud, lab_on: Callable[..., Lab]) -> None:
    """Telling the causes apart asks for the function that S3's answer names, not for all of a big bucket."""
    lab = lab_on(cloud, PermissionLag(calls=1), Notifications())
    for n in range(5):
        make_function(cloud, f"theirs-{n}")
        allow_bucket(cloud, f"theirs-{n}", UPLOADS)
    lab.put_notifications(
        {"LambdaFunctionConfigurations": [entry(f"theirs-{n}", f"t/{n}/", f"e{n}") for n in range(5)]}
    )
    lab.sync(make_fleet(make_target(KEY, trigger("staging/"))))
    assert [call.status for call in lab.aws.named(PUT)][1:] == [400, 200]
    assert {call.function for call in lab.aws.named("lambda.GetFunction")} == {NAME}


def test_an_entry_for_a_deleted_function_is_named_and_not_waited_for(lab: Lab) -> None:
    """An entry that somebody left for a function that is gone makes S3 refuse; the error names it at once."""
    lab.put_notifications({"LambdaFunctionConfigurations": [entry("long-gone", "old/")]})
    lab.aws.forget()
    run = lab.run(make_fleet(make_target(KEY, trigger("staging/"))))
    assert "an entry for a function that does not exist: theirs -> " in run.error
    assert "function:long-gone" in run.error
    assert len(lab.aws.named(PUT)) <= 2  # once more when the permission was not seen yet
    assert lab.notifications() == {"LambdaFunctionConfigurations": [entry("long-gone", "old/")]}


def test_an_entry_that_appears_after_the_plan_and_overlaps_is_named(lab: Lab) -> None:
    """S3's "ambiguously defined" is answered with both entries, and theirs stays."""
    make_function(lab.aws.behind, "their-function")
    allow_bucket(lab.aws.behind, "their-function", UPLOADS)
    theirs = {"LambdaFunctionConfigurations": [entry("their-function", "staging/deep/")]}
    run = lab.run(
        make_fleet(make_target(KEY, trigger("staging/"))), between=lambda _: lab.put_notifications(theirs)
    )
    assert "overlap" in run.error
    assert "theirs -> their-function (staging/deep/*" in run.error
    assert "notifier-staging" in run.error
    assert lab.notifications() == theirs


def test_a_destination_that_s3_may_not_call_is_named(lab: Lab) -> None:
    """When the cause is neither lag nor overlap nor a dead function, the candidates are named."""
    make_function(lab.aws.behind, "their-function")  # and nobody lets the bucket call it
    lab.put_notifications({"LambdaFunctionConfigurations": [entry("their-function", "old/")]})
    lab.aws.forget()
    run = lab.run(make_fleet(make_target(KEY, trigger("staging/"))))
    assert "S3 may not call a destination of shop-uploads" in run.error
    assert "their-function" in run.error
    assert "resource policy" in run.error
    assert len(lab.aws.named(PUT)) == len(lab.pace.permission_pauses) + 1


def test_an_overlap_in_git_is_found_before_any_call(lab: Lab) -> None:
    """Two targets whose triggers overlap are blocked with both places; nothing is changed."""
    one = make_target("staging/one", trigger("uploads/"))
    two = make_target("staging/two", trigger("uploads/images/"))
    plan = lab.plan(make_fleet(one, two, make_target("staging/three", trigger("else/"))))
    problems = {target.target: str(target.problem) for target in plan.blocked}
    assert set(problems) == {"staging/one", "staging/two"}
    assert "staging/two (values.yaml:7)" in problems["staging/one"]
    assert {step.target for step in plan.steps if "/" in step.target} == {"staging/three"}
    assert not lab.aws.counts(mutating=True)


@pytest.mark.parametrize("kind", ["TopicConfigurations", "QueueConfigurations"])
def test_an_overlap_with_a_queue_or_topic_is_found_before_any_call(lab: Lab, kind: str) -> None:
    """S3's rule holds across Lambda, SNS and SQS entries."""
    service, member = ("sns", "TopicArn") if kind == "TopicConfigurations" else ("sqs", "QueueArn")
    arn = f"arn:aws:{service}:{REGION}:{ACCOUNT}:theirs"
    if service == "sns":
        client(lab.aws.behind, "sns").create_topic(Name="theirs")
    else:
        client(lab.aws.behind, "sqs").create_queue(QueueName="theirs")
    lab.put_notifications({kind: [{"Id": "q", member: arn, "Events": ["s3:ObjectCreated:Put"]}]})
    plan = lab.plan(make_fleet(make_target(KEY, trigger("staging/"))))
    assert "overlaps the entry q" in str(plan.targets[0].problem)
    assert not plan.steps
    other_suffix = make_target(KEY, trigger("staging/", events=["s3:ObjectRemoved:*"]))
    assert lab.plan(make_fleet(other_suffix)).steps


def test_a_conflicting_operation_is_tried_again(cloud: Cloud, lab_on: Callable[..., Lab]) -> None:
    """S3's 409 ``OperationAborted`` is waited out."""
    refuse = Refuse(PUT, "OperationAborted", "A conflicting operation is in progress", status=409, times=2)
    lab = lab_on(cloud, refuse, Notifications())
    lab.sync(make_fleet(make_target(KEY, trigger("staging/"))))
    assert refuse.refused == 2


def test_every_s3_call_names_the_expected_owner(lab: Lab) -> None:
    """Creating, moving and removing send ExpectedBucketOwner with each S3 call, and never skip validation."""
    lab.aws.forget()
    lab.run(make_fleet(make_target(KEY, trigger("one/")), make_target("preview/pr-1/notifier")))
    lab.run(make_fleet(make_target(KEY, trigger("two/"), source="x = 2\n", version="2.0.0")))
    calls = [call for call in lab.aws.calls if call.operation.service == "s3"]
    assert {"PutObject", "HeadObject", "HeadBucket", "PutBucketNotificationConfiguration"} <= {
        call.operation.name for call in calls
    }
    without = [c.summary for c in calls if c.request.headers.get("x-amz-expected-bucket-owner") != ACCOUNT]
    assert not without
    assert not any("x-amz-skip-destination-validation" in call.request.headers for call in calls)


def test_a_bucket_of_another_account_is_refused(cloud: Cloud, lab_on: Callable[..., Lab]) -> None:
    """A bucket that somebody else owns under the expected name is never read or written."""

    class Foreign(Rule):
        """The bucket belongs to another account, which let us in."""

        def before(self, call: Call) -> Answer | None:
            """Refuse whoever expects another owner."""
            if call.operation.params.get("Bucket") != UPLOADS:
                return None
            expected = call.request.headers.get("x-amz-expected-bucket-owner")
            return access_denied(call.operation) if expected else None

    lab = lab_on(cloud, Foreign())
    run = lab.run(make_fleet(make_target(KEY, trigger("staging/"))))
    assert "s3:GetBucketNotification in the policy" in str(run.plan.targets[0].problem)
    assert not lab.aws.counts(mutating=True)


def test_a_bucket_in_another_region_is_explained(cloud: Cloud, lab_on: Callable[..., Lab]) -> None:
    """S3 calls functions of its own Region only; its refusal is put into words."""
    refuse = Refuse(
        PUT,
        "InvalidArgument",
        "The notification destination service region is not valid for the bucket location constraint",
    )
    lab = lab_on(cloud, refuse, Notifications())
    run = lab.run(make_fleet(make_target(KEY, trigger("staging/"))))
    assert "shop-uploads is in another Region" in run.error
    assert refuse.refused == 1


def test_a_missing_bucket_blocks_its_target_only(lab: Lab) -> None:
    """A trigger on a bucket that does not exist is a problem of its target; the others go on."""
    bad = make_target("staging/bad", trigger("x/", bucket="no-such-bucket"))
    run = lab.run(make_fleet(bad, make_target("staging/good", trigger("x/"))))
    assert "the bucket no-such-bucket does not exist" in str(run.plan.blocked[0].problem)
    assert run.report.is_success
    assert lab.live("good-staging")
