"""Spans, sent to a real receiver of OTLP; and none where nobody takes them."""

import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from lockstep import tracing
from lockstep.engines.aws.connection import Connections
from lockstep.errors import BadInput, CloudError
from lockstep.model import Environment
from tests.support.receivers import HttpReceiver, http_receiver

IDENTITY = b"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/a</Arn><UserId>A</UserId>
<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"""


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpReceiver]:
    """Takes spans, and stands for AWS."""
    with http_receiver() as server:
        server.documents = {b"GetCallerIdentity": IDENTITY, b"GetQueueUrl": b'{"QueueUrl": "http://q"}'}
        for name in [*os.environ]:
            if name.startswith(("AWS_", "OTEL_")):
                monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"{server.url}/otel")
        yield server


def spans(web: HttpReceiver) -> dict[str, Any]:
    """What was received, by name, with the names of those above as ``parent``."""
    found: dict[bytes, Any] = {}
    for path, _, body in web.requests:
        if path == "/otel/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                found |= {one.span_id: one for scope in resource.scope_spans for one in scope.spans}
    above = {key: found[one.parent_span_id].name if one.parent_span_id else "" for key, one in found.items()}
    return {one.name: (one, above[key]) for key, one in found.items()}


def test_calls_of_other_threads_are_below_the_run_that_makes_them(web: HttpReceiver) -> None:
    """With their names; of an error its kind, and no word of it."""
    with tracing.begin({"OTEL_EXPORTER_OTLP_ENDPOINT": web.url}):
        with tracing.span("lockstep.sync", lockstep__project="shop"):
            connection = Connections().get(Environment(name="staging", region="eu-west-1"))
            thread = threading.Thread(
                target=connection.call, args=("sqs", "GetQueueUrl"), kwargs={"QueueName": "s3cr3t"}
            )
            thread.start()
            thread.join()
        with pytest.raises(CloudError), tracing.span("lockstep.look"):
            raise CloudError("s3cr3t")
    told = spans(web)
    assert {name: parent for name, (_, parent) in told.items()} == {
        "lockstep.sync": "",
        "sts:GetCallerIdentity": "lockstep.sync",
        "sqs:GetQueueUrl": "lockstep.sync",
        "lockstep.look": "",
    }
    (project,) = told["lockstep.sync"][0].attributes
    assert (project.key, project.value.string_value) == ("lockstep.project", "shop")
    (kind,) = told["lockstep.look"][0].attributes
    assert (kind.key, kind.value.string_value) == ("error.type", "CloudError")
    assert not any(b"s3cr3t" in body for path, _, body in web.requests if path.startswith("/otel"))
    with tracing.span("afterwards"):
        assert tracing.here() is None


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_without_a_receiver_there_is_none(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing that it would take is imported."""
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with tracing.begin(environ), tracing.span("lockstep.sync"):
        assert tracing.here() is None


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever names a receiver wants it."""
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with (
        pytest.raises(BadInput, match="lockstep-gitops\\[otel\\]"),
        tracing.begin({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}),
    ):
        pytest.fail("it began")
