"""A digest of the live state, by which a stale plan is recognised."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from lockstep.model import Fleet, Function, Secret, Target

__all__ = ["fingerprint"]


def fingerprint(live: Fleet) -> str:
    """SHA-256 (hex) over all that was read, without secret values: those show in the revision."""
    digest = hashlib.sha256()
    for row in _rows(live):  # one after the other: thousands of functions are tens of megabytes as text
        digest.update(_ENCODER.encode(row).encode())
    return digest.hexdigest()


def _rows(live: Fleet) -> Iterator[list[Any]]:
    for name, at in sorted(live.scopes.items()):
        yield ["scope", name, at.account, at.region, at.partition]
    for key in sorted(live.targets):
        yield ["target", key, _target(live.targets[key])]
    for arn in sorted(live.others):
        yield ["other", arn, _target(live.others[arn])]
    for name in sorted(live.buckets):
        yield ["bucket", name, live.buckets[name].raw]


def _target(target: Target) -> list[Any]:
    """What was read of a target: also where there is no function, there may be what was made for one."""
    return [
        target.key,
        *_function(target.function),
        sorted(
            [s.qualifier, s.sid, s.action, s.principal, s.source_arn, s.source_account or ""]
            for s in target.statements
        ),
        sorted(
            ([each.kind, each.qualifier, each.identity, each.settings] for each in target.resources), key=repr
        ),
        sorted([each.name, each.version, each.weights, each.description] for each in target.aliases),
    ]


def _function(function: Function | None) -> list[Any]:
    if function is None:
        return []
    return [
        function.name,
        function.revision or function.modified,
        function.code.sha256,
        function.code.image,
        function.settings,
        function.tags,
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return "(secret)" if isinstance(value, Secret) else str(value)


_ENCODER = json.JSONEncoder(sort_keys=True, default=_plain)
