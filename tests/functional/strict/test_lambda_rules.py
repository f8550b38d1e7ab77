"""The strict AWS answers for Lambda as AWS documents, on both emulators alike."""

import threading
import time
from collections.abc import Callable
from typing import Any

import botocore.exceptions
import pytest

from tests.strict import (
    DryRun,
    KnownRuntime,
    ListingLag,
    Notifications,
    PackageExists,
    Pages,
    PermissionLag,
    Proxy,
    Quotas,
    Revisions,
    RoleExists,
    RoleLag,
    Statements,
    UpdatesInProgress,
    everything,
)
from tests.support.clouds import (
    Cloud,
    allow_bucket,
    client,
    make_bucket,
    make_function,
    make_role,
    make_zip,
    upload,
)
from tests.support.waiting import until

Strict = Callable[..., Proxy]
NEW = make_zip("def handler(event, context):\n    return 2\n")


def refused(call: Callable[..., Any], **fields: Any) -> tuple[str, str]:
    """Code and message of a call that is refused."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**fields)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_quotas_refuse_above_the_rate_and_count(moto: Cloud, strict: Strict) -> None:
    """GetPolicy has a bucket of its own; what is left of the other families is not touched."""
    quotas = Quotas(scale=0.1)  # 1.5 GetPolicy a second, 10 GetFunction
    aws = strict(moto, quotas)
    make_function(moto, "f")
    functions = client(aws, "lambda")
    codes = []
    for _ in range(4):
        try:
            functions.get_policy(FunctionName="f")
        except botocore.exceptions.ClientError as error:
            codes.append(error.response["Error"]["Code"])
    assert codes.count("TooManyRequestsException") == quotas.throttled["GetPolicy"] >= 2
    functions.get_function(FunctionName="f")
    functions.list_functions()
    assert (quotas.throttled["GetFunction"], quotas.throttled["other"]) == (0, 0)


def test_quotas_let_the_rate_through(moto: Cloud, strict: Strict) -> None:
    """A client that retries gets its calls through at the rate and not faster."""
    aws = strict(moto, Quotas(scale=2, burst=0.1))  # 30 calls a second
    functions = client(aws, "lambda", retries=20)
    start = time.monotonic()
    for _ in range(30):
        functions.list_functions()
    assert time.monotonic() - start >= 0.8


def test_a_new_function_is_pending_and_refuses_changes(cloud: Cloud, strict: Strict) -> None:
    """After CreateFunction two looks find it Pending; an update meanwhile is a conflict."""
    aws = strict(cloud, UpdatesInProgress(calls=2))
    functions = client(aws, "lambda")
    assert make_function(aws, "f")["State"] == "Pending"
    code, message = refused(functions.update_function_code, FunctionName="f", ZipFile=NEW)
    assert (code, "Pending" in message) == ("ResourceConflictException", True)
    states = [functions.get_function(FunctionName="f")["Configuration"]["State"] for _ in range(3)]
    assert states == ["Pending", "Pending", "Active"]
    functions.update_function_code(FunctionName="f", ZipFile=NEW)


def test_an_update_in_progress_refuses_another(cloud: Cloud, strict: Strict) -> None:
    """Between update and waiter there is a conflict; botocore's waiter gets over it."""
    make_function(cloud, "f")
    aws = strict(cloud, UpdatesInProgress(calls=1))
    functions = client(aws, "lambda")
    answer = functions.update_function_configuration(FunctionName="f", MemorySize=256)
    assert answer["LastUpdateStatus"] == "InProgress"
    code, message = refused(functions.publish_version, FunctionName="f")
    assert code == "ResourceConflictException"
    assert "An update is in progress for resource: arn:aws:lambda:eu-west-1:" in message
    functions.get_waiter("function_updated_v2").wait(FunctionName="f", WaiterConfig={"Delay": 0})
    functions.update_function_code(FunctionName="f", ZipFile=NEW)


def test_an_update_takes_its_time(moto: Cloud, strict: Strict) -> None:
    """With ``seconds`` the update is over when the time is."""
    make_function(moto, "f")
    aws = strict(moto, UpdatesInProgress(calls=0, seconds=0.3))
    functions = client(aws, "lambda")
    functions.update_function_configuration(FunctionName="f", MemorySize=256)
    start = time.monotonic()
    while functions.get_function_configuration(FunctionName="f")["LastUpdateStatus"] == "InProgress":
        assert time.monotonic() - start < 5
    assert time.monotonic() - start > 0.2


