"""The GraphQL API: the operations that Lockstep sends, by their names."""

import re
from collections.abc import Mapping
from typing import Any

from tests.support.github.shapes import Shapes
from tests.support.github.world import Identity, Protection, Pull, Repository, World

__all__ = ["Refusal", "operation_of", "run"]


class Refusal(Exception):
    """An error in GraphQL's list."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


def operation_of(document: str) -> str:
    """The name of the first operation."""
    found = re.search(r"\b(?:query|mutation)\s+(\w+)", document)
    assert found, document
    return found.group(1)


def run(
    world: World, identity: Identity, shapes: Shapes, document: str, variables: Mapping[str, Any]
) -> dict[str, Any]:
    """The ``data`` of an operation. Raises Refusal."""
    name = operation_of(document)
    if "pull" in variables:
        repository, pull = _by_id(world, variables["pull"])
        if not identity.may("pull_requests", "write"):
            raise Refusal("FORBIDDEN", "Resource not accessible by integration")
        return _mutate(name, repository, pull, variables)
    full = f"{variables['owner']}/{variables['name']}"
    found = world.repositories.get(full)
    if found is None:
        raise Refusal("NOT_FOUND", f"Could not resolve to a Repository with the name '{full}'.")
    match name:
        case "PullState":
            pull = found.issues.get(variables["number"])  # type: ignore[assignment]
            if not isinstance(pull, Pull):
                raise Refusal(
                    "NOT_FOUND",
                    f"Could not resolve to a PullRequest with the number of {variables['number']}.",
                )
            return {
                "repository": {
                    "autoMergeAllowed": found.allows_auto_merge,
                    "pullRequest": _state(found, pull),
                }
            }
        case "Setting":
            return {"repository": {"autoMergeAllowed": found.allows_auto_merge}}
        case "Comments":
            issue = found.issues.get(variables["number"])
            if issue is None:
                raise Refusal("NOT_FOUND", "Could not resolve to an issue or pull request with the number.")
            nodes = [
                {
                    "fullDatabaseId": str(comment.id),
                    "body": comment.body,
                    "viewerDidAuthor": comment.author == identity.login,
                }
                for comment in issue.comments
            ]
            kind = "PullRequest" if isinstance(issue, Pull) else "Issue"
            return {
                "repository": {
                    "issueOrPullRequest": {"__typename": kind, "comments": _connection(nodes, variables)}
                }
            }
        case "OpenIssues":
            nodes = [
                {
                    "number": issue.number,
                    "title": issue.title,
                    "body": issue.body,
                    "url": shapes.issue(found, issue)["html_url"],
                    "viewerDidAuthor": issue.author == identity.login,
                    "labels": {"nodes": [{"name": label} for label in issue.labels]},
                }
                for _, issue in sorted(found.issues.items())
                if issue.is_open and not isinstance(issue, Pull)
            ]
            return {"repository": {"issues": _connection(nodes, variables)}}
        case "Releases":
            may_write = identity.may("contents", "write")
            nodes = [
                {"databaseId": release.id, "tagName": release.tag, "isDraft": release.is_draft}
                for _, release in sorted(found.releases.items(), reverse=True)
                if may_write or not release.is_draft
            ]
            return {"repository": {"releases": _connection(nodes, variables)}}
    raise AssertionError(f"no such operation here: {name}")


def _mutate(name: str, repository: Repository, pull: Pull, variables: Mapping[str, Any]) -> dict[str, Any]:
    rules = repository.protections.get(pull.base, Protection())
    if variables["sha"] != repository.sha(pull):
        raise Refusal("UNPROCESSABLE", "The head of the pull request has changed.")
    state = repository.merge_state(pull)
    match name:
        case "EnableAutoMerge":
            if not repository.allows_auto_merge:
                raise Refusal("UNPROCESSABLE", "Pull request Auto merge is not allowed for this repository")
            if state in ("CLEAN", "UNSTABLE"):
                raise Refusal("UNPROCESSABLE", f"Pull request Pull request is in {state.lower()} status")
            method = variables.get("method") or "MERGE"
            if not rules.has_queue and method.lower() not in repository.methods:
                raise Refusal(
                    "UNPROCESSABLE", f"Merge method {method.lower()} is not allowed on this repository"
                )
            pull.auto_merge = method
            return {
                "enablePullRequestAutoMerge": {"pullRequest": {"autoMergeRequest": {"mergeMethod": method}}}
            }
        case "Enqueue":
            if not rules.has_queue:
                raise Refusal("UNPROCESSABLE", "The merge queue is not enabled for this branch.")
            pull.is_queued = True
            return {"enqueuePullRequest": {"mergeQueueEntry": {"state": "QUEUED"}}}
    raise AssertionError(f"no such operation here: {name}")


def _state(repository: Repository, pull: Pull) -> dict[str, Any]:
    state = repository.merge_state(pull) if pull.is_open else "UNKNOWN"
    pull.unknown = max(0, pull.unknown - 1)
    mergeable = {"UNKNOWN": "UNKNOWN", "DIRTY": "CONFLICTING"}.get(state, "MERGEABLE")
    return {
        "id": f"PR_{repository.name}#{pull.number}",
        "state": "MERGED" if pull.merge_commit else "OPEN" if pull.is_open else "CLOSED",
        "isDraft": pull.is_draft,
        "headRefOid": repository.sha(pull),
        "mergeable": mergeable,
        "mergeStateStatus": state,
        "isMergeQueueEnabled": repository.protections.get(pull.base, Protection()).has_queue,
        "isInMergeQueue": pull.is_queued,
        "autoMergeRequest": {"mergeMethod": pull.auto_merge} if pull.auto_merge else None,
    }


def _by_id(world: World, key: str) -> tuple[Repository, Pull]:
    name, _, number = key.removeprefix("PR_").partition("#")
    pull = world.repositories[name].issues[int(number)]
    assert isinstance(pull, Pull)
    return world.repositories[name], pull


def _connection(nodes: list[dict[str, Any]], variables: Mapping[str, Any]) -> dict[str, Any]:
    start = int(variables.get("after") or 0)
    end = start + 100
    return {
        "nodes": nodes[start:end],
        "pageInfo": {"hasNextPage": end < len(nodes), "endCursor": str(end)},
    }
