"""AWS's fixed rates for Lambda's control plane, as token buckets for each account and Region.

Source: "Lambda quotas" in the Lambda developer guide: GetFunction 100 a second, GetPolicy 15 a second,
all other control-plane calls together 15 a second.
"""

import threading
import time

from tests.strict.errors import throttled
from tests.strict.proxy import Call, Rule
from tests.strict.wire import Answer

__all__ = ["Quotas"]

RATES = {"GetFunction": 100.0, "GetPolicy": 15.0, "other": 15.0}


class Quotas(Rule):
    """Answer 429 ``TooManyRequestsException`` to calls above AWS's rates.

    ``scale`` multiplies every rate; ``burst`` is the size of a bucket in seconds of its rate.
    ``throttled`` counts the refusals by family (GetFunction, GetPolicy, other).
    """

    def __init__(self, *, scale: float = 1.0, burst: float = 1.0) -> None:
        self._rates = {family: rate * scale for family, rate in RATES.items()}
        self._burst = burst
        self._buckets: dict[tuple[str, str, str], tuple[float, float]] = {}
        self._lock = threading.Lock()
        self.throttled = dict.fromkeys(RATES, 0)

    def before(self, call: Call) -> Answer | None:
        """Take a token or refuse."""
        operation = call.operation
        if operation.service != "lambda" or operation.name.startswith("Invoke"):
            return None
        family = operation.name if operation.name in RATES else "other"
        key = (operation.account, operation.region, family)
        rate = self._rates[family]
        size = max(1.0, rate * self._burst)
        with self._lock:
            now = time.monotonic()
            tokens, then = self._buckets.get(key, (size, now))
            tokens = min(size, tokens + (now - then) * rate)
            if tokens < 1:
                self._buckets[key] = (tokens, now)
                self.throttled[family] += 1
                return throttled(operation)
            self._buckets[key] = (tokens - 1, now)
        return None
