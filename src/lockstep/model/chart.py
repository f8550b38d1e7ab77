"""What a chart shows, without how it is drawn."""

from datetime import datetime

from lockstep.values import dataclass

__all__ = ["Chart", "Line"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """Values by the time at which they begin, in order."""

    name: str
    points: tuple[tuple[datetime, float], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """Lines that are held against each other, and values that they should not cross."""

    name: str
    unit: str = ""  # "%", "ms"
    lines: tuple[Line, ...]
    bounds: tuple[float, ...] = ()
