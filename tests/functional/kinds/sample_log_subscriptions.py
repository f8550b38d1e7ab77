"""A subscription filter of a log group."""

from types import SimpleNamespace
from typing import Any

from tests.support.clouds import client

__all__ = ["FIRST", "KIND", "SECOND", "drift"]

KIND = "logSubscriptions"
_GROUP = "/shop/orders"
FIRST = {"group": _GROUP}
SECOND = {"group": _GROUP, "pattern": '{ $.level = "ERROR" }', "emitSystemFields": ["@aws.account"]}


def drift(lambda_: Any, name: str) -> str:
    """Somebody changes the pattern; returns the path of what differs."""
    logs = client(SimpleNamespace(endpoint=lambda_.meta.endpoint_url), "logs")
    (one,) = logs.describe_subscription_filters(logGroupName=_GROUP)["subscriptionFilters"]
    logs.put_subscription_filter(
        logGroupName=_GROUP,
        filterName=one["filterName"],
        filterPattern="",
        destinationArn=one["destinationArn"],
        emitSystemFields=["@aws.account"],
    )
    return "logSubscriptions.orders.pattern"
