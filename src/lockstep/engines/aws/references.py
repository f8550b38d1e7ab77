"""Values that live elsewhere: Parameter Store and Secrets Manager.

Source: SSM API reference (GetParameters, ten names a call), Secrets Manager (GetSecretValue).
"""

from collections.abc import Iterable

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import code_of
from lockstep.errors import BadInput
from lockstep.model import Reference, Secret

__all__ = ["resolve"]


def resolve(connection: Connection, references: Iterable[tuple[Reference, str]]) -> dict[Reference, Secret]:
    """The values of references, each asked for once. ``references`` come with the place that wants them.

    Raises BadInput when one does not exist.
    """
    places = dict(references)
    found: dict[Reference, Secret] = {}
    names = sorted(one.name for one in places if one.store == "ssm")
    for start in range(0, len(names), 10):
        answer = connection.call("ssm", "GetParameters", Names=names[start : start + 10], WithDecryption=True)
        for parameter in answer.get("Parameters", ()):
            # Asked for by ARN or with a version (":3"), the answer's Name is still the plain one.
            selector = parameter.get("Selector") or ""
            for name in (parameter["Name"] + selector, str(parameter.get("ARN")) + selector):
                if name in names:
                    reference = Reference(store="ssm", name=name)
                    found[reference] = Secret(str(parameter["Value"]), reference)
        for name in names[start : start + 10]:
            if Reference(store="ssm", name=name) not in found:
                _missing(Reference(store="ssm", name=name), places, "no such parameter")
    for reference in sorted((one for one in places if one.store == "secret"), key=str):
        try:
            answer = connection.try_call("secretsmanager", "GetSecretValue", SecretId=reference.name)
        except Exception as error:
            if code_of(error) == "ResourceNotFoundException":
                _missing(reference, places, "no such secret")
            raise connection.explain(error, "secretsmanager", "GetSecretValue") from error
        if "SecretString" not in answer:
            raise BadInput(
                f"{reference.name}: it is binary; an environment variable takes text",
                where=places.get(reference),
                fix="store it as text, or let the function read it",
            )
        found[reference] = Secret(str(answer["SecretString"]), reference)
    return found


def _missing(reference: Reference, places: dict[Reference, str], why: str) -> None:
    store = "Parameter Store" if reference.store == "ssm" else "Secrets Manager"
    raise BadInput(
        f"{reference.name}: {why}",
        where=places.get(reference),
        fix=f"create it in {store}, or correct the name",
    )
