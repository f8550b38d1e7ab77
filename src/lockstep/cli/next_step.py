"""What one does next, named after each command on a terminal."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["next_step", "quoted"]

_AGAIN = "mend what is told above, then run the same command again"


def next_step(name: str, code: int, given: Mapping[str, Any], suggested: Sequence[str]) -> str | None:
    """The words after a command that ended with a code; what it suggests itself goes before all else.

    ``given`` are its arguments. None where nothing follows, such as for the documents of ``iam-policy``.
    """
    if suggested:
        return suggested[-1]
    if code not in (0, 2):
        return _AGAIN if code == 1 else None
    is_dry = given.get("dry_run", False)
    one = quoted(given.get("target"))
    preview = f"preview/pr-{given.get('number')}"
    match name:
        case "init" | "completion":
            return None  # it says so itself, also in a script; the other one prints what a shell reads
        case "demo":
            return "lockstep init, in the folder of your own repository"
        case "doctor" | "validate":
            return "lockstep plan"
        case "iam-policy":
            return "give the role this policy; lockstep doctor tells whether it suffices"
        case "explain" | "diff":
            return f"lockstep plan {one}"
        case "drift" | "plan" | "sync":
            return "lockstep status"
        case "status":
            return "lockstep status --watch goes on looking"
        case "logs":
            return f"lockstep invoke {one} calls it"
        case "invoke":
            return f"lockstep logs {one} --follow"
        case "top":
            return "lockstep logs TARGET shows why"
        case "history":
            return f"lockstep rollback {one} goes back to the last good version"
        case "version" | "package":
            return f"lockstep release {quoted(given.get('service'))}"
        case "changed":
            return f"lockstep release --since {quoted(given.get('since'))}"
        case "promote" | "release" | "preview up" if is_dry:
            return "the same without --dry-run does it"
        case "release":
            return "lockstep promote SERVICE@VERSION --to ENVIRONMENT"
        case "promote" | "rollback" | "release-hold" | "preview event" | "preview compact":
            return "git pull, then lockstep status"
        case "pulls":
            return "lockstep pulls show NUMBER, or merge NUMBER; then git pull and lockstep sync"
        case "preview up" | "preview down":
            return f"git pull, then lockstep sync {preview}"
        case "preview list":
            return "lockstep preview gc shows what previews have left behind"
        case "preview gc":
            return "lockstep status" if given.get("apply") else "lockstep preview gc --apply removes it"
        case "render":
            return "git diff, then commit it"
        case "adopt":
            return f"git diff, commit it, then lockstep sync {quoted(given.get('environments'))}"
        case "eject":
            return f"terraform plan, in {quoted(str(given.get('into')))}"
        case _:
            return "lockstep status"


def quoted(words: object) -> str:
    """Arguments as they are typed: one, several or none."""
    match words:
        case None:
            return ""
        case str():
            return shlex.quote(words)
        case _:
            return shlex.join(str(word) for word in words)  # type: ignore[attr-defined]