def test_a_failed_update_keeps_the_old_code(cloud: Cloud, strict: Strict) -> None:
    """LastUpdateStatus says Failed and why; code and configuration are as before."""
    old = make_function(cloud, "f")["CodeSha256"]
    aws = strict(cloud, UpdatesInProgress(calls=1, fail={"f": ("SubnetOutOfIPAddresses", "No addresses")}))
    functions = client(aws, "lambda")
    functions.update_function_code(FunctionName="f", ZipFile=NEW)
    functions.get_function(FunctionName="f")
    config = functions.get_function(FunctionName="f")["Configuration"]
    assert (config["LastUpdateStatus"], config["LastUpdateStatusReasonCode"], config["CodeSha256"]) == (
        "Failed",
        "SubnetOutOfIPAddresses",
        old,
    )
    functions.update_function_code(FunctionName="f", ZipFile=NEW)  # the next one works
    functions.get_waiter("function_updated_v2").wait(FunctionName="f", WaiterConfig={"Delay": 0})


def test_a_failed_creation_ends_in_state_failed(cloud: Cloud, strict: Strict) -> None:
    """State says Failed with the reason's code."""
    aws = strict(cloud, UpdatesInProgress(calls=0, fail={"f": ("InvalidSubnet", "No such subnet")}))
    make_function(aws, "f")
    config = client(aws, "lambda").get_function(FunctionName="f")["Configuration"]
    assert (config["State"], config["StateReasonCode"]) == ("Failed", "InvalidSubnet")


def test_a_new_permission_is_not_seen_at_once(cloud: Cloud, strict: Strict) -> None:
    """The first notifications after AddPermission cannot be validated; then they can."""
    aws = strict(cloud, PermissionLag(calls=2), Notifications())
    make_bucket(aws, "uploads")
    arn = make_function(aws, "f")["FunctionArn"]
    allow_bucket(aws, "f", "uploads")
    fields = {
        "Bucket": "uploads",
        "NotificationConfiguration": {
            "LambdaFunctionConfigurations": [{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}]
        },
    }
    put = client(aws, "s3").put_bucket_notification_configuration
    assert "Unable to validate" in refused(put, **fields)[1]
    assert "Unable to validate" in refused(put, **fields)[1]
    put(**fields)


def test_a_new_role_is_not_seen_at_once(cloud: Cloud, strict: Strict) -> None:
    """The first CreateFunction after CreateRole is told that the role cannot be assumed."""
    aws = strict(cloud, RoleLag(calls=1))
    role = make_role(aws, "fresh")
    create = client(aws, "lambda").create_function
    fields = {
        "FunctionName": "f",
        "Role": role,
        "Runtime": "python3.12",
        "Handler": "app.handler",
        "Code": {"ZipFile": NEW},
    }
    assert refused(create, **fields) == (
        "InvalidParameterValueException",
        "The role defined for the function cannot be assumed by Lambda.",
    )
    create(**fields)


def names(aws: Proxy) -> list[str]:
    """The functions that ListFunctions shows."""
    pages = client(aws, "lambda").get_paginator("list_functions").paginate()
    return [item["FunctionName"] for page in pages for item in page["Functions"]]


def tagged(aws: Proxy, key: str) -> list[str]:
    """The functions that GetResources shows for a tag."""
    pages = (
        client(aws, "resourcegroupstaggingapi")
        .get_paginator("get_resources")
        .paginate(TagFilters=[{"Key": key}], ResourceTypeFilters=["lambda:function"])
    )
    return [
        item["ResourceARN"].rpartition(":")[2] for page in pages for item in page["ResourceTagMappingList"]
    ]


def test_listings_are_behind_writes(cloud: Cloud, strict: Strict) -> None:
    """Creation, tags and deletion show up in the second listing after them, in single reads at once."""
    aws = strict(cloud, ListingLag(calls=1), Pages())
    functions = client(aws, "lambda")
    arn = make_function(aws, "f", Tags={"owner": "me"})["FunctionArn"]
    functions.get_function(FunctionName="f")
    assert (names(aws), tagged(aws, "owner")) == ([], [])
    assert (names(aws), tagged(aws, "owner")) == (["f"], ["f"])
    functions.untag_resource(Resource=arn, TagKeys=["owner"])
    assert (tagged(aws, "owner"), tagged(aws, "owner")) == (["f"], [])
    functions.update_function_configuration(FunctionName="f", MemorySize=512)
    sizes = [functions.list_functions()["Functions"][0]["MemorySize"] for _ in range(3)]
    assert sizes[-1] == 512
    assert sizes[0] == 128
    functions.delete_function(FunctionName="f")
    assert (names(aws), names(aws)) == (["f"], [])


