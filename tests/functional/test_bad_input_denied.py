"""Access denied on each call of a plan, a first sync and a later one: the call is named, with the fix."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockstep.engines.aws import engine
from tests.strict import Fault, Faults, Proxy
from tests.support import clouds
from tests.support.badinput.desk import NOTIFIER, SECRETS, STAGING, Desk, Told
from tests.support.engine import PACE

READS = (
    "sts.GetCallerIdentity",
    "ssm.GetParameters",
    "secretsmanager.GetSecretValue",
    "tagging.GetResources",
    "lambda.GetFunction",
    "lambda.GetPolicy",
    "s3.GetBucketNotificationConfiguration",
)
FIRST = (
    "s3.HeadObject",
    "s3.HeadBucket",
    "s3.PutObject",
    "lambda.CreateFunction",
    "lambda.PutFunctionConcurrency",
    "lambda.AddPermission",
    "logs.CreateLogGroup",
    "logs.PutRetentionPolicy",
    "logs.DescribeLogGroups",
    "s3.PutBucketNotificationConfiguration",
)
LATER = (
    "lambda.UpdateFunctionConfiguration",
    "lambda.DeleteFunctionConcurrency",
    "lambda.UpdateFunctionCode",
    "lambda.TagResource",
    "lambda.UntagResource",
    "lambda.DeleteFunction",
    "logs.DeleteRetentionPolicy",
    "logs.DeleteLogGroup",
    "s3.GetObject",
)
NOTED = ("iam.GetRole",)
EXTRAS = "  reservedConcurrency: 5\n  logRetentionDays: 30\n  tags: {team: a}\n"


@pytest.fixture(scope="module")
def aws() -> Iterator[Proxy]:
    """One AWS for all; each test begins with an empty one."""
    cloud = clouds.start("ministack")
    with Proxy(cloud) as proxy:
        yield proxy
    cloud.stop()


@pytest.fixture
def desk(aws: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A project that uses every call."""
    monkeypatch.setattr(engine, "Pace", lambda: PACE)
    aws.reset()
    cloud = aws.behind
    clouds.make_role(cloud)
    clouds.make_bucket(cloud, "camarades-packages")
    clouds.make_bucket(cloud, "syrfapp-uploads")
    clouds.client(cloud, "ssm").put_parameter(Name="/rabbit", Value="parameter", Type="String")
    clouds.client(cloud, "secretsmanager").create_secret(Name="rabbit", SecretString=SECRETS[4])
    faults = Faults()
    aws.rules = (faults,)
    with Desk.laid(tmp_path, aws, faults) as desk:
        values = (
            desk.folder / NOTIFIER
        ).read_text() + "    HOST: {ssm: /rabbit}\n    KEY: {secret: rabbit}\n"
        desk.write(NOTIFIER, values + EXTRAS)
        yield desk


def change(desk: Desk) -> None:
    """After a first sync: change, move and remove something of everything."""
    assert desk.run("sync").code == 0
    desk.change(NOTIFIER, EXTRAS, "  tags: {team: null, crew: b}\n")
    desk.change(NOTIFIER, "timeout: 30", "timeout: 31")
    desk.change(STAGING, "0.1.6", "0.1.5")
    desk.change(STAGING, '"staging/"', '"stage/"')
    shutil.rmtree(desk.folder / "syrf/environments/preview/pr-123")
    desk.aws.forget()


def refused(desk: Desk, operation: str, *words: str) -> Told:
    """Run a command while AWS refuses an operation, and see that it says so."""
    desk.faults.faults.clear()
    fault = desk.faults.add(Fault(mode="access_denied", operation=operation))
    told = desk.run(*words)
    assert fault.happened, operation
    assert told.code == 1, told.all
    flat = " ".join(told.all.split())
    name = operation.partition(".")[2]
    service = {"tagging": "resourcegroupstaggingapi"}.get(
        operation.partition(".")[0], operation.partition(".")[0]
    )
    assert f"{service}:{name}: " in flat
    assert "access denied" in flat
    assert "fix: allow " in flat
    assert "Traceback" not in told.all
    assert "this is a bug" not in told.all
    assert not any(secret in told.all for secret in SECRETS)
    return told


def test_a_call_of_a_plan(desk: Desk) -> None:
    """Nothing is planned on half the truth, and a sync changes nothing either: so one desk does for all."""
    assert desk.run("sync").code == 0
    desk.change(NOTIFIER, "timeout: 30", "timeout: 31")
    desk.aws.forget()
    for operation in READS:
        told = refused(desk, operation, "plan")
        if "Plan:" in told.out:  # what is refused of each target is told of each
            assert "0 to create, 0 to update, 0 to delete, 0 to adopt, 0 unchanged, 3 unknown." in told.out
        refused(desk, operation, "sync")
        assert not desk.aws.counts(mutating=True), operation


@pytest.mark.parametrize("operation", FIRST)
def test_a_call_of_a_first_sync(desk: Desk, operation: str) -> None:
    """What failed is told with what was not tried; with the permission given the rest is done."""
    told = refused(desk, operation, "sync")
    assert "Run the same command again to finish" in told.out
    desk.faults.faults.clear()
    assert desk.run("sync").code == 0
    assert desk.run("plan", "--exit-code").code == 0


@pytest.mark.parametrize("operation", LATER)
def test_a_call_of_a_later_sync(desk: Desk, operation: str) -> None:
    """The same for calls that only change what is there."""
    change(desk)
    told = refused(desk, operation, "sync")
    assert "Run the same command again to finish" in told.out
    desk.faults.faults.clear()
    assert desk.run("sync").code == 0
    assert desk.run("plan", "--exit-code").code == 0


def test_no_call_is_forgotten(desk: Desk) -> None:
    """The calls above are those that are made."""
    assert desk.run("sync").code == 0
    made = set(desk.aws.counts())
    change(desk)
    assert desk.run("sync").code == 0
    made |= set(desk.aws.counts())
    assert made == {*READS, *FIRST, *LATER, *NOTED}


@pytest.mark.parametrize("operation", NOTED)
def test_a_call_that_a_sync_can_do_without(desk: Desk, operation: str) -> None:
    """It is told in a note that nobody looked."""
    fault = desk.faults.add(Fault(mode="access_denied", operation=operation))
    told = desk.run("plan")
    assert fault.happened
    assert told.code == 0, told.all
    assert "whether Lambda can use it was not asked" in " ".join(told.all.split())
    assert desk.run("sync").code == 0
