"""What AWS refuses of a whole function is said by validate, at the line that declares it."""

import datetime
from pathlib import Path

import pytest

from lockstep.config import newest
from lockstep.config.cache import Cache
from lockstep.config.validate import Validation, validate
from tests.unit.config.conftest import PROJECT, SERVICE_FILE, SERVICE_VALUES, STAGING_FILE, sample, staging

TODAY = datetime.date(2026, 11, 29)
LAYER = "arn:aws:lambda:eu-west-1:123456789012:layer"
POINT = "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0"
VPC = "  vpc: {subnetIds: [subnet-1], securityGroupIds: [sg-1]}\n"
MOUNT = f'  fileSystems: [{{arn: "{POINT}", localMountPath: /mnt/data}}]\n'
ECR = "dkr.ecr.eu-west-1.amazonaws.com"
SIGNING = "arn:aws:lambda:eu-west-1:123456789012:code-signing-config:csc-"
FAR = ECR.replace("eu-west-1", "us-east-2")


def managed(line: str = "", concurrency: str = ", maxConcurrency: 16") -> str:
    """A function on managed instances, but for one line."""
    said = line.strip().partition(":")[0]
    usual = {
        "alias": "live",
        "runtime": "python3.13",
        "memorySize": "2048",
        "logging": "{format: JSON}",
        "capacityProvider": "{arn: 'arn:aws:lambda:eu-west-1:123456789012:capacity-provider:shared'"
        + concurrency
        + "}",
    }
    return line + "".join(f"  {name}: {value}\n" for name, value in usual.items() if name != said)


PUBLISHED = "arn:aws:lambda:eu-west-1:999999999999:runtime/theirs"


def accelerated(size: str) -> str:
    """An image on managed instances with an accelerator."""
    image = f"  image: 123456789012.{ECR}/x:1\n  handler: null\n"
    return image + managed("  runtime: null\n") + f"  accelerator: {{memorySize: {size}}}\n"


def judged(block: str, *, today: datetime.date = TODAY) -> Validation:
    """Staging with lines in its block."""
    return validate(staging(block), today=today)


