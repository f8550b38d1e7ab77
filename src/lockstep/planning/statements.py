"""How large a function's resource policy gets, which Lambda bounds.

Source: Lambda quotas, "Function resource-based policy": 20 KB, for the function and for each alias.
"""

import json
from collections.abc import Iterable, Iterator, Mapping

from lockstep.model import Resource, Scope, Statement
from lockstep.model.kinds import KINDS

__all__ = ["admitted", "excess", "size_of"]

MOST = 20_480  # bytes
_AROUND = len('{"Version":"2012-10-17","Id":"default","Statement":[]}')


def excess(
    have: Iterable[Statement],
    add: Iterable[Statement],
    free: frozenset[tuple[str, str]],
    scope: Scope,
    name: str,
) -> str | None:
    """Why statements find no room beside those that are there; None when they do.

    What is replaced goes last, but for those in ``free`` (qualifier and id), so until then old and new are
    there together.
    """
    new = [*add]
    kept = [one for one in have if (one.qualifier, one.sid) not in free]
    size = _AROUND + sum(size_of(one, scope, name) + 1 for one in (*kept, *new))
    if not new or size <= MOST:
        return None
    of_others = sum(not one.sid.startswith("lockstep-") for one in kept)
    return (
        f"the resource policy of {name} would have {size:,} bytes with its {len(kept) + len(new)} statements "
        f"({of_others} of them of others), and Lambda allows {MOST:,}; take statements away that nobody "
        "needs, or let other functions serve some of the buckets"
    )


def size_of(statement: Statement, scope: Scope, name: str) -> int:
    """Bytes of a statement in the policy: as it was read, or as Lambda will write it."""
    if statement.size:
        return statement.size
    source = {"ArnLike": {"AWS:SourceArn": statement.source_arn}}
    account = {"StringEquals": {"AWS:SourceAccount": statement.source_account}}
    written = {
        "Sid": statement.sid,
        "Effect": "Allow",
        "Principal": {"Service": statement.principal},
        "Action": statement.action,
        "Condition": {**(account if statement.source_account else {}), **source},
    }
    return _bytes_of(written, scope, name, statement.qualifier)


def admitted(wanted: Resource, live: Resource | None, scope: Scope, name: str) -> Iterator[Statement]:
    """The statements that a resource beside the function needs, as far as their room goes."""
    for one in KINDS[wanted.kind].admits(wanted, live):
        size = _bytes_of(one, scope, name, wanted.qualifier)
        yield Statement(
            source_arn="",
            source_account=None,
            principal=str(one["Principal"]),
            action=str(one["Action"]),
            qualifier=wanted.qualifier,
            sid=str(one["Sid"]),
            size=size,
        )


def _bytes_of(statement: Mapping[str, object], scope: Scope, name: str, qualifier: str) -> int:
    resource = scope.function_arn(name) + (f":{qualifier}" if qualifier else "")
    written = {**statement, "Resource": resource}
    return len(json.dumps(written, separators=(",", ":"), ensure_ascii=False).encode())
