"""Faults on chosen calls: errors before and after taking effect, broken connections, silence."""

import threading
from dataclasses import dataclass, field
from enum import StrEnum

from tests.strict.errors import access_denied, expired_token, internal_error, throttled
from tests.strict.policies import needs
from tests.strict.proxy import Call, Hang, Reset, Rule
from tests.strict.wire import Answer

__all__ = ["Fault", "Faults", "Mode"]


class Mode(StrEnum):
    """What goes wrong with a call."""

    ERROR_BEFORE = "error_before"  # 500, and it took no effect
    ERROR_AFTER = "error_after"  # 500, but it took effect
    RESET_BEFORE = "reset_before"  # connection reset, no effect
    RESET_AFTER = "reset_after"  # connection reset, but it took effect
    TIMEOUT = "timeout"  # no answer, no effect
    TIMEOUT_AFTER = "timeout_after"  # no answer, but it took effect
    THROTTLE = "throttle"  # 429 or what the service says
    ACCESS_DENIED = "access_denied"
    EXPIRED_TOKEN = "expired_token"


@dataclass(kw_only=True, slots=True)
class Fault:
    """One fault: call number ``at``, or every call of an ``operation`` (``lambda.AddPermission``).

    ``counting`` says what ``at`` counts: "mutating" calls, "all" calls, or calls of the ``operation``
    when one is given. ``persist``: repetitions of the same request (retries) fail too, so that the
    client gives up. ``happened`` counts how often it struck.
    """

    mode: Mode | str
    at: int | None = None
    operation: str | None = None
    counting: str = "mutating"
    persist: bool = False
    happened: int = 0
    _seen: int = field(default=0, repr=False)
    _same: tuple[str, str, bytes] | None = field(default=None, repr=False)

    def strikes(self, call: Call) -> bool:
        """Say whether this call is hit, and count it."""
        identity = (call.request.method, call.request.target, call.request.body)
        if self.persist and self._same == identity:
            self.happened += 1
            return True
        if self.operation is not None:
            if call.name != self.operation:
                return False
            self._seen += 1
            number: int | None = self._seen
        else:
            number = call.mutation if self.counting == "mutating" else call.number
        if self.at is not None and number != self.at:
            return False
        self._same = identity
        self.happened += 1
        return True


class Faults(Rule):
    """Faults by schedule. Put it first, so that it is nearest to the client."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = list(faults)
        self._struck: dict[int, Fault] = {}
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        """Schedule one more."""
        self.faults.append(fault)
        return fault

    def before(self, call: Call) -> Answer | None:
        """Strike calls that must not take effect; remember those to strike afterwards."""
        with self._lock:
            fault = next((fault for fault in self.faults if fault.strikes(call)), None)
        if fault is None:
            return None
        match Mode(fault.mode):
            case Mode.ERROR_BEFORE:
                return internal_error(call.operation)
            case Mode.RESET_BEFORE:
                raise Reset
            case Mode.TIMEOUT:
                raise Hang
            case Mode.THROTTLE:
                return throttled(call.operation)
            case Mode.ACCESS_DENIED:
                return access_denied(call.operation, *next(needs(call), ()))
            case Mode.EXPIRED_TOKEN:
                return expired_token(call.operation)
            case Mode.ERROR_AFTER | Mode.RESET_AFTER | Mode.TIMEOUT_AFTER:
                self._struck[call.number] = fault
        return None

    def after(self, call: Call, answer: Answer) -> Answer:
        """Strike calls that took effect."""
        fault = self._struck.pop(call.number, None)
        if fault is None:
            return answer
        match Mode(fault.mode):
            case Mode.RESET_AFTER:
                raise Reset
            case Mode.TIMEOUT_AFTER:
                raise Hang
            case _:
                return internal_error(call.operation)
