"""Documents that are nearly right, and bytes that are nearly a document."""

import copy
import json
import os
from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

__all__ = ["GONE", "ODD", "bounded", "changed", "damaged", "places", "put"]

_EXAMPLES = int(os.environ.get("LOCKSTEP_FUZZ_EXAMPLES") or 0)  # ./dev fuzz
bounded = settings(
    max_examples=_EXAMPLES or 100,
    derandomize=not _EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[*HealthCheck],
)
"""How much is tried: in the suite a little, and always the same."""

GONE = object()
"""In place of a value: its key is not there."""

ODD: tuple[Any, ...] = (
    *(GONE, None, True, False, 0, -1, 1.5, 2**63, 10**400, float("nan"), float("inf"), -1e308),
    *(
        "",
        "x",
        "\x00",
        "\ud800",
        "0",
        "../../x",
        "/",
        "a" * 5_000,
        "{}",
        "[]",
        "null",
        "::set-output::x",
        "é🚀",
    ),
    *("0000-00-00", "9999-99-99T99:99:99Z", "${x}", "https://[", "arn:aws:lambda:::function:", "0" * 40),
    *([], {}, [[]], [{}], [None], {"": {}}, {"x": [1]}, [["x", {}]], ["x"], {"__type": "x"}),
)
"""Values that stand where another was expected."""

_NESTED = 10_000  # deeper than any reader goes
_INSERTED = (
    b"",
    b"\0",
    b"\xff",
    b"\xed\xa0\x80",
    b"{",
    b"]",
    b'"',
    b"\\u",
    b"\n",
    b"\r\n",
    b"9" * 5_000,
    b"\xef\xbb\xbf",
)


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in a document: the path to each value, that of the whole first."""
    found = [path]
    items = (
        document.items()
        if isinstance(document, dict)
        else enumerate(document)
        if isinstance(document, list)
        else ()
    )
    for key, value in items:
        found += places(value, (*path, key))
    return found


def put(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The document with a value at a place, or without what stands there."""
    if not path:
        return None if value is GONE else value
    made = copy.deepcopy(document)
    at = made
    for key in path[:-1]:
        at = at[key]
    if value is GONE:
        del at[path[-1]]
    else:
        at[path[-1]] = copy.deepcopy(value)
    return made


@st.composite
def changed(draw: st.DrawFn, documents: Sequence[Any]) -> Any:
    """One of the documents with odd values at one to three places, or parts of it in another place."""
    made = draw(st.sampled_from(documents))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(places(made)))
        value = draw(st.sampled_from(ODD))
        if draw(st.booleans()):
            value = made
            for key in draw(st.sampled_from(places(made))):
                value = value[key]
        made = put(made, path, value)
    return made


@st.composite
def damaged(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds, cut, with bytes taken out, put in or changed."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 40)))
        data = data[:start] + draw(st.sampled_from(_INSERTED) | st.binary(max_size=6)) + data[end:]
    match draw(st.integers(0, 15)):
        case 0:
            data = data[: draw(st.integers(0, len(data)))]
        case 1:
            data = data * 2
        case 2:
            data = draw(st.sampled_from([b"[", b'{"a":', b"- ", b"{a: ", b"&a [*a,"])) * _NESTED
    return data


def written(document: Any) -> bytes:
    """A document as JSON, surrogates and numbers that are none included."""
    return json.dumps(document).encode()
