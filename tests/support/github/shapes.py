"""GitHub's JSON of what the stand-in knows: the fields that matter, in the documented types."""

from typing import Any

from tests.support.github.world import (
    NOW,
    Asset,
    Comment,
    Deployment,
    Issue,
    Pull,
    Release,
    Repository,
    digest_of,
)

__all__ = ["Shapes"]


class Shapes:
    """JSON with URLs below a server's."""

    def __init__(self, api: str, site: str, uploads: str) -> None:
        self.api = api
        self.site = site
        self.uploads = uploads

    def user(self, login: str) -> dict[str, Any]:
        """A user or a bot."""
        return {"login": login, "id": 1, "type": "Bot" if login.endswith("[bot]") else "User"}

    def repository(self, repository: Repository) -> dict[str, Any]:
        """A repository with its settings for merging."""
        return {
            "id": 1,
            "name": repository.name.partition("/")[2],
            "full_name": repository.name,
            "private": repository.is_private,
            "archived": repository.is_archived,
            "default_branch": "main",
            "allow_merge_commit": "merge" in repository.methods,
            "allow_squash_merge": "squash" in repository.methods,
            "allow_rebase_merge": "rebase" in repository.methods,
            "allow_auto_merge": repository.allows_auto_merge,
        }

    def pull(self, repository: Repository, pull: Pull, *, is_full: bool) -> dict[str, Any]:
        """A pull request; lists leave out what has to be computed."""
        value: dict[str, Any] = {
            "number": pull.number,
            "title": pull.title,
            "body": pull.body or None,
            "state": "open" if pull.is_open else "closed",
            "draft": pull.is_draft,
            "html_url": f"{self.site}/{repository.name}/pull/{pull.number}",
            "user": self.user(pull.author),
            "labels": [{"id": 1, "name": name, "color": "ededed"} for name in pull.labels],
            "head": {
                "ref": pull.head,
                "sha": repository.sha(pull),
                "repo": {"full_name": pull.source} if pull.source else None,
            },
            "base": {"ref": pull.base, "sha": "0" * 40, "repo": {"full_name": repository.name}},
            "merge_commit_sha": pull.merge_commit,
            "merged_at": NOW if pull.merge_commit else None,
            "created_at": NOW,
            "closed_at": None if pull.is_open else NOW,
            "auto_merge": None,
        }
        if is_full:
            state = repository.merge_state(pull) if pull.is_open else "UNKNOWN"
            value |= {
                "merged": pull.merge_commit is not None,
                "merged_by": self.user(pull.merged_by) if pull.merged_by else None,
                "mergeable": None if state == "UNKNOWN" else state != "DIRTY",
                "mergeable_state": "draft" if pull.is_draft and state != "DIRTY" else state.lower(),
            }
        return value

    def issue(self, repository: Repository, issue: Issue) -> dict[str, Any]:
        """An issue, or a pull request seen as one."""
        return {
            "number": issue.number,
            "title": issue.title,
            "body": issue.body,
            "state": "open" if issue.is_open else "closed",
            "state_reason": issue.reason,
            "html_url": f"{self.site}/{repository.name}/issues/{issue.number}",
            "user": self.user(issue.author),
            "closed_by": self.user(issue.closed_by) if issue.closed_by else None,
            "labels": [{"id": 1, "name": name} for name in issue.labels],
        }

    def comment(self, comment: Comment) -> dict[str, Any]:
        """A comment."""
        return {"id": comment.id, "body": comment.body, "user": self.user(comment.author), "created_at": NOW}

    def release(self, repository: Repository, release: Release) -> dict[str, Any]:
        """A release with at most 30 of its assets."""
        tag = release.tag if not release.is_draft else f"untagged-{release.id}"
        uploads = f"{self.uploads}/repos/{repository.name}/releases/{release.id}/assets"
        return {
            "id": release.id,
            "tag_name": release.tag,
            "target_commitish": "main",
            "name": release.name,
            "body": release.body,
            "draft": release.is_draft,
            "prerelease": release.is_prerelease,
            "immutable": release.is_immutable,
            "html_url": f"{self.site}/{repository.name}/releases/tag/{tag}",
            "upload_url": uploads + "{?name,label}",
            "author": self.user(release.author),
            "created_at": NOW,
            "published_at": None if release.is_draft else NOW,
            "assets": [self.asset(repository, asset) for asset in release.assets[:30]],
        }

    def asset(self, repository: Repository, asset: Asset) -> dict[str, Any]:
        """An asset; GitHub tells its digest once all of it is there."""
        is_told = asset.is_whole and repository.tells_digests
        return {
            "id": asset.id,
            "name": asset.name,
            "size": len(asset.data),
            "state": "uploaded" if asset.is_whole else "starter",
            "digest": digest_of(asset.data) if is_told else None,
            "content_type": "application/zip",
            "created_at": NOW,
            "updated_at": NOW,
            "url": f"{self.api}/repos/{repository.name}/releases/assets/{asset.id}",
        }

    def commit(self, repository: Repository, sha: str) -> dict[str, Any]:
        """A commit."""
        name, when, message = repository.git.describe(sha)
        return {
            "sha": sha,
            "html_url": f"{self.site}/{repository.name}/commit/{sha}",
            "author": self.user("ada"),
            "commit": {
                "message": message,
                "author": {"name": name, "email": "ada@example.org", "date": when},
            },
        }

    def deployment(self, deployment: Deployment) -> dict[str, Any]:
        """A deployment."""
        return {
            "id": deployment.id,
            "sha": deployment.sha,
            "ref": deployment.sent["ref"],
            "task": deployment.sent.get("task", "deploy"),
            "environment": deployment.environment,
            "transient_environment": deployment.sent.get("transient_environment", False),
            "created_at": NOW,
        }
