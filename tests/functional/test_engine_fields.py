"""Every field of the table: created with it, changed, removed from Git, and changed behind our back."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lockstep.local.ministack import LocalCloud
from lockstep.model import FIELDS, Call, Field, Fleet, Health, Verb
from lockstep.model.fields import APART, BY_NAME, normalise, to_api
from tests.support.clouds import ACCOUNT, REGION, make_zip
from tests.support.engine import Lab, Refuse, changes_of
from tests.support.projects import make_fleet, make_package, make_target, without_lines

IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/shop"
KEY, NAME = "staging/notifier", "notifier-staging"

# Field -> (created with, changed to in Git, changed to behind our back).
SAMPLES: dict[str, tuple[Any, Any, Any]] = {
    "runtime": ("python3.12", "python3.13", "python3.11"),
    "handler": ("app.handler", "app.other", "app.third"),
    "role": ("lambda-role", "service/second-role", "third-role"),
    "description": ("one", "two", "three"),
    "memorySize": (256, 512, 1024),
    "timeout": (10, 20, 30),
    "environment": ({"AA": "1", "BB": "2"}, {"AA": "1", "CC": "3"}, {"AA": "9", "CC": "3"}),
    "layers": (
        [f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:b:1", f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:a:1"],
        [f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:a:1", f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:b:1"],
        [f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:a:1"],
    ),
    "architectures": (["arm64"], ["x86_64"], ["arm64"]),
    "ephemeralStorage": (1024, 2048, 4096),
    "vpc.subnetIds": (["subnet-2", "subnet-1"], ["subnet-3", "subnet-1"], ["subnet-1"]),
    "vpc.securityGroupIds": (["sg-2", "sg-1"], ["sg-3"], ["sg-1"]),
    "vpc.ipv6": (True, False, True),
    "tracing": ("Active", "PassThrough", "Active"),
    "deadLetterTarget": (
        f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead-1",
        f"arn:aws:sns:{REGION}:{ACCOUNT}:dead-2",
        f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead-3",
    ),
    "kmsKeyArn": tuple(f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{one}" for one in "abc"),
    "sourceKmsKeyArn": tuple(f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{one}" for one in "abc"),
    "s3ObjectStorageMode": ("REFERENCE", "COPY", "REFERENCE"),
    "fileSystems": tuple(
        [
            {
                "arn": f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:access-point/fsap-{one * 17}",
                "localMountPath": "/mnt/x",
            }
        ]
        for one in "abc"
    ),
    "logging.format": ("JSON", "Text", "JSON"),
    "logging.applicationLevel": ("DEBUG", "ERROR", "TRACE"),
    "logging.systemLevel": ("WARN", "DEBUG", "INFO"),
    "logging.group": ("/shop/one", "/shop/two", "/shop/three"),
    "snapStart": ("PublishedVersions", "None", "PublishedVersions"),
    "imageConfig.entryPoint": (["/one"], ["/two", "x"], ["/three"]),
    "imageConfig.command": (["a"], ["b", "c"], ["d"]),
    "imageConfig.workingDirectory": ("/a", "/b", "/c"),
    "durable.executionTimeout": (60, 120, 180),
    "durable.retentionDays": (7, 21, 30),
    "durable.kmsKeyArn": tuple(f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{one}" for one in "abc"),
    "capacityProvider.arn": tuple(
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:capacity-provider:{one}" for one in "abc"
    ),
    "capacityProvider.maxConcurrency": (8, 16, 32),
    "capacityProvider.memoryPerVCpu": (4, 8, 2.5),
    "accelerator.memorySize": (16, 24, 48),
    "customRuntime.arn": tuple(f"arn:aws:lambda:{REGION}:{ACCOUNT}:runtime/{one * 3}" for one in "abc"),
    "customRuntime.alias": ("stable", "next", "old"),
    "tenancy": ("PER_TENANT", None, None),
    "codeSigningConfigArn": tuple(
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:code-signing-config:csc-{one * 17}" for one in "abc"
    ),
    "reservedConcurrency": (5, 7, 9),
    "logRetentionDays": (7, 14, 30),
}

# What has to be declared beside a field for AWS to take it.
BESIDE: dict[str, dict[str, Any]] = {
    "kmsKeyArn": {"environment": {"AA": "1"}},
    "vpc.subnetIds": {"vpc.securityGroupIds": ["sg-9"]},
    "vpc.securityGroupIds": {"vpc.subnetIds": ["subnet-9"]},
    "vpc.ipv6": {"vpc.subnetIds": ["subnet-9"], "vpc.securityGroupIds": ["sg-9"]},
    "fileSystems": {"vpc.subnetIds": ["subnet-9"], "vpc.securityGroupIds": ["sg-9"]},
    "logging.applicationLevel": {"logging.format": "JSON"},
    "logging.systemLevel": {"logging.format": "JSON"},
    "durable.retentionDays": {"durable.executionTimeout": 60},
    "durable.kmsKeyArn": {"durable.executionTimeout": 60},
}

MANAGED = {
    "capacityProvider.arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:capacity-provider:a",
    "capacityProvider.maxConcurrency": 16,
    "memorySize": 2048,
    "logging.format": "JSON",
}
BESIDE |= {name: MANAGED for name in BY_NAME if name.startswith(("capacityProvider.", "accelerator."))}
CUSTOM = {
    "runtime": "custom",
    "customRuntime.arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:runtime/own",
    "customRuntime.alias": "stable",
}
BESIDE |= {name: CUSTOM for name in CUSTOM if name != "runtime"}

# The call that each kind of field is changed by, as the proxy names it.
CALLS = {
    Call.CONFIGURATION: {"lambda.UpdateFunctionConfiguration": 1},
    Call.CODE: {"lambda.UpdateFunctionCode": 1},
    Call.SIGNING: {"lambda.PutFunctionCodeSigningConfig": 1},
    Call.CONCURRENCY: {"lambda.PutFunctionConcurrency": 1},
    Call.RETENTION: {"logs.CreateLogGroup": 1, "logs.PutRetentionPolicy": 1},
}
RESETS = {
    **CALLS,
    Call.SIGNING: {"lambda.DeleteFunctionCodeSigningConfig": 1},
    Call.CONCURRENCY: {"lambda.DeleteFunctionConcurrency": 1},
    Call.RETENTION: {"logs.CreateLogGroup": 1, "logs.DeleteRetentionPolicy": 1},
}

ALWAYS = {"runtime", "handler", "role"}  # config asks for them: their lines cannot be removed
FOR_EVER = {row.name for row in FIELDS if row.api and row.reset is None} - ALWAYS


def declare(row: Field, value: Any) -> Any:
    """Return a target that declares the field; None is an absent line."""
    settings = {**BESIDE.get(row.name, {}), row.name: value}
    image = f"{IMAGE}@sha256:{'a' * 64}" if row.for_type == "Image" else None
    return make_target(KEY, settings=settings, image=image)


def make_surroundings(lab: Lab) -> None:
    """Make the roles and layers that the samples name."""
    iam = lab.client("iam")
    for path, name in (("/service/", "second-role"), ("/", "third-role")):
        iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument="{}")
    for name in "ab":
        lab.client("lambda").publish_layer_version(LayerName=name, Content={"ZipFile": make_zip()})


def test_every_field_has_samples() -> None:
    """A new row of the table needs a row here."""
    assert set(SAMPLES) == set(BY_NAME)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_field_is_created_changed_mended_and_reset(lab: Lab, name: str) -> None:
    """A field is set at creation, changed by one call of its kind, mended after drift, and reset.

    After each step the plan is empty; drift is named as exactly this field. Of one that no listing tells a
    tag says that it is there, which goes with it.
    """
    row, (first, second, drifted) = BY_NAME[name], SAMPLES[name]
    make_surroundings(lab)
    engine = lab.engine()
    lab.sync(make_fleet(declare(row, first)), engine=engine)
    if row.call is Call.NEVER:
        plan = engine.preview(make_fleet(declare(row, second))).plan
        assert not plan.steps
        assert plan.targets[0].verb is Verb.BLOCKED or not row.in_pages
        return

    target = declare(row, second)
    call = (RESETS if normalise(row, second) is None else CALLS)[row.call]
    forgets = {"lambda.UntagResource": 1} if name in APART else {}
    lab.aws.forget()
    lab.sync(make_fleet(target), engine=engine)
    assert lab.aws.counts(mutating=True) == (call | forgets if normalise(row, second) is None else call)

    drift(lab, row, target, drifted)
    lab.aws.forget()
    mended = lab.sync(make_fleet(target), engine=engine)
    assert set(changes_of(mended.plan, KEY)) == ({"environment.AA"} if name == "environment" else {name})
    assert lab.aws.counts(mutating=True) == call

    removed = make_fleet(without_lines(target, name))
    if name in FOR_EVER:
        plan = lab.plan(removed)
        assert "no call that removes it" in str(plan.targets[0].problem)
        assert not plan.steps
    elif name not in ALWAYS and normalise(row, second) is not None:
        lab.aws.forget()
        lab.sync(removed, full=True)
        assert lab.aws.counts(mutating=True) == RESETS[row.call] | forgets


def drift(lab: Lab, row: Field, target: Any, value: Any) -> None:
    """Change one field with an API client of somebody else's."""
    function = target.function
    settings = {**function.settings, row.name: normalise(row, value)}
    if row.name == "role":
        settings["role"] = f"arn:aws:iam::{ACCOUNT}:role/{value}"
    rows = [one for one in FIELDS if one.api and one.top == row.top and one.call is row.call]
    lambda_ = lab.somebody("lambda")
    match row.call:
        case Call.CONFIGURATION:
            lambda_.update_function_configuration(FunctionName=NAME, **to_api(NAME, settings, rows))
        case Call.CODE:
            package = make_package()
            said = to_api(NAME, settings, rows)
            said |= said.pop("Code", {})  # which has a level less in this call
            lambda_.update_function_code(
                FunctionName=NAME, S3Bucket=package.bucket, S3Key=package.key, **said
            )
        case Call.SIGNING:
            lambda_.put_function_code_signing_config(FunctionName=NAME, CodeSigningConfigArn=value)
        case Call.CONCURRENCY:
            lambda_.put_function_concurrency(FunctionName=NAME, ReservedConcurrentExecutions=value)
        case Call.RETENTION:
            lab.somebody("logs").put_retention_policy(
                logGroupName=f"/aws/lambda/{NAME}", retentionInDays=value
            )
    lab.settle(NAME)


