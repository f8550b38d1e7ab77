"""What an event of a pull request says, and what it asks for."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.delivery.events.reading import Event, Wanted, decide, read_event
from lockstep.errors import BadInput
from tests.support.pull_events import payload

SHA = "ec26c3e57ca3a959ca5aad62de7213c562f8c821"


def read(**fields: Any) -> Event:
    """The event of a payload."""
    return read_event(json.dumps(payload(**{"number": 7, "sha": SHA, **fields})), "event.json")


def wanted(**fields: Any) -> Wanted:
    """What it asks for."""
    return decide(read(**fields), "preview").wanted


def test_an_event_is_read() -> None:
    """The fields that count, and nothing else."""
    event = read(action="labeled", labels=["bug", "preview"], label="preview")
    assert event == Event(
        action="labeled",
        number=7,
        sha=SHA,
        base="main",
        is_open=True,
        labels=("bug", "preview"),
        changed="preview",
    )


@pytest.mark.parametrize(
    ("fields", "is_wanted"),
    [
        ({"action": "labeled", "labels": ["preview"], "label": "preview"}, Wanted.UP),
        ({"action": "labeled", "labels": ["preview", "bug"], "label": "bug"}, Wanted.NOTHING),
        ({"action": "labeled", "labels": ["bug"], "label": "bug"}, Wanted.NOTHING),
        ({"action": "synchronize", "labels": ["preview"]}, Wanted.UP),
        ({"action": "synchronize", "labels": []}, Wanted.NOTHING),
        ({"action": "reopened", "labels": ["preview"]}, Wanted.UP),
        ({"action": "synchronize", "labels": ["preview"], "is_open": False}, Wanted.NOTHING),
        ({"action": "unlabeled", "labels": [], "label": "preview"}, Wanted.DOWN),
        ({"action": "unlabeled", "labels": ["preview"], "label": "preview"}, Wanted.DOWN),
        ({"action": "unlabeled", "labels": ["preview"], "label": "bug"}, Wanted.NOTHING),
        ({"action": "closed", "labels": ["preview"], "is_open": False}, Wanted.DOWN),
        ({"action": "closed", "labels": [], "is_open": False}, Wanted.DOWN),
        ({"action": "edited", "labels": ["preview"]}, Wanted.NOTHING),
    ],
)
def test_what_it_asks_for(fields: dict[str, Any], is_wanted: Wanted) -> None:
    """The label and the state decide; events of other labels are left alone."""
    assert wanted(**fields) is is_wanted


@pytest.mark.parametrize("source", ["somebody/shop", None])
def test_a_fork(source: str | None) -> None:
    """Only a label that names this very commit lets a fork's, or a vanished repository's, be built."""
    approved = ["preview", f"preview:{SHA}"]
    assert wanted(action="labeled", labels=["preview"], label="preview", source=source) is Wanted.NOTHING
    assert wanted(action="labeled", labels=approved, label=approved[1], source=source) is Wanted.UP
    other = ["preview", f"preview:{'0' * 40}"]
    assert wanted(action="synchronize", labels=other, source=source) is Wanted.NOTHING
    assert wanted(action="closed", labels=other, is_open=False, source=source) is Wanted.DOWN
    assert wanted(action="closed", labels=["preview"], is_open=False, source=source) is Wanted.NOTHING


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("number", "7"),
        ("number", True),
        ("number", 0),
        ("action", None),
        ("pull_request.head.sha", "main"),
        ("pull_request.head.sha", f"{SHA}\n"),
        ("pull_request.base.ref", "--upload-pack=x"),
        ("pull_request.base.ref", "a..b"),
        ("pull_request.base.ref", "main\x1b[2J"),
        ("pull_request.base.ref", "main@{1}"),
        ("pull_request.base.repo", None),
        ("pull_request.state", "merged"),
        ("pull_request.labels", [None]),
        ("pull_request.labels", {"name": "preview"}),
        ("pull_request", []),
    ],
)
def test_what_cannot_be(path: str, value: Any) -> None:
    """Bad input that names the field, and never repeats what stands there."""
    document = copy.deepcopy(payload(action="labeled", number=7, sha=SHA))
    *above, last = path.split(".")
    place = document
    for name in above:
        place = place[name]
    place[last] = value
    with pytest.raises(BadInput, match=r"\Aevent.json: .* is not what an event") as caught:
        read_event(json.dumps(document), "event.json")
    assert "\x1b" not in str(caught.value)
    assert "upload-pack" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000])
def test_no_event(text: str) -> None:
    """Other documents are bad input."""
    with pytest.raises(BadInput, match=r"\Aevent.json"):
        read_event(text, "event.json")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)


@given(name=st.sampled_from(["action", "number", "pull_request", "label"]), value=_JSON)
def test_anything_in_a_field(name: str, value: Any) -> None:
    """Whatever stands there, it is an event or bad input."""
    document = payload(action="labeled", number=7, sha=SHA) | {name: value}
    try:
        event = read_event(json.dumps(document), "event.json")
    except BadInput:
        return
    decide(event, "preview")


def test_labels_are_compared_without_case() -> None:
    """As GitHub does: who made the label ``Preview`` means ``preview``."""
    assert wanted(action="labeled", labels=["Preview"], label="Preview") is Wanted.UP
    assert wanted(action="synchronize", labels=["PREVIEW"]) is Wanted.UP
    assert wanted(action="unlabeled", labels=[], label="Preview") is Wanted.DOWN
    approved = ["Preview", f"Preview:{SHA.upper()}"]
    fork = "somebody/shop"
    assert wanted(action="labeled", labels=approved, label=approved[1], source=fork) is Wanted.UP
    assert wanted(action="closed", labels=approved, is_open=False, source=fork) is Wanted.DOWN
