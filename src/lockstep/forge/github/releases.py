"""Releases: a draft, its files, and publication last.

``make_latest`` is "false": in a repository of several services the newest release of one is not "the
latest release" of the whole, and links to ``releases/latest`` that others made keep their meaning.
"""

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from lockstep.errors import ArtifactError, ForgeError
from lockstep.forge.base import ForgeRelease
from lockstep.forge.github import assets
from lockstep.forge.github.assets import File, OtherContent
from lockstep.forge.github.client import Client, in_path
from lockstep.forge.github.markers import mark
from lockstep.forge.github.pace import backoff
from lockstep.forge.github.problems import RefusedByGitHub
from lockstep.values import dataclass

__all__ = ["publish", "release", "tags", "withdraw"]

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


def release(client: Client, tag: str) -> ForgeRelease | None:
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
) -> ForgeRelease:
    """Make the release of a tag, or finish one that was begun; see ``Forge.publish``.

    Files are never taken out of a draft that another run may be filling: one that holds other content
    is left, another one is made, and what runs left behind is deleted once the release is published.
    """
    doing = f"releasing {tag}"
    _check_tag(client, tag, commit, doing=doing)
    wanted = assets.files_of(files)
    if is_prerelease:
        body = f"{body}\n\n{_trial(tag)}"
    text = {"name": title, "body": body, "prerelease": is_prerelease}
    drafts = _Drafts(tag=tag)
    for turn in range(1, _ROUNDS + 1):
        value = None
        try:
            value = _published(client, tag, doing=doing)
            if value is not None:
                _finish_published(client, value, wanted, tag=tag, doing=doing)
            else:
                number = _draft(client, commit, text, wanted, drafts, doing=doing)
                if number is None or not _is_filled(client, number, wanted, turn, doing=doing):
                    continue
                _check_tag(client, tag, commit, doing=doing)
                value = client.write(
                    "PATCH",
                    f"/releases/{number}",
                    {**text, "tag_name": tag, "draft": False, "make_latest": "false"},
                    doing=doing,
                    needs=_NEEDS,
                )
            lacking = assets.missing(client, value["id"], wanted, doing=doing)
        except OtherContent:
            if value is not None:
                _tidy(client, drafts, int(value["id"]), doing=doing)
            raise
        except RefusedByGitHub as error:
            is_gone = error.status == 404
            is_taken = error.status == 422 and "already exists" in error.said.lower()
            if turn == _ROUNDS or not (is_gone or is_taken):
                raise
            client.sleep(backoff(turn))
            continue  # deleted meanwhile, or another run published its own: look again
        if not lacking:
            _tidy(client, drafts, int(value["id"]), doing=doing)
            return _to_release(client, value, commit=commit, doing=doing)
    raise ForgeError(
        "others change or delete the release while it is being made",
        doing=doing,
        fix="run again when they are done",
    )


def tags(client: Client, prefix: str) -> list[str]:
    """The names of tags that begin so."""
    path = f"/git/matching-refs/tags/{in_path(prefix, keep='/')}"
    # GitHub gives all of them at once, and describes no size of a page here.
    there = client.pages(path, doing=f"listing the tags {prefix}*", needs=_READ, per_page=None)
    return sorted(str(each["ref"]).removeprefix("refs/tags/") for each in there)


def withdraw(client: Client, tag: str) -> None:
    """Delete a pre-release that ``publish`` made, then its tag; see ``Forge.withdraw``.

    In this order, since GitHub keeps the tag of an immutable release as long as there is the release,
    and makes a draft of a release whose tag goes.
    """
    doing = f"deleting the pre-release {tag}"
    named = _commit_of(client, tag, doing=doing)
    value = _published(client, tag, doing=doing)
    if value is None and named is None:
        return
    if value is None or not _is_trial(value):
        raise ForgeError(
            f"{tag} has no release"
            if value is None
            else f"the release {tag} is no pre-release that Lockstep made",
            doing=doing,
            fix=f"delete it by hand if nobody needs it: git push origin :refs/tags/{tag}",
        )
    _delete(client, int(value["id"]), doing=doing)
    if named is None or _commit_of(client, tag, doing=doing) != named:
        return  # somebody was quicker, or has set it anew
    try:
        client.write("DELETE", f"/git/refs/tags/{in_path(tag, keep='/')}", doing=doing, needs=_NEEDS)
    except RefusedByGitHub as error:
        if error.status not in (404, 422) or _commit_of(client, tag, doing=doing) is not None:
            raise


