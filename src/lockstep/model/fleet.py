"""All targets of a project, desired or live, and what they live in."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from lockstep.model.engines import AWS, ENGINES, EngineTraits
from lockstep.model.kubernetes import Kubernetes
from lockstep.model.obstacle import Obstacle
from lockstep.model.preview import PreviewPolicy
from lockstep.model.promotion import Merge, Promotion
from lockstep.model.source import Sources
from lockstep.model.target import Target, environment_of
from lockstep.model.terraform import Terraform
from lockstep.regexes import regex
from lockstep.values import dataclass

__all__ = ["Bucket", "Environment", "Fleet", "PackageBucket", "Project", "Scope", "partition_of", "select"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageBucket:
    """Where packages are staged. Lambda reads them from a bucket of the function's own Region."""

    name: str
    account: str | None = None  # that owns it, 12 digits; None: the environment's


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """Where the targets of one environment live and what may be done to them.

    All previews share one Environment, named "preview".
    """

    name: str
    region: str | None = None  # None: ambient
    account: str | None = None  # 12 digits; None: whatever the credentials are for
    profile: str | None = None
    role: str | None = None  # ARN to assume
    role_boundary: str | None = None  # ARN of what bounds every role that is made for a function
    packages: PackageBucket | None = None  # None: the project's
    engine: str = AWS.name
    prune: bool = False  # previews are always pruned
    adopt: bool = False
    promotion: Promotion = field(default_factory=Promotion)
    terraform: Terraform | None = None  # always there when the engine is terraform
    place: str = field(default="", compare=False)  # file:line; "" for one that is not listed

    @property
    def traits(self) -> EngineTraits:
        """What has to be known of its engine."""
        return ENGINES[self.engine]

    @property
    def merge(self) -> Merge:
        """How a change of files comes to the branch: previews are nobody's to review."""
        return Merge.DIRECT if self.name == "preview" else self.promotion.merge

    @property
    def where(self) -> tuple[str, str]:
        """Account and Region, as far as they are known without asking AWS."""
        account = self.account
        if account is None and self.role is not None:
            account = self.role.split(":")[4]
        return account or f"profile {self.profile}", self.region or ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """What ``lockstep.yaml`` says, apart from the targets."""

    name: str  # [a-z0-9-]+, goes into ownership tags and notification ids
    folder: str = "."  # of services/ and environments/, relative to the repository's root
    environments: Mapping[str, Environment] = field(default_factory=dict)
    packages: PackageBucket | None = None  # for environments without one of their own
    package_key: str = "lockstep/packages/{service}/{sha256}.zip"
    lock_bucket: str | None = None  # for leases of buckets that cannot hold their own
    artifacts: Mapping[str, Any] = field(default_factory=dict)  # source and its options, validated
    sources: Sources = field(default_factory=Sources)
    preview: PreviewPolicy = field(default_factory=PreviewPolicy)
    kubernetes: Kubernetes = field(default_factory=Kubernetes)
    file: str = "lockstep.yaml"

    def environment(self, name: str) -> Environment:
        """The Environment of a target's environment; every ``preview/...`` shares one."""
        base = name.partition("/")[0]
        return self.environments.get(base) or Environment(name=base)

    def packages_for(self, environment: str) -> PackageBucket | None:
        """Where the packages of an environment are staged; None when nothing says so."""
        return self.environment(environment).packages or self.packages


@dataclass(frozen=True, kw_only=True, slots=True)
class Bucket:
    """A bucket's whole notification configuration, exactly as AWS returned it (live only).

    ``raw`` has the members LambdaFunctionConfigurations, TopicConfigurations, QueueConfigurations
    and EventBridgeConfiguration where they are set. It is carried, never rebuilt.
    """

    name: str
    raw: Mapping[str, Any] = field(default_factory=dict)


