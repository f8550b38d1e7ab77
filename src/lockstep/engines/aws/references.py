"""Values that live elsewhere: Parameter Store and Secrets Manager.

Source: SSM API reference (GetParameters, ten names a call), Secrets Manager (GetSecretValue).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import Unreachable, code_of
from lockstep.errors import BadInput, Interrupted, LockstepError, NoCredentials
from lockstep.model import Reference, Secret

__all__ = ["Resolved", "resolve"]

_AT_ONCE = 10  # names that GetParameters takes
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
        _read_parameters(connection, names[start : start + _AT_ONCE], values, errors)
    for reference in sorted((one for one in wanted if one.store == "secret"), key=str):
        try:
            values[reference] = _read_secret(connection, reference)
        except (NoCredentials, Unreachable, Interrupted):
            raise
        except LockstepError as error:
            errors[reference] = error
    return Resolved(values=values, errors=errors)


def _read_parameters(
    connection: Connection,
    names: list[str],
    values: dict[Reference, Secret],
    errors: dict[Reference, LockstepError],
) -> None:
    """Read up to ten parameters. AWS refuses all of them for one that is no good: then one by one."""
    try:
        answer = connection.try_call("ssm", "GetParameters", Names=names, WithDecryption=True)
    except Exception as error:
        told = _explained(connection, error, "ssm", "GetParameters", ", ".join(names))
        if isinstance(told, NoCredentials | Unreachable | Interrupted):
            raise told from error
        if len(names) == 1:
            errors[Reference(store="ssm", name=names[0])] = told
            return
        for name in names:
            _read_parameters(connection, [name], values, errors)
        return
    for parameter in answer.get("Parameters", ()):
        # Asked for by ARN or with a version (":3"), the answer's Name is still the plain one.
        selector = parameter.get("Selector") or ""
        for name in (parameter["Name"] + selector, str(parameter.get("ARN")) + selector):
            if name in names:
                reference = Reference(store="ssm", name=name)
                values[reference] = Secret(str(parameter["Value"]), reference)
    for name in names:
        reference = Reference(store="ssm", name=name)
        if reference not in values:
            errors[reference] = BadInput(
                f"{name}: no such parameter", fix="create it in Parameter Store, or correct the name"
            )


def _read_secret(connection: Connection, reference: Reference) -> Secret:
    try:
        answer = connection.try_call("secretsmanager", "GetSecretValue", SecretId=reference.name)
    except Exception as error:
        if code_of(error) == "ResourceNotFoundException":
            raise BadInput(
                f"{reference.name}: no such secret",
                fix="create it in Secrets Manager, or correct the name",
            ) from error
        raise _explained(connection, error, "secretsmanager", "GetSecretValue", reference.name) from error
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
