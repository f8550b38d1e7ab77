"""One service in one environment: what it runs and what triggers it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field, replace

from lockstep.model.alias import Alias, Published, is_number, written_at
from lockstep.model.function import Function
from lockstep.model.kinds import Resource
from lockstep.model.layer import BuiltLayer
from lockstep.model.obstacle import Obstacle
from lockstep.model.promotion import Hold
from lockstep.model.rollout import Measured, Rollout
from lockstep.values import dataclass

__all__ = ["Release", "Statement", "Target", "Trigger", "environment_of", "is_preview", "service_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Trigger:
    """An S3 bucket that calls the function for objects of a prefix and suffix.

    ``prefix`` and ``suffix`` are as S3 takes them (percent-encoded, a space is ``+``); empty matches
    everything. ``events`` are sorted. Source: PutBucketNotificationConfiguration.
    """

    bucket: str
    prefix: str = ""
    suffix: str = ""
    events: tuple[str, ...] = ("s3:ObjectCreated:*",)
    place: str = field(default="", compare=False)  # file:line of the declaration


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """One statement of a resource policy that lets S3 call a function, or an alias of it.

    Each alias has a policy of its own; ``qualifier`` names it, and is "" for the function itself.
    """

    source_arn: str  # of the bucket
    source_account: str | None  # 12 digits
    principal: str = "s3.amazonaws.com"
    action: str = "lambda:InvokeFunction"
    qualifier: str = ""
    sid: str = field(default="", compare=False)
    size: int = field(default=0, compare=False)  # bytes in the policy that was read; 0: not known

    @property
    def content_id(self) -> str:
        """Statement id made from the content: a changed statement never reuses an old id."""
        content = [self.action, self.principal, self.source_arn, self.source_account]
        content += [self.qualifier] if self.qualifier else []
        digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
        return f"lockstep-{digest[:16]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """One version of a service and where its package comes from.

    ``source`` is "github-release", "s3", "https" or "directory"; ``options`` are that source's, with
    ``{service} {env} {version} {pr}`` filled in. ``sha256`` is the digest of the pin, where the declaration
    has one of this version, in lowercase hex; ``outlived`` that of a pin that was left standing from another
    version. ``staged_key`` is the key in the package bucket, with ``{sha256}`` still to be filled in.
    """

    service: str
    version: str
    source: str
    options: Mapping[str, str] = field(default_factory=dict)
    commit: str | None = None
    sha256: str | None = None
    outlived: str | None = None
    staged_key: str = "lockstep/packages/{sha256}.zip"
    place: str = field(default="", compare=False)  # file:line of the version

    @property
    def is_placed_by_version(self) -> bool:
        """Whether another version lies elsewhere, and not where a build overwrites the one before."""
        return any(self.version in value for value in self.options.values())

    @property
    def name(self) -> str:
        """``s3-notifier@0.1.5``."""
        return f"{self.service}@{self.version}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """One service in one environment."""

    environment: str  # "staging", "preview/pr-123"
    service: str
    deployment_type: str = "lambda"
    version: str | None = None
    commit: str | None = None  # of the source, where the declaration names it
    function: Function | None = None  # None: not deployed by Lockstep, or missing in AWS
    release: Release | None = field(default=None, compare=False)
    layer: BuiltLayer | None = None  # what it is, where it is no function but a layer for some
    layers: tuple[BuiltLayer, ...] = ()  # that its function takes by their names
    triggers: tuple[Trigger, ...] = ()
    relayed: tuple[Trigger, ...] = ()  # triggers through EventBridge, whose rules are among the resources
    resources: tuple[Resource, ...] = ()  # beside the function, by kind
    alias: str | None = None  # what calls the function calls this alias; None: the function itself
    keep_versions: int = 5  # published versions that stay, with an alias
    keep_seconds: int = 3600  # for which a version stays that calls have left
    rollout: Rollout | None = None  # how a release comes to the alias's calls; None: all at once
    statements: tuple[Statement, ...] = ()  # of live targets: every statement on the function
    aliases: tuple[Alias, ...] = ()  # of live targets: those that are declared or that its tags remember
    versions: tuple[Published, ...] = ()  # of live targets: published ones, where another one is to come
    measured: Measured | None = None  # of live targets: what the gates of a rollout need
    settled: int | None = None  # seconds since the alias was written, where versions were read
    ignore: tuple[str, ...] = ()  # globs of fields that others manage
    adopt: bool = False  # take over a live function that has no owner
    hold: Hold | None = field(default=None, compare=False)  # nothing is promoted to it
    image: str | None = field(default=None, compare=False)  # SHA-256 that others deploy it pinned to
    place: str = field(default="", compare=False)  # file:line of the declaration
    obstacle: Obstacle | None = field(default=None, compare=False)  # why it is not known what it should be
    places: Mapping[str, str] = field(default_factory=dict, compare=False)  # some settings -> file:line

    @property
    def every_trigger(self) -> tuple[Trigger, ...]:
        """The triggers, whichever way they come: by the bucket's notifications or through EventBridge."""
        return (*self.triggers, *self.relayed)

    @property
    def qualifier(self) -> str:
        """What AWS calls the alias in calls about it; "" for the function itself."""
        return self.alias or ""

    @property
    def number(self) -> str | None:
        """The published version that is declared by its number; None where a release is, or an image."""
        return self.version if self.alias and self.version and is_number(self.version) else None

    @property
    def live_alias(self) -> Alias | None:
        """Of a live target: the alias that its calls go to; None where they go to the function itself."""
        return next((one for one in self.aliases if one.name == self.alias), None)

    @property
    def called(self) -> Function | None:
        """Of a live target: the function with the code that its calls run, which an alias may hold back."""
        alias = self.live_alias
        if self.function is None or alias is None or alias.function is None:
            return self.function
        return replace(self.function, code=alias.function.code)

    @property
    def modified(self) -> str | None:
        """Of a live target: since when its calls run what they run, ISO 8601; None where nothing tells."""
        alias = self.live_alias
        since = written_at(alias) if alias is not None else None
        if since is not None:
            return since.isoformat()
        return self.function.modified if self.function is not None else None

    @property
    def key(self) -> str:
        """``staging/s3-notifier`` or ``preview/pr-123/s3-notifier``."""
        return f"{self.environment}/{self.service}"

    @property
    def is_rolled(self) -> bool:
        """Whether a release comes to its alias by steps, or after a call of its own."""
        rollout = self.rollout
        return self.alias is not None and rollout is not None and bool(rollout.stages or rollout.smoke)

    @property
    def group(self) -> tuple[str, str] | None:
        """The environment, and the name of the group in it whose rollouts move as one with its own."""
        name = self.rollout.group if self.rollout is not None else ""
        return (self.environment, name) if name else None

    @property
    def is_preview(self) -> bool:
        """Whether it is of a pull request's preview."""
        return is_preview(self.environment)


def is_preview(name: str) -> bool:
    """Whether a target's key, or an environment, is a preview's: ``preview/pr-123``."""
    return name.startswith("preview/")


def environment_of(key: str) -> str:
    """Environment part of a target's key."""
    return key.rpartition("/")[0]


def service_of(key: str) -> str:
    """Service part of a target's key."""
    return key.rpartition("/")[2]