def test_functions_come_in_pages_of_fifty_without_state(cloud: Cloud, strict: Strict) -> None:
    """120 functions are three pages, whatever is asked for; State is not in them."""
    role = make_role(cloud)
    for number in range(120):
        make_function(cloud, f"f{number:03}", Role=role)
    aws = strict(cloud, Pages())
    functions = client(aws, "lambda")
    pages = [*functions.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 1000})]
    assert [len(page["Functions"]) for page in pages] == [50, 50, 20]
    listed = [item["FunctionName"] for page in pages for item in page["Functions"]]
    assert listed == [f"f{number:03}" for number in range(120)]
    assert "State" not in pages[0]["Functions"][0]
    assert "LastUpdateStatus" not in pages[0]["Functions"][0]


def test_tagged_resources_come_in_pages(cloud: Cloud, strict: Strict) -> None:
    """At most 100 resources a page."""
    role = make_role(cloud)
    for number in range(110):
        make_function(cloud, f"f{number:03}", Role=role, Tags={"owner": "me"})
    aws = strict(cloud, Pages())
    paginator = client(aws, "resourcegroupstaggingapi").get_paginator("get_resources")
    pages = [*paginator.paginate(ResourcesPerPage=100, TagFilters=[{"Key": "owner", "Values": ["me"]}])]
    assert [len(page["ResourceTagMappingList"]) for page in pages] == [100, 10]


def test_a_stale_revision_is_refused(cloud: Cloud, strict: Strict) -> None:
    """Each change has a new revision; the one before gives 412, also when the change was a state."""
    aws = strict(cloud, Revisions(), UpdatesInProgress(calls=0))
    functions = client(aws, "lambda")
    make_function(aws, "f")
    first = functions.get_function(FunctionName="f")["Configuration"]["RevisionId"]
    assert functions.list_functions()["Functions"][0]["RevisionId"] == first
    update = functions.update_function_configuration
    second = update(FunctionName="f", MemorySize=256, RevisionId=first)["RevisionId"]
    third = functions.get_function(FunctionName="f")["Configuration"]["RevisionId"]
    assert len({first, second, third}) == 3
    for stale in (first, second):
        code, _ = refused(update, FunctionName="f", MemorySize=512, RevisionId=stale)
        assert code == "PreconditionFailedException"
    functions.update_function_code(FunctionName="f", ZipFile=NEW, RevisionId=third)


def test_a_policy_has_the_revision_of_its_function(cloud: Cloud, strict: Strict) -> None:
    """AddPermission and RemovePermission change it; GetPolicy, GetFunction and ListFunctions tell one."""
    aws = strict(cloud, Revisions())
    functions = client(aws, "lambda")

    def told() -> str:
        found = {
            functions.get_function(FunctionName="f")["Configuration"]["RevisionId"],
            functions.list_functions()["Functions"][0]["RevisionId"],
        }
        (revision,) = found
        return str(revision)

    make_function(aws, "f")
    # The end of its creation is a revision, too, and comes when the emulator is ready.
    until(lambda: functions.get_function(FunctionName="f")["Configuration"]["State"] == "Active")
    made = told()
    allow_bucket(aws, "f", "a", sid="a")
    first = functions.get_policy(FunctionName="f")["RevisionId"]
    assert told() == first != made
    allow_bucket(aws, "f", "b", sid="b", RevisionId=first)
    remove = functions.remove_permission
    assert refused(remove, FunctionName="f", StatementId="a", RevisionId=first)[0] == (
        "PreconditionFailedException"
    )
    second = functions.get_policy(FunctionName="f")["RevisionId"]
    remove(FunctionName="f", StatementId="a", RevisionId=second)
    assert told() == functions.get_policy(FunctionName="f")["RevisionId"] not in (first, second)


