"""How long ago something was."""

from datetime import UTC, datetime

__all__ = ["age_words"]


def age_words(moment: str | None, now: datetime) -> str:
    """An ISO 8601 time as ``5m``, ``3h``, ``12d`` or ``2y`` ago; "-" when it is not known."""
    if not moment:
        return "-"
    try:
        then = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    seconds = (now - (then if then.tzinfo else then.replace(tzinfo=UTC))).total_seconds()
    for unit, length in (("y", 31_557_600), ("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{int(seconds // length)}{unit}"
    return f"{max(int(seconds), 0)}s"
