"""Comments on pull requests and issues, of which there is one for each marker."""

from lockstep.forge.github.client import Client
from lockstep.forge.github.markers import mark, marked
from lockstep.values import dataclass

__all__ = ["put"]

_NEEDS = "pull_requests=write; issues=write"
_COMMENTS = """
query Comments($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    issueOrPullRequest(number: $number) {
      ... on Issue { comments(first: 100, after: $after) { ...Page } }
      ... on PullRequest { comments(first: 100, after: $after) { ...Page } }
    }
  }
}
fragment Page on IssueCommentConnection {
  nodes { fullDatabaseId body viewerDidAuthor }
  pageInfo { hasNextPage endCursor }
}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Comment:
    number: int
    body: str


def put(client: Client, number: int, body: str, *, marker: str) -> None:
    """Write one comment, or change the one that this marker wrote before.

    Two that do it at once leave one: each looks again, and takes its own back when an older one is there.
    """
    doing = f"commenting on #{number}"
    text = marked(body, marker)

    def there() -> _Comment | None:
        return _find(client, number, marker, doing=doing)

    def make() -> _Comment:
        value = client.write(
            "POST", f"/issues/{number}/comments", {"body": text}, doing=doing, needs=_NEEDS, is_safe=False
        )
        return _Comment(number=value["id"], body=text)

    found = there()
    if found is None:
        made = client.settle(make, there)
        found = there() or made
        if found.number != made.number:
            client.write("DELETE", f"/issues/comments/{made.number}", doing=doing, needs=_NEEDS)
    if found.body != text:
        client.write("PATCH", f"/issues/comments/{found.number}", {"body": text}, doing=doing, needs=_NEEDS)


def _find(client: Client, number: int, marker: str, *, doing: str) -> _Comment | None:
    """The oldest comment of our own with the mark."""
    start = mark(marker)
    nodes = client.nodes(
        _COMMENTS,
        {"number": number},
        lambda data: ((data["repository"] or {}).get("issueOrPullRequest") or {}).get("comments"),
        doing=doing,
        needs="pull_requests=read; issues=read",
    )
    for node in nodes:
        if node["viewerDidAuthor"] and node.told("body").startswith(start):
            return _Comment(number=int(node["fullDatabaseId"]), body=node["body"])
    return None
