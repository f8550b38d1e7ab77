"""The local cloud shares calls by an alias's weights, and counts what became of them."""

import time
from typing import Any

from lockstep.local.ministack import LocalCloud
from tests.support.clouds import client, make_bucket, make_function, upload
from tests.support.waiting import until

NAME = "shared"
SECOND_FAILS = """
def handler(event, context):
    if context.function_version == "2":
        raise ValueError("2 is bad")
    print("1 IS WELL, " + context.invoked_function_arn)
"""


def dimensions(version: str) -> list[dict[str, str]]:
    """As Lambda counts the calls that a version had through the alias."""
    names = {"FunctionName": NAME, "Resource": f"{NAME}:live", "ExecutedVersion": version}
    return [{"Name": name, "Value": value} for name, value in names.items()]


def counted(cloud: LocalCloud, metric: str, version: str) -> float:
    """The sum of a metric of Lambda's own."""
    now = time.time()
    stat = {"Metric": {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": dimensions(version)}}
    found = client(cloud, "cloudwatch").get_metric_data(
        MetricDataQueries=[{"Id": "m", "MetricStat": {**stat, "Period": 60, "Stat": "Sum"}}],
        StartTime=now - 600,
        EndTime=now + 60,
    )
    return float(sum(found["MetricDataResults"][0]["Values"]))


def make_alarm(watch: Any, version: str) -> None:
    """An alarm of the errors of one version."""
    watch.put_metric_alarm(
        AlarmName=version,
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Dimensions=dimensions(version),
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
    )


def test_calls_through_an_alias_are_drawn_and_counted_by_version(ministack: LocalCloud) -> None:
    """Invoke and uploads alike; an alarm is judged by the version that it names, and by no other."""
    functions, watch = client(ministack, "lambda"), client(ministack, "cloudwatch")
    make_function(ministack, NAME, source=SECOND_FAILS)
    for timeout in (8, 9):
        functions.update_function_configuration(FunctionName=NAME, Timeout=timeout)
        functions.publish_version(FunctionName=NAME)
    for version in ("1", "2"):
        make_alarm(watch, version)
    weights = {"AdditionalVersionWeights": {"2": 1.0}}
    alias = functions.create_alias(FunctionName=NAME, Name="live", FunctionVersion="1", RoutingConfig=weights)
    entry = {"LambdaFunctionArn": alias["AliasArn"], "Events": ["s3:ObjectCreated:*"]}
    bucket = make_bucket(ministack, "shared-uploads")
    client(ministack, "s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [entry]}
    )
    answer = functions.invoke(FunctionName=NAME, Qualifier="live")
    assert (answer["ExecutedVersion"], answer["FunctionError"]) == ("2", "Unhandled")
    upload(ministack, bucket, "one")
    until(lambda: counted(ministack, "Errors", "2") >= 2)
    none: dict[str, float] = {}
    functions.update_alias(FunctionName=NAME, Name="live", RoutingConfig={"AdditionalVersionWeights": none})
    upload(ministack, bucket, "two")
    until(lambda: counted(ministack, "Invocations", "1") >= 1)
    assert counted(ministack, "Errors", "1") == 0
    assert counted(ministack, "Errors", "2") == counted(ministack, "Invocations", "2")
    states = {one["AlarmName"]: one["StateValue"] for one in watch.describe_alarms()["MetricAlarms"]}
    assert states == {"1": "OK", "2": "ALARM"}
    said = client(ministack, "logs").filter_log_events(logGroupName=f"/aws/lambda/{NAME}")["events"]
    assert f"1 IS WELL, {alias['AliasArn']}" in [event["message"] for event in said]
