"""Issues that are found again by a hidden mark."""

from collections.abc import Iterable
from typing import Any

from lockstep.forge.base import Issue
from lockstep.forge.github import comments, pulls
from lockstep.forge.github.client import Client
from lockstep.forge.github.markers import mark, marked
from lockstep.model.labels import has_label

__all__ = ["close_issue", "find_issue", "put_issue"]

_NEEDS = "issues=write"
_ISSUES = """
query OpenIssues($owner: String!, $name: String!, $after: String) {
  repository(owner: $owner, name: $name) {
    issues(first: 100, after: $after, states: OPEN, orderBy: {field: CREATED_AT, direction: ASC}) {
      nodes { number title body url viewerDidAuthor labels(first: 100) { nodes { name } } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""


def find_issue(client: Client, marker: str) -> Issue | None:
    """The oldest open issue of our own with the mark."""
    start = mark(marker)
    nodes = client.nodes(
        _ISSUES,
        {},
        lambda data: (data["repository"] or {}).get("issues"),
        doing=f"reading the issues of {client.repository}",
        needs="issues=read",
    )
    for node in nodes:
        if node["viewerDidAuthor"] and node.told("body").startswith(start):
            return Issue(
                number=node["number"],
                title=node["title"],
                body=node["body"],
                url=node["url"],
                labels=tuple(each["name"] for each in (node["labels"] or {"nodes": []})["nodes"]),
            )
    return None


def put_issue(client: Client, marker: str, *, title: str, body: str, labels: Iterable[str]) -> Issue:
    """Open an issue, or change the open one of the same marker; two that do it at once leave one open."""
    text = marked(body, marker)
    wanted = list(dict.fromkeys(labels))
    sent = {"title": title, "body": text, "labels": wanted}
    doing = f"opening an issue in {client.repository}"

    def make() -> Issue:
        return _to_issue(client.write("POST", "/issues", sent, doing=doing, needs=_NEEDS, is_safe=False))

    found = find_issue(client, marker)
    if found is None:
        made = client.settle(make, lambda: find_issue(client, marker))
        found = find_issue(client, marker) or made
        if found.number != made.number:
            _close(client, made.number, reason="not_planned")
    if (found.title, found.body) != (title, text):
        changed = client.write(
            "PATCH",
            f"/issues/{found.number}",
            {"title": title, "body": text},
            doing=f"changing issue #{found.number}",
            needs=_NEEDS,
        )
        found = _to_issue(changed)
    missing = [name for name in wanted if not has_label(found.labels, name)]
    if missing:
        pulls.label(client, found.number, add=missing, remove=())
        value = client.get(f"/issues/{found.number}", doing=doing, needs=_NEEDS)
        found = _to_issue(value)
    return found


def close_issue(client: Client, marker: str, *, comment: str) -> None:
    """Say why and close; nothing when there is no open issue of the marker."""
    found = find_issue(client, marker)
    if found is None:
        return
    comments.put(client, found.number, comment, marker="closed")
    _close(client, found.number, reason="completed")


def _close(client: Client, number: int, *, reason: str) -> None:
    client.write(
        "PATCH",
        f"/issues/{number}",
        {"state": "closed", "state_reason": reason},
        doing=f"closing issue #{number}",
        needs=_NEEDS,
    )


def _to_issue(value: Any) -> Issue:
    return Issue(
        number=value["number"],
        title=value["title"],
        body=value.get("body") or "",
        url=value["html_url"],
        is_open=value["state"] == "open",
        labels=tuple(each if isinstance(each, str) else each["name"] for each in value["labels"]),
    )
