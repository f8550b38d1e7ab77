"""The API's description is true: each address is in it, and each answer is what it says."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator
from openapi_schema_validator import OAS31Validator
from starlette.types import ASGIApp

from lockstep.model import Change, SyncStatus
from lockstep.model.era import Era, Said
from lockstep.model.preview import Preview
from lockstep.model.record import Done, Record
from lockstep.model.status import Cause
from lockstep.model.trying import LogLine
from lockstep.serve.deciding import Ask, failed
from lockstep.serve.following import Follower
from lockstep.serve.web import app as module
from lockstep.serve.web.app import make_app
from lockstep.serve.web.openapi import openapi_document
from lockstep.store.history import History
from tests.unit.serve.test_deciding import row
from tests.unit.serve.test_page import ask, follower, saw
from tests.unit.serve.test_past import RUN, history

__all__ = ["follower", "history"]

DOCUMENT = openapi_document()
PATHS: Mapping[str, Any] = {path: item for path, item in DOCUMENT["paths"].items() if "get" in item}
ORDERS = "/api/v1/orders"
TOLD = ("/api/v1/history", "/api/v1/logs", "/api/v1/previews")
AT = "2026-01-01T00:00:00+00:00"


@pytest.fixture
def app(follower: Follower, history: History, monkeypatch: pytest.MonkeyPatch) -> ASGIApp:
    """One with something in each answer."""
    off = replace(
        row("staging/api", SyncStatus.OUT_OF_SYNC, Cause.AWS),
        changes=(Change(path="memorySize", old=1024, new=256),),
    )
    saw(follower, off, row("production/api", SyncStatus.UNKNOWN))
    follower.seen = failed(follower.seen, Ask(), "no such host", follower.project, 0)
    said = Said(version="1.0.0")
    era = Era(version="1.0.0", said=said, sha="b" * 40, author="Ada", subject="First", since=AT)
    record = Record(at=AT, done=Done.DEPLOYED, version="1.0.0", by="Ada")
    monkeypatch.setattr(follower, "history", lambda target, remembered: ((era,), {era.sha: record}))
    monkeypatch.setattr(follower, "logs", lambda target, since: (LogLine(id="", at=1, text="Hello"),))
    monkeypatch.setattr(follower, "previews", lambda: ((Preview(number=7), None),))
    return make_app([follower], history, secret=None)


def check(path: str, status: int, text: str, method: str = "get") -> None:
    """An answer is one that the description has."""
    responses = DOCUMENT["paths"][path][method]["responses"]
    assert str(status) in responses, (path, status, text)
    schema = responses[str(status)]["content"]["application/json"]["schema"]
    whole = {**schema, "components": DOCUMENT["components"]}
    OAS31Validator(whole).validate(json.loads(text))


def filled(path: str, values: Mapping[str, str]) -> str:
    """The address with its names filled in."""
    return re.sub(r"{(\w+)}", lambda name: quote(values[name[1]], safe="/"), path)


def test_each_address_is_described() -> None:
    """No more and no fewer than there are."""
    routes = re.findall(r'"(/api/v1/[^"]*)"', Path(module.__file__).read_text())
    for name in ("past.py", "acting.py", "telling.py"):
        routes += re.findall(r'"(/api/v1/[^"]*)"', Path(module.__file__).with_name(name).read_text())
    assert {route.replace(":path", "") for route in routes} == {*DOCUMENT["paths"]} == {*PATHS, ORDERS}
    assert DOCUMENT["openapi"].startswith("3.1.")


def test_schemas_are_schemas() -> None:
    """Every one; names of operations are not used twice."""
    operations = [operation for path in DOCUMENT["paths"].values() for operation in path.values()]
    for operation in operations:
        for response in operation["responses"].values():
            Draft202012Validator.check_schema(response["content"]["application/json"]["schema"])
    assert len({one["operationId"] for one in operations}) == len(operations)


def test_answers_are_as_described(app: ASGIApp) -> None:
    """Of what is there, each with something in it."""
    there = {"project": "shop", "target": "staging/api", "run": RUN.id}
    for path in PATHS:
        query = "?project=shop&target=staging/api" if path in TOLD else ""
        found = ask(app, filled(path, there) + query)
        assert found.status == 200, path
        check(path, found.status, found.text)
        assert found.headers["content-type"] == "application/json"


@pytest.mark.parametrize("since", ["x", "", "0", "-1", "1.5", "1" * 30])
def test_seconds_that_are_none_are_told(app: ASGIApp, since: str) -> None:
    """No other logs are shown in their place."""
    found = ask(app, f"/api/v1/logs?project=shop&target=staging/api&since={since}")
    assert (found.status, "number of seconds" in found.text) == (400, True)
    check("/api/v1/logs", found.status, found.text)


def test_what_no_address_is_like_is_answered_in_json(app: ASGIApp) -> None:
    """Also a name that no route takes, and another method than reading."""
    for path in ("/api/v1/runs/a%0Ab", "/api/v1/nothing", "/api/v2"):
        found = ask(app, path)
        assert (found.status, [*json.loads(found.text)]) == (404, ["error"])
    found = ask(app, "/api/v1/runs", body=b"{}")
    assert (found.status, [*json.loads(found.text)]) == (405, ["error"])
    assert ask(app, "/nothing").text == "Not Found\n"


def test_a_token_that_is_not_known_is_answered_as_described(app: ASGIApp) -> None:
    """By each address."""
    for path in PATHS:
        named = filled(path, {"project": "shop", "target": "x", "run": "x"})
        found = ask(app, named, authorization="Bearer x")
        assert found.status == 401
        check(path, found.status, found.text)


def test_without_a_history_it_says_so(follower: Follower) -> None:
    """As described, too."""
    app = make_app([follower], None, secret=None)
    for path in PATHS:
        found = ask(app, filled(path, {"project": "shop", "target": "x", "run": "x"}))
        check(path, found.status, found.text)
