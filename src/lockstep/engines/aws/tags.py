"""Tags of functions: ours are put and removed by key, everybody else's stay.

Source: Lambda API reference (TagResource, UntagResource) and the tagging API (GetResources).
"""

from collections.abc import Mapping
from typing import Any

from lockstep.engines.aws.answers import odd
from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.function import get as get_function
from lockstep.engines.aws.function import when_ready
from lockstep.engines.aws.pace import Pace, settles
from lockstep.errors import CloudError
from lockstep.model import SetTags
from lockstep.model.foreign import shaped

__all__ = ["apply", "owned"]


def owned(connection: Connection) -> dict[str, dict[str, str]]:
    """Tags of every function that some Lockstep project owns, by ARN; 100 to a call."""
    found = connection.pages(
        "resourcegroupstaggingapi",
        "GetResources",
        "ResourceTagMappingList",
        "PaginationToken",
        "PaginationToken",
        TagFilters=[{"Key": "lockstep:project"}],
        ResourceTypeFilters=["lambda:function"],
        ResourcesPerPage=100,
    )
    with shaped(odd("resourcegroupstaggingapi:GetResources", "a tag has no value")):
        return {one["ResourceARN"]: {tag["Key"]: tag["Value"] for tag in one["Tags"]} for one in found}


def apply(connection: Connection, step: SetTags, pace: Pace) -> None:
    """Put and remove tags and read them back."""
    arn = step.function
    if not arn.startswith("arn:"):
        arn = connection.scope.function_arn(step.function)
    if step.put:
        _change(connection, pace, "TagResource", arn, Tags=dict(step.put))
    if step.remove:
        _change(connection, pace, "UntagResource", arn, TagKeys=list(step.remove))

    def has() -> bool:
        function = get_function(connection, arn)
        return function is not None and _has(function.tags, step)

    if settles(connection, pace, has):
        return
    raise CloudError(
        f"the tags of {arn.rsplit(':', 1)[-1]} were set, but reading them back shows others",
        where="lambda:GetFunction",
        fix="look whether something else changes these tags, then run again",
    )


def _change(connection: Connection, pace: Pace, operation: str, arn: str, **params: Any) -> None:
    try:
        when_ready(connection, pace, arn, operation, Resource=arn, **params)
    except Exception as error:
        raise connection.explain(error, "lambda", operation) from error


def _has(tags: Mapping[str, str | None], step: SetTags) -> bool:
    put = all(tags.get(key) in (value, step.later.get(key, value)) for key, value in step.put.items())
    return put and not any(key in tags for key in step.remove)
