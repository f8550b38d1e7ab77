"""The ``lockstep.hold`` block of a declaration: a target whose version only people change."""

from typing import Any

from lockstep.config.context import Context
from lockstep.model import Hold
from lockstep.suggest import did_you_mean

__all__ = ["HOLD_KEYS", "read_hold"]

HOLD_KEYS = {
    "version": "Version that was taken back.",
    "since": "When, ISO 8601.",
    "by": "Who.",
    "reason": "Why.",
}


def read_hold(context: Context) -> Hold | None:
    """The hold of a target; None when there is none. Problems are noted in the context."""
    block = context.stack.values.get("lockstep")
    if block is None:
        return None
    if not isinstance(block, dict):
        context.wrong(("lockstep",), "lockstep takes a map", "write lockstep: {hold: {...}}, or remove it")
        return None
    for name in block:
        if name != "hold":
            fix = did_you_mean(name, ("hold",))
            context.wrong(("lockstep", name), f"unknown key {name!r} under lockstep", fix or "remove it")
    given = block.get("hold")
    if given is None:
        return None
    if not isinstance(given, dict):
        context.wrong(("lockstep", "hold"), "hold takes a map", "write hold: {since: ..., by: ...}")
        return None
    for name, value in given.items():
        if name not in HOLD_KEYS:
            fix = did_you_mean(name, HOLD_KEYS)
            context.wrong(("lockstep", "hold", name), f"unknown key {name!r} under hold", fix or "remove it")
        elif value is not None and not isinstance(value, str):
            text = context.stack.text(("lockstep", "hold", name)) or str(value)
            context.wrong(("lockstep", "hold", name), f"{name} takes a string", f'write {name}: "{text}"')
    return Hold(
        version=_text(given.get("version")),
        since=_text(given.get("since")) or "",
        by=_text(given.get("by")) or "somebody",
        reason=_text(given.get("reason")),
        place=context.place("lockstep", "hold"),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
