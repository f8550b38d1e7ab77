"""Merging a pull request: now, when GitHub sees that it is ready, or through a merge queue."""

from typing import Any

from lockstep.errors import ForgeError
from lockstep.forge.base import CheckState, MergeMethod, Merging, Pull, PullState
from lockstep.forge.github import checks
from lockstep.forge.github.client import Client
from lockstep.forge.github.problems import RefusedByGitHub
from lockstep.forge.github.pulls import pull
from lockstep.values import dataclass

__all__ = ["allows_auto_merge", "merge_pull", "merge_when_ready"]

_NEEDS = "pull_requests=write,contents=write"
_LOOKS = 8  # while GitHub finds out whether a pull request can be merged
_BETWEEN = 1.5  # seconds

_STATE = """
query PullState($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    autoMergeAllowed
    pullRequest(number: $number) {
      id state isDraft headRefOid mergeable mergeStateStatus isMergeQueueEnabled isInMergeQueue
      autoMergeRequest { mergeMethod }
    }
  }
}
"""
_SETTING = """
query Setting($owner: String!, $name: String!) {
  repository(owner: $owner, name: $name) { autoMergeAllowed }
}
"""
_ENABLE = """
mutation EnableAutoMerge($pull: ID!, $sha: GitObjectID!, $method: PullRequestMergeMethod) {
  enablePullRequestAutoMerge(input: {pullRequestId: $pull, expectedHeadOid: $sha, mergeMethod: $method}) {
    pullRequest { autoMergeRequest { mergeMethod } }
  }
}
"""
_ENQUEUE = """
mutation Enqueue($pull: ID!, $sha: GitObjectID!) {
  enqueuePullRequest(input: {pullRequestId: $pull, expectedHeadOid: $sha}) {
    mergeQueueEntry { state }
  }
}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Standing:
    """A pull request as GitHub's merge box sees it."""

    id: str
    state: str
    sha: str
    status: str  # MergeStateStatus
    is_draft: bool
    is_conflicting: bool
    is_allowed: bool  # auto-merge, by the repository's settings
    has_queue: bool
    is_waiting: bool  # auto-merge is on, or it is in the queue


def allows_auto_merge(client: Client) -> bool:
    """Whether the repository's settings allow auto-merge; GitHub's default is that they do not."""
    data = client.graphql(_SETTING, {}, doing="reading whether auto-merge is allowed", needs="metadata=read")
    return bool(data["repository"]["autoMergeAllowed"])


def merge_pull(client: Client, number: int, *, sha: str, method: MergeMethod, title: str | None) -> None:
    """Merge now, if the head still is ``sha``; nothing when that has been merged already.

    Raises ForgeError that says what is in the way: conflicts, another head, a method that the
    repository does not allow, missing reviews or checks, a merge queue, a permission.
    """
    doing = f"merging pull request #{number}"
    sent = {"sha": sha, "merge_method": method.value}
    if title is not None:
        sent["commit_title"] = title

    def make() -> bool:
        client.write("PUT", f"/pulls/{number}/merge", sent, doing=doing, needs=_NEEDS, is_safe=False)
        return True

    def is_done() -> bool | None:
        now = pull(client, number)
        return True if now.state is PullState.MERGED and now.sha == sha else None

    for look in range(1, _LOOKS + 1):
        try:
            client.settle(make, is_done)
            return
        except RefusedByGitHub as error:
            if error.status not in (405, 409, 422):
                raise
            now = pull(client, number)
            if now.state is PullState.MERGED and now.sha == sha:
                return
            is_passing = (
                now.state is PullState.OPEN
                and now.sha == sha
                and (now.conflict is None or "Base branch was modified" in error.said)
            )
            if not is_passing or look == _LOOKS:
                raise _in_the_way(client, now, error, sha=sha, method=method, doing=doing) from None
        client.sleep(_BETWEEN)


def merge_when_ready(client: Client, number: int, *, sha: str, method: MergeMethod) -> Merging:
    """Merge at once if nothing is in the way, else let GitHub do it when checks and reviews allow it.

    SWITCHED_OFF means that the repository does not allow auto-merge, as none does at first. BLOCKED means
    that nothing will happen by itself and asking again later may help: the branch has to be brought up
    to date, there are conflicts, it is a draft; or checks that the base branch does not require, which
    auto-merge does not wait for, have not finished or have failed. Where the base branch requires a
    merge queue, its method is used.
    Raises ForgeError when the head is not ``sha`` or the pull request was closed.
    """
    doing = f"merging pull request #{number} when it is ready"
    for look in range(1, _LOOKS + 1):
        now = _standing(client, number, doing=doing)
        if now.state == "MERGED" and now.sha == sha:
            return Merging.MERGED
        if now.state != "OPEN":
            raise ForgeError(f"it is {now.state.lower()}", doing=doing, fix="open a new one")
        if now.sha != sha:
            raise ForgeError(
                f"its head is {now.sha[:12]} now, not {sha[:12]}",
                doing=doing,
                fix="look at the new commits first",
            )
        if now.is_waiting:
            return Merging.WAITING
        if now.is_draft or now.is_conflicting:
            return Merging.BLOCKED
        if now.status != "UNKNOWN" or look == _LOOKS:
            break
        client.sleep(_BETWEEN)
    match now.status:
        case "CLEAN" | "HAS_HOOKS":
            is_ready = True
        case "UNSTABLE":
            is_ready = _has_passed(client, sha)
            if not is_ready:
                return Merging.BLOCKED
        case "BEHIND":
            return Merging.BLOCKED
        case _:
            is_ready = False
    if is_ready and not now.has_queue:
        merge_pull(client, number, sha=sha, method=method, title=None)
        return Merging.MERGED
    if not is_ready and not now.is_allowed:
        return Merging.SWITCHED_OFF
    return _hand_over(client, now, number, method=method, is_ready=is_ready, doing=doing)


