"""Checks and statuses of a commit, and setting a status."""

from lockstep.errors import ForgeError
from lockstep.forge.base import Check, CheckState
from lockstep.forge.github.client import Client, in_path
from lockstep.forge.github.problems import RefusedByGitHub

__all__ = ["LONGEST_DESCRIPTION", "checks", "set_status", "shortened"]

LONGEST_DESCRIPTION = 140  # characters
_GOOD = frozenset({"success", "neutral", "skipped"})


def checks(client: Client, sha: str) -> list[Check]:
    """The latest run of each check, then the latest status of each context."""
    doing = f"reading the checks of {sha[:12]}"
    runs = client.pages(
        f"/commits/{in_path(sha)}/check-runs",
        doing=doing,
        needs="checks=read",
        key="check_runs",
        filter="latest",
    )
    found = [
        Check(
            name=run["name"],
            state=_run_state(run["status"], run.get("conclusion")),
            url=run.get("html_url") or run.get("details_url"),
        )
        for run in runs
    ]
    statuses = client.pages(
        f"/commits/{in_path(sha)}/status", doing=doing, needs="statuses=read", key="statuses"
    )
    return found + [
        Check(name=each["context"], state=_status_state(each["state"]), url=each.get("target_url"))
        for each in statuses
    ]


def set_status(
    client: Client, sha: str, *, context: str, state: CheckState, description: str, url: str | None
) -> None:
    """Set a status of a commit; the newest one of a context counts."""
    sent = {"state": state.value, "context": context, "description": shortened(description)}
    if url is not None:
        sent["target_url"] = url
    doing = f"setting the status {context} of {sha[:12]}"
    try:
        client.write("POST", f"/statuses/{in_path(sha)}", sent, doing=doing, needs="statuses=write")
    except RefusedByGitHub as error:
        if error.status == 422 and "no commit found" in error.said.lower():
            raise ForgeError(
                f"{client.repository} has no commit {sha[:12]}",
                doing=doing,
                fix="push it, or check which repository the commit is of",
            ) from None
        raise


def shortened(text: str) -> str:
    """At most 140 characters of a description, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_DESCRIPTION else line[: LONGEST_DESCRIPTION - 1] + "…"


def _run_state(status: str, conclusion: str | None) -> CheckState:
    if status != "completed":
        return CheckState.PENDING
    return CheckState.SUCCESS if conclusion in _GOOD else CheckState.FAILURE


def _status_state(state: str) -> CheckState:
    match state:
        case "success":
            return CheckState.SUCCESS
        case "pending":
            return CheckState.PENDING
        case _:
            return CheckState.FAILURE
