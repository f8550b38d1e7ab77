"""Queues that say that something in AWS was changed."""

import threading

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.queue import Queue
from lockstep.model import Environment

__all__ = ["open_queue"]


def open_queue(arn: str, stop: threading.Event) -> Queue:
    """The queue with an ARN, asked with the credentials of the process. Asks nobody yet."""
    region = arn.split(":")[3]
    return Queue(Connection(Environment(name="events", region=region), stop), arn)