def test_a_missing_package_is_refused(cloud: Cloud, strict: Strict) -> None:
    """CreateFunction and UpdateFunctionCode say what S3 said."""
    aws = strict(cloud, PackageExists())
    functions = client(aws, "lambda")
    make_bucket(cloud, "packages")
    make_function(cloud, "f")
    fields = {"FunctionName": "f", "S3Bucket": "packages", "S3Key": "a+b/c d.zip"}
    code, message = refused(functions.update_function_code, **fields)
    assert (code, "S3 Error Code: NoSuchKey." in message) == ("InvalidParameterValueException", True)
    with pytest.raises(botocore.exceptions.ClientError, match="NoSuchBucket"):
        make_function(aws, "g", Code={"S3Bucket": "no-such-bucket", "S3Key": "k"})
    upload(cloud, "packages", "a+b/c d.zip", NEW)
    functions.update_function_code(**fields)


def test_a_missing_role_and_an_unknown_runtime_are_refused(cloud: Cloud, strict: Strict) -> None:
    """Neither a role that does not exist nor a runtime that Lambda does not have is taken."""
    aws = strict(cloud, RoleExists(), KnownRuntime())
    with pytest.raises(botocore.exceptions.ClientError, match="cannot be assumed by Lambda"):
        make_function(aws, "f", Role="arn:aws:iam::123456789012:role/nobody")
    with pytest.raises(botocore.exceptions.ClientError, match="Value cobol85 at 'runtime'"):
        make_function(aws, "f", Runtime="cobol85")
    make_function(aws, "f")


def test_a_dry_run_changes_nothing(cloud: Cloud, strict: Strict) -> None:
    """It tells the digest that would be and leaves the old code."""
    aws = strict(cloud, DryRun())
    functions = client(aws, "lambda")
    old = make_function(cloud, "f")["CodeSha256"]
    told = functions.update_function_code(FunctionName="f", ZipFile=NEW, DryRun=True)["CodeSha256"]
    assert functions.get_function(FunctionName="f")["Configuration"]["CodeSha256"] == old
    assert functions.update_function_code(FunctionName="f", ZipFile=NEW)["CodeSha256"] == told


def test_statement_ids_are_unique(cloud: Cloud, strict: Strict) -> None:
    """A second statement with the id of another is a conflict; removing one that is not there a 404."""
    aws = strict(cloud, Statements())
    make_function(cloud, "f")
    allow_bucket(aws, "f", "a", sid="one")
    with pytest.raises(botocore.exceptions.ClientError, match="ResourceConflictException"):
        allow_bucket(aws, "f", "b", sid="one")
    remove = client(aws, "lambda").remove_permission
    remove(FunctionName="f", StatementId="one")
    assert refused(remove, FunctionName="f", StatementId="one")[0] == "ResourceNotFoundException"


def test_everything_together_works_for_a_patient_client(cloud: Cloud, strict: Strict) -> None:
    """With all rules on, a client that waits and retries gets a function and its trigger."""
    aws = strict(cloud, *everything(lag=1))
    functions, s3 = client(aws, "lambda"), client(aws, "s3")
    make_bucket(aws, "uploads")
    role = make_role(aws)
    with pytest.raises(botocore.exceptions.ClientError, match="cannot be assumed"):
        make_function(aws, "f", Role=role)
    arn = make_function(aws, "f", Role=role)["FunctionArn"]
    functions.get_waiter("function_active_v2").wait(FunctionName="f", WaiterConfig={"Delay": 0})
    allow_bucket(aws, "f", "uploads")
    fields = {
        "Bucket": "uploads",
        "ExpectedBucketOwner": "123456789012",
        "NotificationConfiguration": {
            "LambdaFunctionConfigurations": [{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}]
        },
    }
    assert "Unable to validate" in refused(s3.put_bucket_notification_configuration, **fields)[1]
    s3.put_bucket_notification_configuration(**fields)


def test_the_proxy_is_not_what_limits(moto: Cloud, strict: Strict) -> None:
    """Parallel clients through the proxy get as many answers right as there were questions."""
    aws = strict(moto, *everything(lag=0, quotas=1000.0))
    make_function(aws, "f")
    functions = client(aws, "lambda", max_pool_connections=8)
    answers: list[str] = []

    def work() -> None:
        for _ in range(20):
            answers.append(functions.get_function(FunctionName="f")["Configuration"]["FunctionName"])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["f"] * 160
