"""Log groups: how long events are kept.

Source: CloudWatch Logs API reference (DescribeLogGroups, PutRetentionPolicy, DeleteRetentionPolicy,
DeleteLogGroup).
"""

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import code_of
from lockstep.engines.aws.pace import Pace, must_settle
from lockstep.engines.aws.passing import persist
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
    group = step.log_group
    _change(connection, pace, "logs", "CreateLogGroup", group, done="ResourceAlreadyExistsException")
    if step.days is None:
        _change(connection, pace, "logs", "DeleteRetentionPolicy", group)
    else:
        _change(connection, pace, "logs", "PutRetentionPolicy", group, retentionInDays=step.days)
    must_settle(
        connection,
        pace,
        lambda: retention(connection, step.log_group) == step.days,
        f"the retention of {step.log_group}",
        "logs:DescribeLogGroups",
    )


def delete(connection: Connection, group: str, pace: Pace) -> None:
    """Delete a log group with all that is in it; one that is not there is what was wanted."""
    _change(connection, pace, "logs", "DeleteLogGroup", group, done="ResourceNotFoundException")


def _change(
    connection: Connection,
    pace: Pace,
    service: str,
    operation: str,
    group: str,
    *,
    done: str = "",
    **params: int,
) -> None:
    """Make one change, again when another one is under way. ``done`` is the error of what is so already."""
    try:
        persist(connection, pace, service, operation, {"logGroupName": group, **params})
    except Exception as error:
        if not done or code_of(error) != done:
            raise connection.explain(error, service, operation) from error