@pytest.fixture(autouse=True)
def with_the_newest_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever is installed: what it lacks has a test of its own."""
    monkeypatch.setattr(newest, "_installed", lambda: "1.99.0")


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        (f"  layers: ['{LAYER}:x']", "is no valid layers"),
        (f"  layers: ['{LAYER}:x:']", "is no valid layers"),
        (f"  layers: ['{LAYER}:x:1', '{LAYER}:x:1']", "is there twice"),
        (f"  layers: ['{LAYER}:x:1', '{LAYER}:y:1', '{LAYER}:x:2']", "is there in the versions 1 and 2"),
        (f"  layers: ['{LAYER.replace('eu-west-1', 'us-east-1')}:x:1']", "lies in the Region us-east-1"),
        (MOUNT, "is reached through a VPC"),
        (MOUNT.replace("access-point/fsap-0123456789abcdef0", "file-system/fs-12345") + VPC, "no valid arn"),
        (MOUNT.replace("/mnt/data", "/data") + VPC, "is no valid localMountPath"),
        (MOUNT.replace("/mnt/data", "/mnt/data/x") + VPC, "is no valid localMountPath"),
        (MOUNT.replace("eu-west-1", "eu-west-2") + VPC, "lies in the Region eu-west-2"),
        (MOUNT.replace("}]", f'}}, {{arn: "{POINT}", localMountPath: /mnt/b}}]') + VPC, "AWS allows 1"),
        ("  memorySize: 10241", "is out of range"),
        ('  alias: "43"', "is no valid alias"),
        ("  alias: $LATEST", "is no valid alias"),
        ("  alias: 43", "without quotes is a number"),
        ("  keepVersions: 3", "publishes them for an alias"),
        ("  alias: live\n  keepVersions: 0", "is out of range"),
        ("  alias: live\n  keepVersionsFor: soon", "is no valid keepVersionsFor"),
        ("  alias: live\n  s3ObjectStorageMode: REFERENCE", "ends with its package"),
        ("  ephemeralStorage: 10241", "is out of range"),
        ("  snapStart: PublishedVersions\n  ephemeralStorage: 513", "more than 512 MB of /tmp"),
        ("  snapStart: PublishedVersions\n  runtime: nodejs24.x", "does not go with the runtime nodejs24.x"),
        ("  snapStart: PublishedVersions\n  runtime: python3.11", "does not go with the runtime python3.11"),
        ("  snapStart: PublishedVersions\n  tenancy: PER_TENANT", "does not go with tenancy"),
        ("  snapStart: PublishedVersions\n" + MOUNT + VPC, "does not go with fileSystems"),
        ("  timeout: 1801", "1801 is out of range"),
        ("  ephemeralStorage: 10241", "10241 is out of range"),
        ("  runtime: custom", "customRuntime.arn is a part of"),
        (f"  runtime: custom\n  customRuntime: {{arn: '{PUBLISHED}'}}", "customRuntime.alias is a part of"),
        (f"  customRuntime: {{arn: '{PUBLISHED}', alias: a}}", "exists only with runtime: custom"),
        (
            f"  runtime: custom\n  customRuntime: {{arn: '{PUBLISHED}', alias: a}}".replace("t-1", "t-2"),
            "lies in the Region eu-west-2",
        ),
        (accelerated("25"), "25 is not allowed"),
        (accelerated("24") + "  architectures: [arm64]", "for x86_64 only"),
        (managed("  accelerator: {memorySize: 24}\n"), "does not go with a zip package"),
        (
            f"  image: 123456789012.{ECR}/x:1\n  runtime: null\n  handler: null\n"
            "  accelerator: {memorySize: 24}",
            "exists only with capacityProvider.arn",
        ),
        ("  capacityProvider: {maxConcurrency: 16}", "exists only with capacityProvider.arn"),
        (managed("  alias: null\n"), "published versions only"),
        (managed(concurrency=""), "has no maxConcurrency"),
        (managed(concurrency=", maxConcurrency: 1601"), "1601 is out of range"),
        (managed(concurrency=", maxConcurrency: 1, memoryPerVCpu: 1.5"), "1.5 is out of range"),
        (managed("  runtime: python3.12\n"), "do not run python3.12"),
        (managed("  runtime: ruby3.4\n"), "do not run ruby3.4"),
        (managed("  memorySize: 1024\n"), "give a function at least 2048 MB"),
        (managed("  logging: {format: Text}\n"), "logs in the format JSON"),
        (managed("  timeout: 5401\n"), "5401 is out of range"),
        (managed("  runtime: python3.14\n  snapStart: PublishedVersions\n"), "does not go with managed"),
        (managed().replace("eu-west-1", "us-east-1"), "lies in the Region us-east-1"),
        (managed().replace("capacity-provider:", "capacity-provider/"), "is no valid arn"),
        ("  kmsKeyArn: arn:aws:kms:eu-west-2:123456789012:key/k", "lies in the Region eu-west-2"),
        ("  kmsKeyArn: arn:aws:kms:key/k", "is no valid kmsKeyArn"),
        ("  kmsKeyArn: alias/shop", "is no valid kmsKeyArn"),
        ("  deadLetterTarget: arn:aws:sqs:queue", "is no valid deadLetterTarget"),
        ("  deadLetterTarget: https://sqs.eu-west-1.amazonaws.com/1/q", "is no valid deadLetterTarget"),
        (f"  codeSigningConfigArn: {SIGNING}1", "is no valid codeSigningConfigArn"),
        ("  role: arn:aws:iam::999999999999:role/x", "lies in the account 999999999999"),
        ("  role: arn:aws:iam::123456789012:user/x", "is no valid role"),
        ("  logging: {group: aws/lambda/x}", "is no valid group"),
        (f"  image: 123456789012.{ECR}/x", "neither tag nor digest"),
        ("  image: docker.io/library/x:1", "is not in Amazon ECR"),
        ("  image: public.ecr.aws/a/x:1", "is not in Amazon ECR"),
        (f"  image: 123456789012.{FAR}/x:1", "lies in the Region us-east-2"),
        (f"  image: 1{'2' * 11}.{ECR}/x:1\n  codeSigningConfigArn: {SIGNING}{'0' * 17}", "with a container"),
        ("  tags: {a: 'b\\tc'}".replace("'", '"'), "has the control character"),
    ],
)  # fmt: skip
def test_what_aws_refuses_is_an_error(block: str, problem: str) -> None:
    """Each with its place and what to do."""
    found = judged(block)
    assert [one for one in found.problems if problem in one.problem], list(map(str, found.problems))
    assert all(one.where and one.fix for one in found.problems)


@pytest.mark.parametrize(
    "block",
    [
        f"  layers: ['{LAYER}:x:1', '{LAYER}:y:1', '{LAYER}:x-1:1']",
        MOUNT + VPC,
        f'{VPC}  fileSystems: [{{localMountPath: /mnt/s3, arn: "arn:aws:s3files:eu-west-1:123456789012:'
        f'file-system/fs-{"a" * 17}/access-point/fsap-{"b" * 17}"}}]',
        "  memorySize: 10240\n  ephemeralStorage: 10240\n  timeout: 1800",
        managed(),
        accelerated("24") + "  ephemeralStorage: 32768",
        f"  runtime: custom\n  customRuntime: {{arn: '{PUBLISHED}', alias: stable}}",
        managed("  memorySize: 32768\n") + "  timeout: 5400",
        managed(concurrency=", maxConcurrency: 1, memoryPerVCpu: 2.5"),
        "  kmsKeyArn: arn:aws:kms:eu-west-1:999999999999:key/mrk-1",
        "  deadLetterTarget: arn:aws:sns:eu-west-1:999999999999:topic",
        "  role: service-role/team/x",
        "  role: arn:aws:iam::123456789012:role/service-role/x",
        "  tags: {a: 'b\u00a0c \u00e9'}",
    ],
)
def test_what_aws_takes_is_valid(block: str) -> None:
    """At the edge of each rule."""
    found = judged(block)
    assert not found.problems, list(map(str, found.problems))
    assert not found.warnings


@pytest.mark.parametrize(
    ("block", "member", "since"),
    [
        (accelerated("24"), "AcceleratorConfig.AcceleratorMemorySize", "1.44.4"),
        (f"  runtime: custom\n  customRuntime: {{arn: '{PUBLISHED}', alias: a}}", "RuntimeConfig", "1.44.3"),
        (
            "  eventSources:\n    k: {endpoints: ['a:9092'], topics: [t], "
            "selfManagedKafka: {consumptionMode: Queue}}",
            "SelfManagedKafkaEventSourceConfig.ConsumptionMode",
            "1.43.123",
        ),
    ],
)
def test_what_is_newer_than_the_installed_botocore_is_an_error(
    block: str, member: str, since: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says which one is needed; with that one there is nothing to say."""
    monkeypatch.setattr(newest, "_installed", lambda: "1.43.106")
    errors = [one for one in judged(block).problems if member in one.problem]
    assert errors
    assert all(f"is new in botocore {since}, and 1.43.106 is installed" in one.problem for one in errors)
    assert all(f"'botocore>={since}'" in one.fix for one in errors)
    assert all(one.where and one.where.startswith(STAGING_FILE) for one in errors)
    monkeypatch.setattr(newest, "_installed", lambda: since)
    assert judged(block).is_valid