def test_a_function_on_managed_instances_is_well_although_nobody_calls_it_unpublished(lab: Lab) -> None:
    """Its version has the calls; another setting is another version, and the plan is empty after each."""
    for number, concurrency in enumerate((16, 32), 1):
        settings = {**MANAGED, "capacityProvider.maxConcurrency": concurrency}
        fleet = make_fleet(make_target(KEY, settings=settings, alias="live"))
        run = lab.sync(fleet)
        live = run.engine.live.targets[KEY].function
        assert live is not None
        assert live.health is Health.HEALTHY
        assert run.engine.preview(fleet).aliases[KEY] == f"live:{number}"


def test_the_order_of_a_set_is_no_difference(lab: Lab) -> None:
    """Subnets and security groups in another order than AWS returns them are in sync."""
    settings = {"vpc.subnetIds": ["subnet-1", "subnet-2"], "vpc.securityGroupIds": ["sg-1", "sg-2"]}
    lab.sync(make_fleet(make_target(KEY, settings=settings)))
    turned = {path: value[::-1] for path, value in settings.items()}
    assert lab.plan(make_fleet(make_target(KEY, settings=turned))).is_empty


def test_an_image_function_is_created_and_moved_to_another_image(lab: Lab) -> None:
    """An image is deployed by its URI, compared by digest, and changed with UpdateFunctionCode."""
    first, second = (f"{IMAGE}@sha256:{digit * 64}" for digit in "ab")
    lab.sync(make_fleet(make_target(KEY, image=first)))
    assert lab.live(NAME)["Configuration"]["PackageType"] == "Image"
    lab.aws.forget()
    lab.sync(make_fleet(make_target(KEY, image=second, version="1.0.1")))
    assert lab.aws.counts(mutating=True) == {"lambda.UpdateFunctionCode": 1, "lambda.TagResource": 1}
    assert lab.live(NAME)["Code"]["ImageUri"] == second


