"""Subscription filters of log groups that call the function, and what lets them. Those of others stay.

Source: CloudWatch Logs API reference, PutSubscriptionFilter: one of a name takes the place of what has it;
quotas: two filters for a log group.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.permission import admit, at, lets_in, statements_of
from lockstep.errors import CloudError
from lockstep.model import Resource
from lockstep.model.kinds.base import digest_of, sid_on
from lockstep.model.kinds.log_subscriptions import KIND, PRINCIPAL, identity_of, principals_in, sid_of
from lockstep.regexes import regex

__all__ = ["KIND", "put", "read", "remove", "under_way"]

_MOST = 2
_SOURCE = regex(r"arn:[\w-]+:logs:[\w-]+:\d{12}:log-group:([^:*]+):\*")
_OURS = regex(r"lockstep-logSubscriptions-([0-9a-f]{8})-[0-9a-f]{8}(-[0-9a-f]{8})?")


def read(
    connection: Connection, function: str, qualifier: str, sought: Mapping[str, str]
) -> Iterator[Resource]:
    """The filters that are sought, with what each lacks: it, or what lets the group call.

    A filter is where it calls. One that calls another alias is told here only if it was let in here: then
    whoever moved it did not come to the end. One that calls something else is foreign, unless it was ours.
    """
    statements = statements_of(connection, function, qualifier)
    digests = {digest for digest, identity in sought.items() if not identity}
    named = {*filter(None, sought.values())}
    named |= {one for one in _let_in(statements, qualifier) if digest_of(one) in digests}
    groups = {identity.split(" ", 1)[0] for identity in named}
    groups |= {group for one in statements if digests and (group := _group(one))}
    filters = {group: _filters(connection, group) for group in groups}
    named |= {
        identity
        for group, there in filters.items()
        for one in there
        if digest_of(identity := identity_of(group, str(one["filterName"]))) in digests
    }
    for identity in sorted(named):
        group = identity.split(" ", 1)[0]
        there = _of(filters[group], identity)
        called = _alias_called(connection, function, there) if there is not None else None
        is_ours = any(one.get("Sid") == sid_on(sid_of(identity), qualifier) for one in statements)
        is_foreign = there is not None and called is None and not is_ours
        if not is_ours and not is_foreign and called != qualifier:
            continue
        lacks = {
            "filter": called != qualifier,
            "permission": not _may_call(connection, statements, identity, qualifier),
        }
        missing = [what for what, is_missing in lacks.items() if is_missing]
        # What is gone has no name any more, only a digest of it, as its statement has.
        found = KIND.read({**(there or {}), "logGroupName": group, "missing": missing}, qualifier)
        if found is not None:
            yield replace(found, identity=identity, foreign=is_foreign, is_let_in=is_ours)


def put(connection: Connection, function: str, resource: Resource, live: Resource | None) -> None:
    """What lets the group call, then the filter; what let it call another alias goes last."""
    identity, at_alias = resource.identity, resource.qualifier
    group = identity.split(" ", 1)[0]
    there = _filters(connection, group)
    _check_room(connection, function, resource, there, is_ours=live is not None)
    statements = statements_of(connection, function, at_alias)
    if not _may_call(connection, statements, identity, at_alias):
        sid = sid_on(sid_of(identity), at_alias)
        admit(connection, function, at_alias, sid, PRINCIPAL, _source(connection, group))
    called = connection.scope.function_arn(function) + (f":{at_alias}" if at_alias else "")
    connection.call("logs", "PutSubscriptionFilter", **KIND.request(resource), destinationArn=called)
    if live is not None and live.qualifier != at_alias:
        _revoke(connection, function, live)


def remove(connection: Connection, function: str, live: Resource) -> None:
    """The filter where it still calls what it did, then what let the group call."""
    group = live.identity.split(" ", 1)[0]
    there = _of(_filters(connection, group), live.identity)
    if there is not None and _alias_called(connection, function, there) == live.qualifier:
        about = {"logGroupName": group, "filterName": there["filterName"]}
        connection.find("logs", "DeleteSubscriptionFilter", **about)
    _revoke(connection, function, live)


def under_way(connection: Connection, live: Resource) -> str:
    """Nothing: filters are written at once."""
    return ""


def _check_room(
    connection: Connection,
    function: str,
    resource: Resource,
    there: Sequence[Mapping[str, Any]],
    *,
    is_ours: bool,
) -> None:
    """A filter of somebody else's is never replaced, which AWS would do; and a group has two."""
    group, name = resource.settings["group"], resource.settings["name"]
    has_it = _of(there, resource.identity)
    if has_it is not None:
        called = _alias_called(connection, function, has_it)
        if called is None or (called != resource.qualifier and not is_ours):
            raise CloudError(
                f"the filter {name} of {group} calls something else: {has_it['destinationArn']}",
                where="logs:DescribeSubscriptionFilters",
                fix="give it another name, or remove the one that is there",
            )
    elif len(there) >= _MOST:
        names = ", ".join(str(one["filterName"]) for one in there)
        raise CloudError(
            f"{group} has two subscription filters already, and takes no third: {names}",
            where="logs:DescribeSubscriptionFilters",
            fix="remove one of them, or let one function hand events on to others",
        )


