"""The tables of keys: what ``lockstep.yaml`` and a ``lambda:`` block may hold.

Function fields come from ``model.fields.FIELDS``; everything else is a row here. Checking, the JSON
Schemas and the suggestions for unknown keys all follow from these tables.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from lockstep.config import rules
from lockstep.config.delivery_schema import FORGE, PROMOTION, SERVICES, SOURCE
from lockstep.config.kubernetes_schema import KUBERNETES
from lockstep.config.preview_schema import PREVIEW
from lockstep.config.rollout_schema import ROLLOUT
from lockstep.config.rows import flag, group, text, texts
from lockstep.config.shapes import Key, Shape
from lockstep.config.terraform_schema import TERRAFORM
from lockstep.model.alias import PATTERN
from lockstep.model.engines import ENGINES
from lockstep.model.fields import FIELDS, Field, Kind
from lockstep.model.kinds import KINDS, ROWS, ResourceKind, unnamed
from lockstep.model.policies import MANAGED
from lockstep.model.relay import VIA
from lockstep.suggest import did_you_mean

__all__ = ["ARTIFACT_OPTIONS", "LAMBDA", "LAYER", "PROJECT", "leaf"]

_REGION = r"^[a-z]{2,4}(-[a-z]+)+-\d$"
_REPOSITORY = (
    rf"^({rules.GITHUB_REPOSITORY}"
    r"|https://[^\s@]+|http://(localhost|127\.0\.0\.1)[:/][^\s@]+|file:///\S+"
    r"|ssh://([\w.-]+@)?[^\s@]+|[\w.-]+@[\w.-]+:\S+"
    r"|\.{0,2}/.+)$"
)
_ROLE = r"^arn:aws[a-z-]*:iam::\d{12}:role/.+$"


_EXAMPLES = {
    "runtime": "python3.13 or dotnet10",
    "handler": "app.handler",
    "role": "the role's name, or arn:aws:iam::123456789012:role/name",
    "layers": "arn:aws:lambda:eu-west-1:123456789012:layer:name:1, the version at its end",
    "description": "a text of at most 256 characters",
    "vpc.subnetIds": "subnet-0123456789abcdef0",
    "vpc.securityGroupIds": "sg-0123456789abcdef0",
    "deadLetterTarget": "arn:aws:sqs:eu-west-1:123456789012:queue",
    "kmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/id",
    "durable.kmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/id",
    "capacityProvider.arn": "arn:aws:lambda:eu-west-1:123456789012:capacity-provider:name",
    "codeSigningConfigArn": (
        "arn:aws:lambda:eu-west-1:123456789012:code-signing-config:csc-0123456789abcdef0"
    ),
    "fileSystems.arn": (
        "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0, "
        "an access point and not the file system"
    ),
    "fileSystems.localMountPath": "/mnt/data",
    "imageConfig.workingDirectory": "/app",
    "logging.group": "/aws/lambda/name",
}
"""What an error offers in place of a value that does not fit a field's pattern."""


def _example(name: str) -> str:
    return f"for example {_EXAMPLES[name]}" if name in _EXAMPLES else ""


_NAMED = (
    text(
        "ssm",
        "Name of the parameter in Parameter Store that holds it.",
        pattern=r"^\S{1,2048}$",
        example="/layers/{env}/base",
    ),
    text(
        "layer",
        "Name of a layer that is built here; the environment declares its version.",
        rule=rules.service_name,
        example="common",
    ),
)