def test_a_zip_function_does_not_become_an_image(lab: Lab) -> None:
    """AWS changes no package type: the target is blocked, and told what to do."""
    lab.sync(make_fleet(make_target(KEY)))
    plan = lab.plan(make_fleet(make_target(KEY, image=f"{IMAGE}@sha256:{'a' * 64}")))
    assert plan.targets[0].verb is Verb.BLOCKED
    assert "declare another functionName" in str(plan.targets[0].problem)
    assert not plan.steps


def test_tags_are_owned_key_by_key(lab: Lab) -> None:
    """Declared tags are set, changed and, with null, removed; tags of others stay."""
    lab.sync(make_fleet(make_target(KEY, tags={"team": "a", "cost": "1"})))
    arn = lab.live(NAME)["Configuration"]["FunctionArn"]
    lab.somebody("lambda").tag_resource(Resource=arn, Tags={"foreign": "x", "team": "drifted"})
    fleet = make_fleet(make_target(KEY, tags={"team": "b", "cost": None}))
    assert changes_of(lab.plan(fleet), KEY) == {"tags.team": "b", "tags.cost": None}
    lab.aws.forget()
    lab.sync(fleet)
    assert lab.aws.counts(mutating=True) == {"lambda.TagResource": 1, "lambda.UntagResource": 1}
    assert lab.live(NAME)["Tags"] == {
        "foreign": "x",
        "team": "b",
        "lockstep:project": "shop",
        "lockstep:target": KEY,
        "lockstep:version": "1.0.0",
    }


