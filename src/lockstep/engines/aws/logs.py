"""Log groups: how long events are kept.

Source: CloudWatch Logs API reference (DescribeLogGroups, PutRetentionPolicy, DeleteRetentionPolicy,
DeleteLogGroup).
"""

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import code_of
from lockstep.engines.aws.pace import Pace, settles
from lockstep.errors import CloudError
from lockstep.model import SetLogRetention

__all__ = ["apply", "delete", "retention", "retentions"]


def retentions(connection: Connection, prefix: str) -> dict[str, int | None]:
    """Days that each log group of a prefix keeps its events (None: for ever); 50 to a call.

    The empty prefix is every group; the API takes it only by being left out.
    """
    wanted = {"logGroupNamePrefix": prefix} if prefix else {}
    groups = connection.pages(
        "logs",
        "DescribeLogGroups",
        "logGroups",
        "nextToken",
        "nextToken",
        limit=50,
        **wanted,
    )
    return {group["logGroupName"]: group.get("retentionInDays") for group in groups}


def retention(connection: Connection, group: str) -> int | None:
    """Days that one log group keeps its events; None for ever, or when there is no such group."""
    return retentions(connection, group).get(group)


def apply(connection: Connection, step: SetLogRetention, pace: Pace) -> None:
    """Set the retention, creating the group when Lambda has not done so yet, and read it back."""
    try:
        connection.try_call("logs", "CreateLogGroup", logGroupName=step.log_group)
    except Exception as error:
        if code_of(error) not in {"ResourceAlreadyExistsException", "OperationAbortedException"}:
            raise connection.explain(error, "logs", "CreateLogGroup") from error
    if step.days is None:
        connection.call("logs", "DeleteRetentionPolicy", logGroupName=step.log_group)
    else:
        connection.call("logs", "PutRetentionPolicy", logGroupName=step.log_group, retentionInDays=step.days)
    if settles(connection, pace, lambda: retention(connection, step.log_group) == step.days):
        return
    raise CloudError(
        f"the retention of {step.log_group} was set, but reading it back shows another",
        where="logs:DescribeLogGroups",
        fix="look whether something else sets it, then run again",
    )


def delete(connection: Connection, group: str) -> None:
    """Delete a log group with all that is in it; one that is not there is what was wanted."""
    try:
        connection.try_call("logs", "DeleteLogGroup", logGroupName=group)
    except Exception as error:
        if code_of(error) != "ResourceNotFoundException":
            raise connection.explain(error, "logs", "DeleteLogGroup") from error
