"""Functions: reading, creating, updating, waiting, deleting.

Source: Lambda API reference and developer guide, "Lambda function states".
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from lockstep.engines.aws.answers import Untrue
from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import Stale, code_of, message_of
from lockstep.engines.aws.health import failing_code, fix_of, health_of, reason_of
from lockstep.engines.aws.pace import Pace
from lockstep.engines.aws.passing import FunctionFailed, outlast, persist
from lockstep.errors import CloudError
from lockstep.model import (
    FIELDS,
    Call,
    Change,
    Code,
    Function,
    Health,
    Package,
    Secret,
    Unread,
    Value,
    looks_secret,
)
from lockstep.model.fields import BY_NAME, from_api, to_api
from lockstep.planning.diff import call_of, diff_code, diff_settings, row_of, unread_in

__all__ = [
    "comparable",
    "create",
    "delete",
    "exists",
    "get",
    "is_in_progress",
    "masked_like",
    "read_configuration",
    "update_code",
    "update_configuration",
    "wait_until_ready",
    "when_ready",
]

_T = TypeVar("_T")
_CONFLICTS = 3  # updates by others that one call waits for
_NOT_IN_PAGES = frozenset(row.name for row in FIELDS if not row.in_pages)


def get(connection: Connection, name: str, version: str | None = None) -> Function | None:
    """One function, or a published version of it, with everything that GetFunction tells; None without one.

    ``name`` may be an ARN. The presigned URL in the answer goes nowhere.
    """
    answer = _ask(connection, name, version)
    return None if answer is None else _read(answer)


def _ask(connection: Connection, name: str, version: str | None = None) -> dict[str, Any] | None:
    qualifier = {"Qualifier": version} if version else {}
    try:
        answer = connection.try_call("lambda", "GetFunction", FunctionName=name, **qualifier)
    except Exception as error:
        if code_of(error) == "ResourceNotFoundException":
            return None
        raise connection.explain(error, "lambda", "GetFunction") from error
    told = str(answer["Configuration"]["FunctionName"])
    if told != name.rpartition(":function:")[2].partition(":")[0]:
        raise Untrue(
            f"an answer about {told}, which nobody asked for, instead of {name}",
            where="lambda:GetFunction",
            fix="look what answers in place of AWS (a proxy that keeps answers), then run again",
        )
    if version and str(answer["Configuration"].get("Version")) != version:
        raise Untrue(
            f"an answer about another version of {told} than {version}",
            where="lambda:GetFunction",
            fix="look what answers in place of AWS (a proxy that keeps answers), then run again",
        )
    if answer.get("TagsError"):  # no tags would mean no owner, and that would be a guess
        raise CloudError(
            f"the tags of {name.rsplit(':', 1)[-1]} could not be read: {answer['TagsError'].get('Message')}",
            where="lambda:GetFunction",
            fix="allow lambda:ListTags on the function: it is what lets GetFunction tell the tags",
        )
    return answer


def _read(answer: Mapping[str, Any]) -> Function:
    function = read_configuration(answer["Configuration"])
    beside = _beside(answer)
    settings = dict(function.settings) | {name: value for name, value in beside.items() if value is not None}
    code = function.code
    if image := (answer.get("Code") or {}).get("ImageUri"):
        _, _, digest = str(answer["Code"].get("ResolvedImageUri") or "").partition("@sha256:")
        code = replace(code, image=image, sha256=digest or code.sha256)
    return replace(
        function,
        settings=settings,
        code=code,
        tags=dict(answer.get("Tags") or {}),
        unread=function.unread.difference(beside),
    )


def _beside(answer: Mapping[str, Any]) -> dict[str, Value]:
    """Settings that GetFunction tells beside the configuration; None at the default.

    An Error in the place of the code hides what is not told beside it.
    """
    code = answer.get("Code") or {}
    hidden = Unread.because(code["Error"]) if code.get("Error") else None
    return {
        "reservedConcurrency": answer.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
        "sourceKmsKeyArn": code.get("SourceKMSKeyArn") or hidden,
        # A package that was copied lies in no bucket of ours, so none is told.
        "s3ObjectStorageMode": "REFERENCE" if code.get("ResolvedS3Object") else hidden,
    }


def read_configuration(config: Mapping[str, Any]) -> Function:
    """A Function from a FunctionConfiguration, as listings and GetFunction return it."""
    return Function(
        name=str(config["FunctionName"]),
        settings=from_api(config),
        code=_code(config),
        arn=config.get("FunctionArn"),
        revision=config.get("RevisionId"),
        modified=config.get("LastModified"),
        health=health_of(config),
        reason=reason_of(config),
        unread=_NOT_IN_PAGES,
    )


def masked_like(live: Function, desired: Function) -> Function:
    """The live function with every variable a secret that Git does not show in the clear.

    A variable that Git does not declare, or takes from a store, may hold anything.
    """
    variables = live.settings.get("environment")
    if not isinstance(variables, Mapping):
        return live
    declared = desired.settings.get("environment")
    clear = declared if isinstance(declared, Mapping) else {}
    masked = {
        key: value
        if isinstance(clear.get(key), str) and not looks_secret(key, str(value))
        else Secret(str(value))
        for key, value in variables.items()
    }
    if masked == variables:
        return live
    return replace(live, settings={**live.settings, "environment": masked})


def create(connection: Connection, wanted: Function, pace: Pace, version_id: str | None) -> Function:
    """Create the function and wait until it can work. Raises Stale when there is one already."""
    rows = [row for row in FIELDS if row.api and row.name in wanted.settings]
    said = _plain(to_api(wanted.name, wanted.settings, rows))
    request: dict[str, Any] = {
        **said,
        "FunctionName": wanted.name,
        "PackageType": "Image" if wanted.code.image else "Zip",
        "Code": {**said.get("Code", {}), **_code_input(wanted.code, version_id)},
    }
    if wanted.tags:
        request["Tags"] = dict(wanted.tags)

    def left(function: Function) -> tuple[Change, ...]:
        return (*diff_settings(wanted, comparable(function, wanted)), *diff_code(wanted, function))

    def make() -> Function:
        try:
            persist(connection, pace, "lambda", "CreateFunction", request)
        except Exception as error:
            if code_of(error) == "ResourceConflictException":
                raise Stale(
                    f"{wanted.name} exists already", where="lambda:CreateFunction", fix="run again"
                ) from error
            raise _refused(connection, error, "CreateFunction", request["Code"]) from error
        try:
            return _read_back(connection, wanted, pace, left)
        except FunctionFailed as failed:
            # A failed create is never mended by an update (AWS: delete it and create it again).
            if failed.never_worked:
                delete(connection, wanted.name)
            raise

    return outlast(connection, pace, make)


def update_configuration(
    connection: Connection,
    wanted: Function,
    changes: tuple[Change, ...],
    pace: Pace,
    revision: str | None,
) -> Function:
    """Change the fields named in ``changes`` and wait. Raises Stale when somebody changed it meanwhile."""
    changed = [row for change in changes for row in [row_of(change.path)] if row]
    tops = {row.top for row in changed} | {BY_NAME[name].top for row in changed for name in row.along}
    rows = [row for row in FIELDS if row.top in tops and row.call is Call.CONFIGURATION]
    request = _plain(to_api(wanted.name, wanted.settings, rows))
    paths = {change.path for change in changes}

    def left(function: Function) -> tuple[Change, ...]:
        return tuple(c for c in diff_settings(wanted, comparable(function, wanted)) if c.path in paths)

    return _changed(connection, "UpdateFunctionConfiguration", wanted, request, pace, revision, left)


def update_code(
    connection: Connection,
    wanted: Function,
    changes: tuple[Change, ...],
    pace: Pace,
    revision: str | None,
    version_id: str | None,
) -> Function:
    """Change what runs and wait; digest and architecture of what then runs must be the declared ones.

    How the package is kept is said each time, since a call that leaves it out may let go of the key.
    """
    told = wanted.settings.keys() | {"architectures"} | {change.path for change in changes}
    rows = [row for row in FIELDS if row.call is Call.CODE and row.name in told]
    said = _plain(to_api(wanted.name, wanted.settings, rows))
    code = said.pop("Code", {})  # which is at the top here
    request = {**said, **code, **_code_input(wanted.code, version_id)}

    def left(function: Function) -> tuple[Change, ...]:
        settings = diff_settings(wanted, comparable(function, wanted))
        return (*diff_code(wanted, function), *(c for c in settings if call_of(c.path) is Call.CODE))

    return _changed(connection, "UpdateFunctionCode", wanted, request, pace, revision, left)


def _changed(
    connection: Connection,
    operation: str,
    wanted: Function,
    request: dict[str, Any],
    pace: Pace,
    revision: str | None,
    left: Callable[[Function], tuple[Change, ...]],
) -> Function:
    """Make an update and wait; again while Lambda tells a failure of it that may pass.

    Each try is locked to the function as it was seen last: before the first one, or when it failed.
    """

    def change() -> Function:
        nonlocal revision
        _update(connection, operation, wanted.name, request, pace, revision)
        try:
            return _read_back(connection, wanted, pace, left)
        except FunctionFailed as failed:
            revision = failed.revision if revision is not None else None
            raise

    return outlast(connection, pace, change)


def exists(connection: Connection, name: str) -> bool:
    """Whether there is a function of this name."""
    try:
        connection.try_call("lambda", "GetFunction", FunctionName=name)
    except Exception as error:
        if code_of(error) == "ResourceNotFoundException":
            return False
        raise connection.explain(error, "lambda", "GetFunction") from error
    return True


def delete(connection: Connection, name: str) -> None:
    """Delete a function; one that is gone already is what was wanted."""
    try:
        connection.try_call("lambda", "DeleteFunction", FunctionName=name)
    except Exception as error:
        if code_of(error) != "ResourceNotFoundException":
            raise connection.explain(error, "lambda", "DeleteFunction") from error


def wait_until_ready(connection: Connection, name: str, pace: Pace, version: str | None = None) -> Function:
    """Wait until a function is Active and its last update succeeded, by GetFunction (100/s family).

    ``version`` is a published one, which AWS makes ready by itself: with SnapStart that takes minutes.
    Fails at once when Lambda says that it failed, with Lambda's reason.
    """
    pause, waited = pace.state_first, 0.0
    while True:
        answer = _ask(connection, name, version)
        if answer is None:
            raise Stale(f"{name} was deleted meanwhile", where="lambda:GetFunction", fix="run again")
        function = _read(answer)
        if function.health is Health.DEGRADED:
            failed = FunctionFailed(
                f"{_called(name, version)}: {function.reason}",
                where="lambda:GetFunction",
                fix=fix_of(answer["Configuration"]),
            )
            failed.code = failing_code(answer["Configuration"])
            failed.revision = function.revision
            failed.never_worked = bool(function.reason and function.reason.startswith("State=Failed"))
            raise failed
        if function.health is not Health.PROGRESSING:
            return function
        if waited >= (pace.state_stopped if connection.stop.is_set() else pace.state_total):
            raise CloudError(
                f"{_called(name, version)} is still {function.reason or 'changing'} after {waited:.0f} s",
                where="lambda:GetFunction",
                fix="run again: it goes on from here",
            )
        connection.rest(pause)
        waited += pause
        pause = min(pace.state_most, pause * pace.state_growth)


def _called(name: str, version: str | None) -> str:
    return f"version {version} of {name}" if version else name


def _update(
    connection: Connection,
    operation: str,
    name: str,
    request: dict[str, Any],
    pace: Pace,
    revision: str | None,
) -> None:
    """Make an update under optimistic locking; an update that is under way is waited for first."""
    locked = {"RevisionId": revision} if revision else {}
    where = f"lambda:{operation}"
    try:
        persist(connection, pace, "lambda", operation, {"FunctionName": name, **request, **locked})
    except Exception as error:
        code = code_of(error)
        if is_in_progress(error):
            # What is under way is somebody's, or ours from a run that was killed. Either way
            # the revision that was planned on is over, so what was read has to be read again.
            wait_until_ready(connection, name, pace)
            raise Stale(f"{name} was being updated by somebody else", where=where, fix="run again") from error
        if code == "PreconditionFailedException":
            raise Stale(f"{name} was changed since it was read", where=where, fix="run again") from error
        if code == "ResourceNotFoundException" and "unction" in message_of(error):
            raise Stale(f"{name} was deleted since it was read", where=where, fix="run again") from error
        raise _refused(connection, error, operation, request) from error


def _refused(connection: Connection, error: Exception, operation: str, code: Mapping[str, Any]) -> Exception:
    """The error of a refused creation or update; Lambda reads packages of its own Region only."""
    told = connection.explain(error, "lambda", operation)
    bucket = code.get("S3Bucket")
    if bucket and "PermanentRedirect" in message_of(error):
        return CloudError(
            f"the package bucket {bucket} is in another Region than the function",
            where=f"lambda:{operation}",
            fix="Lambda reads packages of its own Region only: use a package bucket in "
            f"{connection.scope.region}, or move the environment",
        )
    return told


def when_ready(
    connection: Connection, pace: Pace, name: str, operation: str, **params: Any
) -> dict[str, Any]:
    """Make a call that AWS refuses while the function is created or updated, also by a run that was killed.

    Then that is waited for, and the call made again. Any other error of AWS's is let through.
    """
    return once_ready(connection, pace, name, lambda: connection.try_call("lambda", operation, **params))


def once_ready(connection: Connection, pace: Pace, name: str, do: Callable[[], _T]) -> _T:
    """As ``when_ready`` for what makes the call itself, and may have put AWS's error into words."""
    for is_last in (*(False,) * _CONFLICTS, True):
        try:
            return do()
        except Exception as error:
            if is_last or not is_in_progress(error.__cause__ or error):
                raise
            wait_until_ready(connection, name, pace)
    raise AssertionError("the last try returns or raises")


