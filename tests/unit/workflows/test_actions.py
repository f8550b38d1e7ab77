"""The runner that tests use: its expressions are GitHub's, and its events have the form of GitHub's."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.actions import evaluate, events, fill
from tests.support.github.npm import NotThere, npm_file

CONTEXTS = {
    "github": {"event": {"labels": [{"name": "Preview"}, {"name": "x"}], "number": 7}, "server": "http://s"},
    "vars": {},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("github.event.number == 7", True),
        ("contains(github.event.labels.*.name, 'preview')", True),
        ("!contains(github.event.labels.*.name, 'previews')", True),
        ("vars.NONE || format('{0}/{1}', github.server, 'it''s')", "http://s/it's"),
        ("github.event.missing.deeper == null && 'yes'", "yes"),
        ("false || (true && 'a' == 'A')", True),
        ("vars.NONE != ''", False),
        ("github.event.number == '7'", True),
        ("github.event.number == 'seven'", False),
        ("true == 1", True),
    ],
)
def test_expressions_mean_what_they_mean_on_github(text: str, value: object) -> None:
    """Operators bind and give operands as GitHub's do; strings are compared without case."""
    assert evaluate(text, CONTEXTS) == value


def test_what_is_missing_is_an_empty_text() -> None:
    """A variable that nobody set leaves nothing behind."""
    assert fill("a${{ vars.NONE }}b${{ github.event.number }}", CONTEXTS) == "ab7"


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
