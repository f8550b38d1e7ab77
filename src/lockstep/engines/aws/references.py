"""Values that live elsewhere: Parameter Store and Secrets Manager.

Source: SSM API reference (GetParameters, ten names a call; DescribeParameters), Secrets Manager
(GetSecretValue, ListSecretVersionIds).
"""

from collections.abc import Iterable, Mapping
from dataclasses import field, replace

from lockstep.engines.aws.answers import odd
from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import Unreachable, code_of
from lockstep.errors import BadInput, Interrupted, LockstepError, NoCredentials
from lockstep.model import Reference, Secret
from lockstep.values import dataclass

__all__ = ["Resolved", "find_versions", "read_plain", "resolve"]

_AT_ONCE = 10  # names that GetParameters takes
_DESCRIBED = 50  # parameters that DescribeParameters tells in one answer
_WRONG = {"ValidationException", "InvalidParameterException", "InvalidRequestException"}
"""Codes that say that the name, or what it names, is no good: asking again gives the same answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolved:
    """Values by reference, and why the others have none."""

    values: Mapping[Reference, Secret] = field(default_factory=dict)
    errors: Mapping[Reference, LockstepError] = field(default_factory=dict)


def resolve(connection: Connection, references: Iterable[Reference]) -> Resolved:
    """The values of references, each asked for once.

    One that does not exist, or may not be read, costs the others nothing. Raises LockstepError when the
    account or AWS cannot be reached.
    """
    wanted = set(references)
    if wanted:
        _ = connection.scope
    values: dict[Reference, Secret] = {}
    errors: dict[Reference, LockstepError] = {}
    names = sorted(one.name for one in wanted if one.store == "ssm")
    for start in range(0, len(names), _AT_ONCE):
        _read_parameters(connection, names[start : start + _AT_ONCE], values, errors, decrypt=True)
    for reference in sorted((one for one in wanted if one.store == "secret"), key=str):
        try:
            values[reference] = _read_secret(connection, reference)
        except (NoCredentials, Unreachable, Interrupted):
            raise
        except LockstepError as error:
            errors[reference] = error
    return Resolved(values=values, errors=errors)


def read_plain(connection: Connection, references: Iterable[Reference]) -> Resolved:
    """What parameters hold that are no secrets, each asked for once; nothing is decrypted for it.

    One that is encrypted is an error, as one that is not there is. Errors as ``resolve``.
    """
    names = sorted({one.name for one in references})
    if names:
        _ = connection.scope
    values: dict[Reference, Secret] = {}
    errors: dict[Reference, LockstepError] = {}
    for start in range(0, len(names), _AT_ONCE):
        _read_parameters(connection, names[start : start + _AT_ONCE], values, errors, decrypt=False)
    return Resolved(values=values, errors=errors)


def find_versions(connection: Connection, references: Iterable[Reference]) -> Resolved:
    """Which versions the references name, without their values: those stay where they are.

    The version of a parameter that is named by ARN, and may be another account's, is not looked for.
    Errors as ``resolve``.
    """
    wanted = set(references)
    values: dict[Reference, Secret] = {}
    errors: dict[Reference, LockstepError] = {}
    own = [one for one in wanted if one.store == "ssm" and not one.name.startswith("arn:")]
    names = sorted({one.name.partition(":")[0] for one in own})
    versions: dict[str, str] = {}
    for start in range(0, len(names), _DESCRIBED):
        chosen = {"Key": "Name", "Option": "Equals", "Values": names[start : start + _DESCRIBED]}
        try:
            described = [
                *connection.pages(
                    *("ssm", "DescribeParameters", "Parameters", "NextToken", "NextToken"),
                    ParameterFilters=[chosen],
                    MaxResults=_DESCRIBED,
                )
            ]
        except LockstepError as error:
            raw = error.__cause__ if isinstance(error.__cause__, Exception) else error
            told = _explained(connection, raw, "ssm", "DescribeParameters", ", ".join(chosen["Values"]))
            if isinstance(told, NoCredentials | Unreachable | Interrupted):
                raise told from error
            errors |= {one: told for one in own if one.name.partition(":")[0] in chosen["Values"]}
            continue
        versions |= {one["Name"]: str(one["Version"]) for one in described}
    for reference in wanted - errors.keys():
        if reference.store == "secret":
            try:
                version = _version_of_secret(connection, reference)
            except (NoCredentials, Unreachable, Interrupted):
                raise
            except LockstepError as error:
                errors[reference] = error
                continue
        else:
            name, _, selector = reference.name.partition(":")
            if reference in own and name not in versions:
                errors[reference] = _no_parameter(reference.name)
                continue
            version = "" if selector or reference not in own else versions[name]
        values[reference] = Secret(None, replace(reference, version=version))
    return Resolved(values=values, errors=errors)


def _version_of_secret(connection: Connection, reference: Reference) -> str:
    """The id of the version that a function would get now.

    One page tells it: only versions with a label are listed, a secret has at most 20 labels, and a page
    holds 100. Source: Secrets Manager quotas; ListSecretVersionIds, IncludeDeprecated and MaxResults.
    """
    try:
        answer = connection.try_call("secretsmanager", "ListSecretVersionIds", SecretId=reference.name)
    except Exception as error:
        raise _secret_error(connection, error, "ListSecretVersionIds", reference) from error
    current = (one for one in answer.get("Versions", ()) if "AWSCURRENT" in one.get("VersionStages", ()))
    return next((str(one["VersionId"]) for one in current), "")


def _secret_error(
    connection: Connection, error: Exception, operation: str, reference: Reference
) -> LockstepError:
    if code_of(error) == "ResourceNotFoundException":
        return BadInput(
            f"{reference.name}: no such secret",
            fix="create it in Secrets Manager, or correct the name",
        )
    return _explained(connection, error, "secretsmanager", operation, reference.name)


def _no_parameter(name: str) -> BadInput:
    return BadInput(f"{name}: no such parameter", fix="create it in Parameter Store, or correct the name")


def _read_parameters(
    connection: Connection,
    names: list[str],
    values: dict[Reference, Secret],
    errors: dict[Reference, LockstepError],
    *,
    decrypt: bool,
) -> None:
    """Read up to ten parameters. AWS refuses all of them for one that is no good: then one by one."""
    try:
        answer = connection.try_call("ssm", "GetParameters", Names=names, WithDecryption=decrypt)
    except Exception as error:
        told = _explained(connection, error, "ssm", "GetParameters", ", ".join(names))
        if isinstance(told, NoCredentials | Unreachable | Interrupted):
            raise told from error
        if len(names) == 1:
            errors[Reference(store="ssm", name=names[0])] = told
            return
        for name in names:
            _read_parameters(connection, [name], values, errors, decrypt=decrypt)
        return
    for parameter in answer.get("Parameters", ()):
        # Asked for by ARN or with a version (":3"), the answer's Name is still the plain one.
        selector = parameter.get("Selector") or ""
        for name in (parameter["Name"] + selector, str(parameter.get("ARN")) + selector):
            if name in names:
                reference = Reference(store="ssm", name=name)
                if decrypt or parameter.get("Type") != "SecureString":
                    values[reference] = Secret(str(parameter["Value"]), reference)
                else:
                    errors[reference] = BadInput(
                        f"{name}: it is a SecureString, and what it is read for is no secret",
                        fix="store it as a String",
                    )
    absent = answer.get("InvalidParameters", ())
    for name in names:
        reference = Reference(store="ssm", name=name)
        if reference not in values and reference not in errors:
            # Of what is not there AWS says so; of what it does not speak nobody knows anything.
            untold = odd("ssm:GetParameters", f"it says nothing of {name}")
            errors[reference] = _no_parameter(name) if name in absent else untold


def _read_secret(connection: Connection, reference: Reference) -> Secret:
    try:
        answer = connection.try_call("secretsmanager", "GetSecretValue", SecretId=reference.name)
    except Exception as error:
        raise _secret_error(connection, error, "GetSecretValue", reference) from error
    if "SecretString" not in answer:
        raise BadInput(
            f"{reference.name}: it is binary; an environment variable takes text",
            fix="store it as text, or let the function read it",
        )
    return Secret(str(answer["SecretString"]), reference)


def _explained(
    connection: Connection, error: Exception, service: str, operation: str, name: str
) -> LockstepError:
    """The error of a call. What AWS calls no good is the declaration's; the rest says nothing of it."""
    told = connection.explain(error, service, operation)
    if code_of(error) not in _WRONG:
        return told
    return BadInput(
        f"{name}: AWS does not take it: {told.problem}",
        fix="correct the name, or what is stored under it",
    )
