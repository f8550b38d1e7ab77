"""Durations as people write them: ``30m``, ``24h``, ``14d``."""

__all__ = ["DURATION", "duration"]

DURATION = r"^\d{1,5}[smhd]$"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def duration(value: str | None) -> int | None:
    """Seconds of a duration; None for None. ValueError for other texts."""
    if value is None:
        return None
    if not value[:-1].isdecimal() or value[-1:] not in _SECONDS:
        raise ValueError(value)
    return int(value[:-1]) * _SECONDS[value[-1]]
