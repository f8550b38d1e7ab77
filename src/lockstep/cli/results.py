"""Whether a result has gone to stdout: a document stands there alone, so an error adds none to it."""

__all__ = ["forget_results", "has_result", "note_result"]

_noted: list[bool] = []


def note_result() -> None:
    """Something was written to stdout."""
    _noted[:] = [True]


def has_result() -> bool:
    """Whether anything was, by this command."""
    return bool(_noted)


def forget_results() -> None:
    """A command begins."""
    _noted.clear()
