"""A Lambda function as a value, desired or live, and the values it is made of."""

from collections.abc import Mapping
from dataclasses import field, replace
from enum import StrEnum
from typing import TypeAlias

from lockstep.values import dataclass

__all__ = [
    "MAX_ENVIRONMENT",
    "NOT_ASKED",
    "Code",
    "Function",
    "Health",
    "Package",
    "Reference",
    "Secret",
    "SyncStatus",
    "Unread",
    "Value",
    "environment_size",
    "timeout_of",
]


class SyncStatus(StrEnum):
    """Whether live equals desired, in Argo CD's words."""

    SYNCED = "Synced"
    OUT_OF_SYNC = "OutOfSync"
    UNKNOWN = "Unknown"


class Health(StrEnum):
    """Whether the live function can work, in Argo CD's words."""

    HEALTHY = "Healthy"
    PROGRESSING = "Progressing"
    DEGRADED = "Degraded"
    SUSPENDED = "Suspended"
    MISSING = "Missing"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """An environment variable whose value lives elsewhere: ``{ssm: name}`` or ``{secret: name}``."""

    store: str  # "ssm" (Parameter Store) or "secret" (Secrets Manager)
    name: str
    place: str = field(default="", compare=False)  # file:line where it is written
    version: str = field(default="", compare=False)  # of the value, where only that was read

    def __str__(self) -> str:
        return f"{self.store}:{self.name}"

    @property
    def words(self) -> str:
        """``ssm:/path``, or ``ssm:/path version 3`` where that is known instead of the value."""
        return f"{self} version {self.version}" if self.version else str(self)


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that no output, log or saved plan may show.

    Two secrets are equal when their values are; where the value came from does not count.
    ``value`` is None after a plan was read back from a file, which never holds values.
    """

    value: str | None = field(repr=False)
    reference: Reference | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"(secret {self.reference.words})" if self.reference else "(secret)"


@dataclass(frozen=True, slots=True)
class Unread:
    """Stands in place of a live value that AWS keeps from the reader.

    It is neither empty nor the default, equals no value that can be declared, and is never sent.
    """

    why: str  # in AWS's words

    @classmethod
    def because(cls, error: Mapping[str, object]) -> "Unread":
        """What an ``Error`` stands for, which AWS answers in place of values."""
        words = (str(error.get(name) or "") for name in ("ErrorCode", "Message"))
        return cls(": ".join(word for word in words if word))

    def __str__(self) -> str:
        return "(not read)"


NOT_ASKED = Unread("nobody asked for it")
"""In place of variables that a plan without values leaves out."""

_Scalar = str | int | float | bool | None
Value: TypeAlias = "_Scalar | Secret | Reference | Unread | tuple[Value, ...] | Mapping[str, Value]"
"""What a field can hold. Lists are tuples, so that values can be compared and hashed."""


MAX_ENVIRONMENT = 4096  # bytes, Lambda quotas
_TIMEOUT = 3  # seconds. Source: CreateFunction, Timeout


def environment_size(settings: Mapping[str, Value]) -> int:
    """Bytes of all environment variables as Lambda counts them; of references only the names are known."""
    environment = settings.get("environment")
    if not isinstance(environment, Mapping):
        return 0
    texts = (value.value if isinstance(value, Secret) else value for value in environment.values())
    return sum(map(len, environment)) + sum(len(text.encode()) for text in texts if isinstance(text, str))


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """The zip of one release, known by digest, and where it is staged for Lambda to read."""

    sha256: str  # lowercase hex, 64 characters
    size: int  # bytes; 0 when the source did not say
    bucket: str
    key: str
    origin: str  # where it comes from, for people: "github:owner/repo@tag/asset.zip"
    object_version: str | None = None  # of the staged object, where the bucket has versioning
    bucket_owner: str | None = None  # account that must own the bucket; None: the environment's
    is_staged: bool = False  # already lies at bucket/key with this digest
    releases: tuple[str, ...] = ()  # "service@version" of those that it is wanted as

    def also(self, other: "Package") -> "Package":
        """The package, wanted as what both are wanted as. They lie at one place."""
        return replace(self, releases=tuple(dict.fromkeys((*self.releases, *other.releases))))


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """What runs: a zip known by its SHA-256, or a container image.

    ``sha256`` is lowercase hex of the zip's bytes (Lambda's ``CodeSha256`` is the same digest in
    base64); None when it is not known. ``image`` is an ECR image URI. Equality is what runs, not
    where it was read from.
    """

    sha256: str | None = None
    image: str | None = None
    package: Package | None = field(default=None, compare=False)
    size: int = field(default=0, compare=False)  # bytes of the live package; 0: not known


@dataclass(frozen=True, kw_only=True, slots=True)
class Function:
    """One Lambda function.

    ``settings`` maps a field's name (see ``fields.FIELDS``) to its normalised value and leaves out
    every field that has AWS's default, so two functions are alike when their settings are equal.
    ``defaults`` names those of them that are declared all the same.
    """

    name: str
    settings: Mapping[str, Value] = field(default_factory=dict)
    code: Code = Code()
    tags: Mapping[str, str | None] = field(default_factory=dict)  # desired: None removes the tag
    defaults: frozenset[str] = field(default=frozenset(), compare=False)  # only of desired functions

    # Only of live functions.
    arn: str | None = field(default=None, compare=False)
    revision: str | None = field(default=None, compare=False)  # RevisionId
    modified: str | None = field(default=None, compare=False)  # LastModified, ISO 8601
    health: Health = field(default=Health.UNKNOWN, compare=False)
    reason: str | None = field(default=None, compare=False)  # why it is not healthy
    unread: frozenset[str] = field(default=frozenset(), compare=False)  # fields nobody asked AWS for

    @property
    def owner(self) -> tuple[str, str] | None:
        """Project and target that own this live function, or None when no Lockstep project does."""
        project = self.tags.get("lockstep:project")
        target = self.tags.get("lockstep:target")
        return (project, target) if project and target else None


def timeout_of(function: Function) -> int:
    """Seconds that one call may take; AWS's default where none is declared."""
    seconds = function.settings.get("timeout")
    return seconds if isinstance(seconds, int) else _TIMEOUT