def _of_row(row: Field, name: str) -> Key:
    """The key of one row of the field table."""
    most = int(row.maximum) if row.maximum is not None else None
    says = row.says or (f"for example {row.example}" if row.example else _example(row.name))
    match row.kind:
        case Kind.INTEGER | Kind.NUMBER | Kind.BOOLEAN | Kind.STRING:
            return Key(
                name=name,
                shape=Shape(row.kind.value),
                about=row.about,
                enum=row.enum,
                pattern=row.pattern,
                says=says,
                minimum=row.minimum,
                maximum=row.most or row.maximum,
                usual=row.maximum if row.most else None,
                lines=row.lines or row.is_literal,
                is_literal=row.is_literal or row.is_path,
            )
        case Kind.STRINGS | Kind.SET:
            item = Key(
                name=name,
                shape=Shape.STRING,
                about="",
                enum=row.enum,
                pattern=row.pattern,
                says=says,
                lines=row.lines,
            )
            if row.named:
                item = Key(name=name, shape=Shape.MAP, about="", members=_NAMED, is_choice=True, short=item)
            return Key(name=name, shape=Shape.LIST, about=row.about, most=most, item=item)
        case Kind.MAP:
            return Key(name=name, shape=Shape.ENVIRONMENT, about=row.about)
        case Kind.STATEMENTS:
            return Key(name=name, shape=Shape.STATEMENTS, about=row.about)
        case Kind.STRUCTS:
            members = tuple(
                Key(
                    name=name,
                    shape=Shape.STRING,
                    about=f"{member.api.rpartition('.')[2]} of the entry"
                    f"{f'; {member.default} when absent' if member.default else ''}.",
                    enum=member.enum,
                    pattern=member.pattern,
                    says=_example(f"{row.name}.{name}"),
                    required=member.default is None,
                    is_literal=member.is_literal,
                    lines=member.is_literal,
                )
                for name, member in row.members.items()
            )
            item = Key(name=name, shape=Shape.MAP, about="", members=members)
            return Key(name=name, shape=Shape.LIST, about=row.about, most=most, item=item)


def _of_rows(rows: Iterable[Field]) -> tuple[Key, ...]:
    """Keys for all rows; rows with dotted names become members of a map."""
    plain: list[Key] = []
    groups: dict[str, list[Key]] = {}
    for row in rows:
        group, _, name = row.name.rpartition(".")
        if group:
            groups.setdefault(group, []).append(_of_row(row, name))
        else:
            plain.append(_of_row(row, name))
    nested = [
        Key(
            name=group,
            shape=Shape.MAP,
            about=f"{', '.join(member.name for member in members)}.",
            members=tuple(members),
        )
        for group, members in groups.items()
    ]
    return tuple(plain + nested)


def _ignorable(pattern: str) -> rules.Problem | None:
    """A glob of paths that a plan shows: it has to be able to match one."""
    if pattern.partition(".")[0] in ("environment", "tags", "code"):
        return None
    names = [row.name for row in FIELDS] + [*KINDS, *ROWS, "code", "environment.X", "tags.X"]
    for one in (pattern, unnamed(pattern)):
        if any(fnmatchcase(name, one) or name.startswith(f"{one}.") for name in names):
            return None
    return f"{pattern!r} matches no field", did_you_mean(pattern, names[:-2])


