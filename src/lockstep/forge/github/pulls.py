"""Pull requests: reading, opening, changing, closing, labels."""

from collections.abc import Iterable
from typing import Any

from lockstep.errors import ForgeError
from lockstep.forge.base import Pull, PullState
from lockstep.forge.github import comments
from lockstep.forge.github.client import Client, in_path
from lockstep.forge.github.problems import RefusedByGitHub
from lockstep.model.labels import has_label

__all__ = ["close_pull", "label", "open_pull", "pull", "pulls", "update_pull"]

_WRITE = "pull_requests=write"
_READ = "pull_requests=read"


def pull(client: Client, number: int) -> Pull:
    """One pull request, with who closed it."""
    value = client.get(f"/pulls/{number}", doing=f"reading pull request #{number}", needs=_READ)
    closed_by = None
    if value["state"] == "closed" and not value.get("merged"):
        issue = client.get(f"/issues/{number}", doing=f"reading pull request #{number}", needs=_READ)
        closed_by = _login(issue.get("closed_by"))
    return to_pull(value, closed_by=closed_by)


def pulls(client: Client, *, head: str | None, base: str | None, is_open: bool) -> list[Pull]:
    """Pull requests, newest first. With ``head`` only those whose branch is in the repository itself: a
    fork's branch of the same name is somebody else's.
    """
    is_prefix = head is not None and head.endswith("/")
    found = client.pages(
        "/pulls",
        doing=f"reading the pull requests of {client.repository}",
        needs=_READ,
        state="open" if is_open else "all",
        head=f"{client.owner}:{head}" if head and not is_prefix else None,
        base=base,
        sort="created",
        direction="desc",
    )
    all_of_them = [to_pull(value) for value in found]
    if head is None:
        return all_of_them
    return [
        each
        for each in all_of_them
        if not each.is_fork and (each.head.startswith(head) if is_prefix else each.head == head)
    ]


def open_pull(
    client: Client, *, head: str, base: str, title: str, body: str, labels: Iterable[str], is_draft: bool
) -> Pull:
    """Open one, or change the texts of the open one of the same branches."""
    doing = f"opening a pull request from {head} to {base}"
    sent = {"head": head, "base": base, "title": title, "body": body, "draft": is_draft}

    def there() -> Pull | None:
        found = pulls(client, head=head, base=base, is_open=True)
        return found[0] if found else None

    def make() -> Pull:
        value = client.write("POST", "/pulls", sent, doing=doing, needs=_WRITE, is_safe=False)
        return to_pull(value)

    opened = there()
    if opened is None:
        try:
            opened = client.settle(make, there)
        except RefusedByGitHub as error:
            opened = there() if "already exists" in error.said else None
            if opened is None:
                raise _not_opened(error, head=head, base=base) from None
    if (opened.title, opened.body) != (title, body):
        opened = update_pull(client, opened.number, title=title, body=body)
    missing = [name for name in dict.fromkeys(labels) if not has_label(opened.labels, name)]
    if missing:
        label(client, opened.number, add=missing, remove=())
        opened = pull(client, opened.number)
    return opened


def update_pull(client: Client, number: int, *, title: str | None, body: str | None) -> Pull:
    """Change the texts that are given."""
    sent = {name: text for name, text in (("title", title), ("body", body)) if text is not None}
    if not sent:
        return pull(client, number)
    value = client.write(
        "PATCH", f"/pulls/{number}", sent, doing=f"changing pull request #{number}", needs=_WRITE
    )
    return to_pull(value)


def close_pull(client: Client, number: int, *, comment: str | None) -> None:
    """Close one that is open, after saying why."""
    if pull(client, number).state is not PullState.OPEN:
        return
    if comment is not None:
        comments.put(client, number, comment, marker="closed")
    client.write(
        "PATCH",
        f"/pulls/{number}",
        {"state": "closed"},
        doing=f"closing pull request #{number}",
        needs=_WRITE,
    )


def label(client: Client, number: int, *, add: Iterable[str], remove: Iterable[str]) -> None:
    """Add and remove labels; one that the repository does not have yet is made by adding it."""
    doing = f"labelling #{number}"
    needs = f"{_WRITE}; issues=write"
    wanted, unwanted = list(dict.fromkeys(add)), set(remove)
    there = {
        str(each["name"])
        for each in client.pages(f"/issues/{number}/labels", doing=doing, needs=f"{_READ}; issues=read")
    }
    missing = [name for name in wanted if name not in there]
    if missing:
        client.write("POST", f"/issues/{number}/labels", {"labels": missing}, doing=doing, needs=needs)
    for name in sorted(unwanted & there):
        try:
            client.write("DELETE", f"/issues/{number}/labels/{in_path(name)}", doing=doing, needs=needs)
        except RefusedByGitHub as error:
            if error.status != 404:  # somebody else removed it meanwhile
                raise


def to_pull(value: Any, *, closed_by: str | None = None) -> Pull:
    """A pull request from GitHub's JSON, of a list or by itself."""
    state = PullState.OPEN
    if value["state"] == "closed":
        state = PullState.MERGED if value.get("merged_at") else PullState.CLOSED
    head = value["head"]
    source = (head.get("repo") or {}).get("full_name")  # None when the fork is gone
    mergeable = value.get("mergeable")
    return Pull(
        number=value["number"],
        title=value["title"],
        body=value.get("body") or "",
        head=head["ref"],
        base=value["base"]["ref"],
        sha=head["sha"],
        state=state,
        url=value["html_url"],
        author=_login(value.get("user")) or "",
        labels=tuple(each["name"] for each in value.listed("labels")),
        is_draft=bool(value.get("draft")),
        is_fork=source is None or source.lower() != value["base"].told("repo")["full_name"].lower(),
        conflict=None if mergeable is None else value.get("mergeable_state") == "dirty",
        is_blocked=_is_blocked(value.get("mergeable_state")),
        merge_commit=value.get("merge_commit_sha") if state is PullState.MERGED else None,
        merged_by=_login(value.get("merged_by")),
        closed_by=closed_by,
        created=value["created_at"],
        ended=value.get("closed_at"),
    )


def _is_blocked(state: str | None) -> bool | None:
    """From ``mergeable_state``: what keeps the pull request from being merged besides conflicts."""
    match state:
        case "blocked" | "behind" | "draft":
            return True
        case "clean" | "unstable" | "has_hooks" | "dirty":
            return False
        case _:
            return None


def _login(user: Any) -> str | None:
    return None if user is None else str(user["login"])


def _not_opened(error: RefusedByGitHub, *, head: str, base: str) -> ForgeError:
    """What a 422 means to somebody who wanted a pull request."""
    said = error.said.lower()
    if "no commits between" in said:
        problem, fix = f"{head} has no commits that {base} lacks", f"push a commit to {head} first"
    elif "pullrequest head" in said:
        problem, fix = f"there is no branch {head}", "push it first"
    elif "pullrequest base" in said:
        problem, fix = f"there is no branch {base}", "check the branch that the pull request should go to"
    elif "draft pull requests are not supported" in said:
        problem, fix = "the repository's plan has no draft pull requests", "open it as an ordinary one"
    else:
        return error
    return ForgeError(problem, doing=error.doing, fix=fix)