def is_in_progress(error: BaseException) -> bool:
    """Say whether AWS refused a change because another one of the same function is under way."""
    is_conflict = code_of(error) == "ResourceConflictException"
    return is_conflict and any(words in message_of(error) for words in ("progress", "in the following state"))


def _read_back(
    connection: Connection, wanted: Function, pace: Pace, left: Callable[[Function], tuple[Change, ...]]
) -> Function:
    """Wait until a function is ready and nothing is left to change, looking again when a read lags.

    A read-back that differs is a failure, not a warning. Values are not named: they may be secret.
    """
    for pause in (*pace.readback_pauses, None):
        try:
            function = wait_until_ready(connection, wanted.name, pace)
        except Stale:  # a new function that is not shown yet looks like a deleted one
            if pause is None:
                raise
            connection.rest(pause)
            continue
        differing = left(function)
        if not differing:
            return function
        if pause is not None:
            connection.rest(pause)
    paths = ", ".join(sorted({change.path for change in differing}))
    if hidden := unread_in(function, differing):
        raise CloudError(
            f"{wanted.name} was changed, but {hidden[0]}",
            where="lambda:GetFunction",
            fix=f"{hidden[1]}, then run again",
        )
    raise CloudError(
        f"{wanted.name} was changed, but reading it back shows other values of {paths}",
        where="lambda:GetFunction",
        fix="look whether something else changes this function at the same time, then run again",
    )