_BUCKET = text("bucket", "Name of the bucket.", rule=rules.bucket)
_LOCK_BUCKET = text(
    "lockBucket",
    "Bucket for the lease of a bucket with a trigger for each new object, which cannot hold its own.",
    rule=rules.bucket,
)
_OWNER = Key(
    name="account",
    shape=Shape.STRING,
    about="Account that must own the bucket: 12 digits in quotes. The environment's own when absent.",
    pattern=r"^\d{12}$",
    says="write the 12 digits in quotes",
    example='"123456789012"',
)
_EVENTS = texts(
    "events",
    "Event types of S3; s3:ObjectCreated:* when absent.",
    Key(
        name="event",
        shape=Shape.STRING,
        about="",
        rule=rules.event,
        extra={"examples": list(rules.EVENTS)},
    ),
)
_TRIGGER = Key(
    name="trigger",
    shape=Shape.MAP,
    about="Objects of a bucket for which the function is called.",
    members=(
        text("bucket", "Bucket; the one under triggers in lockstep.yaml when absent.", rule=rules.bucket),
        text("prefix", "Beginning of the object keys, percent-encoded.", rule=rules.s3_filter),
        text("suffix", "End of the object keys, percent-encoded.", rule=rules.s3_filter),
        _EVENTS,
        Key(
            name="via",
            shape=Shape.STRING,
            about="How the events come: by the bucket's notifications, or through EventBridge, in its form.",
            enum=VIA,
            example="eventbridge",
        ),
    ),
)
_ARTIFACT = (
    Key(
        name="source",
        shape=Shape.STRING,
        about="Where packages come from.",
        enum=("github-release", "git-release", "s3", "https", "directory"),
    ),
    Key(
        name="repository",
        shape=Shape.STRING,
        about="github-release: owner/name. git-release: URL, or folder that begins with /, ./ or ../.",
        pattern=_REPOSITORY,
        says="write owner/name, or for git-release a URL without password, or ./folder",
        example="owner/name",
    ),
    text("tag", "github-release, git-release: tag of the release.", example='"{service}-v{version}"'),
    text("asset", "github-release, git-release: glob that one asset's name matches.", example='"*.zip"'),
    text("api", "github-release: base URL of the API.", rule=rules.url, example="https://api.github.com"),
    text("bucket", "s3: bucket that holds the packages.", rule=rules.bucket),
    text("key", "s3: key of the package.", example='"{service}/{version}.zip"'),
    text("objectVersion", "s3: version of the object, in a bucket that keeps versions."),
    Key(
        name="region",
        shape=Shape.STRING,
        about="s3: Region of the bucket, where it is another one.",
        pattern=_REGION,
        example="eu-west-1",
    ),
    Key(
        name="owner",
        shape=Shape.STRING,
        about="s3: account that must own the bucket: 12 digits in quotes.",
        pattern=r"^\d{12}$",
        says="write the 12 digits in quotes",
        example='"123456789012"',
    ),
    text("url", "https: URL of the package.", rule=rules.url),
    text("path", "directory: path of the package, relative to the repository's root."),
)

ARTIFACT_OPTIONS = {
    "github-release": ({"repository", "tag"}, {"asset", "api"}),
    "git-release": ({"repository", "tag"}, {"asset"}),
    "s3": ({"bucket", "key"}, {"objectVersion", "region", "owner"}),
    "https": ({"url"}, set[str]()),
    "directory": ({"path"}, set[str]()),
}
"""Options that each source needs, and options that it may have."""

_EXTRAS = (
    text(
        "version",
        "Version to run; quote it. With an alias, digits alone are the number of a version that AWS has "
        "published already: the alias points at it, and nothing is built or published.",
        rule=rules.version,
        example='"0.1.6"',
    ),
    text("functionName", "Name of the function in AWS.", rule=rules.function_name),
    text(
        "alias",
        "Alias that everything calls: each deployment publishes a version, and the alias moves to it. "
        "Without one the function is called as it is, while it changes.",
        pattern=PATTERN,
        says="use letters, digits, - and _, not digits alone, for example live",
        example="live",
    ),
    Key(
        name="keepVersions",
        shape=Shape.INTEGER,
        about="With an alias: how many of the published versions that Lockstep made stay, the newest; 5 when "
        "absent. One that is needed stays besides.",
        minimum=1,
        maximum=1000,
    ),
    Key(
        name="keepVersionsFor",
        shape=Shape.STRING,
        about="With an alias: how long a version stays after the last call was sent to it; 1h when absent.",
        pattern=r"^\d{1,5}[smhd]$",
        says="write for example 30m, 1h or 7d",
        example="1h",
    ),
    ROLLOUT,
    text("s3TriggerPrefix", "Short for one trigger on the project's bucket.", rule=rules.s3_filter),
    text("s3Key", "Key of the package in the package bucket, in place of the artifact source."),
    text("commitSha", "Commit that the version was built from.", rule=rules.commit),
    text(
        "sha256",
        "Pin: the version and its package's SHA-256 in hex; a sync stops when the package differs. "
        "It counts for that version alone.",
        rule=rules.sha256,
        example='"0.1.6@9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"',
    ),
    text(
        "image",
        "URI of a container image, in place of a package. Compared by digest: what a tag names is asked of "
        "Amazon ECR, so that a tag that was moved is seen; where ECR does not tell, the target is Unknown "
        "and the tag is compared as it is written, as it is with the engine terraform.",
        rule=rules.image,
    ),
    texts("triggers", "S3 triggers.", _TRIGGER),
    Key(name="tags", shape=Shape.TAGS, about="Tags; null removes a tag in AWS."),
    texts(
        "ignore",
        "Globs of fields that others manage: reservedConcurrency, environment.DD_*.",
        text("ignore", "", rule=_ignorable),
    ),
    flag("adopt", "Take over the function although nothing in AWS says that this project owns it."),
    flag("enabled", "false leaves the service out of the environment."),
    Key(
        name="artifact",
        shape=Shape.MAP,
        about="Overrides the project's artifacts for this service.",
        members=_ARTIFACT,
    ),
)