def _hand_over(
    client: Client, now: _Standing, number: int, *, method: MergeMethod, is_ready: bool, doing: str
) -> Merging:
    """Put it into the queue when it is ready, else let GitHub merge or enqueue it later."""
    variables: dict[str, Any] = {"pull": now.id, "sha": now.sha}
    document = _ENQUEUE
    if not is_ready:
        document = _ENABLE
        variables["method"] = None if now.has_queue else method.value.upper()  # a queue has its own method

    def make() -> Merging:
        client.graphql(document, variables, doing=doing, needs=_NEEDS, is_safe=False)
        return Merging.WAITING

    def there() -> Merging | None:
        after = _standing(client, number, doing=doing)
        if after.state == "MERGED":
            return Merging.MERGED
        return Merging.WAITING if after.is_waiting else None

    try:
        return client.settle(make, there)
    except RefusedByGitHub as error:
        said = error.said.lower()
        if "clean status" in said or "protected branch rules not configured" in said:
            # Became ready meanwhile, or nothing has to be waited for: GitHub wants it merged directly.
            merge_pull(client, number, sha=now.sha, method=method, title=None)
            return Merging.MERGED
        if "auto merge is not allowed" in said or "auto-merge is not allowed" in said:
            return Merging.SWITCHED_OFF
        if "unstable status" in said:
            return Merging.BLOCKED
        if found := there():
            return found
        if "method" in said and "not allowed" in said:
            raise _other_method(client, error, method=method, doing=doing) from None
        raise


def _standing(client: Client, number: int, *, doing: str) -> _Standing:
    data = client.graphql(_STATE, {"number": number}, doing=doing, needs="pull_requests=read")
    repository = data["repository"]
    value = repository["pullRequest"]
    return _Standing(
        id=value["id"],
        state=value["state"],
        sha=value["headRefOid"],
        status=value["mergeStateStatus"],
        is_draft=value["isDraft"],
        is_conflicting=value["mergeable"] == "CONFLICTING",
        is_allowed=repository["autoMergeAllowed"],
        has_queue=value["isMergeQueueEnabled"],
        is_waiting=value["isInMergeQueue"] or value["autoMergeRequest"] is not None,
    )


def _has_passed(client: Client, sha: str) -> bool:
    """Whether all checks of a commit have ended well, required or not."""
    return all(check.state is CheckState.SUCCESS for check in checks.checks(client, sha))


def _in_the_way(
    client: Client, now: Pull, error: RefusedByGitHub, *, sha: str, method: MergeMethod, doing: str
) -> ForgeError:
    """What keeps a pull request from being merged, from how it stands and what GitHub said."""
    said = error.said
    if now.state is not PullState.OPEN:
        who = f" by {now.closed_by}" if now.closed_by else ""
        return ForgeError(f"it is {now.state.value}{who}", doing=doing, fix="open a new one")
    if now.sha != sha:
        return ForgeError(
            f"its head is {now.sha[:12]} now, not {sha[:12]}",
            doing=doing,
            fix="look at the new commits first",
        )
    if now.is_draft:
        return ForgeError("it is a draft", doing=doing, fix=f"mark it as ready for review: {now.url}")
    if now.conflict:
        return ForgeError(
            f"{now.head} conflicts with {now.base}",
            doing=doing,
            fix=f"bring {now.head} up to date: {now.url}",
        )
    if "merge queue" in said.lower():
        return ForgeError(
            f"{now.base} is only changed through its merge queue",
            doing=doing,
            fix="let it merge when it is ready (merge: auto), which puts it into the queue",
        )
    if "not allowed" in said.lower():
        return _other_method(client, error, method=method, doing=doing)
    return ForgeError(said or "GitHub refuses it", doing=doing, fix=f"see what is missing: {now.url}")


def _other_method(client: Client, error: RefusedByGitHub, *, method: MergeMethod, doing: str) -> ForgeError:
    allowed = _methods(client)
    return ForgeError(
        f"the repository does not allow to {method.value}: {error.said}",
        doing=doing,
        fix=f"use {' or '.join(allowed) or 'another method'}, or allow it in the repository's settings",
    )


def _methods(client: Client) -> list[str]:
    """The methods that the repository's settings allow."""
    value = client.get("", doing="reading the repository's settings")
    names = {"merge": "allow_merge_commit", "squash": "allow_squash_merge", "rebase": "allow_rebase_merge"}
    return [method for method, name in names.items() if value.get(name)]
