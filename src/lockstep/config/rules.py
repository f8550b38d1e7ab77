"""What AWS asks of names and texts, each rule with the words to mend it.

A rule takes a text and returns None, or what is wrong and how to fix it.
"""

import re
from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import quote

from lockstep.model.pin import read_pin
from lockstep.regexes import regex
from lockstep.suggest import nearest

__all__ = [
    "EVENTS",
    "GITHUB_REPOSITORY",
    "RESERVED_VARIABLES",
    "Problem",
    "Rule",
    "branch",
    "bucket",
    "commit",
    "deployed_version",
    "event",
    "function_name",
    "image",
    "s3_filter",
    "service_name",
    "sha256",
    "tag_key",
    "tag_value",
    "timezone",
    "url",
    "variable",
    "version",
]

Problem: TypeAlias = tuple[str, str]
Rule: TypeAlias = Callable[[str], Problem | None]

EVENTS = (
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:ObjectRestore:*",
    "s3:ObjectRestore:Post",
    "s3:ObjectRestore:Completed",
    "s3:ObjectRestore:Delete",
    "s3:ReducedRedundancyLostObject",
    "s3:Replication:*",
    "s3:Replication:OperationFailedReplication",
    "s3:Replication:OperationNotTracked",
    "s3:Replication:OperationMissedThreshold",
    "s3:Replication:OperationReplicatedAfterThreshold",
    "s3:LifecycleExpiration:*",
    "s3:LifecycleExpiration:Delete",
    "s3:LifecycleExpiration:DeleteMarkerCreated",
    "s3:LifecycleTransition",
    "s3:IntelligentTiering",
    "s3:ObjectAcl:Put",
    "s3:ObjectTagging:*",
    "s3:ObjectTagging:Put",
    "s3:ObjectTagging:Delete",
    "s3:ObjectAnnotation:*",
    "s3:ObjectAnnotation:Put",
    "s3:ObjectAnnotation:Delete",
    "s3:ObjectRetention:Put",
)
"""Event types of S3 notifications (S3 API reference, NotificationConfiguration)."""

_MEANT = (
    (r"(object)?:?(delete[ds]?|remove[ds]?|deletion)(:\*)?", "ObjectRemoved:*"),
    (r"(object)?:?(create[ds]?|creation|upload(ed)?|add(ed)?|write|written|new)(:\*)?", "ObjectCreated:*"),
    (r"(object)?:?put(:\*)?", "ObjectCreated:Put"),
    (r"(object)?:?post(:\*)?", "ObjectCreated:Post"),
    (r"(object)?:?copy(:\*)?", "ObjectCreated:Copy"),
    (r"(object)?:?(tag(ged|s)?|tagging)(:\*)?", "ObjectTagging:*"),
    (r"(object)?:?restored?(:\*)?", "ObjectRestore:*"),
    (r"(object)?:?(expired?|expiration)(:\*)?", "LifecycleExpiration:*"),
)
"""What people write for an event, by what it is about: by spelling ObjectDelete is next to ObjectRestore."""

RESERVED_VARIABLES = frozenset(
    {
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
    }
)
"""Variables that Lambda sets itself (Lambda developer guide, "Defined runtime environment variables")."""

GITHUB_REPOSITORY = r"[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9._-]+"
"""``owner/name``. Owners of Enterprise Managed Users end in an underscore and their enterprise's code."""

_FUNCTION_NAME = regex(r"[A-Za-z0-9_-]{1,64}\Z")
_SERVICE_NAME = regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")
_VARIABLE = regex(r"[A-Za-z][A-Za-z0-9_]+\Z")
_VERSION = regex(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}\Z")
_BUCKET = regex(r"(?!\d+\.\d+\.\d+\.\d+\Z)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")
_BUCKET_STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
_BUCKET_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_DIGEST = regex(r"sha256:[0-9a-f]{64}\Z")
_ECR = regex(r"[0-9]{12}\.dkr[.-]ecr(-fips)?\.[a-z0-9-]+\.[a-z0-9.-]+/[a-z0-9]")
_COMMIT = regex(r"([0-9a-fA-F]{7,64}|[0-9a-fA-F]*\.\.\.)?\Z")
_TAG = regex(
    "[\\w \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000.:/=+@-]*\\Z"
)  # \\w, \\p{Z} and signs
_ENCODED = regex(r"(?:[A-Za-z0-9/._+-]|%[0-9A-Fa-f]{2})*\Z")
_NOT_ENCODED = regex(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9/._+%-]")


