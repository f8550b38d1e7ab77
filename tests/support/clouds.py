"""The two local AWS emulators as tests use them, and the few resources that most tests begin with.

MiniStack runs functions and honours revisions; moto is stricter about roles. What an emulator itself keeps
is tested on both (fixture ``each_cloud``). Where they differ, AWS documentation decides; ``tests.strict``
answers, on both alike, so that most behaviour needs one of them.
Each is one process for the test session (with xdist: one for each worker), emptied before every test.
"""

import contextlib
import functools
import io
import json
import sys
import threading
import zipfile
from collections.abc import Mapping
from typing import Any

import botocore.config
import botocore.exceptions
import botocore.session

from lockstep.local.ministack import ACCOUNT, REGION, LocalCloud, aws_environment
from lockstep.local.server import Server, call
from tests.strict.cloud import Cloud
from tests.support import keeping

__all__ = [
    "ACCOUNT",
    "REGION",
    "Cloud",
    "Moto",
    "allow_bucket",
    "client",
    "make_alarm",
    "make_bucket",
    "make_function",
    "make_http_api",
    "make_queue",
    "make_role",
    "make_topic",
    "make_zip",
    "start",
    "upload",
]

HANDLER = "import json\ndef handler(event, context):\n    print(json.dumps(event))\n    return event\n"


class Moto:
    """A running moto server. Functions are kept but never run."""

    kind = "moto"
    runs_functions = False

    def __init__(self, server: Server) -> None:
        self._server = server
        self.endpoint = server.endpoint
        self._configure()

    @classmethod
    def start(cls, account: str = ACCOUNT) -> "Moto":
        """Start moto, as one account, on loopback and a free port and wait until it answers."""
        return cls(
            Server.start(
                name="moto",
                command=lambda port: (
                    sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)
                ),
                environment=lambda port, folder: aws_environment(f"http://127.0.0.1:{port}")
                | {"HOME": str(folder), "TMPDIR": str(folder), "MOTO_ACCOUNT_ID": account},
                is_ready=lambda endpoint: bool(call(f"{endpoint}/moto-api/config", seconds=5)),
            )
        )  # fmt: skip

    def _configure(self) -> None:
        settings = json.dumps({"lambda": {"use_docker": False}}).encode()
        call(f"{self.endpoint}/moto-api/config", method="POST", body=settings)

    def environment(self, *, account: str = ACCOUNT, region: str = REGION) -> dict[str, str]:
        """Return a complete process environment in which AWS means this cloud."""
        return aws_environment(self.endpoint, account=account, region=region)

    def reset(self) -> None:
        """Forget everything."""
        call(f"{self.endpoint}/moto-api/reset", method="POST", seconds=30)
        self._configure()

    def stop(self) -> None:
        """End the server. Can be repeated."""
        self._server.stop()


def start(kind: str) -> LocalCloud | Moto:
    """Start the emulator of that name."""
    return LocalCloud.start(program=keeping.program()) if kind == "ministack" else Moto.start()


_LOCK = threading.Lock()


@functools.cache
def _session() -> botocore.session.Session:
    """One session for all clients: it reads each service's model once."""
    return botocore.session.Session()


def client(
    cloud: Cloud,
    service: str,
    *,
    account: str = ACCOUNT,
    region: str = REGION,
    retries: int = 0,
    **settings: Any,
) -> Any:
    """Return a botocore client that uses a cloud (or anything with an ``endpoint``).

    It never retries unless told to, so that a test sees each answer; ``settings`` go to
    ``botocore.config.Config``.
    """
    return _client(cloud.endpoint, service, account, region, retries, tuple(sorted(settings.items())))