def test_an_image_of_the_environments_region() -> None:
    """With what goes with it."""
    image = f"  image: 123456789012.{ECR}/x/y:1\n  runtime: null\n  handler: null"
    assert judged(image).is_valid


def test_the_region_is_that_of_the_environment() -> None:
    """An environment in another Region takes the layers of that one."""
    project = PROJECT.replace("staging: {}", "staging: {region: us-east-1}")
    tree = staging(f"  layers: ['{LAYER}:x:1']")
    tree.files["lockstep.yaml"] = project.encode()
    (problem,) = validate(tree, today=TODAY).problems
    assert problem.problem == "lambda.layers lies in the Region eu-west-1, and staging in us-east-1"


def test_a_shared_line_is_judged_in_each_environment() -> None:
    """The layer of the service's values fits one environment and not the other."""
    project = PROJECT.replace("staging: {}", "staging: {region: us-east-1}")
    values = f"{SERVICE_VALUES}  layers: ['{LAYER}:x:1']\n"
    (problem,) = validate(sample({"lockstep.yaml": project, SERVICE_FILE: values}), today=TODAY).problems
    assert problem.where == f"{SERVICE_FILE}:9"
    assert "and staging in us-east-1" in problem.problem


@pytest.mark.parametrize(("count", "is_valid"), [(46, True), (47, False)])
def test_tags_are_counted_with_our_own(count: int, is_valid: bool) -> None:
    """Project, target, version and the bucket of the trigger are four of the fifty."""
    found = judged("  tags: {" + ", ".join(f"k{number}: v" for number in range(count)) + ", gone: null}")
    assert found.is_valid is is_valid
    if not is_valid:
        assert found.problems[0].problem == (
            "47 tags are declared; AWS allows 50, and 4 of them are Lockstep's own"
        )
        assert found.problems[0].fix == "remove 1"


