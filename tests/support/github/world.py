"""What the stand-in for GitHub knows: repositories, people, pull requests, releases, and how they change."""

import hashlib
import itertools
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.github.bare import Bare, Conflict

__all__ = ["Asset", "Deployment", "Identity", "Issue", "Protection", "Pull", "Release", "Repository", "World"]

NOW = "2026-11-01T12:00:00Z"


@dataclass(kw_only=True)
class Identity:
    """Whom a token stands for. ``permissions`` None means all; ``scopes`` is of classic tokens."""

    login: str = "octo"
    permissions: Mapping[str, str] | None = None
    scopes: tuple[str, ...] | None = ("repo",)
    needs_sso: bool = False

    def may(self, name: str, level: str) -> bool:
        """Whether it has a permission."""
        if self.permissions is None:
            return self.scopes is None or "repo" in self.scopes
        has = self.permissions.get(name)
        return has == "write" or (has == "read" and level == "read")


@dataclass(kw_only=True)
class Protection:
    """Rules of a branch."""

    checks: tuple[str, ...] = ()
    reviews: int = 0
    is_strict: bool = False  # the head must contain the base
    has_queue: bool = False


@dataclass(kw_only=True)
class Comment:
    """A comment on an issue or a pull request."""

    id: int
    author: str
    body: str


@dataclass(kw_only=True)
class Issue:
    """An issue, or what a pull request has in common with one."""

    number: int
    title: str
    body: str
    author: str
    is_open: bool = True
    labels: list[str] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    closed_by: str | None = None
    reason: str | None = None


@dataclass(kw_only=True)
class Pull(Issue):
    """A pull request. ``head`` is a branch of ``source``, the repository that it comes from."""

    head: str
    base: str
    source: str
    last_sha: str
    is_draft: bool = False
    merge_commit: str | None = None
    merged_by: str | None = None
    approvals: int = 0
    auto_merge: str | None = None
    is_queued: bool = False
    unknown: int = 0  # how many more looks find mergeability not computed yet


@dataclass(kw_only=True)
class Asset:
    """A file of a release; ``data`` is what has arrived of it."""

    id: int
    name: str
    data: bytes
    is_whole: bool = True


@dataclass(kw_only=True)
class Release:
    """A release or a draft."""

    id: int
    tag: str
    author: str
    name: str = ""
    body: str = ""
    is_draft: bool = True
    is_prerelease: bool = False
    is_immutable: bool = False
    make_latest: str | None = None
    assets: list[Asset] = field(default_factory=list)


@dataclass(kw_only=True)
class Deployment:
    """A deployment with its statuses, newest last."""

    id: int
    sha: str
    environment: str
    sent: Mapping[str, Any]
    statuses: list[dict[str, Any]] = field(default_factory=list)


