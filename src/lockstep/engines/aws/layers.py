"""Layers that are built here: their versions, found again by what they hold, and published once.

AWS gives a version a number and no name. What it is stands in its description, and what it holds in its
digest: both together are looked for, never the number. Versions are never deleted: functions of others, and
published versions of ours, may use them.

Source: Lambda API reference (ListLayerVersions, GetLayerVersion, PublishLayerVersion).
"""

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import Any

from lockstep.engines.aws.answers import Untrue
from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import THROTTLED, code_of, is_unanswered, message_of
from lockstep.engines.aws.pace import Pace
from lockstep.errors import CloudError, Interrupted, LockstepError
from lockstep.model import Package
from lockstep.model.layer import BuiltLayer, mark_of, release_in
from lockstep.values import dataclass

__all__ = ["Shelf", "arn_of", "look", "publish"]

_PUBLISHING = 120.0  # seconds that AWS may take to copy and unpack a package
_MORE = 6  # tries after those of a read-back, where AWS takes no more calls for now
_LOST = 3  # tries whose answer was that something failed


@dataclass(frozen=True, kw_only=True, slots=True)
class Shelf:
    """What an account and Region has of some layers."""

    arns: Mapping[BuiltLayer, str] = field(default_factory=dict)  # those that are published
    releases: Mapping[str, str] = field(default_factory=dict)  # ARN of a version of ours -> its release
    errors: Mapping[BuiltLayer, LockstepError] = field(default_factory=dict)  # those that were not read


def arn_of(connection: Connection, name: str) -> str:
    """The ARN of a layer, without the number of a version."""
    scope = connection.scope
    return f"arn:{scope.partition}:lambda:{scope.region}:{scope.account}:layer:{name}"


def look(connection: Connection, layers: Iterable[BuiltLayer], project: str) -> Shelf:
    """Which of the layers are published: one listing for each name, and one call for each that is there.

    Of one whose package is not known nothing is said.
    """
    arns: dict[BuiltLayer, str] = {}
    releases: dict[str, str] = {}
    errors: dict[BuiltLayer, LockstepError] = {}
    by_name: dict[str, list[BuiltLayer]] = {}
    for layer in layers:
        by_name.setdefault(layer.name, []).append(layer)
    for name, wanted in by_name.items():
        try:
            listed = _listed(connection, name)
            for one in listed:
                if release := release_in(str(one.get("Description") or ""), project):
                    releases[str(one["LayerVersionArn"])] = release
            for layer in wanted:
                if (arn := _find(connection, layer, project, listed)) is not None:
                    arns[layer] = arn
        except Interrupted:
            raise
        except LockstepError as error:
            errors |= dict.fromkeys(wanted, error)
    return Shelf(arns=arns, releases=releases, errors=errors)


def publish(
    connection: Connection, layer: BuiltLayer, project: str, object_version: str | None, pace: Pace
) -> str:
    """The ARN of a version that is the layer, published where there is none; read back.

    Of several alike the first one is taken, by every run: two that publish at once agree, and one version
    is left over that nobody takes.
    """
    package = _package_of(layer)
    if (there := _find(connection, layer, project, _listed(connection, layer.name))) is not None:
        return there
    version = object_version or package.object_version
    request: dict[str, Any] = {
        "LayerName": layer.name,
        "Description": mark_of(project, layer, package.sha256),
        "Content": {
            "S3Bucket": package.bucket,
            "S3Key": package.key,
            **({"S3ObjectVersion": version} if version else {}),
        },
        **({"CompatibleRuntimes": list(layer.runtimes)} if layer.runtimes else {}),
        **({"CompatibleArchitectures": list(layer.architectures)} if layer.architectures else {}),
        **({"LicenseInfo": layer.license} if layer.license else {}),
    }
    arn = _published(connection, layer, project, request, pace)
    for pause in (*pace.readback_pauses, None):
        if _holds(connection, arn, package):
            return _find(connection, layer, project, _listed(connection, layer.name)) or arn
        if pause is not None:
            connection.rest(pause)
    raise CloudError(
        f"{arn} was published, but reading it back shows another package than {package.origin}",
        where="lambda:GetLayerVersionByArn",
        fix=f"look what else writes {package.key} in {package.bucket}, then run again",
    )


