"""The events of the runner that tests use have the form of GitHub's, of which npm has examples."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.actions import events
from tests.support.github.npm import NotThere, npm_file


def _form(made: Any, example: Any, path: str = "") -> None:
    """Every field that is made is in the example, with a value of the same kind."""
    if isinstance(made, Mapping):
        for key, value in made.items():
            assert key in example, f"{path}.{key}"
            _form(value, example[key], f"{path}.{key}")
    elif isinstance(made, list):
        if made and example:
            _form(made[0], example[0], f"{path}[]")
    elif made is not None and example is not None:
        assert type(made) is type(example), path


def _examples(name: str) -> list[dict[str, Any]]:
    try:
        file = npm_file("@octokit/webhooks-examples", "7.6.1", "api.github.com/index.json")
    except NotThere as reason:
        pytest.skip(str(reason))
    found = json.loads(file.read_text(encoding="utf-8"))
    return [example for one in found if one["name"] == name for example in one["examples"]]


@pytest.mark.parametrize("action", ["labeled", "unlabeled", "synchronize", "reopened", "closed"])
def test_pull_request_events_have_githubs_form(action: str) -> None:
    """As in the examples that GitHub's own libraries are tested with."""
    made = events.pull_request(
        "acme/shop",
        action,
        number=1,
        head="x",
        sha="0" * 40,
        labels=("a",),
        label="a" if "label" in action else None,
    )
    known = [one for one in _examples("pull_request") if one["action"] == action]
    known = known or _examples("pull_request")
    _form(made, next((one for one in known if one["pull_request"]["labels"]), known[0]))


def test_push_events_have_githubs_form() -> None:
    """With the commits before and after."""
    made = events.push("acme/shop", after="1" * 40)
    for example in _examples("push"):
        _form({key: value for key, value in made.items() if key != "sender"}, example)
