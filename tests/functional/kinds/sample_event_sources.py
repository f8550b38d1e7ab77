"""An event source: a queue."""

from typing import Any

from tests.support.clouds import ACCOUNT, REGION

__all__ = ["FIRST", "KIND", "SECOND", "drift"]

KIND = "eventSources"
_QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"
FIRST = {"source": _QUEUE, "batchSize": 5, "filters": [{"pattern": '{"body": {"kind": ["order"]}}'}]}
SECOND = {
    "source": _QUEUE,
    "batchSize": 50,
    "maximumBatchingWindow": 2,
    "functionResponseTypes": ["ReportBatchItemFailures"],
}


def drift(lambda_: Any, name: str) -> str:
    """Somebody makes the batches small; returns the path of what differs."""
    (one,) = lambda_.list_event_source_mappings(EventSourceArn=_QUEUE)["EventSourceMappings"]
    assert f":{name}" in one["FunctionArn"]
    lambda_.update_event_source_mapping(UUID=one["UUID"], BatchSize=20)
    lambda_.list_event_source_mappings()  # it is over once somebody has looked
    return "eventSources.orders.batchSize"
