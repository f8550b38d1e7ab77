"""Credentials, permissions, accounts and networks that do not let us: named, and nothing is changed."""

import socket
from collections.abc import Callable
from dataclasses import replace

import pytest

from lockstep.errors import CloudError, LockstepError, NoCredentials, NotAllowed
from lockstep.model import Environment, Fleet, Reference, SyncStatus
from tests.strict import Fault, Faults, everything
from tests.support.clouds import ACCOUNT, REGION, Cloud
from tests.support.engine import Lab
from tests.support.projects import make_fleet, make_project, make_target, trigger

KEY, NAME = "staging/notifier", "notifier-staging"

# Read -> the permission that the error asks for.
READS = {
    "sts.GetCallerIdentity": "sts:GetCallerIdentity",
    "tagging.GetResources": "tag:GetResources",
    "lambda.ListFunctions": "lambda:ListFunctions",
    "lambda.GetFunction": "lambda:GetFunction",
    "lambda.GetPolicy": "lambda:GetPolicy",
    "logs.DescribeLogGroups": "logs:DescribeLogGroups",
    "s3.GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "ssm.GetParameters": "ssm:GetParameters",
    "secretsmanager.GetSecretValue": "secretsmanager:GetSecretValue",
}
# Reads that nobody needs where nothing is declared: asked for with --full.
BESIDE = (
    "GetFunctionCodeSigningConfig",
    "GetFunctionEventInvokeConfig",
    "GetFunctionRecursionConfig",
    "GetFunctionUrlConfig",
    "GetRuntimeManagementConfig",
)
# Without these nothing is known of any target.
WHOLE = {"sts.GetCallerIdentity", "tagging.GetResources", "lambda.ListFunctions"}
# Call made while applying -> the permission that the error asks for.
WRITES = {
    "s3.HeadObject": "s3:GetObject",
    "s3.PutObject": "s3:PutObject",
    "s3.GetObject": "s3:GetObject",
    "lambda.CreateFunction": "lambda:CreateFunction",
    "lambda.UpdateFunctionConfiguration": "lambda:UpdateFunctionConfiguration",
    "lambda.UpdateFunctionCode": "lambda:UpdateFunctionCode",
    "lambda.PutFunctionConcurrency": "lambda:PutFunctionConcurrency",
    "lambda.DeleteFunctionConcurrency": "lambda:DeleteFunctionConcurrency",
    "lambda.TagResource": "lambda:TagResource",
    "lambda.UntagResource": "lambda:UntagResource",
    "lambda.AddPermission": "lambda:AddPermission",
    "lambda.RemovePermission": "lambda:RemovePermission",
    "lambda.DeleteFunction": "lambda:DeleteFunction",
    "logs.CreateLogGroup": "logs:CreateLogGroup",
    "logs.PutRetentionPolicy": "logs:PutRetentionPolicy",
    "logs.DeleteRetentionPolicy": "logs:DeleteRetentionPolicy",
    "logs.DeleteLogGroup": "logs:DeleteLogGroup",
    "s3.PutBucketNotificationConfiguration": "s3:PutBucketNotification",
}


def before() -> Fleet:
    """Return a fleet with something of everything."""
    return make_fleet(
        make_target(
            KEY,
            trigger("old/"),
            settings={"reservedConcurrency": 3, "logRetentionDays": 7},
            tags={"team": "a", "gone": "x"},
        ),
        make_target("staging/second", settings={"logRetentionDays": 7}),
        make_target("preview/pr-1/x", trigger("p/1/"), name="goes"),
    )


def after() -> Fleet:
    """Return what it becomes, by every call that there is."""
    settings = {
        "reservedConcurrency": None,
        "logRetentionDays": 14,
        "memorySize": 256,
        "environment": {
            "PARAMETER": Reference(store="ssm", name="/shop/p"),
            "SECRET": Reference(store="secret", name="shop/s"),
        },
    }
    return make_fleet(
        make_target(
            KEY, source="x = 2\n", version="2.0.0", settings=settings, tags={"team": "b", "gone": None}
        ),
        make_target("staging/second", trigger("second/"), settings={"reservedConcurrency": 4}),
        *(make_target(f"staging/more-{n}") for n in range(9)),
    )