def comparable(function: Function, wanted: Function) -> Function:
    """What was read back, as the planner would see it; calls of their own are checked by their own steps."""
    own = frozenset(row.name for row in FIELDS if not row.api)
    return replace(masked_like(function, wanted), unread=function.unread | own)


def _code_input(code: Code, version_id: str | None) -> dict[str, Any]:
    if code.image:
        return {"ImageUri": code.image}
    package: Package | None = code.package
    if package is None:
        raise CloudError("a zip function needs a package", fix="declare an artifact source")
    place = {"S3Bucket": package.bucket, "S3Key": package.key}
    version = version_id or package.object_version
    return {**place, "S3ObjectVersion": version} if version else place


def _plain(value: Any) -> Any:
    """Secrets as the values that AWS needs; the only place where they leave their wrapper."""
    match value:
        case Secret():
            if value.value is None:
                raise CloudError(f"the value of {value} was not resolved")
            return value.value
        case Unread():
            raise CloudError(
                f"a value was not read and cannot be sent: {value.why}", fix="allow kms:Decrypt on its key"
            )
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case _:
            return value


def _code(config: Mapping[str, Any]) -> Code:
    digest, size = str(config.get("CodeSha256") or ""), int(config.get("CodeSize") or 0)
    if config.get("PackageType") == "Image":
        return Code(sha256=digest or None, image=f"(image {digest[:12]})")
    try:
        return Code(sha256=base64.b64decode(digest, validate=True).hex() or None, size=size)
    except binascii.Error:
        return Code(sha256=digest or None, size=size)
