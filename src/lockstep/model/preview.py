"""Previews: what a project allows them, and what the tree says of each."""

import datetime
from dataclasses import field
from enum import StrEnum

from lockstep.model.function import Health
from lockstep.model.status import StatusRow
from lockstep.values import dataclass

__all__ = [
    "FOLDER",
    "Listed",
    "Preview",
    "PreviewMode",
    "PreviewPolicy",
    "PullSeen",
    "StoredObject",
    "WaitFor",
]

FOLDER = "environments/preview"
"""Of all previews, below the project's folder."""

_DAY = 86_400


class PreviewMode(StrEnum):
    """What comes first: that Git says it, or that it runs."""

    GITOPS = "gitops"  # Git declares previews, and a sync makes and removes them
    RECORD = "record"  # ``preview up`` deploys and then writes the folder, for people to see
    NONE = "none"  # ``preview up`` deploys, and nothing is written


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitFor:
    """What tells that a service of a preview is up, before functions follow. Either ``url`` or ``check``.

    In all three texts ``{service} {version} {pr} {env}`` are filled in.
    """

    url: str | None = None  # answers with a status below 300 when the service is up
    contains: str | None = None  # in what the URL answers
    check: str | None = None  # of the GitOps commit, which the tool that deploys it sets
    services: tuple[str, ...] = ()  # that are waited for; (): all that other tools deploy
    seconds: int = 600
    place: str = field(default="", compare=False)  # file:line


@dataclass(frozen=True, kw_only=True, slots=True)
class PreviewPolicy:
    """``preview:`` of ``lockstep.yaml``."""

    mode: PreviewMode = PreviewMode.GITOPS
    branch: str | None = None  # that holds the folders of previews; None: the one that is deployed from
    has_all: bool = False  # every service is in every preview, not only those that are listed there
    source: str = "staging"  # environment of which services take the version that nobody names
    ttl: int | None = None  # seconds that a preview lives after its last change; None: until it is closed
    warn: int = _DAY  # seconds between the warning on the pull request and the end
    templates: str = f"{FOLDER}/templates"  # folder below the project's
    label: str | None = None  # a pull request has to carry it; None: every open one may have a preview
    fork_label: str = "preview"  # "{fork_label}:{sha}" lets one commit of a fork in
    wait_for: WaitFor | None = None  # None: functions and services come at once
    place: str = field(default="", compare=False)  # file:line

    @property
    def is_direct(self) -> bool:
        """Whether what is live of previews need not be declared, so that no sync removes it."""
        return self.mode is not PreviewMode.GITOPS


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """One preview as its ``pr.yaml`` says it. Times are ISO 8601."""

    number: int
    sha: str | None = None  # head commit of the pull request
    created: str | None = None
    updated: str | None = None  # when anything in its folder changed last
    ttl: int | None = None  # seconds, in place of the policy's
    warned: str | None = None  # when the pull request was told that the end is near
    place: str = field(default="", compare=False)  # file:line

    @property
    def name(self) -> str:
        """Its folder."""
        return f"pr-{self.number}"

    @property
    def environment(self) -> str:
        """As targets name it."""
        return f"preview/pr-{self.number}"


@dataclass(frozen=True, kw_only=True, slots=True)
class PullSeen:
    """A pull request as the forge showed it."""

    number: int
    is_open: bool
    state: str  # in the forge's words
    labels: tuple[str, ...] = ()
    url: str = ""
    sha: str | None = None  # head commit


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredObject:
    """An object in S3."""

    bucket: str
    key: str
    size: int  # bytes
    modified: datetime.datetime  # with its offset


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """One preview as ``preview list`` shows it."""

    preview: Preview
    services: tuple[StatusRow, ...]
    pull: PullSeen | None = None  # None: the forge could not be asked
    ends: str | None = None  # ISO 8601; None: it has no time to live
    is_recorded: bool = True  # its folder is there

    @property
    def is_live(self) -> bool | None:
        """Whether any of its functions is in AWS; None when that is not known, or when it has none."""
        seen = [row for row in self.services if row.deployment_type == "lambda"]
        if any(row.health not in (Health.MISSING, Health.UNKNOWN) for row in seen):
            return True
        return False if seen and all(row.health is Health.MISSING for row in seen) else None
