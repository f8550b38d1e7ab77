"""Keys of KMS and what they encrypt: nothing stays under an old key, and no key is dropped by the way."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from lockstep.model import SyncStatus, Verb
from tests.strict import Call, Rule, everything
from tests.strict.keys import Undecryptable
from tests.strict.settings import Settings
from tests.strict.wire import Answer
from tests.support.clouds import ACCOUNT, REGION
from tests.support.engine import Lab, changes_of
from tests.support.projects import make_fleet, make_target

OLD, NEW = (f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{name}" for name in ("old", "new"))
NAME, TARGET = "notifier-staging", "staging/notifier"


@pytest.fixture
def hidden() -> Undecryptable:
    """Off at first, so that a test can make what it then hides."""
    rule = Undecryptable()
    rule.is_on = False
    return rule


@pytest.fixture
def lab(lab_on: Callable[..., Lab], ministack: Any, hidden: Undecryptable) -> Lab:
    """A strict AWS, in which keys have effects."""
    return lab_on(ministack, hidden, *everything(), Settings())


def test_a_key_without_anything_to_encrypt_settles(lab: Lab) -> None:
    """AWS keeps no key where there are no variables; it is set together with the first one."""
    lab.sync(make_fleet(make_target(settings={"kmsKeyArn": OLD})))
    both = {"kmsKeyArn": OLD, "environment": {"AA": "1"}}
    plan = lab.plan(make_fleet(make_target(settings=both)))
    assert changes_of(plan, TARGET) == {"environment.AA": "1", "kmsKeyArn": OLD}
    lab.sync(make_fleet(make_target(settings=both)))
    lab.sync(make_fleet(make_target(settings={"kmsKeyArn": OLD})))


@pytest.mark.parametrize("becomes", [NEW, None])
def test_another_key_sends_the_variables_again(lab: Lab, becomes: str | None) -> None:
    """Those of others too: they stay encrypted with the old key until they are sent."""
    target = make_target(
        settings={"kmsKeyArn": OLD, "environment": {"AA": "1"}}, ignore=("environment.DD_*",)
    )
    lab.sync(make_fleet(target))
    variables = {"AA": "1", "DD_SITE": "eu"}
    lab.somebody("lambda").update_function_configuration(
        FunctionName=NAME, Environment={"Variables": variables}
    )
    lab.settle(NAME)
    lab.aws.forget()
    settings = {"kmsKeyArn": becomes, "environment": {"AA": "1"}}
    run = lab.sync(make_fleet(make_target(settings=settings, ignore=("environment.DD_*",))))
    assert set(changes_of(run.plan, TARGET)) == {"kmsKeyArn"}
    (call,) = lab.aws.named("lambda.UpdateFunctionConfiguration")
    assert call.json()["KMSKeyArn"] == (becomes or "")
    assert call.json()["Environment"] == {"Variables": variables}


def test_another_key_needs_the_variables_that_others_manage(lab: Lab, hidden: Undecryptable) -> None:
    """They would have to be sent again and were not read: unknown, and nothing is written."""
    lab.sync(make_fleet(make_target(settings={"kmsKeyArn": OLD, "environment": {"AA": "1"}})))
    hidden.is_on = True
    plan = lab.plan(make_fleet(make_target(settings={"kmsKeyArn": NEW}, ignore=("environment",))))
    (one,) = plan.targets
    assert one.verb is Verb.UNKNOWN
    assert f"environment of {NAME} could not be read" in str(one.problem)
    assert f"allow kms:Decrypt on {OLD}" in str(one.problem)


@pytest.mark.parametrize("count", [1, 11])
def test_new_code_keeps_how_the_package_is_kept(lab: Lab, count: int) -> None:
    """The key and the mode go with every update of the code, however the functions are read."""

    def fleet(**fields: Any) -> Any:
        settings = {"sourceKmsKeyArn": OLD, "s3ObjectStorageMode": "REFERENCE"}
        return make_fleet(
            *(make_target(f"staging/f{number}", settings=settings, **fields) for number in range(count))
        )

    lab.sync(fleet())
    lab.aws.forget()
    lab.sync(fleet(source="x = 2\n", version="2.0.0"))
    for call in lab.aws.named("lambda.UpdateFunctionCode"):
        assert call.json()["SourceKMSKeyArn"] == OLD
        assert call.json()["S3ObjectStorageMode"] == "REFERENCE"


@pytest.mark.parametrize("count", [1, 11])
def test_what_others_set_is_shown_before_new_code_takes_it_away(lab: Lab, count: int) -> None:
    """Git does not declare the key, so it goes; the plan says so, and leaves it alone where it is ignored."""

    def fleet(**fields: Any) -> Any:
        return make_fleet(*(make_target(f"staging/f{number}", **fields) for number in range(count)))

    lab.sync(fleet())
    first = lab.aws.named("lambda.CreateFunction")[0].json()
    place = {name: first["Code"][name] for name in ("S3Bucket", "S3Key")}
    lab.somebody("lambda").update_function_code(
        FunctionName="f0-staging", SourceKMSKeyArn=OLD, Publish=False, **place
    )
    lab.settle("f0-staging")
    changed = {"source": "x = 2\n", "version": "2.0.0"}
    plan = lab.plan(fleet(**changed))
    assert changes_of(plan, "staging/f0")["sourceKmsKeyArn"] == ""
    lab.aws.forget()
    lab.sync(fleet(**changed, ignore=("sourceKmsKeyArn",)))
    sent = {
        call.function: call.json().get("SourceKMSKeyArn")
        for call in lab.aws.named("lambda.UpdateFunctionCode")
    }
    assert sent["f0-staging"] == OLD
    assert set(sent.values()) - {OLD} <= {None}


class CodeError(Rule):
    """AWS cannot show where the package lies, and answers an Error there."""

    def after(self, call: Call, answer: Answer) -> Answer:
        """Put the Error in place of the code."""
        if call.name != "lambda.GetFunction" or not answer.is_success:
            return answer
        body = json.loads(answer.body)
        body["Code"] = {"Error": {"ErrorCode": "AccessDeniedException", "Message": "no access"}}
        answer.body = json.dumps(body).encode()
        return answer


def test_a_package_that_aws_does_not_show_is_unknown(lab_on: Callable[..., Lab], ministack: Any) -> None:
    """Whether it is encrypted with a key is not known then, and new code could drop the key."""
    lab_on(ministack, *everything(), Settings()).sync(make_fleet(make_target()))
    lab = lab_on(ministack, CodeError(), *everything(), Settings())
    (one,) = lab.plan(make_fleet(make_target(source="x = 2\n"))).targets
    assert (one.verb, one.status) == (Verb.UNKNOWN, SyncStatus.UNKNOWN)
    assert "sourceKmsKeyArn" in str(one.problem)


def test_how_an_s3_file_system_is_read_survives_another_mount_path(lab: Lab) -> None:
    """What AWS fills in is the default; another choice goes with each update."""
    arn = f"arn:aws:s3files:{REGION}:{ACCOUNT}:file-system/fs-{'a' * 17}/access-point/fsap-{'b' * 17}"
    beside = {"vpc.subnetIds": ["subnet-9"], "vpc.securityGroupIds": ["sg-9"]}

    def mounted(path: str, **member: str) -> Any:
        return make_fleet(
            make_target(settings={**beside, "fileSystems": [{"arn": arn, "localMountPath": path, **member}]})
        )

    lab.sync(mounted("/mnt/a"))
    lab.sync(mounted("/mnt/a", directS3Read="DISABLED"))
    lab.aws.forget()
    lab.sync(mounted("/mnt/b", directS3Read="DISABLED"))
    (call,) = lab.aws.named("lambda.UpdateFunctionConfiguration")
    assert call.json()["FileSystemConfigs"][0]["S3FilesConfig"] == {"DirectS3Read": "DISABLED"}
    lab.sync(mounted("/mnt/b", directS3Read="AUTO"))
