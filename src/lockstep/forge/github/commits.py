"""Commits: what lies between two of them."""

from typing import Any

from lockstep.errors import ForgeError
from lockstep.forge.base import Commit
from lockstep.forge.github.client import Client, in_path

__all__ = ["commits"]

_PAGE = 100


def commits(client: Client, base: str, head: str, *, most: int) -> list[Commit]:
    """At most ``most`` commits of ``head`` that are not in ``base``, newest first.

    GitHub lists them oldest first and says how many there are, so the last pages are asked for.
    """
    doing = f"comparing {base} with {head}"
    path = f"/compare/{in_path(base)}...{in_path(head)}"
    first = client.find(path, doing=doing, needs="contents=read", per_page=_PAGE, page=1)
    if first is None:
        raise ForgeError(
            f"{client.repository} does not have {base} or {head}, or they share no history",
            doing=doing,
            fix="push them, or check their names",
        )
    last = max(1, -(-first["total_commits"] // _PAGE))
    found: list[Any] = []
    for page in range(last, 0, -1):
        value = first
        if page > 1:
            value = client.get(path, doing=doing, needs="contents=read", per_page=_PAGE, page=page)
        found = value.listed("commits") + found
        if len(found) >= most:
            break
    return [_to_commit(value) for value in reversed(found)][:most]


def _to_commit(value: Any) -> Commit:
    author = (value["commit"].get("author") or {}).get("name") or (value.get("author") or {}).get("login")
    return Commit(
        sha=value["sha"],
        subject=value["commit"].told("message").partition("\n")[0],
        author=author or "",
        url=value["html_url"],
    )