def test_what_others_manage_is_left_as_it_is(lab: Lab) -> None:
    """Ignored fields, variables and code keep their live values, also when something beside them changes."""
    target = make_target(
        KEY, settings={"environment": {"AA": "1"}, "memorySize": 256}, ignore=("environment.DD_*", "timeout")
    )
    lab.sync(make_fleet(target))
    lab.somebody("lambda").update_function_configuration(
        FunctionName=NAME, Timeout=77, Environment={"Variables": {"AA": "1", "DD_SITE": "eu"}}
    )
    lab.settle(NAME)
    assert lab.plan(make_fleet(target)).is_empty
    changed = make_target(KEY, settings={"environment": {"AA": "2"}, "memorySize": 512}, ignore=target.ignore)
    lab.sync(make_fleet(changed))
    live = lab.live(NAME)["Configuration"]
    assert live["Environment"]["Variables"] == {"AA": "2", "DD_SITE": "eu"}
    assert (live["Timeout"], live["MemorySize"]) == (77, 512)


def test_all_fields_of_one_structure_go_in_one_call(lab: Lab) -> None:
    """Many changed settings and new code are one configuration call and one code call, in this order."""
    lab.sync(make_fleet(make_target(KEY)))
    settings = {
        "memorySize": 256,
        "timeout": 9,
        "environment": {"AA": "1"},
        "logging.format": "JSON",
        "logging.systemLevel": "WARN",
    }
    lab.aws.forget()
    changed = replace(make_target(KEY, settings=settings, source="x = 2\n"), version="1.0.1")
    lab.sync(make_fleet(changed))
    names = [call.name for call in lab.aws.calls if call.mutation]
    assert [name for name in names if name != "s3.PutObject"] == [
        "lambda.UpdateFunctionConfiguration",
        "lambda.UpdateFunctionCode",
        "lambda.TagResource",
    ]


def test_retention_is_read_from_log_groups_of_any_name(lab: Lab) -> None:
    """Groups that have no prefix in common, with and without a slash, are in sync once they were set."""
    named = {"one": "shop-one", "two": "/aws/lambda/two", "three": "plain"}
    fleet = make_fleet(
        *(
            make_target(f"staging/{name}", settings={"logging.group": group, "logRetentionDays": 14})
            for name, group in named.items()
        )
    )
    lab.sync(fleet)
    groups = lab.client("logs").describe_log_groups()["logGroups"]
    assert {one["logGroupName"]: one["retentionInDays"] for one in groups} == dict.fromkeys(
        named.values(), 14
    )


def test_a_retention_that_was_taken_out_of_git_is_taken_back(lab: Lab) -> None:
    """With one function as with many: the line is gone, so events are kept for ever again."""
    lab.sync(make_fleet(make_target(KEY, settings={"logRetentionDays": 7})))
    bare = make_fleet(make_target(KEY))
    assert changes_of(lab.plan(bare), KEY) == {"logRetentionDays": None}
    lab.sync(bare)
    (group,) = lab.client("logs").describe_log_groups()["logGroups"]
    assert "retentionInDays" not in group


def test_a_removed_line_is_seen_among_many_functions(lab: Lab) -> None:
    """No listing tells of these settings, and the tags of the function that had them do."""

    def many(**settings: Any) -> Fleet:
        others = (make_target(f"staging/n{number}") for number in range(10))
        return make_fleet(make_target(KEY, settings=settings), *others)

    lab.sync(many(logRetentionDays=7, reservedConcurrency=2))
    bare = many()
    assert changes_of(lab.plan(bare), KEY) == {"logRetentionDays": None, "reservedConcurrency": None}
    lab.sync(bare)
    lab.aws.forget()
    assert lab.plan(bare).is_empty
    assert not {"lambda.GetFunction", "logs.DescribeLogGroups"} & lab.aws.counts().keys()


def test_a_retention_that_nobody_read_is_said(lab: Lab) -> None:
    """Where there are more than ten functions and none declares one, the plan says that it did not look."""
    many = make_fleet(*(make_target(f"staging/n{number}") for number in range(11)))
    note = "the log retention of 11 functions was not read, because none of them declares one"
    lab.sync(many)
    assert any(note in one for one in lab.plan(many).notes)
    assert not any(note in one for one in lab.plan(many, full=True).notes)


@pytest.mark.parametrize("operation", ["CreateLogGroup", "PutRetentionPolicy"])
def test_another_change_of_a_log_group_is_waited_for(
    ministack: LocalCloud, lab_on: Callable[..., Lab], operation: str
) -> None:
    """CloudWatch refuses one of two changes at a time; the refused one is made again."""
    words = "Multiple concurrent requests to update the same resource were in conflict."
    lab = lab_on(ministack, Refuse(f"logs.{operation}", "OperationAbortedException", words, times=2))
    run = lab.run(make_fleet(make_target(KEY, settings={"logRetentionDays": 7})))
    assert run.report.is_success, run.failures
    assert {one.waits_for for one in run.told} == {"", "another change of the log group"}
