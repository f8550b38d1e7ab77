"""The forge: one repository on GitHub."""

from collections.abc import Iterable, Mapping
from pathlib import Path

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
from lockstep.forge.github import (
    checks,
    comments,
    commits,
    deployments,
    issues,
    merging,
    pulls,
    releases,
)
from lockstep.forge.github.auth import App, Credential, Installation, Token
from lockstep.forge.github.client import Client
from lockstep.forge.github.endpoints import GITHUB, endpoints_of
from lockstep.forge.github.transport import Transport

__all__ = ["GitHub"]


class GitHub:
    """A repository on github.com or GitHub Enterprise; see ``lockstep.forge.base.Forge``.

    ``repository`` is owner/name. ``app`` is used rather than ``token``; with neither, public
    repositories can be read. The credential goes to the API's hosts only. Several threads may share it.
    """

    kind = "github"
    poll = 5.0
    is_awake = True

    def __init__(
        self,
        *,
        repository: str,
        token: str | None = None,
        app: App | None = None,
        api: str = GITHUB,
        transport: Transport | None = None,
    ) -> None:
        endpoints = endpoints_of(api)
        sender = transport or Transport()
        credential: Credential = (
            Installation(app, api=endpoints.api, repository=repository, transport=sender)
            if app is not None
            else Token(token)
        )
        self._credential = credential
        self._client = Client(
            repository=repository, endpoints=endpoints, credential=credential, transport=sender
        )

    def git_token(self) -> str | None:
        """A token for git over HTTPS, of the App where there is one; valid for an hour at most."""
        return self._credential.token()

    def __repr__(self) -> str:
        return f"GitHub({self._client.repository!r}, api={self._client.endpoints.api!r})"

    def pull(self, number: int) -> Pull:
        """One pull request."""
        return pulls.pull(self._client, number)

    def pulls(self, *, head: str | None = None, base: str | None = None, is_open: bool = True) -> list[Pull]:
        """Pull requests, newest first; with ``head`` those from the repository's own branches."""
        return pulls.pulls(self._client, head=head, base=base, is_open=is_open)

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
        """Open a pull request, or change the text of the open one of the same branches."""
        return pulls.open_pull(
            self._client, head=head, base=base, title=title, body=body, labels=labels, is_draft=is_draft
        )

    def update_pull(self, number: int, *, title: str | None = None, body: str | None = None) -> Pull:
        """Change the texts that are given."""
        return pulls.update_pull(self._client, number, title=title, body=body)

    def close_pull(self, number: int, *, comment: str | None = None) -> None:
        """Close without merging; nothing when it is not open."""
        pulls.close_pull(self._client, number, comment=comment)

    def label(self, number: int, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Add and remove labels of a pull request or an issue."""
        pulls.label(self._client, number, add=add, remove=remove)

    def merge_pull(self, number: int, *, sha: str, method: MergeMethod, title: str | None = None) -> None:
        """Merge now, if the head still is ``sha``."""
        merging.merge_pull(self._client, number, sha=sha, method=method, title=title)

    def merge_when_ready(self, number: int, *, sha: str, method: MergeMethod) -> Merging:
        """Merge now, by auto-merge, or by the merge queue; see ``lockstep.forge.github.merging``."""
        return merging.merge_when_ready(self._client, number, sha=sha, method=method)

    def allows_auto_merge(self) -> bool:
        """Whether the repository's settings allow auto-merge."""
        return merging.allows_auto_merge(self._client)

    def comment(self, number: int, body: str, *, marker: str) -> None:
        """Write one comment, or change the one that this marker wrote before."""
        comments.put(self._client, number, body, marker=marker)

    def comments(self, number: int) -> tuple[Remark, ...]:
        """None: they stand on the pull request's page."""
        return ()

    def checks(self, sha: str) -> list[Check]:
        """Check runs and statuses of a commit."""
        return checks.checks(self._client, sha)

    def commits(self, base: str, head: str, *, most: int = 100) -> list[Commit]:
        """Commits of ``head`` that are not in ``base``, newest first."""
        return commits.commits(self._client, base, head, most=most)

    def commit_url(self, sha: str) -> str:
        """The commit's page."""
        return f"{self._client.endpoints.site}/{self._client.repository}/commit/{sha}"

    def release(self, tag: str) -> ForgeRelease | None:
        """The release of a tag, a draft included."""
        return releases.release(self._client, tag)

    def publish(
        self, *, tag: str, commit: str, title: str, body: str, assets: Mapping[str, Path], is_prerelease: bool
    ) -> ForgeRelease:
        """Make the release of a tag that exists, or finish one that was begun."""
        return releases.publish(
            self._client,
            tag=tag,
            commit=commit,
            title=title,
            body=body,
            files=assets,
            is_prerelease=is_prerelease,
        )

    def tags(self, prefix: str) -> list[str]:
        """The names of tags that begin so."""
        return releases.tags(self._client, prefix)

    def withdraw(self, tag: str) -> None:
        """Delete a pre-release that ``publish`` made, then its tag."""
        releases.withdraw(self._client, tag)

    def set_status(
        self, sha: str, *, context: str, state: CheckState, description: str, url: str | None = None
    ) -> None:
        """Set a commit status."""
        checks.set_status(self._client, sha, context=context, state=state, description=description, url=url)

    def deployment(
        self, sha: str, *, environment: str, state: DeploymentState, description: str, url: str | None = None
    ) -> None:
        """Record how the deployment of a commit to an environment goes."""
        deployments.record(
            self._client, sha, environment=environment, state=state, description=description, url=url
        )

    def find_issue(self, marker: str) -> Issue | None:
        """The open issue that a marker wrote."""
        return issues.find_issue(self._client, marker)

    def put_issue(self, marker: str, *, title: str, body: str, labels: Iterable[str] = ()) -> Issue:
        """Open an issue, or change the open one of the same marker."""
        return issues.put_issue(self._client, marker, title=title, body=body, labels=labels)

    def close_issue(self, marker: str, *, comment: str) -> None:
        """Close the open issue of a marker with a last word."""
        issues.close_issue(self._client, marker, comment=comment)
