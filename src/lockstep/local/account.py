"""What the demo does in the local AWS that is not Lockstep's work: the roles of everybody else.

A platform team made the role and the buckets, another team has a notification on the same bucket, users
upload files, and somebody changes a function by hand.
"""

import contextlib
import io
import json
import os
import time
import zipfile
from typing import Any

from lockstep.errors import LockstepError
from lockstep.local.ministack import ACCOUNT, REGION
from lockstep.model.foreign import read_json

__all__ = ["BUCKET", "PACKAGES", "Account"]

BUCKET = "syrfapp-uploads"
PACKAGES = "camarades-terraform-state-aws"
_PATIENCE = 30.0  # seconds for an upload to reach a function's log
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
_HOTFIX = "def handler(event, context):\n    print('hotfix')\n"


class Account:
    """The account behind an endpoint."""

    def __init__(self, endpoint: str) -> None:
        import botocore.config
        import botocore.session

        # Nothing of the user's own account is looked for.
        session = botocore.session.Session(
            session_vars={
                "profile": (None, None, None, None),
                "config_file": (None, None, os.devnull, None),
                "credentials_file": (None, None, os.devnull, None),
            }
        )
        config = botocore.config.Config(s3={"addressing_style": "path"}, proxies={})

        def client(service: str) -> Any:
            return session.create_client(
                service,
                endpoint_url=endpoint,
                region_name=REGION,
                aws_access_key_id=ACCOUNT,
                aws_secret_access_key="local",  # noqa: S106 - the local cloud checks none
                config=config,
            )

        self._iam, self._s3, self._sqs = client("iam"), client("s3"), client("sqs")
        self._lambda, self._logs, self._watch = client("lambda"), client("logs"), client("cloudwatch")

    def prepare(self) -> None:
        """Make the execution role, both buckets, and another team's notification on the first."""
        self._iam.create_role(RoleName="s3-notifier", AssumeRolePolicyDocument=json.dumps(_TRUST))
        for bucket in (BUCKET, PACKAGES):
            self._s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        self._sqs.create_queue(QueueName="audit")
        entry = {
            "Id": "audit-team",
            "QueueArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:audit",
            "Events": ["s3:ObjectCreated:*"],
            "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "audit/"}]}},
        }
        self._s3.put_bucket_notification_configuration(
            Bucket=BUCKET, NotificationConfiguration={"QueueConfigurations": [entry]}
        )

    def upload(self, key: str) -> None:
        """Upload a file."""
        self._s3.put_object(Bucket=BUCKET, Key=key, Body=b"a paper")

    def message(self, function: str, key: str) -> dict[str, Any]:
        """Wait for the message about a file in a function's log; LockstepError when none comes."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            for message in self.messages(function):
                if message.get("key") == key:
                    return message
            time.sleep(0.05)
        raise LockstepError(
            f"{function} has not logged {key} within {_PATIENCE:.0f} s", doing="waiting for an upload"
        )

    def messages(self, function: str) -> list[dict[str, Any]]:
        """Every message in a function's log, oldest first."""
        try:
            pages = self._logs.get_paginator("filter_log_events").paginate(
                logGroupName=f"/aws/lambda/{function}"
            )
            lines = [line for page in pages for e in page["events"] for line in e["message"].splitlines()]
        except self._logs.exceptions.ResourceNotFoundException:
            return []
        found = []
        for line in lines:
            with contextlib.suppress(ValueError):
                message = read_json(line)
                if isinstance(message, dict):
                    found.append(message)
        return found

    def function(self, name: str) -> dict[str, Any] | None:
        """Return a function's configuration; None when there is no such function."""
        try:
            found: dict[str, Any] = self._lambda.get_function(FunctionName=name)["Configuration"]
        except self._lambda.exceptions.ResourceNotFoundException:
            return None
        return found

    def tamper(self, name: str) -> None:
        """Change a function's memory and code by hand."""
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("app.py", _HOTFIX)
        self._lambda.update_function_configuration(FunctionName=name, MemorySize=1024)
        self._lambda.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        self._lambda.update_function_code(FunctionName=name, ZipFile=package.getvalue())
        self._lambda.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})

    def watch(self, function: str, alias: str, *, alarm: str) -> None:
        """Make an alarm that fires when a call through an alias has failed in the last minute."""
        self._watch.put_metric_alarm(
            AlarmName=alarm,
            Namespace="AWS/Lambda",
            MetricName="Errors",
            Dimensions=_dimensions(function, alias),
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
        )

    def counted(self, function: str, alias: str, version: str) -> tuple[int, int]:
        """How many calls through an alias a version has had, and how many of them failed."""
        now = time.time()
        calls, errors = (
            sum(
                point["Sum"]
                for point in self._watch.get_metric_statistics(
                    Namespace="AWS/Lambda",
                    MetricName=metric,
                    Dimensions=_dimensions(function, alias, version),
                    StartTime=now - 3600,
                    EndTime=now + 60,
                    Period=60,
                    Statistics=["Sum"],
                )["Datapoints"]
            )
            for metric in ("Invocations", "Errors")
        )
        return round(calls), round(errors)

    def notifications(self) -> dict[str, str]:
        """Return who is told of uploads: prefix -> name of the function or queue."""
        found = self._s3.get_bucket_notification_configuration(Bucket=BUCKET)
        entries = found.get("LambdaFunctionConfigurations", []) + found.get("QueueConfigurations", [])
        result = {}
        for entry in entries:
            rules = entry.get("Filter", {}).get("Key", {}).get("FilterRules", [])
            prefix = next((rule["Value"] for rule in rules if rule["Name"].lower() == "prefix"), "")
            arn = entry.get("LambdaFunctionArn") or entry["QueueArn"]
            result[prefix] = arn.rpartition(":")[2]
        return result


def _dimensions(function: str, alias: str, version: str | None = None) -> list[dict[str, str]]:
    """As Lambda counts calls through an alias, all of them or those that a version had."""
    names = {"FunctionName": function, "Resource": f"{function}:{alias}"}
    names |= {"ExecutedVersion": version} if version else {}
    return [{"Name": name, "Value": value} for name, value in names.items()]