_SETTINGS = {key.name: key for key in _of_rows(FIELDS)}
_REFUSED = dict.fromkeys(
    ("arn", "roleArn"),
    (
        "an ARN names a role that is there, and policies make one of the function's own",
        "write role: and the ARN alone, or remove it",
    ),
)


_MISPLACED = dict.fromkeys(
    ("policies", "statements", "boundary"),
    (
        "what a role allows stands below role, in place of the ARN of one that is there",
        "write role: {policies: [...], statements: [...], boundary: ...}, or remove it",
    ),
)


def _of_kind(kind: ResourceKind) -> Key:
    """The key of a kind of resources beside the function."""
    if kind.bare:
        (row,) = (row for row in kind.rows if row.name == kind.bare)
        return _of_row(row, kind.name)
    members = _of_rows([row for row in kind.rows if not row.computed])
    if not (kind.is_many and kind.has_names):
        return Key(
            name=kind.name,
            shape=Shape.MAP,
            about=kind.about,
            members=members,
            short=_SETTINGS[kind.name] if kind.setting is not None else None,
            refused=_REFUSED if kind.setting is not None else {},
        )
    may = flag("replace", "Let a new one take its place where AWS changes none that is there.")
    item = Key(name="name", shape=Shape.MAP, about="", members=(*members, may))
    return Key(name=kind.name, shape=Shape.OPEN, about=kind.about, item=item)


LAMBDA = Key(
    name="lambda",
    shape=Shape.MAP,
    about="A Lambda function.",
    members=(
        *_EXTRAS,
        *(_of_kind(KINDS[name]) if name in KINDS else key for name, key in _SETTINGS.items()),
        *(_of_kind(kind) for name, kind in KINDS.items() if name not in _SETTINGS),
    ),
    also=tuple(row.name for row in FIELDS if "." in row.name),
    refused=_MISPLACED,
)
"""The ``lambda:`` block of a layer."""

LAYER = group(
    "layer",
    "A layer that is built here, for functions that name it.",
    text("version", "Version that the functions of the environment take; quote it.", example='"1.4.0"'),
    text(
        "name",
        "Name of the layer in AWS; the folder's name when absent. Environments in one account may share it.",
        pattern=r"^[a-zA-Z0-9_-]{1,140}$",
        says="use at most 140 letters, digits, - and _",
        example="common",
    ),
    Key(
        name="runtimes",
        shape=Shape.LIST,
        about="Runtimes of the functions that may take it; any when absent.",
        most=15,
        item=text("runtime", "", pattern=r"^[a-z][a-z0-9.]{1,40}$", example="python3.13"),
    ),
    Key(
        name="architectures",
        shape=Shape.LIST,
        about="Architectures of the functions that may take it; any when absent.",
        most=2,
        item=text("architecture", "", enum=("x86_64", "arm64")),
    ),
    text("license", "Its license, as AWS shows it: an SPDX name, a URL or a text of at most 512 characters."),
)
"""The ``layer:`` block of a layer of values."""

