"""The strict AWS passes everything through, records it, and calls back at the right moment."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.strict import Proxy
from tests.support.clouds import Cloud, client, make_bucket, make_function, make_role, make_zip, upload

Strict = Callable[..., Proxy]


def test_every_call_is_recorded_by_name(cloud: Cloud, strict: Strict) -> None:
    """Operations of all protocols are named, reads and writes told apart."""
    aws = strict(cloud)
    role = make_role(aws)
    make_bucket(aws, "some-bucket")
    upload(aws, "some-bucket", "a key/with+signs.zip", make_zip())
    s3, functions = client(aws, "s3"), client(aws, "lambda")
    assert s3.get_object(Bucket="some-bucket", Key="a key/with+signs.zip")["Body"].read() == make_zip()
    s3.head_object(Bucket="some-bucket", Key="a key/with+signs.zip")
    s3.copy_object(Bucket="some-bucket", Key="b", CopySource="some-bucket/a key/with+signs.zip")
    s3.list_objects_v2(Bucket="some-bucket")
    s3.list_buckets()
    arn = make_function(aws, "f", Role=role)["FunctionArn"]
    functions.get_function(FunctionName=arn)
    functions.update_function_code(FunctionName="f", ZipFile=make_zip("x = 1"))
    functions.update_function_configuration(FunctionName="f", MemorySize=256)
    functions.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
    functions.get_function_concurrency(FunctionName="f")
    functions.tag_resource(Resource=arn, Tags={"a": "b"})
    functions.list_tags(Resource=arn)
    functions.list_functions()
    functions.delete_function(FunctionName="f")
    client(aws, "sts").get_caller_identity()
    client(aws, "logs").create_log_group(logGroupName="/aws/lambda/f")
    client(aws, "resourcegroupstaggingapi").get_resources()
    assert list(aws.counts()) == [
        "iam.CreateRole",
        "iam.GetRole",
        "s3.CreateBucket",
        "s3.PutObject",
        "s3.GetObject",
        "s3.HeadObject",
        "s3.CopyObject",
        "s3.ListObjectsV2",
        "s3.ListBuckets",
        "lambda.CreateFunction",
        "lambda.GetFunction",
        "lambda.UpdateFunctionCode",
        "lambda.UpdateFunctionConfiguration",
        "lambda.PutFunctionConcurrency",
        "lambda.GetFunctionConcurrency",
        "lambda.TagResource",
        "lambda.ListTags",
        "lambda.ListFunctions",
        "lambda.DeleteFunction",
        "sts.GetCallerIdentity",
        "logs.CreateLogGroup",
        "tagging.GetResources",
    ]
    assert "lambda.GetFunction" not in aws.counts(mutating=True)
    assert set(aws.counts(mutating=False)) & {"iam.CreateRole", "lambda.TagResource"} == set()
    assert aws.named("lambda.GetFunction")[0].operation.params["FunctionName"] == arn
    assert aws.named("s3.HeadObject")[0].summary == "s3.HeadObject some-bucket a key/with+signs.zip"
    aws.forget()
    assert aws.counts() == {}


def test_large_bodies_pass_unchanged(cloud: Cloud, strict: Strict) -> None:
    """An object of several megabytes goes up and comes down with the same bytes."""
    aws = strict(cloud)
    make_bucket(aws, "some-bucket")
    body = os.urandom(3_000_000)
    upload(aws, "some-bucket", "large", body)
    assert client(aws, "s3").get_object(Bucket="some-bucket", Key="large")["Body"].read() == body


def test_calls_in_parallel_keep_their_numbers(cloud: Cloud, strict: Strict) -> None:
    """Every call of many threads is recorded once, with a number of its own."""
    aws = strict(cloud)
    make_bucket(aws, "some-bucket")
    aws.forget()
    s3 = client(aws, "s3", max_pool_connections=8)

    def work(number: int) -> None:
        for turn in range(10):
            s3.put_object(Bucket="some-bucket", Key=f"{number}/{turn}", Body=b"")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert aws.counts() == {"s3.PutObject": 80}
    assert sorted(call.mutation or 0 for call in aws.calls) == [*range(1, 81)]
    assert len({call.operation.params["Key"] for call in aws.calls}) == 80


@pytest.mark.parametrize(("when", "taken"), [("before", 1), ("after", 2)])
def test_a_client_can_be_killed_around_a_call(
    cloud: Cloud, strict: Strict, tmp_path: Path, when: str, taken: int
) -> None:
    """kill -9 before call 3 leaves one effect of two writes, after it two."""
    aws = strict(cloud)
    make_bucket(cloud, "some-bucket")
    code = (
        "import botocore.session as b\n"
        "s3 = b.Session().create_client('s3')\n"
        "s3.put_object(Bucket='some-bucket', Key='1')\n"
        "s3.list_buckets()\n"
        "s3.put_object(Bucket='some-bucket', Key='2')\n"
        "s3.put_object(Bucket='some-bucket', Key='3')\n"
    )
    started = threading.Event()

    def kill(_: object) -> None:
        started.wait()
        process.kill()
        process.wait()

    aws.on_call(2, kill, when=when, counting="mutating")
    process = subprocess.Popen([sys.executable, "-c", code], env=aws.environment())
    started.set()
    assert process.wait(timeout=60) == -signal.SIGKILL
    found = client(cloud, "s3").list_objects_v2(Bucket="some-bucket")["Contents"]
    assert len(found) == taken
