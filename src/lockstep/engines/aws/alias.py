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
from lockstep.engines.aws import kinds, permission
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
    Resource,
    Target,
)
from lockstep.model.alias import LATEST, dated, is_ours, mark_of, undated, written_at
from lockstep.model.kinds import KINDS
from lockstep.model.rolling import is_recorded, named_beside
from lockstep.planning.aliases import differing
from lockstep.planning.diff import diff_code, diff_settings, with_ignored

__all__ = [
    "delete",
    "delete_version",
    "digests",
    "holding",
    "must_read",
    "publish",
    "put",
    "read",
    "update",
    "with_versions",
]


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


def put(
    connection: Connection,
    step: PutAlias,
    number: str,
    now: datetime,
    pace: Pace,
    live: Alias | None = None,
    *,
    is_awaited: bool = False,
) -> None:
    """Point the alias at a version with all calls, and read it back. Raises Stale when it was changed since.

    The routing is sent each time: a call that leaves it out may leave the weights of before. ``live`` is the
    alias as the plan was made from it. With ``is_awaited`` the alias has what AWS makes anew for another
    version, and lets no call go there before.
    """
    revision = step.revision
    if live is not None and live.held and number not in live.held:
        revision = _let_go(connection, step, live, now, pace)
    _put(connection, step, number, now, pace, revision, is_awaited=is_awaited)


def _put(
    connection: Connection,
    step: PutAlias,
    number: str,
    now: datetime,
    pace: Pace,
    revision: str | None,
    *,
    is_awaited: bool,
    description: str | None = None,
) -> None:
    mark = description or step.description
    request: dict[str, Any] = {
        "FunctionName": step.function,
        "Name": step.alias,
        "FunctionVersion": number,
        "Description": dated(mark, number, now),
        "RoutingConfig": {"AdditionalVersionWeights": {}},
    }
    if revision is None:
        try:
            when_ready(connection, pace, step.function, "CreateAlias", **request)
        except Exception as error:
            # One that exists may be ours from a call whose answer was lost; the read-back tells.
            if code_of(error) not in _EXISTS:
                raise connection.explain(error, "lambda", "CreateAlias") from error
    else:
        update(connection, request | {"RevisionId": revision}, pace)
    held: list[bool] = []

    def agrees(there: Alias) -> bool:  # whatever the time is that a call whose answer was lost left
        held.append(bool(holding(connection, step.function, there)))
        is_so = (there.version, undated(there.description)) == (number, mark)
        return is_so and (not there.weights or held[-1])

    must_read(connection, pace, step.function, step.alias, agrees)
    if is_awaited or held[-1]:
        _until_called(connection, step.function, step.alias, number, pace)


def holding(connection: Connection, function: str, there: Alias) -> tuple[Resource, ...]:
    """Why AWS itself gives an alias weights, as it does until another version has what the alias is to have.

    Nothing for weights that have a record, and for those of which AWS makes nothing: somebody gave them.
    Source: Lambda developer guide, "Configuring provisioned concurrency for a function", and what Terraform's
    provider waits for (hashicorp/terraform-provider-aws 48116).
    """
    if not there.weights or is_recorded(there.description):
        return ()
    found = kinds.of_published(connection, function, there.name)
    return tuple(one for one in found if one.state or kinds.fault_of(one) is not None)


def _let_go(connection: Connection, step: PutAlias, live: Alias, now: datetime, pace: Pace) -> str | None:
    """Wait until AWS holds no calls of an alias back any more, and tell its revision then.

    Where it never will, because it could not make what the alias is to have, the alias goes back to the
    version that has the calls: only from there does AWS let it go on. Raises Stale when somebody else changed
    the alias meanwhile. Source: Lambda developer guide, "Troubleshoot deployment issues".
    """
    for is_last in (False, True):
        _until_made(connection, step.function, step.alias, pace)
        answer = connection.find("lambda", "GetAlias", FunctionName=step.function, Name=step.alias)
        there = as_told(answer) if answer is not None else None
        if there is None or (there.version, there.description) != (live.version, live.description):
            raise Stale(
                f"the alias {step.alias} of {step.function} was changed since it was read",
                where="lambda:GetAlias",
                fix="run again",
            )
        if not there.weights or is_last:
            return there.revision
        back = next(iter(there.weights))
        function = functions.get(connection, step.function, back)
        mark = mark_of(str(function.settings.get("description") or "")) if function is not None else None
        mark = mark or undated(live.description)
        _put(connection, step, back, now, pace, there.revision, is_awaited=True, description=mark)
        live = replace(live, version=back, description=dated(mark, back, now))
    raise AssertionError("the last round returns or raises")


def _until_called(connection: Connection, function: str, name: str, number: str, pace: Pace) -> None:
    """Wait until AWS lets the calls of an alias go to the version that it points at.

    CloudError where that takes too long, or AWS could not make what the alias is to have.
    """
    for is_last in (*(False,) * len(pace.readback_pauses), True):
        being = _until_made(connection, function, name, pace)
        answer = connection.find("lambda", "GetAlias", FunctionName=function, Name=name)
        others = " and ".join(sorted(as_told(answer).weights)) if answer is not None else ""
        if not others:
            return
        for one in being:
            if (why := kinds.fault_of(one)) is not None:
                title = KINDS[one.kind].title
                raise CloudError(
                    f"{title} of {function} could not be made for version {number}: {why}; AWS keeps all "
                    f"calls of {name} on version {others}",
                    where=KINDS[one.kind].reads[0],
                    fix="mend what AWS names and declare another release, or declare the one before again",
                )
        if is_last:
            raise CloudError(
                f"AWS still calls version {others} by the alias {name} of {function}, not version {number}",
                where="lambda:GetAlias",
                fix="look at it in AWS, then run again: it goes on from here",
            )
        connection.rest(pace.state_first)


def _until_made(connection: Connection, function: str, name: str, pace: Pace) -> list[Resource]:
    """What only published code has and the alias has, once AWS makes none of it any more."""
    found = [*kinds.of_published(connection, function, name)]
    return [made for one in found if (made := kinds.until_made(connection, function, one, pace)) is not None]


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


def digests(connection: Connection, function: str) -> frozenset[str]:
    """The digests of the packages of all published versions of a function; none where it is not there."""
    if connection.find("lambda", "GetFunction", FunctionName=function) is None:
        return frozenset()
    found = [functions.read_configuration(one) for one in _published(connection, function)]
    return frozenset(one.code.sha256 for one in found if one.code.sha256 is not None)


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
    for one in kinds.of_published(connection, function, number):
        return f"it has {KINDS[one.kind].title}"
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