def fill_stores(lab: Lab) -> None:
    """Write the values that ``after`` refers to."""
    lab.client("ssm").put_parameter(Name="/shop/p", Value="p", Type="String")
    lab.client("secretsmanager").create_secret(Name="shop/s", SecretString="s")


@pytest.fixture
def faulty(ministack: Cloud, lab_on: Callable[..., Lab]) -> tuple[Lab, Faults]:
    """A lab in which ``before`` is live, and its faults."""
    rules = everything()
    faults = rules[0]
    assert isinstance(faults, Faults)
    lab = lab_on(ministack, *rules[:1], *rules[4:])
    fill_stores(lab)
    assert lab.run(before()).report.is_success
    lab.aws.forget()
    return lab, faults


@pytest.mark.parametrize("name", READS)
def test_a_read_that_is_denied_changes_nothing(faulty: tuple[Lab, Faults], name: str) -> None:
    """Call and permission are named, as an error or where it holds back a target, which stays as it is."""
    lab, faults = faulty
    fault = faults.add(Fault(mode="access_denied", operation=name))
    service, _, operation = name.partition(".")
    service = {"tagging": "resourcegroupstaggingapi"}.get(service, service)
    if name in WHOLE:
        with pytest.raises(CloudError) as caught:
            lab.run(after())
        told = str(caught.value)
        assert not lab.aws.counts(mutating=True)
    else:
        run = lab.run(after(), full=name == "logs.DescribeLogGroups")
        held = [one for one in run.plan.targets if one.status is SyncStatus.UNKNOWN]
        told = str(held[0].problem)
        written = {call.function for call in lab.aws.calls if call.mutation is not None}
        assert not written & {one.function for one in run.plan.blocked}
    assert fault.happened
    assert f"{service}:{operation}: " in told
    assert f"allow {READS[name]} in the policy" in told


@pytest.mark.parametrize("name", BESIDE)
def test_a_read_that_nothing_depends_on_is_a_note_when_it_is_denied(
    faulty: tuple[Lab, Faults], name: str
) -> None:
    """What nobody declares holds nobody back; that it was not looked at is said."""
    lab, faults = faulty
    faults.add(Fault(mode="access_denied", operation=f"lambda.{name}"))
    plan = lab.plan(before(), full=True)
    assert not plan.blocked
    assert any(f"lambda:{name}" in note for note in plan.notes)


@pytest.mark.parametrize("name", WRITES)
def test_a_write_that_is_denied_names_call_and_permission(faulty: tuple[Lab, Faults], name: str) -> None:
    """The step that was denied fails with call and permission; once it is allowed, running again mends it."""
    lab, faults = faulty
    fault = faults.add(Fault(mode="access_denied", operation=name))
    run = lab.run(after(), full=True)
    faults.faults.clear()
    assert fault.happened
    words = f"{name.replace('.', ':')}: access denied"
    denied = [text for text in run.failures.values() if words in text]
    assert denied, run.failures
    assert f"allow {WRITES[name]} in the policy" in denied[0]
    again = lab.run(after(), full=True)
    assert again.report.is_success, again.failures
    assert lab.plan(after(), full=True).is_empty


def test_every_call_of_the_engine_is_denied_somewhere(faulty: tuple[Lab, Faults]) -> None:
    """The tables above name every operation that the engine makes."""
    lab, _ = faulty
    lab.run(after())
    lab.run(before(), full=True)
    lab.run(before(), full=True)
    made = set(lab.aws.counts()) - {"s3.HeadBucket"}  # asked only when HeadObject finds nothing
    made -= {f"lambda.{name}" for name in BESIDE}
    assert made <= READS.keys() | WRITES.keys()
    assert READS.keys() <= made


