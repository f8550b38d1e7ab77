"""EventBridge Scheduler as AWS keeps it: emulators take any expression, time zone and window.

Sources: EventBridge Scheduler API reference (CreateSchedule, UpdateSchedule, FlexibleTimeWindow) and user
guide, "Schedule types on EventBridge Scheduler".
"""

import re
from typing import Any
from zoneinfo import available_timezones

from tests.strict.errors import error
from tests.strict.proxy import Call, Rule
from tests.strict.wire import Answer

__all__ = ["Schedules"]

_EXPRESSION = re.compile(
    r"rate\([1-9]\d* (minute|hour|day)s?\)|cron\((\S+ ){5}\S+\)|at\([\d-]{10}T[\d:]{8}\)"
)


class Schedules(Rule):
    """Expressions, time zones and windows have to be some."""

    def before(self, call: Call) -> Answer | None:
        """Refuse what the Scheduler refuses."""
        if call.name not in ("scheduler.CreateSchedule", "scheduler.UpdateSchedule"):
            return None
        why = _wrong(call.json())
        return None if why is None else error(call.operation, 400, "ValidationException", why)


def _wrong(said: dict[str, Any]) -> str | None:
    if not _EXPRESSION.fullmatch(said["ScheduleExpression"]):
        return f"Invalid Schedule Expression {said['ScheduleExpression']}."
    if said.get("ScheduleExpressionTimezone", "UTC") not in available_timezones():
        return "Invalid Schedule Expression Timezone."
    window = said["FlexibleTimeWindow"]
    if (window["Mode"] == "FLEXIBLE") != ("MaximumWindowInMinutes" in window):
        return "MaximumWindowInMinutes goes with the mode FLEXIBLE, and with no other."
    return None
