"""What a live function says when it is watched or called."""

from lockstep.values import dataclass

__all__ = ["Invocation", "LogLine", "Usage"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLine:
    """One line that a function has logged."""

    id: str  # of the event, unique in its group
    at: int  # milliseconds since 1970, UTC
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Invocation:
    """What one call of a function came to."""

    target: str
    function: str
    version: str  # that ran: $LATEST, or a number
    error: str | None  # "Handled" or "Unhandled": the function itself failed
    payload: str  # the answer, as text
    log: tuple[str, ...]  # the last 4 KB, in lines
    seconds: float  # from here and back


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """How a function was used over a time. None: AWS has no figures, so it was not called."""

    target: str
    function: str
    calls: int | None = None
    errors: int | None = None
    throttles: int | None = None
    average: float | None = None  # milliseconds
    longest: float | None = None
    problem: str | None = None  # why nothing is known