@dataclass(kw_only=True)
class Repository:
    """One repository, over a bare Git repository."""

    name: str  # owner/name
    git: Bare
    counter: Any
    is_private: bool = False
    is_archived: bool = False
    has_issues: bool = True
    allows_auto_merge: bool = True
    methods: tuple[str, ...] = ("merge", "squash", "rebase")
    is_immutable: bool = False  # releases become immutable when they are published
    tells_digests: bool = True
    actions_may_open: bool = True
    protections: dict[str, Protection] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict)
    releases: dict[int, Release] = field(default_factory=dict)
    deployments: list[Deployment] = field(default_factory=list)
    statuses: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    runs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def owner(self) -> str:
        """The owner's login."""
        return self.name.partition("/")[0]

    def pulls(self) -> list[Pull]:
        """Pull requests, newest first."""
        return [each for _, each in sorted(self.issues.items(), reverse=True) if isinstance(each, Pull)]

    def number(self) -> int:
        """The next number of an issue or pull request."""
        return max(self.issues, default=0) + 1

    def sha(self, pull: Pull) -> str:
        """The head commit: the branch's, as long as it is open and there."""
        if pull.is_open and pull.source == self.name:
            pull.last_sha = self.git.resolve(f"refs/heads/{pull.head}") or pull.last_sha
        return pull.last_sha

    def conflicts(self, pull: Pull) -> bool:
        """Whether a merge cannot be made."""
        base = self.git.resolve(f"refs/heads/{pull.base}")
        assert base is not None
        try:
            self.git.merged_tree(base, self.sha(pull))
        except Conflict:
            return True
        return False

    def merge_state(self, pull: Pull) -> str:
        """GitHub's MergeStateStatus."""
        rules = self.protections.get(pull.base, Protection())
        sha = self.sha(pull)
        states = self.check_states(sha)
        if pull.unknown > 0:
            return "UNKNOWN"
        if self.conflicts(pull):
            return "DIRTY"
        if pull.is_draft:
            return "BLOCKED"
        if rules.is_strict and self.git.between(sha, f"refs/heads/{pull.base}"):
            return "BEHIND"
        if pull.approvals < rules.reviews or any(states.get(name) != "success" for name in rules.checks):
            return "BLOCKED"
        return "CLEAN" if all(state == "success" for state in states.values()) else "UNSTABLE"

    def check_states(self, sha: str) -> dict[str, str]:
        """The latest state of each check and status of a commit."""
        found = {each["context"]: each["state"] for each in self.statuses.get(sha, [])}
        for run in self.runs.get(sha, []):
            is_good = run["conclusion"] in ("success", "neutral", "skipped")
            found[run["name"]] = (
                "pending" if run["status"] != "completed" else "success" if is_good else "failure"
            )
        return found

    def merge(self, pull: Pull, *, method: str, by: str, title: str | None = None) -> str:
        """Merge a pull request."""
        sha = self.sha(pull)
        message = title or f"Merge pull request #{pull.number} from {pull.head}"
        pull.merge_commit = self.git.merge(pull.base, sha, method=method, message=message)
        pull.is_open, pull.is_queued, pull.auto_merge = False, False, None
        pull.merged_by = by
        return pull.merge_commit

    def react(self) -> None:
        """What GitHub does by itself after something changed: auto-merge, and entering the queue."""
        for pull in self.pulls():
            if (
                pull.is_open
                and pull.auto_merge
                and self.merge_state(pull) in ("CLEAN", "UNSTABLE", "HAS_HOOKS")
            ):
                if self.protections.get(pull.base, Protection()).has_queue:
                    pull.auto_merge, pull.is_queued = None, True
                else:
                    self.merge(pull, method=pull.auto_merge.lower(), by=pull.author)

    # What tests do as people, CI systems and GitHub itself

    def run_queue(self) -> None:
        """Merge what waits in the merge queue."""
        for pull in reversed(self.pulls()):
            if pull.is_open and pull.is_queued:
                self.merge(pull, method="merge", by="github-merge-queue[bot]")

    def approve(self, number: int) -> None:
        """Review a pull request and approve it."""
        pull = self.issues[number]
        assert isinstance(pull, Pull)
        pull.approvals += 1
        self.react()

    def check_run(self, sha: str, name: str, conclusion: str | None) -> None:
        """Begin (None) or end a check run."""
        runs = [each for each in self.runs.get(sha, []) if each["name"] != name]
        status = "in_progress" if conclusion is None else "completed"
        runs.append({"id": next(self.counter), "name": name, "status": status, "conclusion": conclusion})
        self.runs[sha] = runs
        self.react()

    def add_pull(self, *, head: str, base: str = "main", author: str = "octo", **changes: Any) -> Pull:
        """Open a pull request by hand; ``source`` names the fork that it comes from."""
        source = changes.pop("source", self.name)
        pull = Pull(
            number=self.number(),
            title=changes.pop("title", head),
            body=changes.pop("body", ""),
            author=author,
            head=head,
            base=base,
            source=source,
            last_sha=self.git.resolve(f"refs/heads/{head}") or "0" * 40,
            **changes,
        )
        self.issues[pull.number] = pull
        return pull

    def add_release(self, tag: str, assets: Mapping[str, bytes], *, is_draft: bool = False) -> Release:
        """Make a release by hand."""
        release = Release(id=next(self.counter) % 10**9, tag=tag, author="octo", is_draft=is_draft)
        for name, data in assets.items():
            release.assets.append(Asset(id=next(self.counter), name=name, data=data))
        release.is_immutable = self.is_immutable and not is_draft
        self.releases[release.id] = release
        return release


class World:
    """Everything, and the lock that requests take in turn."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.RLock()
        self.counter = itertools.count(3_000_000_001)  # ids of GitHub's are above 32 bits
        self.identities: dict[str, Identity] = {"ghp_made_up": Identity()}
        self.repositories: dict[str, Repository] = {}
        self.apps: dict[str, str] = {}  # app id -> public key in PEM
        self.installations: dict[str, int] = {}  # repository -> installation
        self.tokens_made = 0

    def add_repository(self, name: str, **settings: Any) -> Repository:
        """Make a repository with one commit on ``main``."""
        repository = Repository(
            name=name, git=Bare(self.folder / f"{name}.git"), counter=self.counter, **settings
        )
        if repository.git.resolve("refs/heads/main") is None:
            repository.git.commit("main", {"README": "one\n"}, "First")
        self.repositories[name] = repository
        return repository


def digest_of(data: bytes) -> str:
    """A digest as GitHub writes it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
