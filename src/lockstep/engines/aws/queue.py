"""One queue of SQS that somebody sends events to."""

from collections.abc import Iterable
from typing import Any

from lockstep.engines.aws.connection import Connection

__all__ = ["Queue"]

_WAIT = 10  # seconds that an empty queue is waited at; at most 20 (SQS API reference, ReceiveMessage)
_AT_ONCE = 10  # messages, at most as many (likewise)


class Queue:
    """The queue with an ARN. All methods raise LockstepError."""

    def __init__(self, connection: Connection, arn: str) -> None:
        self._connection = connection
        _, _, _, _, self._account, self._name = arn.split(":", 5)
        self._url = ""

    def receive(self) -> tuple[tuple[str, str], ...]:
        """Bodies of messages, each with what it is removed by; none where none came for a while."""
        answer = self._connection.call(
            "sqs",
            "ReceiveMessage",
            QueueUrl=self._address(),
            MaxNumberOfMessages=_AT_ONCE,
            WaitTimeSeconds=_WAIT,
        )
        return tuple((one["Body"], one["ReceiptHandle"]) for one in answer.get("Messages") or ())

    def remove(self, handles: Iterable[str]) -> None:
        """Remove messages, so that they do not come again."""
        for handle in handles:
            self._connection.call("sqs", "DeleteMessage", QueueUrl=self._address(), ReceiptHandle=handle)

    def _address(self) -> str:
        if not self._url:
            asked: dict[str, Any] = {"QueueName": self._name, "QueueOwnerAWSAccountId": self._account}
            self._url = str(self._connection.call("sqs", "GetQueueUrl", **asked)["QueueUrl"])
        return self._url
