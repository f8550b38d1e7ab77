"""Payloads of events: the fields that our workflows read, as GitHub sends them.

A test compares their form with the examples that GitHub's own packages publish.
"""

from typing import Any

__all__ = ["pull_request", "push", "repository"]

ZEROS = "0" * 40


def repository(name: str, *, server: str = "https://github.com") -> dict[str, Any]:
    """A repository as events hold it."""
    owner, _, short = name.partition("/")
    return {
        "name": short,
        "full_name": name,
        "default_branch": "main",
        "html_url": f"{server}/{name}",
        "fork": False,
        "owner": {"login": owner},
    }


def push(name: str, *, before: str = ZEROS, after: str, branch: str = "main") -> dict[str, Any]:
    """Commits were pushed to a branch."""
    return {
        "ref": f"refs/heads/{branch}",
        "before": before,
        "after": after,
        "created": before == ZEROS,
        "deleted": False,
        "forced": False,
        "repository": repository(name),
        "sender": {"login": "octocat"},
    }


def pull_request(
    name: str,
    action: str,
    *,
    number: int,
    head: str,
    sha: str,
    base_sha: str = ZEROS,
    labels: tuple[str, ...] = (),
    label: str | None = None,
    state: str = "open",
    fork: str | None = None,
    title: str = "A change",
) -> dict[str, Any]:
    """Something happened to a pull request; ``label`` is the one that was added or removed."""
    payload: dict[str, Any] = {
        "action": action,
        "number": number,
        "pull_request": {
            "number": number,
            "state": state,
            "title": title,
            "labels": [{"name": one} for one in labels],
            "merged": False,
            "head": {"ref": head, "sha": sha, "repo": repository(fork or name) | {"fork": fork is not None}},
            "base": {"ref": "main", "sha": base_sha, "repo": repository(name)},
        },
        "repository": repository(name),
        "sender": {"login": "octocat"},
    }
    if label is not None:
        payload["label"] = {"name": label}
    return payload