def _filters(connection: Connection, group: str) -> list[dict[str, Any]]:
    """All of a group, which are two at the most, by name; none without the group."""
    answer = connection.find("logs", "DescribeSubscriptionFilters", logGroupName=group) or {}
    return sorted(answer.get("subscriptionFilters", ()), key=lambda one: str(one["filterName"]))


def _of(filters: Sequence[Mapping[str, Any]], identity: str) -> Mapping[str, Any] | None:
    group = identity.split(" ", 1)[0]
    return next((one for one in filters if identity_of(group, str(one["filterName"])) == identity), None)


def _alias_called(connection: Connection, function: str, one: Mapping[str, Any]) -> str | None:
    """The alias or version of the function that a filter calls, "" for itself; None: it calls another."""
    called, own = str(one["destinationArn"]), connection.scope.function_arn(function)
    if called == own:
        return ""
    return called.removeprefix(f"{own}:") if called.startswith(f"{own}:") else None


def _let_in(statements: Sequence[Mapping[str, Any]], qualifier: str) -> Iterator[str]:
    """Identities of filters that statements of ours are for, whether these are there or not."""
    for one in statements:
        sid, group = str(one.get("Sid")), _group(one)
        if group and (ours := _OURS.fullmatch(sid)):
            identity = f"{group} {ours[1]}"
            if sid == sid_on(sid_of(identity), qualifier):
                yield identity


def _group(statement: Mapping[str, Any]) -> str:
    """The log group that a statement lets call."""
    tests = (statement.get("Condition") or {}).values()
    sources = (_SOURCE.fullmatch(str(value)) for each in tests for value in each.values())
    return next((found[1] for found in sources if found), "")


def _may_call(
    connection: Connection, statements: Sequence[Mapping[str, Any]], identity: str, qualifier: str
) -> bool:
    """Whether a statement lets the group call, but for those that go with another filter of ours."""
    source, sid = _source(connection, identity.split(" ", 1)[0]), sid_on(sid_of(identity), qualifier)
    return any(
        lets_in(one, principal, source)
        for one in statements
        for principal in principals_in(connection.scope.region)
        if one.get("Sid") == sid or not _OURS.fullmatch(str(one.get("Sid")))
    )


def _source(connection: Connection, group: str) -> str:
    scope = connection.scope
    return f"arn:{scope.partition}:logs:{scope.region}:{scope.account}:log-group:{group}:*"


def _revoke(connection: Connection, function: str, live: Resource) -> None:
    sid = sid_on(sid_of(live.identity), live.qualifier)
    connection.find("lambda", "RemovePermission", **at(function, live.qualifier), StatementId=sid)
