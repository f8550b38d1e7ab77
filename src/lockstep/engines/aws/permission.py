"""Resource policies: who may call a function.

Source: Lambda API reference (GetPolicy, AddPermission, RemovePermission).
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lockstep.engines.aws.answers import odd
from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import code_of
from lockstep.engines.aws.function import is_in_progress, when_ready
from lockstep.engines.aws.pace import Pace, settles
from lockstep.errors import CloudError
from lockstep.model import Statement
from lockstep.model.foreign import expect, read_json, shaped
from lockstep.values import dataclass

__all__ = [
    "Policy",
    "add",
    "admit",
    "at",
    "grant",
    "let_in",
    "lets_in",
    "listed_in",
    "read",
    "remove",
    "statement_of",
    "statements_of",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """A function's policy and the revision that it was read at; None where there is no policy."""

    statements: tuple[Statement, ...] = ()
    revision: str | None = None


def read(connection: Connection, name: str, qualifier: str = "") -> Policy:
    """Every statement that lets a service call the function, or an alias of it; none without a policy.

    Each alias has a policy of its own; a statement that names another qualifier's resource is not in it,
    which emulators do not know.

    Statements of other shapes (deny, several principals, other conditions) are kept by id only,
    with principal and source as text that equals nothing of ours.
    """
    try:
        answer = connection.try_call("lambda", "GetPolicy", **at(name, qualifier))
    except Exception as error:
        if code_of(error) == "ResourceNotFoundException":
            return Policy()
        raise connection.explain(error, "lambda", "GetPolicy") from error
    listed = listed_in(answer["Policy"], name, qualifier)
    return Policy(
        statements=tuple(statement_of(one, qualifier) for one in listed), revision=answer.get("RevisionId")
    )


def listed_in(policy: str, name: str, qualifier: str) -> tuple[dict[str, Any], ...]:
    """The statements about a function, or an alias of it, in the text of its policy. Raises Untrue."""
    with shaped(odd("lambda:GetPolicy", "its Policy has not the form of one")):
        statements = expect(dict, read_json(policy)).get("Statement", [])
        listed = statements if isinstance(statements, list) else [statements]
        for one in listed:
            for tests in expect(dict, expect(dict, one).get("Condition") or {}).values():
                expect(dict, tests)
        return tuple(one for one in listed if _is_of(one, name, qualifier))


def statements_of(connection: Connection, name: str, qualifier: str) -> tuple[dict[str, Any], ...]:
    """The statements about a function, or an alias of it, as AWS writes them; none without a policy."""
    answer = connection.find("lambda", "GetPolicy", **at(name, qualifier))
    return listed_in(answer["Policy"], name, qualifier) if answer is not None else ()


def at(name: str, qualifier: str) -> dict[str, str]:
    """Parameters of a call about a function, or about an alias of it."""
    return {"FunctionName": name, **({"Qualifier": qualifier} if qualifier else {})}


def _is_of(statement: Mapping[str, Any], name: str, qualifier: str) -> bool:
    """Whether a statement is about the function as it was asked for, and not about another alias of it."""
    called, _, rest = str(statement.get("Resource", "")).partition(":function:")[2].partition(":")
    return called != name or rest == qualifier


def add(connection: Connection, name: str, statement: Statement, pace: Pace) -> Policy:
    """Add a statement under its content's id; the policy as it is then read back.

    One that is there already is what was wanted.
    """
    request: dict[str, Any] = {
        **at(name, statement.qualifier),
        "StatementId": statement.content_id,
        "Action": statement.action,
        "Principal": statement.principal,
        "SourceArn": statement.source_arn,
    }
    if statement.source_account:
        request["SourceAccount"] = statement.source_account
    try:
        when_ready(connection, pace, name, "AddPermission", **request)
    except Exception as error:
        # An id that exists may be ours from a call whose answer was lost; the read-back tells.
        if code_of(error) != "ResourceConflictException" or is_in_progress(error):
            raise connection.explain(error, "lambda", "AddPermission") from error
    found = Policy()

    def is_there() -> bool:
        nonlocal found
        found = read(connection, name, statement.qualifier)
        return statement in found.statements

    if settles(connection, pace, is_there):
        return found
    raise CloudError(
        f"the permission for {statement.source_arn} on {name} is not there when read back",
        where="lambda:GetPolicy",
        fix=f"look at the statement {statement.content_id} of the function's policy, then run again",
    )