_PLACE = (
    Key(
        name="region",
        shape=Shape.STRING,
        about="AWS Region.",
        pattern=_REGION,
        example="eu-west-1",
    ),
    Key(
        name="account",
        shape=Shape.STRING,
        about="AWS account: 12 digits in quotes. Credentials for another account are refused.",
        pattern=r"^\d{12}$",
        says="write the 12 digits in quotes",
        example='"123456789012"',
    ),
    text("profile", "Profile of the AWS configuration files."),
    Key(
        name="role",
        shape=Shape.STRING,
        about="ARN of a role to assume.",
        pattern=_ROLE,
        example="arn:aws:iam::123456789012:role/deploy",
    ),
    Key(
        name="roleBoundary",
        shape=Shape.STRING,
        about="Permissions boundary that every role made for a function has to have: the ARN of a managed "
        "policy. None is demanded when absent.",
        pattern=rf"^{MANAGED}$",
        example="arn:aws:iam::123456789012:policy/boundary",
    ),
)
_ENVIRONMENT = Key(
    name="environment",
    shape=Shape.MAP,
    about="One environment; all previews share the one named preview.",
    members=(
        *_PLACE,
        Key(
            name="engine",
            shape=Shape.STRING,
            about="What applies changes.",
            enum=tuple(ENGINES),
        ),
        TERRAFORM,
        Key(
            name="packages",
            shape=Shape.MAP,
            about="Where packages are staged for this environment, when not where all others are.",
            members=(_BUCKET, _OWNER),
        ),
        flag("prune", "Remove functions that are no longer declared. Previews always are."),
        flag("adopt", "Take over functions that no project owns."),
        PROMOTION,
    ),
)

PROJECT = Key(
    name="lockstep.yaml",
    shape=Shape.MAP,
    about="A Lockstep project: one GitOps tree.",
    members=(
        Key(
            name="project",
            shape=Shape.STRING,
            about="Name; goes into ownership tags. The folder's name when absent.",
            pattern=r"^[a-z0-9][a-z0-9-]{0,62}$",
            says="use at most 63 lowercase letters, digits and hyphens",
        ),
        text("folder", "Folder of services/ and environments/; the repository's root when absent."),
        *_PLACE,
        Key(
            name="environments",
            shape=Shape.OPEN,
            about="Environments by the name of their folder. When absent, every folder is one.",
            item=_ENVIRONMENT,
        ),
        Key(
            name="packages",
            shape=Shape.MAP,
            about="Where packages are staged for Lambda to read.",
            members=(
                _BUCKET,
                _OWNER,
                text("key", "Key of a staged package.", example='"lockstep/packages/{service}/{sha256}.zip"'),
            ),
        ),
        Key(
            name="artifacts",
            shape=Shape.MAP,
            about="Where packages come from; the options depend on the source.",
            members=_ARTIFACT,
        ),
        Key(
            name="triggers",
            shape=Shape.MAP,
            about="Defaults of S3 triggers.",
            members=(_BUCKET, _EVENTS, _LOCK_BUCKET),
        ),
        Key(
            name="functionDefaults",
            shape=Shape.MAP,
            about="Lowest layer of lambda: for every function.",
            members=LAMBDA.members,
            also=LAMBDA.also,
        ),
        FORGE,
        SOURCE,
        SERVICES,
        PREVIEW,
        KUBERNETES,
    ),
)
"""The whole of ``lockstep.yaml``."""


def leaf(path: tuple[str | int, ...]) -> Key | None:
    """The key under ``lambda:`` that judges the text at a path; list items share their list's."""
    key: Key | None = LAMBDA
    for part in path:
        if key is None:
            return None
        if isinstance(part, int) or key.shape is Shape.OPEN:
            key = key.item or (key.short.item if key.short is not None else None)
        else:
            key = key.by_name.get(part)
    return key.short if key is not None and key.shape is Shape.MAP else key