def test_denied_without_a_body_is_recognised(ministack: Cloud, lab_on: Callable[..., Lab]) -> None:
    """HeadObject's 403 has no body; it is still an access denied with its permission."""
    lab = lab_on(ministack, Faults(Fault(mode="access_denied", operation="s3.HeadBucket")))
    run = lab.run(make_fleet(make_target(KEY)))
    assert "allow s3:ListBucket" in run.error


@pytest.mark.parametrize("name", ["lambda.GetFunction", "tagging.GetResources", "sts.GetCallerIdentity"])
def test_an_expired_token_says_sign_in_again(ministack: Cloud, lab_on: Callable[..., Lab], name: str) -> None:
    """Expired credentials end the plan with what to do, and change nothing."""
    lab = lab_on(ministack, Faults(Fault(mode="expired_token", operation=name)))
    with pytest.raises(NoCredentials, match="sign in again"):
        lab.run(make_fleet(make_target(KEY, trigger("x/"))))
    assert not lab.aws.counts(mutating=True)


def test_a_token_that_expires_on_the_way_is_reported_and_mended(
    ministack: Cloud, lab_on: Callable[..., Lab]
) -> None:
    """Credentials that expire while applying fail the steps that follow; the next run goes on from there."""
    faults = Faults(Fault(mode="expired_token", operation="lambda.AddPermission"))
    lab = lab_on(ministack, faults)
    fleet = make_fleet(make_target(KEY, trigger("x/")))
    run = lab.run(fleet)
    assert "have expired" in run.error
    faults.faults.clear()
    lab.sync(fleet)


def test_no_credentials_at_all(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without credentials the error says so and names the ways to give them."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(NoCredentials, match="there are no AWS credentials") as caught:
        lab.plan(make_fleet(make_target(KEY)))
    assert "AWS_PROFILE" in str(caught.value.fix)


def test_half_of_the_credentials(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key without its secret is an error in words, not a traceback."""
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(NoCredentials):
        lab.plan(make_fleet(make_target(KEY)))


def test_a_profile_that_does_not_exist(lab: Lab) -> None:
    """An unknown profile is named with the way out."""
    project = make_project("shop", Environment(name="staging", region=REGION, profile="nobody"))
    with pytest.raises(LockstepError, match="nobody") as caught:
        lab.plan(make_fleet(make_target(KEY)), project=project)
    assert "~/.aws/config" in str(caught.value.fix)


def test_credentials_for_another_account_change_nothing(lab: Lab) -> None:
    """An environment that declares another account than the credentials' refuses to go on."""
    project = make_project("shop", Environment(name="staging", region=REGION, account="999999999999"))
    with pytest.raises(NotAllowed, match=f"for account {ACCOUNT}, but staging is declared in account 9"):
        lab.plan(make_fleet(make_target(KEY)), project=project)
    assert lab.aws.counts() == {"sts.GetCallerIdentity": 1}


def test_no_region(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any Region the error says where to write one."""
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    project = make_project("shop", Environment(name="staging"))
    with pytest.raises(LockstepError, match="no Region is known for the environment staging") as caught:
        lab.plan(make_fleet(make_target(KEY)), project=project)
    assert "AWS_REGION" in str(caught.value.fix)


def test_no_network(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint that nobody answers at is an error that says so, with no traceback of a library."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    patience = replace(lab.pace.patience, attempts=1)
    with pytest.raises(CloudError, match="AWS cannot be reached") as caught:
        lab.plan(make_fleet(make_target(KEY)), pace=replace(lab.pace, patience=patience))
    assert "check the network" in str(caught.value.fix)


def test_silence(ministack: Cloud, lab_on: Callable[..., Lab]) -> None:
    """A call that is never answered ends after its time with the advice to run again."""
    lab = lab_on(ministack, Faults(Fault(mode="timeout", operation="lambda.GetFunction")))
    patience = replace(lab.pace.patience, attempts=1, read=0.3)
    with pytest.raises(CloudError, match="AWS did not answer in time"):
        lab.plan(make_fleet(make_target(KEY)), pace=replace(lab.pace, patience=patience))
