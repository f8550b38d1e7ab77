"""Deployments: which commit an environment got, and how that went."""

from typing import Any

from lockstep.errors import ForgeError
from lockstep.forge.base import DeploymentState
from lockstep.forge.github.checks import shortened
from lockstep.forge.github.client import Client
from lockstep.forge.github.problems import RefusedByGitHub

__all__ = ["record"]

_NEEDS = "deployments=write"


def record(
    client: Client, sha: str, *, environment: str, state: DeploymentState, description: str, url: str | None
) -> None:
    """Add a status to the deployment of a commit to an environment, which is made when there is none.

    The same commit gets a new deployment only when it comes back: when its last one is inactive, or has
    ended and another commit was deployed since. A status that is there already is not added again, and
    nothing is made just to say that it is inactive.
    """
    doing = f"recording the deployment of {sha[:12]} to {environment}"
    found = _last(client, sha, environment, doing=doing)
    latest = _latest_status(client, found, doing=doing) if found is not None else None
    if (
        found is not None
        and latest is not None
        and _is_over(client, found, latest, state, environment, doing=doing)
    ):
        found, latest = None, None
    if found is None:
        if state is DeploymentState.INACTIVE:
            return
        found = _make(client, sha, environment, doing=doing)
    sent = {
        "state": state.value,
        "description": shortened(description),
        "environment": environment,
        **({"log_url": url} if url is not None else {}),
    }
    if latest is not None and all((latest.get(name) or "") == value for name, value in sent.items()):
        return
    client.write("POST", f"/deployments/{found['id']}/statuses", sent, doing=doing, needs=_NEEDS)


def _last(client: Client, sha: str | None, environment: str, *, doing: str) -> Any:
    """The newest deployment to an environment, of one commit or of any."""
    found = client.pages(
        "/deployments",
        doing=doing,
        needs="deployments=read",
        sha=sha,
        environment=environment,
        task="deploy",
        per_page=1,
    )
    return next(found, None)


def _latest_status(client: Client, deployment: Any, *, doing: str) -> Any:
    found = client.pages(
        f"/deployments/{deployment['id']}/statuses", doing=doing, needs="deployments=read", per_page=1
    )
    return next(found, None)


def _is_over(
    client: Client, deployment: Any, latest: Any, state: DeploymentState, environment: str, *, doing: str
) -> bool:
    """Whether a deployment belongs to the past, so that what begins now is another one."""
    if state is DeploymentState.INACTIVE:
        return False
    if latest["state"] == "inactive":
        return True
    if state is not DeploymentState.IN_PROGRESS or latest["state"] in ("in_progress", "queued", "pending"):
        return False
    newest = _last(client, None, environment, doing=doing)
    return newest is not None and newest["id"] != deployment["id"]


def _make(client: Client, sha: str, environment: str, *, doing: str) -> Any:
    sent = {
        "ref": sha,
        "environment": environment,
        "description": "",
        "auto_merge": False,  # else GitHub may merge the default branch into the ref
        "required_contexts": [],  # it is being deployed: checks are not asked any more
        "transient_environment": environment.startswith("preview/"),
    }

    def make() -> Any:
        return client.write("POST", "/deployments", sent, doing=doing, needs=_NEEDS, is_safe=False)

    try:
        return client.settle(make, lambda: _last(client, sha, environment, doing=doing))
    except RefusedByGitHub as error:
        if error.status == 422 and "no ref found" in error.said.lower():
            raise ForgeError(
                f"{client.repository} has no commit {sha[:12]}",
                doing=doing,
                fix="push it, or check which repository the commit is of",
            ) from None
        raise