def test_the_tag_that_remembers_settings_is_counted() -> None:
    """What no listing tells is remembered by one more of the fifty."""
    tags = "  tags: {" + ", ".join(f"k{number}: v" for number in range(46)) + "}"
    found = judged(f"{tags}\n  reservedConcurrency: 1")
    assert "5 of them are Lockstep's own" in found.problems[0].problem


def test_snap_start_does_nothing_without_an_alias() -> None:
    """Versions are published for an alias alone: said, at the line, and no error."""
    found = judged("  snapStart: PublishedVersions")
    assert found.is_valid
    assert found.warnings == (
        f"{STAGING_FILE}:4: snapStart does nothing here: it is about published versions, "
        "and Lockstep publishes them for an alias; add lambda.alias, or remove it",
    )
    assert not judged("  snapStart: PublishedVersions\n  alias: live").warnings
    assert not judged("  snapStart: None").warnings


@pytest.mark.parametrize(
    ("today", "warning"),
    [
        ("2026-11-09", None),
        (
            "2026-11-10",
            "deprecated since 2026-11-10; from 2027-07-29 on Lambda creates no function with it; "
            "from 2027-08-31 on it refuses every change; use dotnet10",
        ),
        (
            "2027-07-29",
            "deprecated: since 2027-07-29 Lambda creates no function with it; "
            "from 2027-08-31 on it refuses every change; use dotnet10",
        ),
    ],
)
def test_a_deprecated_runtime_is_a_warning(today: str, warning: str | None) -> None:
    """By the day that is given; a function that exists can still be changed."""
    found = judged("  runtime: dotnet8", today=datetime.date.fromisoformat(today))
    assert found.is_valid
    said = f"{STAGING_FILE}:4: the runtime dotnet8 is {warning}"
    assert found.warnings == ((said,) if warning else ())


def test_a_retired_runtime_is_an_error() -> None:
    """From the day on which AWS refuses updates."""
    (problem,) = judged("  runtime: dotnet8", today=datetime.date(2027, 8, 31)).problems
    assert problem.where == f"{STAGING_FILE}:4"
    assert problem.problem == "the runtime dotnet8 is retired: since 2027-08-31 Lambda refuses every change"
    assert problem.fix == "use dotnet10"
    assert not judged("  runtime: nodejs12.x").is_valid


@pytest.mark.parametrize(
    ("runtime", "fix"),
    [
        ("python3.133", "did you mean python3.13?"),
        ("node24", "did you mean nodejs24.x?"),
        ("cobol85", "write for example"),
        ("python-3.13", "did you mean python3.13?"),
        ("nodejs24", "did you mean nodejs24.x?"),
        ("dotnet7", "did you mean dotnet"),
        ("python3.99", "did you mean python3."),
    ],
)
def test_an_unknown_runtime_is_an_error(runtime: str, fix: str) -> None:
    """With what is near among those that AWS still changes."""
    (problem,) = judged(f"  runtime: {runtime}").problems
    assert problem.problem == f"{runtime!r} is no runtime of Lambda"
    assert fix in (problem.fix or "")


def test_a_runtime_that_may_be_new_is_a_warning() -> None:
    """AWS knows better than a table."""
    found = judged("  runtime: python3.16")
    assert found.is_valid
    assert found.warnings == (
        f"{STAGING_FILE}:4: python3.16 is newer than the runtimes of October 2026: AWS will say if it has it",
    )


def test_a_line_that_many_share_is_told_once() -> None:
    """The runtime of a service's values, in three environments."""
    tree = sample({SERVICE_FILE: SERVICE_VALUES.replace("dotnet10", "python3.9")})
    (warning,) = validate(tree, today=TODAY).warnings
    assert warning.startswith(f"{SERVICE_FILE}:2: the runtime python3.9 is deprecated since 2025-12-15")


def test_what_is_remembered_holds_until_the_next_date(tmp_path: Path) -> None:
    """Warnings come from the cache too, and a day that changes a phase is seen with unchanged files."""
    cache = Cache(tmp_path)
    tree = sample({SERVICE_FILE: SERVICE_VALUES.replace("dotnet10", "python3.9")})
    first = validate(tree, cache=cache, today=TODAY)
    again = validate(tree, cache=cache, today=TODAY + datetime.timedelta(days=1))
    assert again == first
    assert first.warnings
    later = validate(tree, cache=cache, today=datetime.date(2027, 7, 29))
    assert later.is_valid
    assert later.warnings != first.warnings
    assert not validate(tree, cache=cache, today=datetime.date(2027, 8, 31)).is_valid
