"""Live functions by name, tag or stack, and where AWS hands out their code. Changes nothing."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from lockstep.engines.aws.connection import Connection

__all__ = ["code_location", "function_names"]

_STACK = "aws:cloudformation:stack-name"


def function_names(
    connection: Connection, patterns: Iterable[str], *, tag: str | None = None, stack: str | None = None
) -> list[str]:
    """Names of live functions that a pattern matches (none: all), sorted; ``tag`` and ``stack`` narrow them.

    ``tag`` is ``KEY`` or ``KEY=VALUE``. Functions of other masters are among them: their marks are the
    plan's to tell.
    """
    filters = []
    for text in (tag, f"{_STACK}={stack}" if stack is not None else None):
        if text is not None:
            key, equals, value = text.partition("=")
            filters.append({"Key": key, **({"Values": [value]} if equals else {})})
    if filters:
        pages = connection.pages(
            *("resourcegroupstaggingapi", "GetResources", "ResourceTagMappingList"),
            *("PaginationToken", "PaginationToken"),
            TagFilters=filters,
            ResourceTypeFilters=["lambda:function"],
        )
        live = [str(one["ResourceARN"]).rpartition(":function:")[2].partition(":")[0] for one in pages]
    else:
        pages = connection.pages("lambda", "ListFunctions", "Functions", "Marker", "NextMarker")
        live = [str(one["FunctionName"]) for one in pages]
    wanted = tuple(patterns) or ("*",)
    return sorted({name for name in live if any(fnmatchcase(name, pattern) for pattern in wanted)})


def code_location(connection: Connection, function: str, qualifier: str = "") -> str | None:
    """The URL at which AWS hands out a function's code for ten minutes; it is a secret, and goes nowhere.

    None where there is no such function, or its code is an image.
    """
    extra = {"Qualifier": qualifier} if qualifier else {}
    answer = connection.find("lambda", "GetFunction", FunctionName=function, **extra)
    code = (answer or {}).get("Code", {})
    return str(code["Location"]) if code.get("RepositoryType") == "S3" or "Location" in code else None
