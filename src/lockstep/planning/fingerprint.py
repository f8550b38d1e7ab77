"""A digest of the live state, by which a stale plan is recognised."""

import hashlib
import json
from typing import Any

from lockstep.model import Fleet, Secret, Target

__all__ = ["fingerprint"]


def fingerprint(live: Fleet) -> str:
    """SHA-256 (hex) over all that was read, without secret values: those show in the revision."""
    state = {
        "targets": [_target(live.targets[key]) for key in sorted(live.targets)],
        "others": [_target(live.others[key]) for key in sorted(live.others)],
        "buckets": [[name, live.buckets[name].raw] for name in sorted(live.buckets)],
    }
    return hashlib.sha256(json.dumps(state, sort_keys=True, default=_plain).encode()).hexdigest()


def _target(target: Target) -> list[Any]:
    function = target.function
    if function is None:
        return [target.key]
    settings = {key: value for key, value in function.settings.items() if key != "environment"}
    return [
        target.key,
        function.name,
        function.revision or function.modified,
        function.code.sha256,
        function.code.image,
        settings,
        dict(function.tags),
        sorted(
            [s.sid, s.action, s.principal, s.source_arn, s.source_account or ""] for s in target.statements
        ),
    ]


def _plain(value: Any) -> Any:
    return "(secret)" if isinstance(value, Secret) else str(value)
