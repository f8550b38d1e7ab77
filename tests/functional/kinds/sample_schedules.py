"""A schedule of EventBridge Scheduler."""

from types import SimpleNamespace
from typing import Any

from tests.support.clouds import client

__all__ = ["FIRST", "KIND", "SECOND", "drift"]

KIND = "schedules"
_ROLE = "arn:aws:iam::123456789012:role/scheduler"
FIRST = {
    "name": "notifier-staging-nightly",
    "schedule": "rate(1 day)",
    "role": _ROLE,
    "input": '{"kind": "nightly"}',
}
SECOND = {
    "name": "notifier-staging-nightly",
    "schedule": "cron(0 8 ? * MON-FRI *)",
    "timezone": "Europe/Berlin",
    "role": _ROLE,
    "flexibleWindow": 15,
    "maximumRetryAttempts": 3,
    "start": "2026-01-01T00:00:00Z",
}


def drift(lambda_: Any, name: str) -> str:
    """Somebody gives the schedule no window; returns the path of what differs."""
    scheduler = client(SimpleNamespace(endpoint=lambda_.meta.endpoint_url), "scheduler")
    (one,) = [each for each in scheduler.list_schedules()["Schedules"] if each["Name"].startswith(name)]
    found = scheduler.get_schedule(Name=one["Name"])
    members = ("Name", "ScheduleExpression", "ScheduleExpressionTimezone", "StartDate", "Target")
    scheduler.update_schedule(
        **{member: found[member] for member in members}, FlexibleTimeWindow={"Mode": "OFF"}
    )
    return "schedules.orders.flexibleWindow"
