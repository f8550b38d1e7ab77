"""What a road changes of what is live and no plan shows: its controller does more than its objects say."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from lockstep.model import Fleet, Project
from lockstep.model.alias import LATEST
from lockstep.planning.notifications import KINDS, owner_of
from lockstep.roads import ack
from lockstep.roads.ack_fields import BESIDE

__all__ = ["UNPLANNED", "Ask"]


_NAMELESS = frozenset(name for name, one in BESIDE.items() if one.resource == "EventSourceMapping")
"""Kinds that ACK has no name for, by which it would find one that is there."""


def _by_ack(project: Project, live: Fleet, desired: Fleet, keys: list[str]) -> Iterator[str]:
    """See ``losses`` for each of them."""
    for key in keys:
        there, target = live.targets.get(key), desired.targets[key]
        if there is None or there.function is None or target.function is None:
            continue
        alias, wanted = there.live_alias, project.kubernetes.versions.get(key, LATEST)
        if alias is not None and alias.version != wanted:
            yield f"{key}: the alias {target.alias} would move from {alias.version} to {wanted}"
        others = there.function.tags.keys() - target.function.tags.keys()
        names = sorted(name for name in others if not name.startswith(("lockstep:", "aws:")))
        if names and "tags" not in target.ignore:
            yield f"{key}: tags of others would be removed: {', '.join(names)}"
        if sources := [one.path for one in target.resources if one.kind in _NAMELESS]:
            yield f"{key}: ACK finds no {', '.join(sources)} that is there already, and cannot make it again"
    for name in project.kubernetes.own_buckets:
        bucket = live.buckets.get(name)
        called = any(one.bucket == name for key in keys for one in desired.targets[key].triggers)
        if bucket is None or not called:
            continue
        ids = [str(one.get("Id", "")) for kind in KINDS for one in bucket.raw.get(kind, ())]
        foreign = [one or "one without id" for one in ids if (owner_of(one) or ("",))[0] != project.name]
        if "EventBridgeConfiguration" in bucket.raw:
            foreign.append("EventBridge")
        if foreign:
            yield f"{name}: notifications of others would be removed: {', '.join(foreign)}"


Ask: TypeAlias = Callable[[Project, Fleet, Fleet, list[str]], Iterator[str]]
"""Asks of a project's targets, by key, what is live and what is declared."""

UNPLANNED: Mapping[str, Ask] = {ack.ROAD.name: _by_ack}
"""By road, what would change when it takes targets over."""
