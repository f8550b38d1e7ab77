"""Code: compared by digest, staged once, deployed from the very object that was staged."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lockstep.local.ministack import LocalCloud
from lockstep.model import Package, Target
from lockstep.model.staged import checksum_for, releases_of
from tests.strict import BlockedRuntimes, UnpackedSize, everything
from tests.support.clouds import ACCOUNT, REGION, Cloud, make_zip, upload
from tests.support.engine import Lab, Meanwhile, Refuse, changes_of
from tests.support.projects import PACKAGES, make_fleet, make_package, make_project, make_target

KEY, NAME = "staging/notifier", "notifier-staging"
NEW = "def handler(event, context):\n    return 'new'\n"


@pytest.fixture
def cloud(each_cloud: Cloud) -> Cloud:
    """What an emulator keeps of code, and tells of it, is its own."""
    return each_cloud


def digest(source: str) -> str:
    """Return the SHA-256 of a source's package in hex."""
    return hashlib.sha256(make_zip(source)).hexdigest()


def staged(lab: Lab) -> list[str]:
    """Return the keys of the packages that were uploaded."""
    keys = [call.operation.params["Key"] for call in lab.aws.named("s3.PutObject")]
    return [key for key in keys if not key.startswith("lockstep/leases/")]


def test_code_that_was_changed_behind_our_back_is_seen_and_mended(lab: Lab) -> None:
    """The digest of what runs tells other code, even under the same version; sync brings ours back."""
    fleet = make_fleet(make_target(KEY))
    lab.sync(fleet)
    lab.somebody("lambda").update_function_code(FunctionName=NAME, ZipFile=make_zip(NEW))
    lab.settle(NAME)
    plan = lab.plan(fleet)
    assert [change.path for change in plan.targets[0].changes] == ["code"]
    assert plan.targets[0].changes[0].old == digest(NEW)
    lab.aws.forget()
    lab.sync(fleet)
    assert lab.aws.counts(mutating=True) == {"lambda.UpdateFunctionCode": 1}


def test_a_package_is_staged_once_for_many_targets(lab: Lab) -> None:
    """Eight targets with one package make one upload; a later target and a later run make none."""
    targets = [make_target(f"preview/pr-{n}/notifier") for n in range(8)]
    lab.sync(make_fleet(*targets))
    assert staged(lab) == [f"lockstep/packages/{make_package().sha256}.zip"]
    lab.sync(make_fleet(*targets, make_target("preview/pr-99/notifier")))
    assert len(staged(lab)) == len(lab.fetched) == 1


def test_a_fixed_key_is_overwritten_by_the_next_version(lab: Lab) -> None:
    """With ``packages.key: lambda-packages/staging.zip`` each version overwrites the last and is deployed."""
    key = "lambda-packages/staging.zip"
    for source, version in (("x = 1\n", "1.0.0"), ("x = 2\n", "1.0.1")):
        package = make_package(source, key=key)
        lab.sync(make_fleet(make_target(KEY, package=package, version=version)))
        body = lab.client("s3").get_object(Bucket=PACKAGES, Key=key)["Body"].read()
        assert hashlib.sha256(body).hexdigest() == package.sha256
    assert staged(lab) == [key, key]


def test_two_packages_for_one_key_block_both_targets(lab: Lab) -> None:
    """Two targets that would overwrite each other's package under a fixed key are told, and nothing runs."""
    one = make_target("staging/a", package=make_package("x = 1\n", key="fixed.zip"))
    two = make_target("staging/b", package=make_package("x = 2\n", key="fixed.zip"))
    plan = lab.plan(make_fleet(one, two))
    assert not plan.steps
    assert all("put {service} or {sha256}" in str(target.problem) for target in plan.blocked)
    assert len(plan.blocked) == 2


