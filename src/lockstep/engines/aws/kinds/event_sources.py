"""Event source mappings: every write is asynchronous, and the answer to a listing tells its state.

Source: Lambda API reference; developer guide, "Using Lambda with Amazon SQS" (a queue hides messages at
least as long as the function may take, which is checked when the mapping is made).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lockstep.engines.aws.connection import Connection
from lockstep.errors import CloudError, Interrupted, LockstepError, NoCredentials
from lockstep.model import Field, Resource, Value
from lockstep.model.fields import to_api
from lockstep.model.kinds.event_sources import KIND, usual_batch

__all__ = ["KIND", "put", "read", "remove", "sweep", "under_way"]

_STABLE = frozenset({"Enabled", "Disabled"})


def read(
    connection: Connection, function: str, qualifier: str, sought: Mapping[str, str]
) -> Iterable[Resource]:
    """Those of one function or alias; one that is being deleted is gone."""
    called = f"{function}:{qualifier}" if qualifier else function
    for one in _listed(connection, FunctionName=called):
        name, at = _called(one)
        if (name, at) == (function, qualifier) and (found := _resource(one, qualifier)) is not None:
            yield found


def sweep(connection: Connection) -> Iterator[tuple[str, Resource]]:
    """All in the account and Region, 100 a call."""
    for one in _listed(connection):
        name, qualifier = _called(one)
        if (found := _resource(one, qualifier)) is not None:
            yield name, found


def put(connection: Connection, function: str, resource: Resource, live: Resource | None) -> None:
    """Create it, or change what is there, its alias included."""
    _check_visibility(connection, function, resource)
    called = f"{function}:{resource.qualifier}" if resource.qualifier else function
    rows = [row for row in KIND.rows if row.name in resource.settings]
    if live is None:
        request = to_api("", resource.settings, rows)
        connection.call("lambda", "CreateEventSourceMapping", FunctionName=called, **request)
        return
    request = to_api("", resource.settings, [row for row in rows if not row.fixed])
    for row in KIND.rows:
        is_reset = row.name in live.settings and row.name not in resource.settings and not row.kept
        if is_reset and not row.fixed:
            _reset(request, row, resource.settings)
    connection.call("lambda", "UpdateEventSourceMapping", UUID=live.handle, FunctionName=called, **request)


def remove(connection: Connection, function: str, live: Resource) -> None:
    """Delete it; what it has not handed over yet stays where it is."""
    connection.find("lambda", "DeleteEventSourceMapping", UUID=live.handle)


def under_way(connection: Connection, live: Resource) -> str:
    """The state of one that is being created, changed or deleted."""
    source = live.settings.get("source")
    about = {"EventSourceArn": source} if source else {}
    states = (one["State"] for one in _listed(connection, **about) if one["UUID"] == live.handle)
    state = str(next(states, ""))
    return "" if state in _STABLE else state


def _listed(connection: Connection, **about: Any) -> Iterator[dict[str, Any]]:
    return connection.pages(
        "lambda",
        "ListEventSourceMappings",
        "EventSourceMappings",
        "Marker",
        "NextMarker",
        MaxItems=100,
        **about,
    )


def _called(mapping: dict[str, Any]) -> tuple[str, str]:
    name, _, qualifier = str(mapping["FunctionArn"]).partition(":function:")[2].partition(":")
    return name, qualifier


def _resource(mapping: dict[str, Any], qualifier: str) -> Resource | None:
    if mapping["State"] == "Deleting":
        return None
    if error := mapping.get("FilterCriteriaError"):
        # Encrypted with a key that the reader may not use: not the same as no filters.
        why = {"ErrorCode": error.get("ErrorCode"), "Message": error.get("Message")}
        mapping = {**mapping, "FilterCriteria": {"Error": why}}
    return KIND.read(mapping, qualifier)


def _reset(request: dict[str, Any], row: Field, settings: Mapping[str, Value]) -> None:
    """Say that a row goes back to AWS's default; a structure without members removes it."""
    *parents, leaf = row.api.split(".")
    if not parents and row.reset is None:
        request[leaf] = usual_batch(settings)
        return
    if row.reset is None or row.reset == {}:
        request.setdefault(parents[0], {})
        return
    place = request
    for part in parents:
        place = place.setdefault(part, {})
    place[leaf] = row.reset


def _check_visibility(connection: Connection, function: str, resource: Resource) -> None:
    """Tell what Lambda would refuse, with both numbers. A queue that nobody may look at is left to Lambda."""
    arn = str(resource.settings.get("source", "")).split(":")
    if arn[2:3] != ["sqs"]:
        return
    try:
        url = connection.call("sqs", "GetQueueUrl", QueueName=arn[5], QueueOwnerAWSAccountId=arn[4])
        found = connection.call(
            "sqs", "GetQueueAttributes", QueueUrl=url["QueueUrl"], AttributeNames=["VisibilityTimeout"]
        )
    except (Interrupted, NoCredentials):
        raise
    except LockstepError:
        return
    at = {"Qualifier": resource.qualifier} if resource.qualifier else {}
    answer = connection.call("lambda", "GetFunction", FunctionName=function, **at)
    timeout = int(answer["Configuration"]["Timeout"])
    hidden = int(found["Attributes"].get("VisibilityTimeout", timeout))
    if hidden < timeout:
        raise CloudError(
            f"the queue {arn[5]} hides a message for {hidden} s and {function} may take {timeout} s, which "
            "Lambda refuses",
            where="sqs:GetQueueAttributes",
            fix=f"raise the queue's visibility timeout to {timeout} s at least (AWS advises six times as "
            "much), or lower lambda.timeout, then run again",
        )