def function_name(text: str) -> Problem | None:
    """Lambda's rule for names: 1 to 64 letters, digits, hyphens and underscores."""
    if _FUNCTION_NAME.match(text):
        return None
    if len(text) > 64:
        return f"the function name has {len(text)} characters; Lambda allows 64", "shorten it"
    return (
        f"{text!r} is no function name: letters, digits, - and _ only",
        f"write {re.sub(r'[^A-Za-z0-9_-]+', '-', text).strip('-') or 'a name'}",
    )


def service_name(text: str) -> Problem | None:
    """Names of services and environments are folder names that fit into tags and statement ids."""
    if _SERVICE_NAME.match(text):
        return None
    return (
        f"the folder name {text!r} cannot name a service or environment",
        "use at most 63 letters, digits, '-', '_' and '.'",
    )


def variable(text: str) -> Problem | None:
    """Names of environment variables (Lambda API reference, EnvironmentVariableName; reserved ones)."""
    if text in RESERVED_VARIABLES:
        return f"{text} is set by Lambda itself and cannot be declared", "remove it or choose another name"
    if _VARIABLE.match(text):
        return None
    return (
        f"{text!r} is no name of an environment variable",
        "use at least two of A-Z a-z 0-9 and _, the first a letter",
    )


def tag_key(text: str) -> Problem | None:
    """Keys of tags: 1 to 128 characters; ``aws:`` is AWS's and ``lockstep:`` is Lockstep's."""
    prefix = text.lower().partition(":")[0] + ":"
    if prefix in ("aws:", "lockstep:"):
        owner = "AWS" if prefix == "aws:" else "Lockstep"
        return f"tags that start with {prefix} are {owner}'s own", "choose another key"
    if not 1 <= len(text) <= 128:
        return f"the tag key has {len(text)} characters; AWS allows 1 to 128", "shorten it"
    if not _TAG.match(text):
        return f"{text!r} is no tag key", "use letters, digits, spaces and . : / = + @ _ -"
    return None


def tag_value(text: str) -> Problem | None:
    """Values of tags: at most 256 characters."""
    if len(text) > 256:
        return f"the tag value has {len(text)} characters; AWS allows 256", "shorten it"
    if not _TAG.match(text):
        return f"{text!r} is no tag value", "use letters, digits, spaces and . : / = + @ _ -"
    return None


def version(text: str) -> Problem | None:
    """A version goes into tags, keys and URLs."""
    if _VERSION.match(text):
        return None
    return (
        f"{text!r} is no version",
        "use 1 to 128 letters, digits, '.', '-', '_' and '+', the first a letter or digit",
    )


def deployed_version(text: str) -> Problem | None:
    """A version as other tools deploy it: also the digest of an image, with its tag or without.

    Source: the OCI distribution specification, "Pulling manifests", and Docker's image references.
    """
    tag, _, digest = text.partition("@") if "@" in text else ("", "", text)
    if _DIGEST.match(digest) and (not tag or version(tag) is None):
        return None
    return version(text)


def commit(text: str) -> Problem | None:
    """A Git commit: 7 to 64 hex digits; empty, or a placeholder that ends with ``...``, says nothing."""
    if _COMMIT.match(text):
        return None
    return f"{text!r} is no commit", "write 7 to 64 hex digits, or remove the line"


def sha256(text: str) -> Problem | None:
    """A pin: the SHA-256 of a package, and before it the version that it belongs to."""
    if read_pin(text) is not None:
        return None
    return (
        f"{text!r} is no SHA-256 of a version",
        "write VERSION@ and the 64 hex digits that 'sha256sum package.zip' prints (not Lambda's base64 "
        "CodeSha256), or remove the line",
    )


def bucket(text: str) -> Problem | None:
    """Names of S3 buckets: 3 to 63 lowercase letters, digits, dots and hyphens.

    Source: S3 user guide, "General purpose bucket naming rules".
    """
    if _BUCKET.match(text) and ".." not in text:
        if not text.startswith(_BUCKET_STARTS) and not text.endswith(_BUCKET_ENDS):
            return None
        return f"{text!r} begins or ends as AWS keeps for itself", "choose another bucket name"
    return (
        f"{text!r} is no bucket name",
        "write the name alone: 3 to 63 lowercase letters, digits, '.' and '-', without s3://",
    )


