"""A digest of the live state, by which a stale plan is recognised."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from lockstep.model import Fleet, Secret, Target

__all__ = ["fingerprint"]


def fingerprint(live: Fleet) -> str:
    """SHA-256 (hex) over all that was read, without secret values: those show in the revision."""
    state = {
        "scopes": {name: [at.account, at.region, at.partition] for name, at in live.scopes.items()},
        "targets": {key: _target(target) for key, target in live.targets.items()},
        "others": {arn: _target(target) for arn, target in live.others.items()},
        "buckets": {name: bucket.raw for name, bucket in live.buckets.items()},
    }
    return hashlib.sha256(json.dumps(state, sort_keys=True, default=_plain).encode()).hexdigest()


def _target(target: Target) -> list[Any]:
    function = target.function
    if function is None:
        return [target.key]
    return [
        target.key,
        function.name,
        function.revision or function.modified,
        function.code.sha256,
        function.code.image,
        function.settings,
        function.tags,
        sorted(
            [s.qualifier, s.sid, s.action, s.principal, s.source_arn, s.source_account or ""]
            for s in target.statements
        ),
        sorted(([each.kind, each.qualifier, each.settings] for each in target.resources), key=repr),
        sorted([each.name, each.version, each.weights, each.description] for each in target.aliases),
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return "(secret)" if isinstance(value, Secret) else str(value)
