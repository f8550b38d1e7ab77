"""EventBridge rules: the rule, our target on it, and what lets it call. Targets of others stay.

Source: EventBridge API reference: PutRule replaces a rule, and ignores tags for one that is there; PutTargets
and RemoveTargets tell their failures in an answer with status 200; a rule with targets is not deleted.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.permission import at, let_in, lets_in, statements_of
from lockstep.errors import CloudError
from lockstep.model import Resource
from lockstep.model.kinds.base import digest_of, sid_on
from lockstep.model.kinds.rules import DEFAULT_BUS, KIND, PRINCIPAL, sid_of, target_of

__all__ = ["KIND", "put", "read", "remove", "survey", "under_way"]

_OWNER = "lockstep:function"
_STATES = {True: "ENABLED", False: "DISABLED"}


def read(
    connection: Connection,
    function: str,
    qualifier: str,
    sought: Mapping[str, str],
    surveyed: Mapping[str, dict[str, Any]] | None = None,
) -> Iterator[Resource]:
    """The rules that are sought, with what each lacks to call the function or its alias.

    ``surveyed``: see ``survey``; without it each rule is asked for by itself.
    """
    digests = {digest for digest, identity in sought.items() if not identity}
    if digests and surveyed is None:
        surveyed = survey(connection)
    statements: tuple[dict[str, Any], ...] | None = None
    named = (one for one in surveyed or () if digest_of(one) in digests)
    for identity in sorted({*filter(None, sought.values()), *named}):
        rule = _rule(connection, identity) if surveyed is None else surveyed.get(identity)
        if rule is None:
            continue
        targets = _targets(connection, identity)
        ours = next((one for one in targets if one["Id"] == target_of(function)), None)
        if statements is None:
            statements = statements_of(connection, function, qualifier)
        is_elsewhere = ours is not None and ours["Arn"] != _called(connection, function, qualifier)
        if is_elsewhere and not any(_is_ours_here(one, identity, qualifier) for one in statements):
            continue  # it is on another alias, and whoever moved it there came to the end
        lacks = {
            "target": ours is None or is_elsewhere,
            "permission": not any(lets_in(one, PRINCIPAL, rule["Arn"]) for one in statements),
        }
        missing = [what for what, is_missing in lacks.items() if is_missing]
        told = {**rule, "Targets": _shown(ours or {}), "Missing": missing}
        found = KIND.read({**told, "EventBusName": identity.split(" ", 1)[0]}, qualifier)
        if found is not None:
            is_foreign = ours is None and not _is_ours(connection, rule["Arn"], function)
            is_let_in = any(_is_ours_here(one, identity, qualifier) for one in statements)
            yield replace(found, foreign=is_foreign, is_let_in=is_let_in)


def survey(connection: Connection) -> Mapping[str, dict[str, Any]]:
    """All rules of the account and Region by identity, 100 a call, each as it tells itself."""
    buses = connection.pages("events", "ListEventBuses", "EventBuses", "NextToken", "NextToken", Limit=100)
    return {
        f"{bus} {one['Name']}": one
        for bus in [str(one["Name"]) for one in buses]
        for one in connection.pages(
            "events", "ListRules", "Rules", "NextToken", "NextToken", EventBusName=bus, Limit=100
        )
    }


def put(connection: Connection, function: str, resource: Resource, live: Resource | None) -> None:
    """The rule, what lets it call, then the target; what let it call another alias goes last."""
    place = _place(resource.identity)
    before = _rule(connection, resource.identity) or {}
    request = KIND.request(resource)
    target = request.pop("Targets", {})
    state = _STATES[bool(resource.settings.get("enabled", True))]
    if before.get("State") not in (None, "DISABLED") and state == "ENABLED":
        state = before["State"]  # one of two ways to be enabled
    request = {**request, **place, "State": state, "Tags": [{"Key": _OWNER, "Value": function}]}
    if before.get("RoleArn"):
        request["RoleArn"] = before["RoleArn"]
    arn = str(connection.call("events", "PutRule", **request)["RuleArn"])
    if live is not None and live.foreign:
        connection.call("events", "TagResource", ResourceARN=arn, Tags=request["Tags"])
    sid = sid_on(sid_of(resource.identity), resource.qualifier)
    let_in(connection, function, resource.qualifier, sid, PRINCIPAL, arn)
    called = {"Id": target_of(function), "Arn": _called(connection, function, resource.qualifier)}
    answer = connection.call(
        "events",
        "PutTargets",
        Rule=place["Name"],
        EventBusName=place["EventBusName"],
        Targets=[{**called, **_sent(target)}],
    )
    _check_whole(answer, "PutTargets", resource)
    if live is not None and live.qualifier != resource.qualifier:
        _revoke(connection, function, live)


def remove(connection: Connection, function: str, live: Resource) -> None:
    """Our target, the rule where no other target is left (else it is theirs now), then what let it call."""
    place = _place(live.identity)
    rule = {"Rule": place["Name"], "EventBusName": place["EventBusName"]}
    targets = {one["Id"]: one["Arn"] for one in _targets(connection, live.identity)}
    left, called = targets.keys(), _called(connection, function, live.qualifier)
    if targets.get(target_of(function), called) != called:
        _revoke(connection, function, live)  # what is left of one that is on another alias
        return
    if target_of(function) in left:
        answer = connection.find("events", "RemoveTargets", **rule, Ids=[target_of(function)])
        _check_whole(answer or {}, "RemoveTargets", live)
    if not left - {target_of(function)}:
        connection.find("events", "DeleteRule", **place)
    elif (found := _rule(connection, live.identity)) is not None:
        connection.find("events", "UntagResource", ResourceARN=found["Arn"], TagKeys=[_OWNER])
    _revoke(connection, function, live)


def under_way(connection: Connection, live: Resource) -> str:
    """Nothing: rules are written at once."""
    return ""


def _place(identity: str) -> dict[str, str]:
    bus, _, name = identity.partition(" ")
    return {"Name": name, "EventBusName": bus or DEFAULT_BUS}


def _rule(connection: Connection, identity: str) -> dict[str, Any] | None:
    return connection.find("events", "DescribeRule", **_place(identity))


def _targets(connection: Connection, identity: str) -> list[dict[str, Any]]:
    place = _place(identity)
    about = {"Rule": place["Name"], "EventBusName": place["EventBusName"], "Limit": 100}
    token: dict[str, str] = {}
    found: list[dict[str, Any]] = []
    while True:
        answer = connection.find("events", "ListTargetsByRule", **about, **token)
        if answer is None:
            return []
        found += answer.get("Targets", [])
        if not answer.get("NextToken") or token == {"NextToken": answer["NextToken"]}:
            return found
        token = {"NextToken": answer["NextToken"]}


def _called(connection: Connection, function: str, qualifier: str) -> str:
    return connection.scope.function_arn(function) + (f":{qualifier}" if qualifier else "")


def _is_ours(connection: Connection, arn: str, function: str) -> bool:
    answer = connection.find("events", "ListTagsForResource", ResourceARN=arn) or {}
    return {"Key": _OWNER, "Value": function} in answer.get("Tags", [])


def _is_ours_here(statement: Mapping[str, Any], identity: str, qualifier: str) -> bool:
    return statement.get("Sid") == sid_on(sid_of(identity), qualifier)


def _revoke(connection: Connection, function: str, live: Resource) -> None:
    sid = sid_on(sid_of(live.identity), live.qualifier)
    connection.find("lambda", "RemovePermission", **at(function, live.qualifier), StatementId=sid)


def _shown(target: Mapping[str, Any]) -> dict[str, Any]:
    """A target as its rows have it: names of parts of an event in a list."""
    transformer = target.get("InputTransformer")
    if not transformer:
        return dict(target)
    paths = [{"Name": name, "Path": path} for name, path in transformer.get("InputPathsMap", {}).items()]
    return {**target, "InputTransformer": {**transformer, "InputPathsMap": paths}}


def _sent(target: Mapping[str, Any]) -> dict[str, Any]:
    transformer = target.get("InputTransformer")
    if not transformer:
        return dict(target)
    paths = {one["Name"]: one["Path"] for one in transformer.get("InputPathsMap", [])}
    inner = {**transformer, **({"InputPathsMap": paths} if paths else {})}
    if not paths:
        inner.pop("InputPathsMap", None)
    return {**target, "InputTransformer": inner}


def _check_whole(answer: Mapping[str, Any], operation: str, resource: Resource) -> None:
    """A failure of a part is told in an answer with status 200."""
    if not answer.get("FailedEntryCount"):
        return
    (failed, *_) = answer.get("FailedEntries") or [{}]
    why = f"{failed.get('ErrorCode', 'no code')}: {failed.get('ErrorMessage', 'no reason was told')}"
    raise CloudError(
        f"the target of the rule {_place(resource.identity)['Name']} was not taken: {why}",
        where=f"events:{operation}",
        fix="a rule takes five targets; mend what AWS says, then run again",
    )