def test_the_version_that_was_staged_is_the_one_that_is_deployed(
    cloud: Cloud, lab_on: Callable[..., Lab]
) -> None:
    """In a bucket with versions, a package that is overwritten before Lambda reads it does no harm."""
    key = "lambda-packages/staging.zip"
    first, other = make_package("x = 1\n", key=key), make_zip("x = 'somebody else'\n")
    lab = lab_on(
        cloud,
        Meanwhile("lambda.CreateFunction", lambda _: upload(cloud, PACKAGES, key, other)),
        *everything(),
    )
    s3 = lab.client("s3")
    s3.put_bucket_versioning(Bucket=PACKAGES, VersioningConfiguration={"Status": "Enabled"})
    run = lab.run(make_fleet(make_target(KEY, package=first)))
    (created,) = lab.aws.named("lambda.CreateFunction")
    versions = s3.list_object_versions(Bucket=PACKAGES, Prefix=key)["Versions"]
    (ours,) = (one["VersionId"] for one in versions if not one["IsLatest"])
    assert created.json()["Code"]["S3ObjectVersion"] == ours
    # moto reads the newest version whatever is asked for; then the digest tells.
    assert run.report.is_success is (cloud.kind == "ministack"), run.failures


def test_a_package_that_lies_in_the_bucket_already_is_used_where_it_is(lab: Lab) -> None:
    """Of a package in S3 nothing is uploaded, downloaded or looked up; its version is what Lambda is told."""
    source = make_zip(NEW)
    s3 = lab.client("s3")
    s3.put_bucket_versioning(Bucket=PACKAGES, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=PACKAGES, Key="ci/build-7.zip", Body=source)["VersionId"]
    package = make_package(NEW, key="ci/build-7.zip", is_staged=True, object_version=version)
    lab.sync(make_fleet(make_target(KEY, package=package)))
    (created,) = lab.aws.named("lambda.CreateFunction")
    assert created.json()["Code"] == {
        "S3Bucket": PACKAGES,
        "S3Key": "ci/build-7.zip",
        "S3ObjectVersion": version,
    }
    assert not lab.fetched
    assert not {"s3.PutObject", "s3.HeadObject", "s3.GetObject"} & set(lab.aws.counts())


@pytest.mark.parametrize("key", [None, "lambda-packages/staging.zip"], ids=["by-content", "fixed"])
def test_what_an_object_says_of_itself_is_not_believed(lab: Lab, key: str | None) -> None:
    """Another zip at the staged key, with the right digest in its metadata, is replaced before it can run."""
    package = make_package(NEW, key=key)
    s3 = lab.client("s3")
    said = {"lockstep-sha256": package.sha256, "lockstep-releases": "notifier@1.0.0"}
    for checksum in ({}, {"ChecksumAlgorithm": "SHA256"}):
        s3.put_object(
            Bucket=PACKAGES, Key=package.key, Body=make_zip("x = 'evil'\n"), Metadata=said, **checksum
        )
        lab.aws.forget()
        run = lab.run(make_fleet(make_target(KEY, package=package)))
        assert run.report.is_success, run.failures
        body = s3.get_object(Bucket=PACKAGES, Key=package.key)["Body"].read()
        assert hashlib.sha256(body).hexdigest() == package.sha256
        assert lab.aws.counts()["s3.PutObject"] == 1
        digests = lab.live(NAME)["Configuration"]["CodeSha256"]
        assert digests == checksum_for(package.sha256)
        lab.client("lambda").delete_function(FunctionName=NAME)


def test_code_with_another_digest_than_declared_is_a_failure(lab: Lab) -> None:
    """When what Lambda read is not the declared package, the step fails and the next plan still says so."""
    upload(lab.aws.behind, PACKAGES, "ci/build-7.zip", make_zip("x = 'not what was declared'\n"))
    package = make_package(NEW, key="ci/build-7.zip", is_staged=True)
    run = lab.run(make_fleet(make_target(KEY, package=package)))
    assert not run.report.is_success
    assert "other values of code" in run.failures[f"{KEY}:create"]
    assert set(changes_of(lab.plan(make_fleet(make_target(KEY, package=package))), KEY)) == {"code"}


def test_an_upload_that_does_not_arrive_whole_is_a_failure(lab: Lab) -> None:
    """A file that is not the declared package never runs: S3's checksum or Lambda's digest refuses it."""

    def damaged(package: Package) -> Path:
        path = lab.folder / "damaged.zip"
        path.write_bytes(make_zip("x = 'damaged'\n"))
        return path

    run = lab.run(make_fleet(make_target(KEY, source=NEW)), fetch=damaged)
    assert not run.report.is_success
    assert "lambda.CreateFunction" not in lab.aws.counts() or "other values of code" in run.error


