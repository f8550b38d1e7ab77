"""The example's function turns S3 events into messages."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lockstep.local.server import Server
from tests.support.relay import Relay
from tests.unit.examples.conftest import EXAMPLE


def record(key: str, **fields: Any) -> dict[str, Any]:
    """One record of an S3 event."""
    return {
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "eventTime": "2026-11-23T07:00:00.000Z",
        "s3": {
            "bucket": {"name": "syrfapp-uploads"},
            "object": {"key": key, "size": 3, "eTag": "e", "sequencer": "0055"},
        },
    } | fields


@pytest.mark.parametrize(
    ("encoded", "key"),
    [
        ("staging/a.txt", "staging/a.txt"),
        ("staging/my+file.txt", "staging/my file.txt"),
        ("staging/1%2B1%3D2.txt", "staging/1+1=2.txt"),
        ("staging/%C3%A9t%C3%A9+%28copy%29.txt", "staging/été (copy).txt"),
        ("staging/100%25.txt", "staging/100%.txt"),
    ],
)
def test_keys_are_decoded(app: ModuleType, encoded: str, key: str) -> None:
    """Percent signs and plus signs in an event's key stand for other characters."""
    (message,) = app.messages_of({"Records": [record(encoded)]})
    assert (message["bucket"], message["key"]) == ("syrfapp-uploads", key)


def test_without_a_broker_messages_go_to_the_log(
    app: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line of JSON for each file."""
    monkeypatch.delenv("RabbitMqHost", raising=False)
    assert app.handler({"Records": [record("a"), record("b")]}, None) == {"sent": 2}
    assert [json.loads(line)["key"] for line in capsys.readouterr().out.splitlines()] == ["a", "b"]


def test_what_is_not_a_new_file_is_left_out(app: ModuleType) -> None:
    """Test events, deletions and other sources give no message."""
    events: list[dict[str, Any]] = [
        {"Service": "Amazon S3", "Event": "s3:TestEvent"},
        {"Records": [record("a", eventName="ObjectRemoved:Delete")]},
        {"Records": [record("a", eventSource="aws:sqs")]},
    ]
    assert [message for event in events for message in app.messages_of(event)] == []


def test_a_file_that_comes_twice_has_the_same_id(app: ModuleType) -> None:
    """S3 delivers at least once: receivers can tell a repetition by the id."""
    one, two = app.messages_of({"Records": [record("a"), record("a")]})
    assert one["id"] == two["id"]


def test_a_broker_without_client_is_a_clear_error(app: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """RabbitMqHost in a package without pika: the function fails and says how to build it."""
    monkeypatch.setenv("RabbitMqHost", "127.0.0.1")
    monkeypatch.setitem(sys.modules, "pika", None)
    with pytest.raises(RuntimeError, match=r"without pika.*--rabbitmq"):
        app.handler({"Records": [record("a")]}, None)


def _received(pika: ModuleType, port: int, queue: str) -> list[dict[str, Any]]:
    connection = pika.BlockingConnection(pika.ConnectionParameters(host="127.0.0.1", port=port))
    channel = connection.channel()
    found = []
    while (answer := channel.basic_get(queue, auto_ack=True))[0] is not None:
        found.append(json.loads(answer[2]))
    connection.close()
    return found


def test_messages_reach_a_real_broker(
    app: ModuleType, rabbitmq: Callable[[], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages are in the broker when the handler returns, also after the connection was lost."""
    pika = pytest.importorskip("pika", reason="pika is not installed: pip install pika")
    port = rabbitmq().port
    with Relay(port) as relay:
        monkeypatch.setenv("RabbitMqHost", "127.0.0.1")
        monkeypatch.setenv("RabbitMqPort", str(relay.port))
        app.handler({"Records": [record("before")]}, None)  # makes the exchange; nobody listens yet
        connection = pika.BlockingConnection(pika.ConnectionParameters(host="127.0.0.1", port=port))
        channel = connection.channel()
        channel.queue_declare("files", durable=True)
        channel.queue_bind("files", "s3-notifier")
        connection.close()
        app.handler({"Records": [record("staging/my+file.txt")]}, None)
        relay.cut()
        app.handler({"Records": [record("after")]}, None)
        app._close()
    assert [message["key"] for message in _received(pika, port, "files")] == ["staging/my file.txt", "after"]


def test_a_broker_that_is_away_fails_the_invocation(app: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda tries again when the function fails, so no message is lost silently."""
    pika = pytest.importorskip("pika", reason="pika is not installed: pip install pika")
    monkeypatch.setenv("RabbitMqHost", "127.0.0.1")
    monkeypatch.setenv("RabbitMqPort", "1")
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        app.handler({"Records": [record("a")]}, None)


def test_a_version_always_has_the_same_bytes(tmp_path: Path) -> None:
    """Building twice gives one digest, another version another."""
    spec_path = EXAMPLE / "build.py"
    namespace: dict[str, Any] = {"__file__": str(spec_path), "__name__": "build"}
    exec(compile(spec_path.read_text(), str(spec_path), "exec"), namespace)  # noqa: S102 - our own script
    first = namespace["build"]("0.1.5", tmp_path / "a").read_bytes()
    assert namespace["build"]("0.1.5", tmp_path / "b").read_bytes() == first
    assert namespace["build"]("0.1.6", tmp_path / "c").read_bytes() != first
