"""What every forge can do, and the values that it gives."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from lockstep.model.pull import Check, CheckState, Commit, Pull, PullState, Remark
from lockstep.values import dataclass

__all__ = [
    "Asset",
    "Check",
    "CheckState",
    "Commit",
    "DeploymentState",
    "Forge",
    "ForgeRelease",
    "Issue",
    "MergeMethod",
    "Merging",
    "Pull",
    "PullState",
    "Remark",
]


class Merging(StrEnum):
    """What became of the wish to merge."""

    MERGED = "merged"
    WAITING = "waiting"  # the forge merges when its checks and reviews allow it
    BLOCKED = "blocked"  # nothing will merge it by itself: the pull request says why
    SWITCHED_OFF = "switched off"  # likewise, because the repository's settings do not allow auto-merge


class MergeMethod(StrEnum):
    """How commits of a pull request reach the base branch."""

    MERGE = "merge"
    SQUASH = "squash"
    REBASE = "rebase"


class DeploymentState(StrEnum):
    """How a deployment goes, in GitHub's words."""

    IN_PROGRESS = "in_progress"
    SUCCESS = "success"
    FAILURE = "failure"
    INACTIVE = "inactive"  # another one took its place, or it is gone


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """A file of a release. ``sha256`` is lowercase hex; None where the forge does not know it."""

    name: str
    size: int  # bytes
    sha256: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ForgeRelease:
    """A release of a tag. ``commit`` is what the tag names, None for a draft without a tag."""

    tag: str
    commit: str | None
    url: str
    is_draft: bool = False
    assets: tuple[Asset, ...] = ()
    published: str | None = None  # ISO 8601
    is_trial: bool = False  # a pre-release that ``Forge.publish`` made


@dataclass(frozen=True, kw_only=True, slots=True)
class Issue:
    """An issue."""

    number: int
    title: str
    body: str
    url: str
    is_open: bool = True
    labels: tuple[str, ...] = field(default=())


class Forge(Protocol):
    """One repository on a forge. All methods raise ForgeError, with what to do about it."""

    kind: str  # as ``forge.kind`` of lockstep.yaml names it
    poll: float  # seconds between two looks at something that is waited for
    is_awake: bool  # it merges what waits by itself; else whoever looks at its pull requests does

    def git_token(self) -> str | None:
        """A token for git over HTTPS that the forge gives, where it gives one; soon over."""
        ...

    # Pull requests

    def pull(self, number: int) -> Pull:
        """One pull request."""
        ...

    def pulls(self, *, head: str | None = None, base: str | None = None, is_open: bool = True) -> list[Pull]:
        """Pull requests, newest first, of a head branch (or of all that begin with ``head`` when it ends
        in ``/``) and a base branch; open ones only, or all.
        """
        ...

    def open_pull(
        self,
        *,
        head: str,
        base: str,
        title: str,
        body: str,
        labels: Iterable[str] = (),
        is_draft: bool = False,
    ) -> Pull:
        """Open a pull request; where one of the same head and base is open, update its text instead."""
        ...

    def update_pull(self, number: int, *, title: str | None = None, body: str | None = None) -> Pull:
        """Change the texts that are given."""
        ...

    def close_pull(self, number: int, *, comment: str | None = None) -> None:
        """Close without merging; nothing when it is not open."""
        ...

    def label(self, number: int, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Add and remove labels of a pull request or an issue."""
        ...

    def merge_pull(self, number: int, *, sha: str, method: MergeMethod, title: str | None = None) -> None:
        """Merge now, if the head still is ``sha``. ForgeError says what is in the way."""
        ...

    def merge_when_ready(self, number: int, *, sha: str, method: MergeMethod) -> Merging:
        """Merge as soon as checks and reviews allow it: now, by auto-merge, or by the merge queue."""
        ...

    def comment(self, number: int, body: str, *, marker: str) -> None:
        """Write one comment, or put ``body`` in place of the one that this marker wrote before."""
        ...

    def comments(self, number: int) -> Sequence[Remark]:
        """Comments of a pull request, oldest first; none where the forge has a page that shows them."""
        ...

    def allows_auto_merge(self) -> bool | None:
        """Whether ``merge_when_ready`` may wait; None where nothing can forbid it."""
        ...

    def checks(self, sha: str) -> list[Check]:
        """Checks and statuses of a commit."""
        ...

    # Commits

    def commits(self, base: str, head: str, *, most: int = 100) -> list[Commit]:
        """Commits of ``head`` that are not in ``base``, newest first. Both are tags, branches or ids."""
        ...

    def commit_url(self, sha: str) -> str | None:
        """Where a person can look at a commit."""
        ...

    # Releases

    def release(self, tag: str) -> ForgeRelease | None:
        """The release of a tag, a draft included; None when there is none."""
        ...

    def publish(
        self, *, tag: str, commit: str, title: str, body: str, assets: Mapping[str, Path], is_prerelease: bool
    ) -> ForgeRelease:
        """Make the release of a tag that exists, or finish one that was begun.

        It is published last, with all assets of one caller, so that immutable releases work and what
        belongs together stays together. An asset that is there with the same digest is kept. What a
        run that died left in a draft, and the release of a tag that was deleted and set on another
        commit, do not stand in the way of other content; a release that is published does. Several
        callers at once make one release. Raises ForgeError when the tag names another commit, and
        ArtifactError for an asset with other content in a published release.
        """
        ...

    def tags(self, prefix: str) -> list[str]:
        """The names of tags that begin so."""
        ...

    def withdraw(self, tag: str) -> None:
        """Delete a pre-release that ``publish`` made, and its tag, which must still name its commit.

        The release goes first: a run that is killed between leaves a tag. Nothing when neither is
        there. Raises ForgeError for every other release, and for a tag without one.
        """
        ...

    # What became of a commit

    def set_status(
        self, sha: str, *, context: str, state: CheckState, description: str, url: str | None = None
    ) -> None:
        """Set a commit status; at most 140 characters of the description are shown."""
        ...

    def deployment(
        self, sha: str, *, environment: str, state: DeploymentState, description: str, url: str | None = None
    ) -> None:
        """Record how the deployment of a commit to an environment goes; the same one is not made twice."""
        ...

    # Issues

    def find_issue(self, marker: str) -> Issue | None:
        """The open issue that a marker wrote."""
        ...

    def put_issue(self, marker: str, *, title: str, body: str, labels: Iterable[str] = ()) -> Issue:
        """Open an issue, or change the open one of the same marker."""
        ...

    def close_issue(self, marker: str, *, comment: str) -> None:
        """Close the open issue of a marker with a last word; nothing when there is none."""
        ...
