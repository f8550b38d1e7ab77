"""What one turn on a project leaves for the next, as text: what is known of it but what was read of AWS.

Times are those of the clock that all share; endless ones are null. No values of functions are in it.
"""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from lockstep.model.foreign import read_json
from lockstep.serve.deciding import Heads, Seen, Try, Waiting

__all__ = ["kept", "left"]


def left(seen: Seen) -> str:
    """The text."""
    found = asdict(replace(seen, rows={}))
    del found["rows"]
    for one in found["waiting"].values():
        one["at"] = None if math.isinf(one["at"]) else one["at"]
    found["heard"] = sorted(seen.heard)
    return json.dumps(found, sort_keys=True)


def kept(text: str, *, shift: float = 0.0) -> Seen:
    """What a text says, with times moved by so many seconds; nothing where it says nothing of use."""
    try:
        found = read_json(text.encode())
        return _read(found, lambda at: None if at is None else float(at) + shift)
    except (ValueError, TypeError, KeyError, AttributeError):
        return Seen()  # of another release: everything is looked at again


def _read(found: Any, at: Callable[[Any], float | None]) -> Seen:
    def tried(one: Any) -> Try | None:
        return None if one is None else Try(count=one["count"], at=at(one["at"]) or 0.0, why=one["why"])

    def heads(one: Any) -> Heads | None:
        return None if one is None else Heads(**one)

    return Seen(
        heads=heads(found["heads"]),
        at=heads(found["at"]),
        is_hinted=found["is_hinted"] is True,
        heard=frozenset(map(str, found["heard"])),
        targets={key: one for key, text in found["targets"].items() if (one := tried(text)) is not None},
        waiting={
            key: Waiting(**{**one, "at": math.inf if one["at"] is None else (at(one["at"]) or 0.0)})
            for key, one in found["waiting"].items()
        },
        asked=at(found["asked"]),
        tried=at(found["tried"]),
        looked=at(found["looked"]),
        listened=at(found["listened"]),
        moved=at(found["moved"]),
        cleaned=at(found["cleaned"]),
        git=tried(found["git"]),
        aws=tried(found["aws"]),
        moving=tried(found["moving"]),
        cleaning=tried(found["cleaning"]),
    )
