"""s3-notifier: tells RabbitMQ about files that are uploaded to S3.

Every ObjectCreated record of an S3 event becomes one message. With ``RabbitMqHost`` in the environment
it goes to RabbitMQ, else to the function's log as one line of JSON. S3 delivers at least once: a message
may come twice, with the same ``id``. When one cannot be sent the function fails, and Lambda tries again.

RabbitMqHost, RabbitMqPort (5672), RabbitMqUser and RabbitMqPassword (guest), RabbitMqVirtualHost (/),
RabbitMqExchange (s3-notifier): where messages go. The exchange is a durable fanout; it is made if need be.
"""

# ruff: noqa: SIM112 - the names are those that the .NET function had

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

_VERSION = Path(__file__).with_name("version.txt")
VERSION = _VERSION.read_text().strip() if _VERSION.exists() else "unversioned"

_channel: Any = None  # kept between invocations of one execution environment


def handler(event: Mapping[str, Any], context: object) -> dict[str, int]:
    """Send a message for each file that the event tells of, and say how many there were."""
    messages = [*messages_of(event)]
    send = _to_rabbitmq if os.environ.get("RabbitMqHost") else _to_log
    for message in messages:
        send(message)
    return {"sent": len(messages)}


def messages_of(event: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Turn an S3 event into messages; records of other sources and events are left out.

    Keys in S3 events are form-encoded: a space is ``+``, a plus is ``%2B``.
    """
    for record in event.get("Records", ()):
        name = record.get("eventName", "").removeprefix("s3:")
        if record.get("eventSource") != "aws:s3" or not name.startswith("ObjectCreated:"):
            continue
        file = record["s3"]["object"]
        bucket = record["s3"]["bucket"]["name"]
        key = unquote_plus(file["key"])
        place = f"{bucket}/{key}"
        yield {
            "id": f"{place}#{file.get('versionId') or file.get('sequencer') or file.get('eTag', '')}",
            "event": "FileSaved",
            "bucket": bucket,
            "key": key,
            "size": file.get("size"),
            "eTag": file.get("eTag"),
            "time": record.get("eventTime"),
            "notifier": VERSION,
            "environment": os.environ.get("EnvironmentName", ""),
        }


def _to_log(message: Mapping[str, Any]) -> None:
    print(json.dumps(message), flush=True)


def _to_rabbitmq(message: Mapping[str, Any]) -> None:
    """Publish and wait until the broker has the message; once more on a connection that has gone stale."""
    pika = _pika()
    body = json.dumps(message).encode()
    properties = pika.BasicProperties(
        content_type="application/json", delivery_mode=2, message_id=message["id"], type=message["event"]
    )
    exchange = os.environ.get("RabbitMqExchange", "s3-notifier")
    had_channel = _channel is not None
    try:
        _open(pika, exchange).basic_publish(exchange, "", body, properties)
    except pika.exceptions.AMQPError:
        _close()
        if not had_channel:
            raise
        _open(pika, exchange).basic_publish(exchange, "", body, properties)


def _open(pika: Any, exchange: str) -> Any:
    global _channel
    if _channel is None:
        settings = os.environ
        login = pika.PlainCredentials(
            settings.get("RabbitMqUser", "guest"), settings.get("RabbitMqPassword", "guest")
        )
        connection = pika.BlockingConnection(
            pika.ConnectionParameters(
                host=settings["RabbitMqHost"],
                port=int(settings.get("RabbitMqPort", "5672")),
                virtual_host=settings.get("RabbitMqVirtualHost", "/"),
                credentials=login,
                socket_timeout=5,
                blocked_connection_timeout=5,
            )
        )
        channel = connection.channel()
        channel.confirm_delivery()
        channel.exchange_declare(exchange, exchange_type="fanout", durable=True)
        _channel = channel
    return _channel


def _close() -> None:
    global _channel
    stale, _channel = _channel, None
    if stale is not None and stale.connection.is_open:
        stale.connection.close()


def _pika() -> Any:
    try:
        import pika
    except ImportError:
        raise RuntimeError(
            "RabbitMqHost is set, but this package was built without pika, the AMQP client: build it with "
            "--rabbitmq, or remove RabbitMqHost"
        ) from None
    return pika