@functools.lru_cache(maxsize=256)
def _client(
    endpoint: str,
    service: str,
    account: str,
    region: str,
    retries: int,
    settings: tuple[tuple[str, Any], ...],
) -> Any:
    """A client takes longer to make than most calls take: each is made once."""
    config = botocore.config.Config(
        retries={"mode": "standard", "total_max_attempts": retries + 1},
        s3={"addressing_style": "path"},
        proxies={},
        user_agent="tests",  # given whole, because botocore puts its own together anew for every call
        **dict(settings),
    )
    with _LOCK:  # making clients is not safe in threads; using them is
        return _session().create_client(
            service,
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id=account,
            aws_secret_access_key="local",
            config=config,
        )


def make_role(cloud: Cloud, name: str = "lambda-role", *, account: str = ACCOUNT) -> str:
    """Create an execution role that Lambda may assume, unless it exists; return its ARN."""
    iam = client(cloud, "iam", account=account)
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    return str(iam.get_role(RoleName=name)["Role"]["Arn"])


def make_bucket(cloud: Cloud, name: str, *, account: str = ACCOUNT, region: str = REGION) -> str:
    """Create a bucket unless it exists; return its name."""
    s3 = client(cloud, "s3", account=account, region=region)
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    return name


def make_alarm(cloud: Cloud, name: str, state: str) -> None:
    """Put a CloudWatch alarm that is in a state until a metric of its own is put."""
    watch = client(cloud, "cloudwatch")
    watch.put_metric_alarm(
        AlarmName=name,
        Namespace="Shop",
        MetricName="Failed",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    watch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test")


def upload(cloud: Cloud, bucket: str, key: str, body: bytes = b"x", *, account: str = ACCOUNT) -> None:
    """Put an object."""
    client(cloud, "s3", account=account).put_object(Bucket=bucket, Key=key, Body=body)


def make_zip(source: str | Mapping[str, str] = HANDLER) -> bytes:
    """Return a package with the same bytes each time: one ``app.py``, or the files of a mapping."""
    files = {"app.py": source} if isinstance(source, str) else source
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        for name, text in sorted(files.items()):
            package.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), text)
    return buffer.getvalue()


def make_function(
    cloud: Cloud, name: str, *, source: str = HANDLER, account: str = ACCOUNT, **fields: Any
) -> dict[str, Any]:
    """Create a Python function (``app.handler``) with the usual role; return CreateFunction's answer."""
    settings: dict[str, Any] = {
        "FunctionName": name,
        "Runtime": "python3.12",
        "Handler": "app.handler",
        "Code": {"ZipFile": make_zip(source)},
    } | fields
    if "Role" not in settings:
        settings["Role"] = make_role(cloud, account=account)
    created: dict[str, Any] = client(cloud, "lambda", account=account).create_function(**settings)
    return created


def allow_bucket(
    cloud: Cloud, function: str, bucket: str, *, sid: str = "s3", account: str = ACCOUNT, **fields: Any
) -> None:
    """Let a bucket of the account call a function."""
    client(cloud, "lambda", account=account).add_permission(
        FunctionName=function,
        StatementId=sid,
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{bucket}",
        SourceAccount=account,
        **fields,
    )


def make_queue(cloud: Cloud, name: str, *, account: str = ACCOUNT) -> str:
    """Create an SQS queue, for example as somebody else's notification destination; return its ARN."""
    sqs = client(cloud, "sqs", account=account)
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(found["Attributes"]["QueueArn"])


def make_http_api(cloud: Cloud, api: str = "abcdef1234") -> str:
    """Create an HTTP API of an id that MiniStack takes from a tag, with a stage; return the id."""
    http = client(cloud, "apigatewayv2")
    if api not in [one["ApiId"] for one in http.get_apis()["Items"]]:
        http.create_api(Name="shop", ProtocolType="HTTP", Tags={"ms-custom-id": api})
        http.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    return api


def make_topic(cloud: Cloud, name: str, *, account: str = ACCOUNT) -> str:
    """Create an SNS topic; return its ARN."""
    return str(client(cloud, "sns", account=account).create_topic(Name=name)["TopicArn"])
