"""What an event of AWS says that somebody may have changed: where to look, and nothing else.

Whatever an event claims, what follows from it is a look at targets that Git declares. Too many are looked at
where a name is in doubt; what an event does not tell is found by the look that comes anyway.
Sources: CloudTrail user guide, "CloudTrail record contents"; EventBridge user guide, "AWS service events
delivered via AWS CloudTrail".
"""

import re
from collections.abc import Iterator
from typing import Any

from lockstep.model import Fleet, Target
from lockstep.model.foreign import read_json

__all__ = ["concerned", "names_in"]

_PARTS = ("requestParameters", "responseElements", "resources")
_MOST = 5000  # values of one event
_LONGEST = 2048  # characters of a name
_BETWEEN = re.compile(r"[:/]")


def names_in(body: str) -> frozenset[str] | None:
    """The names, and parts of names, that a write told by CloudTrail is about; none for what only reads.

    None for what is no event of EventBridge.
    """
    try:
        event = read_json(body)
    except ValueError:
        return None
    detail = event.get("detail") if isinstance(event, dict) else None
    if not isinstance(detail, dict) or not isinstance(event.get("source"), str):
        return None
    if detail.get("readOnly") is True:
        return frozenset()
    found: set[str] = set()
    for number, value in enumerate(_values([detail.get(part) for part in _PARTS])):
        if number >= _MOST:
            break
        if isinstance(value, str) and len(value) <= _LONGEST:
            found.update((value, *_BETWEEN.split(value)))
    return frozenset(found)


def _values(value: Any) -> Iterator[Any]:
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            pending.extend(one.values())
        elif isinstance(one, list):
            pending.extend(one)
        else:
            yield one


def concerned(fleet: Fleet, names: frozenset[str]) -> tuple[str, ...]:
    """Targets whose function or bucket is named; if there is none, those of a rule, a topic or the like."""
    ours = {key: target for key, target in fleet.targets.items() if target.function is not None}
    direct = tuple(key for key, target in ours.items() if not names.isdisjoint(_own(target)))
    return direct or tuple(key for key, target in ours.items() if not names.isdisjoint(_beside(target)))


def _own(target: Target) -> Iterator[str]:
    if target.function is not None:
        yield target.function.name
    for trigger in target.triggers:
        yield trigger.bucket


def _beside(target: Target) -> Iterator[str]:
    for one in target.resources:
        for text in (one.identity, *(value for value in one.settings.values() if isinstance(value, str))):
            yield text
            yield _BETWEEN.split(text)[-1]