def partition_of(region: str) -> str:
    """The partition of AWS that a Region is in. Source: AWS General Reference, "Amazon Resource Names"."""
    return next((one for one in ("aws-cn", "aws-us-gov") if region.startswith(f"{one[4:]}-")), "aws")


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """The account and Region that an environment turned out to be in."""

    account: str  # 12 digits
    region: str
    partition: str = "aws"

    def function_arn(self, name: str) -> str:
        """ARN of a function by name."""
        return f"arn:{self.partition}:lambda:{self.region}:{self.account}:function:{name}"

    def role_arn(self, role: str) -> str:
        """ARN of a role by its name, or by its path and name."""
        return f"arn:{self.partition}:iam::{self.account}:role/{role.lstrip('/')}"

    def bucket_arn(self, name: str) -> str:
        """ARN of a bucket by name."""
        return f"arn:{self.partition}:s3:::{name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fleet:
    """All targets of a project, by key, with the buckets that trigger them.

    A desired fleet is always whole; ``selection`` holds the patterns of what is to be compared and changed
    (empty: everything), and ``buckets`` names those that are to be read though no selected target has a
    trigger on them; ``doubts`` name by pattern targets that a file may declare which is not read, so that
    their absence says nothing; ``former`` are names of functions that may be live though nothing declares
    them, which are asked for, since listings are late. Only of live fleets: ``others`` are functions with
    this project's tags that no target declares any more, by ARN; ``scopes`` say where each environment is;
    ``unread`` says by target why it could not be looked at and ``closed`` the same by bucket, where an
    absence from ``targets`` and ``buckets`` says nothing; ``notes`` say what else was not read.
    """

    project: str
    targets: Mapping[str, Target] = field(default_factory=dict)
    buckets: Mapping[str, Bucket] = field(default_factory=dict)
    others: Mapping[str, Target] = field(default_factory=dict)
    selection: tuple[str, ...] = ()
    scopes: Mapping[str, Scope] = field(default_factory=dict)
    unread: Mapping[str, Obstacle] = field(default_factory=dict)
    closed: Mapping[str, Obstacle] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    doubts: Mapping[str, str] = field(default_factory=dict)
    former: frozenset[str] = frozenset()
    commit: str | None = None  # 40 hex digits of the commit it was read from
    previews: str | None = None  # of the branch of previews, where they have one of their own
    at: datetime | None = field(default=None, compare=False)  # of live fleets: when they were read

    def scope(self, environment: str) -> Scope:
        """Where an environment is; every ``preview/...`` shares one. KeyError when nobody asked AWS."""
        return self.scopes[environment.partition("/")[0]]

    def selected(self) -> list[str]:
        """Keys of the targets that are to be compared and changed.

        Rollouts of a group move as one, so one of its members selects them all.
        """
        found = select(self.targets, self.selection)
        if not self.selection:
            return found
        keys = set(found)
        groups = {group for key in found if (group := self.targets[key].group) is not None}
        return [key for key, one in self.targets.items() if key in keys or one.group in groups]


def select(keys: Iterable[str], patterns: Iterable[str]) -> list[str]:
    """Keys that one of the patterns selects; no pattern selects all.

    ``staging`` and ``preview/pr-1`` select whole environments, ``staging/api`` one target,
    ``*/s3-*`` several. A pattern that selects nothing selects nothing: callers say so.
    """
    wanted = list(patterns)
    if not wanted:
        return list(keys)
    names = {pattern.rstrip("/") for pattern in wanted if not _GLOB.search(pattern)}
    globs = [pattern for pattern in wanted if _GLOB.search(pattern)]
    return [key for key in keys if _is_named(key, names) or any(_matches(key, glob) for glob in globs)]


_GLOB = regex(r"[*?\[]")


def _is_named(key: str, names: Set[str]) -> bool:
    """Whether the target or one of the environments above it is named. Thousands of names cost no more."""
    while key:
        if key in names:
            return True
        key = environment_of(key)
    return False


def _matches(key: str, glob: str) -> bool:
    return fnmatchcase(key, glob) or fnmatchcase(key, glob.rstrip("/") + "/*")
