"""``via: eventbridge``: the rules that a trigger stands for, and what S3 sends to nobody."""

import json
from typing import Any

import pytest

from lockstep.config.load import load
from lockstep.errors import BadInput
from tests.unit.config.conftest import staging


def patterns(lines: str) -> list[dict[str, Any]]:
    """The patterns of the rules of staging's function."""
    fleet = load(staging(f"  triggers:\n{lines}")).fleet
    target = fleet.targets["staging/s3-notifier"]
    rules = [one for one in target.resources if one.kind == "rules"]
    assert [one.bucket for one in target.relayed] == ["syrfapp-uploads"]
    return [json.loads(str(one.settings["pattern"])) for one in rules]


def test_a_trigger_through_eventbridge_is_a_rule_for_the_bucket_s_events() -> None:
    """Keys are as they are, where a trigger has them percent-encoded."""
    (one,) = patterns("    - {prefix: in+box/%2A, suffix: .csv, via: eventbridge}")
    assert one == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": ["syrfapp-uploads"]},
            "object": {"key": [{"wildcard": "in box/\\**.csv"}]},
        },
    }


def test_events_that_are_told_apart_by_different_words_have_a_rule_each() -> None:
    """A deletion by a lifecycle rule is another event to S3, and the same type to EventBridge."""
    events = "['s3:ObjectCreated:*', 's3:ObjectTagging:Put', 's3:ObjectRemoved:*']"
    found = patterns(f"    - {{prefix: in/, events: {events}, via: eventbridge}}")
    assert [(one["detail-type"], one["detail"].get("reason")) for one in found] == [
        (["Object Created", "Object Tags Added"], None),
        (["Object Deleted"], ["DeleteObject"]),
    ]


@pytest.mark.parametrize(
    ("lines", "problem", "fix"),
    [
        ("    - {prefix: a/, via: sns}", "via", "eventbridge"),
        (
            "    - {prefix: a/, via: eventbridge, events: ['s3:Replication:*']}",
            "S3 sends no s3:Replication:* to EventBridge",
            "take the event out",
        ),
        (
            "    - {prefix: a/, via: eventbridge}\n    - {prefix: a/b/, via: eventbridge}",
            "would be called twice for each of them",
            "remove one of them",
        ),
    ],
)
def test_what_would_never_come_or_come_twice_is_told_at_its_line(lines: str, problem: str, fix: str) -> None:
    """With what to do, before any call is made."""
    with pytest.raises(BadInput) as caught:
        load(staging(f"  triggers:\n{lines}"))
    assert problem in str(caught.value)
    assert fix in str(caught.value)
    assert "staging/s3-notifier/config.yaml:" in str(caught.value)
