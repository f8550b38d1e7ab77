"""Terraform's machine-readable stream: diagnostics, and how each resource fares.

Source: "Machine-Readable UI" of Terraform's documentation.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import UTC, datetime
from typing import Any

from lockstep.engines.terraform.errors import Diagnostic, read_diagnostic
from lockstep.model.foreign import read_json
from lockstep.values import dataclass

__all__ = ["Lock", "Stream", "lock_of"]


_STATES = {"apply_start": "started", "apply_complete": "done", "apply_errored": "failed"}


@dataclass(slots=True)
class Stream:
    """Takes the lines of one command. ``on_resource`` is told "started", "done" or "failed"."""

    on_resource: Callable[[str, str, float], None] = lambda address, state, seconds: None
    diagnostics: list[Diagnostic] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)  # address -> the last that was told

    def take(self, line: str) -> None:
        """Take one line; what is no message of Terraform's is left out."""
        if not line.startswith("{"):
            return
        try:
            message: Mapping[str, Any] = read_json(line)
            kind = message.get("type")
            if kind == "diagnostic":
                self.diagnostics.append(read_diagnostic(message["diagnostic"]))
            if kind not in _STATES:
                return
            address, seconds = _resource(message["hook"])
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            return
        self.states[address] = _STATES[kind]
        self.on_resource(address, _STATES[kind], seconds)

    @property
    def errors(self) -> list[Diagnostic]:
        """Diagnostics that are errors."""
        return [one for one in self.diagnostics if one.severity == "error"]

    @property
    def lock(self) -> "Lock | None":
        """Who holds the state's lock, when that is why the command failed."""
        return next((lock for one in self.errors if (lock := lock_of(one.says))), None)

    @property
    def needs_init(self) -> bool:
        """Whether the command says that ``init`` has to be run first."""
        return any(re.search(r"\b(terraform|tofu) init\b", one.detail) for one in self.errors)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lock:
    """A lock on a state that somebody else holds."""

    id: str
    who: str = ""
    operation: str = ""
    created: datetime | None = None

    def words(self, now: datetime | None = None) -> str:
        """``ada@build-7 has held it for 42 s (OperationTypeApply)``."""
        who = self.who or "somebody"
        if self.created is None:
            return f"{who} holds it"
        seconds = max(0.0, ((now or datetime.now(UTC)) - self.created).total_seconds())
        since = f"since {self.created:%Y-%m-%d %H:%M:%S} UTC ({_long(seconds)})"
        what = f", {self.operation}" if self.operation else ""
        return f"{who} holds it {since}{what}"


def _resource(hook: Mapping[str, Any]) -> tuple[str, float]:
    """The address of the resource that a message is about, and how long it took so far."""
    return str(hook["resource"]["addr"]), float(hook.get("elapsed_seconds") or 0.0)


def lock_of(says: str) -> Lock | None:
    """The lock that an error's text describes, or None when it is about something else."""
    if "state lock" not in says and "Lock Info" not in says:
        return None
    pairs = re.findall(r"^\s*(ID|Who|Operation|Created):[ \t]*(.*?)\s*$", says, re.MULTILINE)
    # Somebody else wrote it into the state's bucket: it must not act on a terminal.
    found = {name: "".join(filter(str.isprintable, text))[:200] for name, text in pairs}
    if not found.get("ID"):
        return None
    operation = re.sub(r"^OperationType", "", found.get("Operation", "")).lower()
    return Lock(
        id=found["ID"],
        who=found.get("Who", ""),
        operation="" if operation == "invalid" else operation,
        created=_time(found.get("Created", "")),
    )


def _time(text: str) -> datetime | None:
    found = re.match(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)? ([+-]\d{4})", text)
    if found is None:
        return None
    try:
        at = datetime.strptime(f"{found[1]} {found[2]} {found[3]}", "%Y-%m-%d %H:%M:%S %z")
        return at.astimezone(UTC)
    except (ValueError, OverflowError):  # no such day, or one before all calendars
        return None


def _long(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"