def _published(
    connection: Connection, layer: BuiltLayer, project: str, request: Mapping[str, Any], pace: Pace
) -> str:
    """Publish a version; one try each, since a second one may publish it twice.

    Whether it was published before an answer was lost is seen by looking. Where no answer came at all and
    nothing is seen, it may still be under way: then nothing is tried again, and the next run looks.
    """
    package, lost = _package_of(layer), 0
    for pause in (*pace.readback_pauses, *[pace.passing_pause] * _MORE, None):
        try:
            answer = connection.once("lambda", "PublishLayerVersion", _PUBLISHING, **request)
            return str(answer["LayerVersionArn"])
        except Interrupted:
            raise
        except Exception as error:
            is_lost = is_unanswered(error) or isinstance(error, Untrue)
            if is_lost and (there := _appeared(connection, layer, project, pace)) is not None:
                return there
            lost += is_lost
            is_told = isinstance(getattr(error, "response", None), dict)
            is_over = is_lost and (lost == _LOST or not is_told)
            if pause is None or is_over or not (is_lost or code_of(error) in THROTTLED):
                raise _refused(connection, error, package) from error
            connection.rest(pause)
    raise AssertionError("the last try returns or raises")


def _appeared(connection: Connection, layer: BuiltLayer, project: str, pace: Pace) -> str | None:
    """The version, as soon as the listing shows it; None where it does not for some seconds."""
    for pause in (*pace.readback_pauses, None):
        if (there := _find(connection, layer, project, _listed(connection, layer.name))) is not None:
            return there
        if pause is not None:
            connection.rest(pause)
    return None


def _listed(connection: Connection, name: str) -> list[dict[str, Any]]:
    """All versions of a layer, the newest first; none of one that is not there."""
    try:
        return [
            *connection.pages(
                "lambda", "ListLayerVersions", "LayerVersions", "Marker", "NextMarker", LayerName=name
            )
        ]
    except CloudError as error:
        cause = error.__cause__
        if isinstance(cause, Exception) and code_of(cause) == "ResourceNotFoundException":
            return []
        raise


def _find(
    connection: Connection, layer: BuiltLayer, project: str, listed: Iterable[Mapping[str, Any]]
) -> str | None:
    """The first version that says that it is the layer, and holds its package."""
    if layer.package is None:
        return None
    mark = mark_of(project, layer, layer.package.sha256)
    for one in _alike(layer, mark, listed):
        if _holds(connection, one, layer.package):
            return one
    return None


def _alike(layer: BuiltLayer, mark: str, listed: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for one in sorted(listed, key=_number):
        runtimes = tuple(sorted(one.get("CompatibleRuntimes") or ()))
        architectures = tuple(sorted(one.get("CompatibleArchitectures") or ()))
        is_for = (runtimes, architectures) == (layer.runtimes, layer.architectures)
        if is_for and one.get("Description") == mark and (one.get("LicenseInfo") or None) == layer.license:
            yield str(one["LayerVersionArn"])


def _number(listed: Mapping[str, Any]) -> int:
    number = listed.get("Version")
    return number if isinstance(number, int) else 0


def _holds(connection: Connection, arn: str, package: Package) -> bool:
    """Whether a version holds a package, by AWS's own digest of it. The presigned URL goes nowhere."""
    answer = connection.find("lambda", "GetLayerVersionByArn", Arn=arn)
    if answer is None:
        return False
    if answer.get("LayerVersionArn") != arn:
        raise Untrue(
            f"an answer about {answer.get('LayerVersionArn')}, which nobody asked for, instead of {arn}",
            where="lambda:GetLayerVersionByArn",
            fix="look what answers in place of AWS (a proxy that keeps answers), then run again",
        )
    digest = str((answer.get("Content") or {}).get("CodeSha256") or "")
    try:
        return base64.b64decode(digest, validate=True).hex() == package.sha256
    except binascii.Error:
        return False


def _package_of(layer: BuiltLayer) -> Package:
    if layer.package is None:
        raise CloudError(f"the package of {layer.release} is not known", fix="plan again")
    return layer.package


def _refused(connection: Connection, error: Exception, package: Package) -> LockstepError:
    """The error of a refused publication; Lambda reads packages of its own Region only."""
    if "PermanentRedirect" in message_of(error):
        return CloudError(
            f"the package bucket {package.bucket} is in another Region than the layer",
            where="lambda:PublishLayerVersion",
            fix="Lambda reads packages of its own Region only: use a package bucket in "
            f"{connection.scope.region}",
        )
    return connection.explain(error, "lambda", "PublishLayerVersion")
