"""Answers of AWS that are nearly right: what is there is never taken for absent, and nothing is a bug.

They go through botocore, in place of what the network would bring: no socket is between, so that there is
time for many.
"""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.awsrequest import AWSResponse
from botocore.response import StreamingBody
from hypothesis import given, settings
from hypothesis import strategies as st

from lockstep.engines.aws.connection import Connection, Connections
from lockstep.engines.aws.patience import Patience
from lockstep.engines.aws.read import read_live
from lockstep.engines.aws.remembered import Memories
from lockstep.errors import LockstepError
from tests.attack.fuzz.changing import bounded, changed, damaged, written
from tests.strict import Proxy
from tests.support.engine import Lab, prepare
from tests.support.projects import UPLOADS, make_fleet, make_project, make_target, trigger

FLEET = make_fleet(
    make_target("staging/a", trigger("a/"), settings={"logRetentionDays": 7}, tags={"team": "x"}),
    *(make_target(f"staging/b{number}", name=f"b{number}") for number in range(11)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """An answer, byte by byte."""

    headers: dict[str, str]
    body: bytes


class _Body(io.BytesIO):
    """What urllib3 would give."""

    def stream(self, **_: Any) -> Any:
        yield self.read()


Asked = tuple[str, str]
"""An operation, and the path of the URL that it asks at."""


@dataclass
class Wire:
    """Answers every call as AWS did; one as it is told."""

    said: dict[Asked, Said] = field(default_factory=dict)
    wrong: tuple[Asked, bytes] | None = None
    is_over: bool = False  # clients are shared, also by tests that come later

    def watch(self, client: Any) -> None:
        """Keep what is answered."""
        client.meta.events.register("after-call", self._keep)

    def answer(self, client: Any) -> None:
        """Answer in place of the network."""
        client.meta.events.register_first("before-send", self._say)

    def _keep(self, http_response: Any, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        if self.is_over:
            return
        asked = f"{model.service_model.service_name}:{model.name}", urlsplit(http_response.url).path
        self.said.setdefault(asked, Said(headers=dict(http_response.headers), body=http_response.content))
        if isinstance(parsed.get("Body"), StreamingBody):  # which was read just now
            body = http_response.content
            parsed["Body"] = StreamingBody(io.BytesIO(body), len(body))

    def _say(self, event_name: str, request: Any, **_: Any) -> AWSResponse | None:
        if self.is_over:
            return None
        _, service, operation = event_name.split(".")
        name, path = _plain(service, operation), urlsplit(request.url).path
        asked = next(one for one in self.said if one[0].lower() == name and one[1] == path)
        said = self.said[asked]
        body = self.wrong[1] if self.wrong and self.wrong[0] == asked else said.body
        headers = {**said.headers, "content-length": str(len(body))}
        return AWSResponse(request.url, 200, headers, _Body(body))


def _plain(service: str, operation: str) -> str:
    names = {"cloudwatch-logs": "logs", "resource-groups-tagging-api": "resourcegroupstaggingapi"}
    return f"{names.get(service, service)}:{operation}".lower()


@pytest.fixture
def wire(
    strict: Callable[..., Proxy], monkeypatch: pytest.MonkeyPatch, moto: object, tmp_path: Path
) -> Iterator[tuple[Wire, Callable[[bool], object]]]:
    """A fleet that is there, and ``read(full)``, which reads it with one operation answered wrongly."""
    aws = strict(moto)
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    lab: Lab = prepare(aws, tmp_path)
    lab.run(FLEET)
    made, wire = Connection._make_client, Wire()
    hooks = [wire.watch]

    def make(self: Connection, service: str, region: str) -> Any:
        client = made(self, service, region)
        for hook in hooks:
            hook(client)
        return client

    monkeypatch.setattr(Connection, "_make_client", make)
    for full in (False, True):
        read_live(FLEET, make_project(), Connections(), Memories(make_project(), None), full=full)
    hooks[:] = [wire.answer]
    connections = Connections(patience=Patience(attempts=1, connect=2.0, read=5.0))

    def read(full: bool) -> object:
        return read_live(FLEET, make_project(), connections, Memories(make_project(), None), full=full)

    yield wire, read
    wire.is_over = True


def test_what_is_there_is_never_taken_for_absent(wire: tuple[Wire, Callable[[bool], Any]]) -> None:
    """By any answer to any of the readings: each target is there, or told as not read, or it is an error."""
    here, read = wire
    bodies = {one: said.body for one, said in here.said.items() if one[0] != "sts:GetCallerIdentity"}
    documents = {one: json.loads(body) for one, body in bodies.items() if body.startswith(b"{")}
    assert {"lambda:ListFunctions", "lambda:GetFunction", "lambda:GetPolicy"} <= {name for name, _ in bodies}
    by_name = {name: [one for one in sorted(bodies) if one[0] == name] for name, _ in bodies}

    @settings(bounded, max_examples=bounded.max_examples // 3)  # each is a dozen calls
    @given(st.sampled_from(sorted(by_name)), st.booleans(), st.data())
    def holds(name: str, full: bool, data: st.DataObject) -> None:
        asked = data.draw(st.sampled_from(by_name[name]))
        odd = damaged([bodies[asked]])
        if asked in documents:
            odd |= changed([documents[asked]]).map(written)
        here.wrong = (asked, data.draw(odd))
        try:
            live = read(full)
        except LockstepError:
            return
        there = live.targets.keys() | live.unread.keys()
        assert there == FLEET.targets.keys(), name
        assert UPLOADS in live.buckets.keys() | live.closed.keys()

    holds()
