"""Releases: a draft, its files, and publication last.

``make_latest`` is "false": in a repository of several services the newest release of one is not "the
latest release" of the whole, and links to ``releases/latest`` that others made keep their meaning.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lockstep.errors import ArtifactError, ForgeError
from lockstep.forge.base import Release
from lockstep.forge.github import assets
from lockstep.forge.github.assets import File
from lockstep.forge.github.client import Client, in_path
from lockstep.forge.github.pace import backoff
from lockstep.forge.github.problems import Refused

__all__ = ["publish", "release"]

_READ = "contents=read"
_NEEDS = "contents=write"
_ROUNDS = 6  # when others delete or publish while it is being made
_DEPTH = 5  # tags of tags

# Of drafts the REST API finds none by its tag.
_DRAFTS = """
query Releases($owner: String!, $name: String!, $after: String) {
  repository(owner: $owner, name: $name) {
    releases(first: 100, after: $after, orderBy: {field: CREATED_AT, direction: DESC}) {
      nodes { databaseId tagName isDraft }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""


def release(client: Client, tag: str) -> Release | None:
    """The release of a tag, else the first draft that has the tag's name."""
    doing = f"reading release {tag}"
    value = _published(client, tag, doing=doing)
    if value is None:
        drafts = _drafts(client, tag, doing=doing)
        value = client.find(f"/releases/{drafts[0]}", doing=doing, needs=_READ) if drafts else None
    if value is None:
        return None
    return _to_release(client, value, commit=_commit_of(client, tag, doing=doing), doing=doing)


def publish(
    client: Client,
    *,
    tag: str,
    commit: str,
    title: str,
    body: str,
    files: Mapping[str, Path],
    is_prerelease: bool,
) -> Release:
    """Make the release of a tag, or finish one that was begun; see ``Forge.publish``."""
    doing = f"releasing {tag}"
    _check_tag(client, tag, commit, doing=doing)
    wanted = assets.files_of(files)
    text = {"name": title, "body": body, "prerelease": is_prerelease}
    own: list[int] = []  # drafts that this call made
    for turn in range(1, _ROUNDS + 1):
        try:
            value = _published(client, tag, doing=doing)
            if value is not None:
                _finish_published(client, value, wanted, tag=tag, doing=doing)
            else:
                number = _draft(client, tag, commit, text, wanted, own, doing=doing)
                if number is None:
                    continue
                assets.complete(client, number, wanted, doing=doing)
                _check_tag(client, tag, commit, doing=doing)
                value = client.write(
                    "PATCH",
                    f"/releases/{number}",
                    {**text, "tag_name": tag, "draft": False, "make_latest": "false"},
                    doing=doing,
                    needs=_NEEDS,
                )
            lacking = assets.missing(client, value["id"], wanted, doing=doing)
        except Refused as error:
            is_gone = error.status == 404
            is_taken = error.status == 422 and "already exists" in error.said.lower()
            if turn == _ROUNDS or not (is_gone or is_taken):
                raise
            client.sleep(backoff(turn))
            continue  # deleted meanwhile, or another run published its own: look again
        if not lacking:
            for number in own:
                if number != value["id"]:
                    _delete(client, number, doing=doing)
            return _to_release(client, value, commit=commit, doing=doing)
    raise ForgeError(
        "others change or delete the release while it is being made",
        doing=doing,
        fix="run again when they are done",
    )


def _draft(
    client: Client,
    tag: str,
    commit: str,
    text: Mapping[str, Any],
    files: list[File],
    own: list[int],
    *,
    doing: str,
) -> int | None:
    """The draft to go on with: the oldest that has all files, else the oldest; None to look again.

    One that is made here is added to ``own``: when another run was quicker, it is deleted in the end.
    """
    drafts = _drafts(client, tag, doing=doing)
    if drafts:
        return _chosen(client, drafts, files, doing=doing)
    sent = {**text, "tag_name": tag, "target_commitish": commit, "draft": True}

    def make() -> int:
        value = client.write("POST", "/releases", sent, doing=doing, needs=_NEEDS, is_safe=False)
        own.append(int(value["id"]))
        return own[-1]

    def there() -> int | None:
        found = _drafts(client, tag, doing=doing)
        return found[0] if found else None

    made = client.settle(make, there)
    if _published(client, tag, doing=doing) is not None:
        return None
    return _chosen(client, sorted({made, *_drafts(client, tag, doing=doing)}), files, doing=doing)


def _chosen(client: Client, drafts: list[int], files: list[File], *, doing: str) -> int:
    """Of several drafts the oldest that has all files, else the oldest."""
    if len(drafts) > 1:
        for number in drafts:
            try:
                if not assets.missing(client, number, files, doing=doing):
                    return number
            except ArtifactError:
                continue
    return drafts[0]


def _finish_published(client: Client, value: Any, files: list[File], *, tag: str, doing: str) -> None:
    """Add the files that a release, published too early, lacks."""
    lacking = assets.missing(client, value["id"], files, doing=doing)
    if lacking and value.get("immutable"):
        names = ", ".join(file.name for file in lacking)
        raise ArtifactError(
            f"release {tag} is published without {names} and immutable",
            doing=doing,
            fix="release a new version",
        )
    if lacking:
        assets.complete(client, value["id"], lacking, doing=doing)


def _published(client: Client, tag: str, *, doing: str) -> Any:
    return client.find(f"/releases/tags/{in_path(tag)}", doing=doing, needs=_READ)


def _drafts(client: Client, tag: str, *, doing: str) -> list[int]:
    """Ids of the drafts with the tag's name, oldest first. Only who may write sees drafts."""
    nodes = client.nodes(
        _DRAFTS, {}, lambda data: (data["repository"] or {}).get("releases"), doing=doing, needs=_NEEDS
    )
    return sorted(node["databaseId"] for node in nodes if node["isDraft"] and node["tagName"] == tag)


def _delete(client: Client, number: int, *, doing: str) -> None:
    try:
        client.write("DELETE", f"/releases/{number}", doing=doing, needs=_NEEDS)
    except Refused as error:
        if error.status != 404:
            raise


def _commit_of(client: Client, tag: str, *, doing: str) -> str | None:
    """The commit that a tag names, through annotated tags; None when there is no such tag."""
    found = client.find(f"/git/ref/tags/{in_path(tag, keep='/')}", doing=doing, needs=_READ)
    if found is None:
        return None
    there = found["object"]
    for _ in range(_DEPTH):
        if there["type"] != "tag":
            break
        there = client.get(f"/git/tags/{there['sha']}", doing=doing, needs=_READ)["object"]
    return str(there["sha"])


def _check_tag(client: Client, tag: str, commit: str, *, doing: str) -> None:
    there = _commit_of(client, tag, doing=doing)
    if there is None:
        raise ForgeError(
            f"{client.repository} has no tag {tag}", doing=doing, fix=f"push it first: git push origin {tag}"
        )
    if there != commit:
        raise ForgeError(
            f"tag {tag} names commit {there[:12]}, not {commit[:12]}",
            doing=doing,
            fix="a version is released once: release the next one, or use the commit that the tag names",
        )


def _to_release(client: Client, value: Any, *, commit: str | None, doing: str) -> Release:
    there = assets.listed(client, value["id"], doing=doing)
    return Release(
        tag=value["tag_name"],
        commit=commit,
        url=value["html_url"],
        is_draft=value["draft"],
        assets=tuple(assets.to_asset(each) for each in there if each["state"] == "uploaded"),
        published=value.get("published_at"),
    )