def image(text: str) -> Problem | None:
    """The URI of an image with its tag or digest; Lambda takes no implied ``latest``.

    Source: Lambda developer guide, "Create a Lambda function using a container image".
    """
    name, _, digest = text.partition("@")
    if re.search(r"\s", text) or "://" in text or "/" not in name:
        return f"{text!r} is no image URI", "write 123456789012.dkr.ecr.eu-west-1.amazonaws.com/name:tag"
    if not digest and ":" not in name.rpartition("/")[2]:
        return f"the image {text!r} has neither tag nor digest", "add ':{version}' or '@sha256:...'"
    if not _ECR.match(name):
        return (
            f"the image {text!r} is not in Amazon ECR, from which alone Lambda takes images",
            "push it to a private repository: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/name:tag",
        )
    return None


def url(text: str) -> Problem | None:
    """HTTPS, or HTTP on this machine; a password in a URL would end in every log."""
    match = re.match(r"(https?)://([^/?#]*)", text)
    if match is None:
        return "the URL does not start with https://", "write the whole URL"
    if "@" in match[2]:
        return "the URL holds credentials", "remove them; tokens come from the environment"
    host = re.sub(r":\d+\Z", "", match[2])
    if not host:
        return "the URL names no host", "write the whole URL"
    if match[1] == "http" and host not in ("localhost", "127.0.0.1", "[::1]"):
        return "the URL is not encrypted", "use https://"
    return None


def event(text: str) -> Problem | None:
    """One of S3's event types."""
    if text in EVENTS:
        return None
    bare = re.sub(r"\As3:|[^a-z:*]", "", text.lower())
    meant = next((name for words, name in _MEANT if re.fullmatch(words, bare)), None)
    near = meant or nearest(text.removeprefix("s3:"), [name[3:] for name in EVENTS], cutoff=0.75)
    fix = f"did you mean s3:{near}?" if near else "for example s3:ObjectCreated:* or s3:ObjectRemoved:*"
    return f"{text!r} is no S3 event", fix


def s3_filter(text: str) -> Problem | None:
    """A prefix or suffix as S3 takes it: no wildcards, percent-encoded, a space is ``+``.

    Source: S3 user guide, "Configuring event notifications using object key name filtering".
    """
    if place := re.match(r"(s3://|arn:aws[a-z-]*:s3:::)[^/]*/?", text):
        bare = text[place.end() :].rstrip("*")
        return f"{text!r} names the bucket too", f"write {bare!r}; the bucket has a key of its own"
    if "*" in text or "?" in text:
        bare = text.rstrip("*?") if not re.search(r"[*?]", text.rstrip("*?")) else ""
        fix = f"write {bare!r}" if bare else "name the beginning or the end of the key"
        return f"{text!r} has a wildcard; S3 compares prefixes and suffixes letter by letter", fix
    if len(text) > 1024:
        return f"the filter has {len(text)} characters; keys have at most 1024", "shorten it"
    if _ENCODED.match(text):
        return None
    encoded = _NOT_ENCODED.sub(lambda match: "+" if match[0] == " " else _percent(match[0]), text)
    return f"{text!r} has characters that S3 compares percent-encoded", f"write {encoded!r}"


def _percent(character: str) -> str:
    return "%7E" if character == "~" else quote(character, safe="")


def branch(text: str) -> Problem | None:
    """The name of a branch. Source: git-check-ref-format."""
    parts = text.split("/")
    is_odd = re.search(r"[\s\x00-\x1f\x7f~^:?*\[\\]|\.\.|@\{|//", text) or text in ("", "@", "HEAD")
    if (
        is_odd
        or text.startswith("-")
        or any(not p or p[0] == "." or p.endswith((".", ".lock")) for p in parts)
    ):
        return f"{text!r} is no name of a branch", "write it as git branch shows it, for example main"
    return None


def timezone(text: str) -> Problem | None:
    """A time zone of the IANA database that this machine knows."""
    from zoneinfo import ZoneInfo, available_timezones

    try:
        ZoneInfo(text)
    except (ValueError, OSError, KeyError):
        near = nearest(text, sorted(available_timezones()), cutoff=0.6)
        hint = f"did you mean {near}?" if near else "write for example Europe/London or UTC"
        return f"{text!r} is no time zone", hint
    return None