def _trial(tag: str) -> str:
    """What the text of a pre-release ends with, which nobody sees."""
    return mark(f"prerelease:{tag}")


def _is_trial(value: Any) -> bool:
    text = str(value["body"] or "").rstrip()
    return bool(value["prerelease"]) and not value["draft"] and text.endswith(_trial(value["tag_name"]))


@dataclass(kw_only=True, slots=True)
class _Drafts:
    """The drafts of a tag that a run met."""

    tag: str
    own: list[int] = field(default_factory=list)  # made by this run
    other: list[int] = field(default_factory=list)  # that hold other content

    @property
    def mark(self) -> str:
        """What the text of a draft begins with until it is published."""
        return mark(f"draft:{self.tag}")


def _is_filled(client: Client, number: int, files: list[File], turn: int, *, doing: str) -> bool:
    """Whether a draft has all files now; not when another run brought other ones meanwhile."""
    try:
        assets.complete(client, number, files, doing=doing)
    except OtherContent:
        if turn == _ROUNDS:
            raise
        return False
    return True


def _draft(
    client: Client,
    commit: str,
    text: Mapping[str, Any],
    files: list[File],
    drafts: _Drafts,
    *,
    doing: str,
) -> int | None:
    """The draft to go on with: the oldest that has all files, else the oldest; None to look again.

    Those with other content do not count. One that is made here is added to ``drafts.own``: when
    another run was quicker, it is deleted in the end.
    """
    tag = drafts.tag
    number = _chosen(client, _drafts(client, tag, doing=doing), files, drafts, doing=doing)
    if number is not None:
        return number
    body = f"{drafts.mark}\n{text['body']}"
    sent = {**text, "body": body, "tag_name": tag, "target_commitish": commit, "draft": True}

    def make() -> int:
        value = client.write("POST", "/releases", sent, doing=doing, needs=_NEEDS, is_safe=False)
        drafts.own.append(int(value["id"]))
        return drafts.own[-1]

    def there() -> int | None:
        found = [each for each in _drafts(client, tag, doing=doing) if each not in drafts.other]
        return found[0] if found else None

    made = client.settle(make, there)
    if _published(client, tag, doing=doing) is not None:
        return None
    return _chosen(client, sorted({made, *_drafts(client, tag, doing=doing)}), files, drafts, doing=doing)


def _chosen(
    client: Client, numbers: list[int], files: list[File], drafts: _Drafts, *, doing: str
) -> int | None:
    """Of several drafts the oldest that has all files, else the oldest without other content."""
    usable: list[int] = []
    for number in numbers:
        try:
            if not assets.missing(client, number, files, doing=doing):
                return number
        except OtherContent:
            if number not in drafts.other:
                drafts.other.append(number)
            continue
        except RefusedByGitHub as error:
            if error.status != 404:
                raise
            continue  # deleted meanwhile
        usable.append(number)
    return usable[0] if usable else None


def _tidy(client: Client, drafts: _Drafts, published: int, *, doing: str) -> None:
    """Delete the drafts that this run made, and those with other content that runs before it left.

    As one release is published no other draft of the tag can be. The published one may have been this
    run's own, which another run has filled. A person's draft has no mark and stays.
    """
    for number in dict.fromkeys([*drafts.own, *drafts.other]):
        if number == published:
            continue
        found = client.find(f"/releases/{number}", doing=doing, needs=_READ)
        if found is not None and found["draft"] and (found["body"] or "").startswith(drafts.mark):
            _delete(client, number, doing=doing)


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
    except RefusedByGitHub as error:
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


def _to_release(client: Client, value: Any, *, commit: str | None, doing: str) -> ForgeRelease:
    there = assets.listed(client, value["id"], doing=doing)
    return ForgeRelease(
        tag=value["tag_name"],
        commit=commit,
        url=value["html_url"],
        is_draft=value["draft"],
        assets=tuple(assets.to_asset(each) for each in there if each["state"] == "uploaded"),
        published=value.get("published_at"),
        is_trial=_is_trial(value),
    )
