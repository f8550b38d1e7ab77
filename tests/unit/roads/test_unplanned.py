"""What ACK does beside its objects is told before it takes anything over."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from lockstep.model import Bucket, Fleet, Resource
from lockstep.model.alias import Alias
from lockstep.roads.unplanned import UNPLANNED
from tests.support.roads import SETTINGS, project, target

KEY = "staging/api"
MINE = "lockstep-shop.staging/api.0123456789ab"
OTHERS = "lockstep-blog.staging/api.0123456789ab"


def _told(
    *,
    tags: Mapping[str, str] | None = None,
    raw: Mapping[str, Any] | None = None,
    versions: Mapping[str, str] | None = None,
    resources: tuple[Resource, ...] = (),
) -> list[str]:
    wanted = target(KEY, prefix="staging/", alias="live", resources=resources)
    assert wanted.function is not None
    function = replace(wanted.function, tags={"lockstep:target": KEY, **(tags or {})})
    live = Fleet(
        project="shop",
        targets={KEY: replace(wanted, function=function, aliases=(Alias(name="live", version="7"),))},
        buckets={"shop-uploads": Bucket(name="shop-uploads", raw=raw or {})},
    )
    made = project(kubernetes=replace(SETTINGS, versions={KEY: "7"} if versions is None else versions))
    return list(UNPLANNED["ack"](made, live, Fleet(project="shop", targets={KEY: wanted}), [KEY]))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"versions": {}}, "the alias live would move from 7 to $LATEST"),
        ({"tags": {"team": "files"}}, "tags of others would be removed: team"),
        ({"resources": (Resource(kind="eventSources", name="orders"),)}, "ACK finds no eventSources.orders"),
        ({"raw": {"QueueConfigurations": [{"Id": OTHERS}]}}, f"of others would be removed: {OTHERS}"),
        ({"raw": {"EventBridgeConfiguration": {}}}, "notifications of others would be removed: EventBridge"),
    ],
)
def test_each_is_told_with_what_it_is_about(found: dict[str, Any], words: str) -> None:
    """One line for each, of the target or of the bucket."""
    (told,) = _told(**found)
    assert words in told


def test_what_is_ours_and_as_it_will_be_is_nothing_to_tell() -> None:
    """Our tags, our entry, and an alias that stands where its manifest says."""
    assert _told(raw={"LambdaFunctionConfigurations": [{"Id": MINE}]}) == []