def grant(connection: Connection, name: str, qualifier: str, sid: str, **said: Any) -> None:
    """Add a statement; one that is there already may be ours from a call whose answer was lost."""
    try:
        connection.try_call("lambda", "AddPermission", **at(name, qualifier), StatementId=sid, **said)
    except Exception as error:
        if code_of(error) != "ResourceConflictException" or is_in_progress(error):
            raise connection.explain(error, "lambda", "AddPermission") from error


_MATCHES = ("ArnLike", "ArnEquals", "StringEquals", "StringLike")


def lets_in(statement: Mapping[str, Any], principal: str, arn: str) -> bool:
    """Whether a statement, whosever it is, lets a service call for one source, whatever else."""
    tests = {
        (operator in _MATCHES, key.lower()): value
        for operator, tests in (statement.get("Condition") or {}).items()
        for key, value in tests.items()
    }
    return (
        statement.get("Effect") == "Allow"
        and statement.get("Principal") == {"Service": principal}
        and statement.get("Action") == "lambda:InvokeFunction"
        and tests == {(True, "aws:sourcearn"): arn}
    )


def let_in(connection: Connection, name: str, qualifier: str, sid: str, principal: str, arn: str) -> None:
    """Let a service call the function, or an alias of it, for one source, where no statement does yet.

    One of the id that says something else makes way.
    """
    if any(lets_in(one, principal, arn) for one in statements_of(connection, name, qualifier)):
        return
    admit(connection, name, qualifier, sid, principal, arn)


def admit(connection: Connection, name: str, qualifier: str, sid: str, principal: str, arn: str) -> None:
    """Let a service call the function, or an alias of it, for one source, by a statement of this id."""
    connection.find("lambda", "RemovePermission", **at(name, qualifier), StatementId=sid)
    said = {"Action": "lambda:InvokeFunction", "Principal": principal, "SourceArn": arn}
    grant(connection, name, qualifier, sid, **said)


def remove(connection: Connection, name: str, sid: str, pace: Pace, qualifier: str = "") -> None:
    """Remove a statement of ours; one that is gone already is what was wanted."""
    try:
        when_ready(connection, pace, name, "RemovePermission", **at(name, qualifier), StatementId=sid)
    except Exception as error:
        if code_of(error) != "ResourceNotFoundException":
            raise connection.explain(error, "lambda", "RemovePermission") from error


def statement_of(raw: Mapping[str, Any], qualifier: str) -> Statement:
    """One statement of a policy, as far as it is compared."""
    condition = raw.get("Condition") or {}
    arn, account = None, None
    for operator, tests in condition.items():
        for key, value in tests.items():
            match operator.lower(), key.lower():
                case (("arnlike" | "arnequals" | "stringequals" | "stringlike"), "aws:sourcearn"):
                    arn = value
                case (("stringequals" | "stringlike"), "aws:sourceaccount"):
                    account = value
                case _:
                    arn = json.dumps(condition, sort_keys=True)
    principal = raw.get("Principal")
    if isinstance(principal, dict):
        principal = principal.get("Service", json.dumps(principal, sort_keys=True))
    if raw.get("Effect") != "Allow":
        principal = f"({raw.get('Effect')}) {principal}"
    plain = Statement(
        source_arn=str(arn) if arn is not None else "",
        source_account=str(account) if account is not None else None,
        principal=str(principal),
        action=str(raw.get("Action")),
        qualifier=qualifier,
    )
    size = len(json.dumps(raw, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass"))
    return replace(plain, sid=str(raw.get("Sid", "")), size=size)
