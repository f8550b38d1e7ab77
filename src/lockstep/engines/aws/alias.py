"""Published versions and the aliases that point at them.

Source: Lambda API reference (PublishVersion, ListVersionsByFunction, GetAlias, CreateAlias, UpdateAlias,
DeleteAlias) and developer guide, "Manage Lambda function versions" and "Create an alias for a Lambda
function".
"""

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from lockstep.engines.aws import function as functions
from lockstep.engines.aws import permission
from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import Stale, code_of, message_of
from lockstep.engines.aws.function import when_ready
from lockstep.engines.aws.pace import Pace, settles
from lockstep.errors import CloudError
from lockstep.model import (
    Alias,
    DeleteAlias,
    DeleteVersion,
    Function,
    Health,
    Published,
    PublishVersion,
    PutAlias,
    Target,
)
from lockstep.model.alias import LATEST, dated, is_ours, undated, written_at
from lockstep.model.rolling import named_beside
from lockstep.planning.aliases import differing
from lockstep.planning.diff import diff_code, diff_settings, with_ignored

__all__ = ["delete", "delete_version", "must_read", "publish", "put", "read", "update", "with_versions"]


def read(connection: Connection, function: str, name: str) -> Alias | None:
    """One alias and the version that it points at, by two calls; None when there is none.

    A third one asks for the other version of a rollout.
    """
    answer = connection.find("lambda", "GetAlias", FunctionName=function, Name=name)
    if answer is None:
        return None
    told = as_told(answer)
    other = named_beside(told.description, told.version)
    return replace(
        told,
        function=None if told.version == LATEST else functions.get(connection, function, told.version),
        candidate=None if other is None else functions.get(connection, function, other),
    )


def publish(connection: Connection, step: PublishVersion, pace: Pace) -> str:
    """The number of a version that is what is wanted, and ready; published where there is none.

    What is published is what was just read and compared, to the revision. Raises Stale when the function is
    not, or is not any more, what it was to become.
    """
    wanted = step.function
    found = next(_alike(connection, step), None)
    if found is None:
        live = functions.wait_until_ready(connection, wanted.name, pace)
        _check(step, live)
        found = _publish(connection, step, live, pace)
    version = functions.wait_until_ready(connection, wanted.name, pace, found)
    if off := differing(wanted, functions.masked_like(version, wanted), step.ignore):
        paths = ", ".join(sorted({change.path for change in off}))
        raise CloudError(
            f"version {found} of {wanted.name} was published, but reading it back shows other {paths}",
            where="lambda:GetFunction",
            fix="look whether something else changes this function at the same time, then run again",
        )
    return found


def put(connection: Connection, step: PutAlias, number: str, now: datetime, pace: Pace) -> None:
    """Point the alias at a version with all calls, and read it back. Raises Stale when it was changed since.

    The routing is sent each time: a call that leaves it out may leave the weights of before.
    """
    request: dict[str, Any] = {
        "FunctionName": step.function,
        "Name": step.alias,
        "FunctionVersion": number,
        "Description": dated(step.description, number, now),
        "RoutingConfig": {"AdditionalVersionWeights": {}},
    }
    if step.revision is None:
        try:
            when_ready(connection, pace, step.function, "CreateAlias", **request)
        except Exception as error:
            # One that exists may be ours from a call whose answer was lost; the read-back tells.
            if code_of(error) not in _EXISTS:
                raise connection.explain(error, "lambda", "CreateAlias") from error
    else:
        update(connection, request | {"RevisionId": step.revision}, pace)

    def agrees(there: Alias) -> bool:  # whatever the time is that a call whose answer was lost left
        return (there.version, undated(there.description), there.weights) == (number, step.description, {})

    must_read(connection, pace, step.function, step.alias, agrees)


def must_read(
    connection: Connection, pace: Pace, function: str, name: str, agrees: Callable[[Alias], bool]
) -> None:
    """Read an alias back until it is as it was set. Raises Stale when it is not."""

    def is_so() -> bool:
        answer = connection.find("lambda", "GetAlias", FunctionName=function, Name=name)
        return answer is not None and agrees(as_told(answer))

    if not settles(connection, pace, is_so):
        raise Stale(
            f"the alias {name} of {function} was set, but reading it back shows something else",
            where="lambda:GetAlias",
            fix="look whether something else sets it, then run again",
        )


def update(connection: Connection, request: Mapping[str, Any], pace: Pace) -> None:
    """Change an alias in one call, to the revision that was read. Raises Stale when it was changed since."""
    name, function = request["Name"], request["FunctionName"]
    try:
        when_ready(connection, pace, function, "UpdateAlias", **request)
    except Exception as error:
        if code_of(error) != "PreconditionFailedException":
            raise connection.explain(error, "lambda", "UpdateAlias") from error
        raise Stale(
            f"the alias {name} of {function} was changed since it was read",
            where="lambda:UpdateAlias",
            fix="run again",
        ) from error


def delete(connection: Connection, step: DeleteAlias) -> None:
    """Delete an alias; one that is gone already is what was wanted."""
    connection.find("lambda", "DeleteAlias", FunctionName=step.function, Name=step.alias)


def delete_version(connection: Connection, step: DeleteVersion) -> None:
    """Delete one published version; AWS refuses one that an alias names by now."""
    if not step.version.isdigit():  # without one, AWS deletes the whole function
        raise ValueError(step.version)
    connection.find("lambda", "DeleteFunction", FunctionName=step.function, Qualifier=step.version)