def test_a_missing_package_bucket_is_named(lab: Lab) -> None:
    """Without its package bucket a sync creates nothing and says which bucket is missing."""
    project = make_project(package_bucket="no-such-bucket")
    package = replace(make_package(NEW), bucket="no-such-bucket")
    run = lab.run(make_fleet(make_target(KEY, package=package)), project=project)
    assert "the package bucket no-such-bucket does not exist" in run.error
    assert "packages.bucket" in run.error
    assert not lab.aws.counts(mutating=True)


def test_libraries_move_into_layers_and_back(ministack: LocalCloud, lab_on: Callable[..., Lab]) -> None:
    """Package and layers fit before and after, and in between neither update is refused."""
    large, small = (f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:{name}:1" for name in ("large", "small"))
    noise = hashlib.shake_256(b"a library").hexdigest(3500)  # that no zip makes smaller by much
    fat = f"LIBRARY = '{noise}'\n"
    runtimes = BlockedRuntimes()
    lab = lab_on(ministack, UnpackedSize({large: 6000, small: 1000}, limit=10_000), runtimes)
    for name in ("large", "small"):
        lab.client("lambda").publish_layer_version(LayerName=name, Content={"ZipFile": make_zip("x")})
    states: list[tuple[str, list[str], str]] = [
        (fat, [], "python3.12"),
        ("x = 1\n", [large], "python3.12"),  # out of the package, into a layer
        (fat, [small], "python3.12"),  # and back, with another layer
        ("x = 2\n", [small, large], "python3.13"),  # and out again, from a runtime that is blocked by now
    ]
    for source, layers, runtime in states:
        runtimes.runtimes = {"python3.12"} - {runtime}
        lab.sync(make_fleet(make_target(source=source, settings={"layers": layers, "runtime": runtime})))
    refused = [call.summary for call in lab.aws.calls if call.mutation and (call.status or 500) >= 300]
    assert refused == []


def test_full_code_storage_is_not_tried_again(cloud: Cloud, lab_on: Callable[..., Lab]) -> None:
    """``CodeStorageExceededException`` is reported at once, with what to do, and other targets go on."""
    refuse = Refuse(
        "lambda.CreateFunction", "CodeStorageExceededException", "Code storage limit exceeded.", times=1
    )
    lab = lab_on(cloud, refuse, *everything())
    run = lab.run(make_fleet(make_target("staging/a"), make_target("staging/b")))
    assert "storage for function code is full" in run.error
    assert "delete functions or old versions" in run.error
    assert len(lab.aws.named("lambda.CreateFunction")) == 2
    assert len(run.plan.steps) - len(run.failures) == 2  # the package and the other target


@pytest.mark.parametrize("versioned", [False, True], ids=["unversioned", "versioned"])
def test_going_back_to_an_earlier_package_uploads_nothing(lab: Lab, versioned: bool) -> None:
    """Rolling back finds the old package under its digest; only the code changes."""
    if versioned:
        lab.client("s3").put_bucket_versioning(Bucket=PACKAGES, VersioningConfiguration={"Status": "Enabled"})
    old, new = make_target(KEY), make_target(KEY, source=NEW, version="2.0.0")
    lab.sync(make_fleet(old))
    lab.sync(make_fleet(new))
    lab.aws.forget()
    lab.sync(make_fleet(old))
    assert lab.aws.counts(mutating=True) == {"lambda.UpdateFunctionCode": 1, "lambda.TagResource": 1}


def test_what_is_staged_says_which_releases_it_is(lab: Lab) -> None:
    """One package may be several; each is added when it is deployed, and what is known stays."""
    package = make_package()
    s3 = lab.client("s3")

    def said() -> tuple[str, ...]:
        return releases_of(s3.head_object(Bucket=PACKAGES, Key=package.key))

    def target(version: str) -> Target:
        own = replace(package, releases=(f"notifier@{version}",))
        return make_target(KEY, package=own, version=version)

    lab.sync(make_fleet(target("1.0.0")))
    assert said() == ("notifier@1.0.0",)
    lab.aws.forget()
    lab.sync(make_fleet(target("1.0.1")))  # built to the same bytes: nothing but the tag changes in Lambda
    assert said() == ("notifier@1.0.0", "notifier@1.0.1")
    assert lab.aws.counts(mutating=True) == {"s3.PutObject": 1, "lambda.TagResource": 1}
    lab.aws.forget()
    lab.sync(make_fleet(target("1.0.0")))
    assert lab.aws.counts(mutating=True) == {"lambda.TagResource": 1}
