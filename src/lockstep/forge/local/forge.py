"""The local forge: everything that the protocol asks for, on refs of a plain Git repository."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lockstep.errors import BadInput, ForgeError, GitError
from lockstep.forge.base import (
    Check,
    CheckState,
    Commit,
    DeploymentState,
    ForgeRelease,
    Issue,
    MergeMethod,
    Merging,
    Pull,
    Remark,
)
from lockstep.forge.local import auto_merge, commits, issues, pulls, releases, statuses
from lockstep.forge.local.ledger import PULLS, STATUSES, Ledgers
from lockstep.forge.local.records import Thread
from lockstep.forge.local.threads import Threads
from lockstep.git.access import Access
from lockstep.git.remote import Remote, open_remote
from lockstep.git.repository import is_bare

__all__ = ["LocalForge"]


class LocalForge:
    """A repository on any Git server, or in a folder, as a forge."""

    kind = "local"
    poll = 0.5
    is_awake = False

    def __init__(self, repo: str | Path | Remote, cache: Path, *, access: Access | None = None) -> None:
        """Open the repository at a URL, or the one that a folder's clone came from, or that folder's own.

        A remote that was opened before is taken as it is. Nothing is fetched yet. Raises BadInput when
        there is none.
        """
        opened = repo if isinstance(repo, Remote) else open_remote(repo, cache, access=access)
        remote = _pushable(opened, cache)
        self._ledgers = Ledgers(remote, cache / "forges")

    # Pull requests

    def pull(self, number: int) -> Pull:
        """One pull request; merged first when it waited for checks that have succeeded by now."""
        with _told():
            known, thread = pulls.read_pull(self._ledgers, number)
            if auto_merge.carry_out(self._ledgers, known, thread):
                known, thread = pulls.read_pull(self._ledgers, number)
            conflict, is_blocked = auto_merge.in_the_way(self._ledgers, known, thread)
            return pulls.shown(self._ledgers, thread, conflict=conflict, is_blocked=is_blocked)

    def pulls(self, *, head: str | None = None, base: str | None = None, is_open: bool = True) -> list[Pull]:
        """Pull requests, newest first; those that waited for checks are merged first, as by ``pull``."""
        with _told():
            known, found = self._list(head, base, is_open)
            merged = [auto_merge.carry_out(self._ledgers, known, thread) for thread in found]
            if any(merged):
                known, found = self._list(head, base, is_open)
            return [pulls.shown(self._ledgers, thread) for thread in found]

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
        """Open a pull request, or change the texts of the open one of the same branches."""
        with _told():
            thread = pulls.open_pull(
                self._ledgers, head=head, base=base, title=title, body=body, labels=labels, is_draft=is_draft
            )
            return pulls.shown(self._ledgers, thread)

    def update_pull(self, number: int, *, title: str | None = None, body: str | None = None) -> Pull:
        """Change the texts that are given."""
        with _told():
            return pulls.shown(
                self._ledgers, pulls.update_pull(self._ledgers, number, title=title, body=body)
            )

    def close_pull(self, number: int, *, comment: str | None = None) -> None:
        """Close without merging; nothing when it is not open."""
        with _told():
            pulls.close_pull(self._ledgers, number, comment=comment)

    def label(self, number: int, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Add and remove labels of a pull request or an issue."""
        with _told():
            pulls.label(self._ledgers, number, add=add, remove=remove)

    def merge_pull(self, number: int, *, sha: str, method: MergeMethod, title: str | None = None) -> None:
        """Merge now, if the head still is ``sha``; a head branch below ``lockstep/`` is deleted with it."""
        with _told():
            auto_merge.merge_pull(self._ledgers, number, sha=sha, method=method, title=title)

    def merge_when_ready(self, number: int, *, sha: str, method: MergeMethod) -> Merging:
        """Merge when every status of the head is a success, which it is when there are none.

        Nothing runs meanwhile: one that waits is merged by the next ``pull``, ``pulls``,
        ``merge_when_ready`` or ``set_status`` that sees that it is ready.
        """
        with _told():
            return auto_merge.merge_when_ready(self._ledgers, number, sha=sha, method=method)

    def comment(self, number: int, body: str, *, marker: str) -> None:
        """Write one comment, or put ``body`` in place of the one that this marker wrote before."""
        with _told():
            pulls.comment(self._ledgers, number, body, marker=marker)

    def git_token(self) -> None:
        """None: whoever reaches the repository needs nothing more."""

    def allows_auto_merge(self) -> None:
        """None: there are no settings that could forbid it."""

    def comments(self, number: int) -> tuple[Remark, ...]:
        """The comments of a pull request or an issue, oldest first."""
        with _told():
            thread = Threads(snapshot=self._ledgers.look(PULLS)).thread(number)
            notes = thread.notes if thread else ()
            return tuple(Remark(author=one.author, written=one.written, body=one.body) for one in notes)

    def checks(self, sha: str) -> list[Check]:
        """The statuses of a commit."""
        with _told():
            return statuses.read_checks(self._ledgers.look(STATUSES), sha)

    def require_checks(self, base: str, names: Iterable[str]) -> None:
        """Say which statuses a head must have as successes before it is merged into a branch."""
        with _told():
            auto_merge.require_checks(self._ledgers, base, tuple(names))

    # Commits

    def commits(self, base: str, head: str, *, most: int = 100) -> list[Commit]:
        """Commits of ``head`` that are not in ``base``, newest first."""
        with _told():
            return commits.between(self._ledgers, base, head, most=most)

    def commit_url(self, sha: str) -> str | None:
        """None: a plain Git server has no pages."""
        return None

    # Releases

    def release(self, tag: str) -> ForgeRelease | None:
        """The release of a tag; None when there is none."""
        with _told():
            return releases.read_release(self._ledgers, tag)

    def publish(
        self, *, tag: str, commit: str, title: str, body: str, assets: Mapping[str, Path], is_prerelease: bool
    ) -> ForgeRelease:
        """Make the release of a tag that exists, or finish one that was begun."""
        with _told():
            return releases.publish(
                self._ledgers,
                tag=tag,
                commit=commit,
                title=title,
                body=body,
                assets=assets,
                is_prerelease=is_prerelease,
            )

    def tags(self, prefix: str) -> list[str]:
        """The names of tags that begin so."""
        with _told():
            return releases.tags(self._ledgers, prefix)

    def withdraw(self, tag: str) -> None:
        """Delete a pre-release and its tag, both or neither; the bytes of its assets stay."""
        with _told():
            releases.withdraw(self._ledgers, tag)

    # What became of a commit

    def set_status(
        self, sha: str, *, context: str, state: CheckState, description: str, url: str | None = None
    ) -> None:
        """Set a commit status; a pull request that waited for it is merged."""
        with _told():
            statuses.set_status(
                self._ledgers, sha, context=context, state=state, description=description, url=url
            )
            if state is CheckState.SUCCESS:
                known = Threads(snapshot=self._ledgers.look(PULLS))
                for thread in known.pulls():
                    if thread.auto is not None and thread.auto.sha == sha:
                        auto_merge.carry_out(self._ledgers, known, thread)

    def deployment(
        self, sha: str, *, environment: str, state: DeploymentState, description: str, url: str | None = None
    ) -> None:
        """Record how the deployment of a commit to an environment goes."""
        with _told():
            statuses.set_deployment(
                self._ledgers, sha, environment=environment, state=state, description=description, url=url
            )

    def deployments(self, environment: str) -> list[Mapping[str, Any]]:
        """The deployments of an environment, newest first: sha, state, description, url, at."""
        with _told():
            return statuses.read_deployments(self._ledgers, environment)

    # Issues

    def find_issue(self, marker: str) -> Issue | None:
        """The open issue that a marker wrote."""
        with _told():
            return issues.find_issue(self._ledgers, marker)

    def put_issue(self, marker: str, *, title: str, body: str, labels: Iterable[str] = ()) -> Issue:
        """Open an issue, or change the open one of the same marker."""
        with _told():
            return issues.put_issue(self._ledgers, marker, title=title, body=body, labels=labels)

    def close_issue(self, marker: str, *, comment: str) -> None:
        """Close the open issue of a marker with a last word; nothing when there is none."""
        with _told():
            issues.close_issue(self._ledgers, marker, comment=comment)

    def _list(self, head: str | None, base: str | None, is_open: bool) -> tuple[Threads, list[Thread]]:
        return pulls.list_pulls(self._ledgers, head=head, base=base, is_open=is_open)


def _pushable(remote: Remote, cache: Path) -> Remote:
    """A bare repository in a folder is pushed to like one on a server, so that its hooks have their say."""
    repository = remote.repository
    if remote.name is not None:
        return remote
    return open_remote(repository.folder.as_uri(), cache) if is_bare(repository) else remote


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """What git says is told as an error of the forge."""
    try:
        yield
    except (GitError, BadInput) as error:
        raise ForgeError(error.problem, where=error.where, fix=error.fix, doing=error.doing) from error