def with_versions(connection: Connection, target: Target) -> Target:
    """The live target with its published versions, who needs each, and since when the alias is as it is.

    What has a policy or provisioned concurrency of its own is asked of those alone that could go.
    """
    function = target.function
    assert function is not None  # noqa: S101 - only functions have versions
    named: dict[str, list[str]] = {}
    project = function.owner[0] if function.owner else ""
    since: list[datetime | None] = []  # since when each alias of ours points where it does
    aliases = connection.pages(
        "lambda", "ListAliases", "Aliases", "Marker", "NextMarker", FunctionName=function.name, MaxItems=50
    )
    for one in map(as_told, aliases):
        if is_ours(one.description, project):
            since.append(written_at(one))
        for number in (one.version, *one.weights):
            named.setdefault(number, []).append(one.name)
    published = [
        Published(
            number=str(one["Version"]),
            description=str(one.get("Description") or ""),
            function=_as_version(one, function),
            aliases=tuple(named.get(str(one["Version"]), ())),
        )
        for one in _published(connection, function.name)
    ]
    written = [when for when in since if when is not None]
    is_known = bool(written) and len(written) == len(since)
    settled = max(0, int((datetime.now(UTC) - max(written)).total_seconds())) if is_known else None
    older = [one for one in published if is_ours(one.description, project)][target.keep_versions - 1 :]
    could_go = {one.number for one in older if not one.aliases}
    return replace(
        target,
        versions=tuple(
            replace(one, needs=_needs(connection, function.name, one.number))
            if one.number in could_go
            else one
            for one in published
        ),
        settled=settled,
    )


def as_told(answer: Mapping[str, Any]) -> Alias:
    """An alias as AWS tells of it, without the versions that it names."""
    return Alias(
        name=str(answer["Name"]),
        version=str(answer["FunctionVersion"]),
        weights=dict((answer.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}),
        description=str(answer.get("Description") or ""),
        revision=answer.get("RevisionId"),
    )


def _needs(connection: Connection, function: str, number: str) -> str:
    """What a version has of its own, in words."""
    try:
        connection.try_call(
            "lambda", "GetProvisionedConcurrencyConfig", FunctionName=function, Qualifier=number
        )
    except Exception as error:
        if code_of(error) not in (
            "ProvisionedConcurrencyConfigNotFoundException",
            "ResourceNotFoundException",
        ):
            raise connection.explain(error, "lambda", "GetProvisionedConcurrencyConfig") from error
    else:
        return "it has provisioned concurrency"
    return "it has a policy of its own" if permission.read(connection, function, number).statements else ""


def _published(connection: Connection, function: str) -> list[dict[str, Any]]:
    """All published versions as a listing shows them, the newest first."""
    pages = connection.pages(
        "lambda",
        "ListVersionsByFunction",
        "Versions",
        "Marker",
        "NextMarker",
        FunctionName=function,
        MaxItems=50,
    )
    published = [one for one in pages if str(one["Version"]).isdigit()]
    return sorted(published, key=lambda one: int(one["Version"]), reverse=True)


_NO_CONCURRENCY = ("ProvisionedConcurrencyConfigNotFoundException", "ResourceNotFoundException")
_EXISTS = ("ResourceConflictException", "ConflictException")


def _alike(connection: Connection, step: PublishVersion) -> Iterator[str]:
    """Numbers of published versions with the code and configuration that are wanted, the newest first.

    A listing leaves states out, so one that AWS could not make ready is among them.
    """
    for one in _published(connection, step.function.name):
        if not differing(step.function, _as_version(one, step.function), step.ignore):
            number = str(one["Version"])
            found = functions.get(connection, step.function.name, number)
            if found is not None and found.health is not Health.DEGRADED:
                yield number


def _as_version(config: Mapping[str, Any], wanted: Function) -> Function:
    return functions.masked_like(functions.read_configuration(config), wanted)


def _check(step: PublishVersion, live: Function) -> None:
    """Refuse to publish what is not what was to be published."""
    wanted = with_ignored(step.function, live, step.ignore)
    found = functions.comparable(live, wanted)
    off = (*diff_code(wanted, found), *diff_settings(wanted, found))
    if off:
        paths = ", ".join(sorted({change.path for change in off}))
        raise Stale(
            f"{live.name} was changed before it was published ({paths})",
            where="lambda:GetFunction",
            fix="run again",
        )


def _publish(connection: Connection, step: PublishVersion, live: Function, pace: Pace) -> str:
    request: dict[str, Any] = {"FunctionName": step.function.name, "Description": step.description}
    if live.revision:
        request["RevisionId"] = live.revision
    if live.code.sha256 and not live.code.image:
        request["CodeSha256"] = base64.b64encode(bytes.fromhex(live.code.sha256)).decode()
    try:
        answer = when_ready(connection, pace, step.function.name, "PublishVersion", **request)
    except Exception as error:
        # The digest is judged before the revision. Source: LocalStack's tests that were validated on AWS.
        if code_of(error) == "PreconditionFailedException" or "CodeSHA256" in message_of(error):
            raise Stale(
                f"{step.function.name} was changed before it was published",
                where="lambda:PublishVersion",
                fix="run again",
            ) from error
        raise connection.explain(error, "lambda", "PublishVersion") from error
    return str(answer["Version"])
