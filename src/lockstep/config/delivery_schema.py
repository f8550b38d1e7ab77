"""The keys of ``lockstep.yaml`` about building, releasing and promoting."""

from lockstep.config import rules
from lockstep.config.durations import DURATION
from lockstep.config.rows import group, text, texts
from lockstep.config.shapes import Key, Shape
from lockstep.model.promotion import Merge
from lockstep.model.source import Builder, ImageBuilder

__all__ = ["DAYS", "FORGE", "PROMOTION", "SERVICES", "SOURCE"]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WHEN = r"^(([01]\d|2[0-3]):[0-5]\d|24:00|\d{4}-[01]\d-[0-3]\d(T([01]\d|2[0-3]):[0-5]\d)?)$"
_MOMENT = 'write "16:00" with days, or a date such as "2026-12-24" or "2026-12-24T18:00"'
_REPOSITORY = r"^[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?(/[a-z0-9{}]+((\.|_|__|-+)[a-z0-9{}]+)*)+$"
_NUMBER = r"^\d{1,18}$"

FORGE = group(
    "forge",
    "Where pull requests and releases of this repository live. When absent: GitHub, or a folder, as its "
    "remote says; a server that is neither has to be named.",
    text("kind", "github, or local for a plain Git server.", enum=("github", "local")),
    text(
        "repository",
        "github: owner/name.",
        pattern=f"^{rules.GITHUB_REPOSITORY}$",
        example="owner/name",
    ),
    text(
        "api",
        "github: base URL of the API; GITHUB_API_URL has to name the same host, which the token is for.",
        rule=rules.url,
        example="https://api.github.com",
    ),
    text(
        "app",
        "github: id of a GitHub App, in quotes; its key is read from LOCKSTEP_GITHUB_APP_KEY.",
        pattern=_NUMBER,
        says="write the number in quotes",
        example='"123456"',
    ),
    text(
        "installation",
        "github: id of the App's installation, in quotes; found by itself when absent.",
        pattern=_NUMBER,
        says="write the number in quotes",
        example='"12345678"',
    ),
    text("method", "How pull requests are merged; squash when absent.", enum=("squash", "merge", "rebase")),
    text(
        "branch", "Branch that is deployed from; the remote's default branch when absent.", rule=rules.branch
    ),
)

SOURCE = group(
    "source",
    "The repository that services are built from, where it is another one than this.",
    text("kind", "github, or local for a plain Git server.", enum=("github", "local")),
    text("repository", "github: owner/name; local: URL or folder. As in artifacts when absent."),
    text(
        "api",
        "github: base URL of the API; GITHUB_API_URL has to name the same host, which the token is for.",
        rule=rules.url,
        example="https://api.github.com",
    ),
    Key(
        name="report",
        shape=Shape.BOOLEAN,
        about="After a sync, record deployments and commit statuses there.",
    ),
)

_BUILD = group(
    "build",
    "How the service's package is made.",
    text("builder", "What makes it.", enum=tuple(Builder), required=True),
    text("path", "Folder of the function's source; the one that source.paths names when absent."),
    text("runtime", "Runtime of the function.", example="python3.13"),
    text("architecture", "Architecture of the function; x86_64 when absent.", enum=("x86_64", "arm64")),
    text("requirements", "python: file of requirements; requirements.txt where there is one when absent."),
    text("project", "dotnet: project file; the only one in the folder when absent."),
    text("script", "node: script of package.json that builds."),
    text("command", "command: what to run, by sh, in the folder.", lines=True),
    text("output", "Folder or zip that is packed, below the folder."),
    Key(
        name="layer",
        shape=Shape.BOOLEAN,
        about="true: the package is a layer's. python packs below python/, node below nodejs/, the others "
        "as it lies.",
    ),
    texts("include", "Globs of what is packed; everything when absent.", text("include", "")),
    texts("exclude", "Globs of what is left out.", text("exclude", "")),
)

_IMAGE_BUILD = group(
    "build",
    "How a release builds the image and pushes it, from a clean checkout of the commit; when absent another "
    "tool does it before the release.",
    text("builder", "What makes it.", enum=tuple(ImageBuilder), required=True),
    text(
        "path",
        "Folder of the service's source; the one that source.paths names when absent, for command the "
        "folder of lockstep.yaml.",
    ),
    text("file", "docker, buildx: Dockerfile below the folder; Dockerfile when absent."),
    text("target", "docker, buildx: stage of the Dockerfile; the last one when absent."),
    Key(
        name="args",
        shape=Shape.OPEN,
        about="docker, buildx: build arguments; pack: variables of the build. They are no place for secrets.",
        item=text("value", "", lines=True),
    ),
    texts(
        "platforms",
        "buildx, ko: platforms of the image; what the builder takes by itself when absent.",
        text("platform", "", pattern=r"^[a-z0-9]+/[a-z0-9]+(/[a-z0-9]+)?$", says="write linux/amd64"),
    ),
    text("main", "ko: package of the program below the folder; the folder itself when absent."),
    text("using", "pack: image of the buildpacks; pack's own default when absent."),
    text("command", "command: what pushes it as $LOCKSTEP_IMAGE, by sh, in the folder.", lines=True),
)

_SERVICE = group(
    "service",
    "One service: where it is built from.",
    text("tag", "Tag of a release.", example='"{service}-v{version}"'),
    text("versionKey", "Key of the version in a declaration, where it is another one: image.tag."),
    group(
        "source",
        "What a change of the service is.",
        texts("paths", "Folders, files and globs; every path when absent.", text("path", "")),
    ),
    _BUILD,
    group(
        "image",
        "The container image of a service that another tool builds and deploys.",
        text(
            "exists",
            "required: without it there is no release, no promotion and no rollback.",
            enum=("required",),
            required=True,
        ),
        text(
            "repository",
            "Where it is, without a tag.",
            required=True,
            pattern=_REPOSITORY,
            says="write for example ghcr.io/acme/web",
            example="ghcr.io/acme/{service}",
        ),
        text("tag", "Its tag; the version when absent.", example='"v{version}"'),
        text(
            "pin",
            "How promotions write its digest: tag, behind the version (1.4.0@sha256:...); a key of the chart "
            "such as image.digest; none. When absent: in the key digest beside the tag where there is one, "
            "else behind the version where that stands under tag or imageTag.",
            pattern=r"^(tag|none|[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+)$",
            says="write tag, none, or the key of the chart's values: image.digest",
            example="none",
        ),
        _IMAGE_BUILD,
    ),
)

SERVICES = Key(
    name="services",
    shape=Shape.OPEN,
    about="Services that are built from this repository, and how.",
    item=_SERVICE,
)

_FREEZE = group(
    "freeze",
    "A time in which nothing is promoted.",
    texts("days", "Days of the week on which it begins; absent: once.", text("day", "", enum=DAYS)),
    text("from", "When it begins; 00:00 when absent.", pattern=_WHEN, says=_MOMENT, example='"16:00"'),
    text("to", "When it ends; 24:00 when absent.", pattern=_WHEN, says=_MOMENT, example='"08:00"'),
    text("timezone", "Time zone; UTC when absent.", rule=rules.timezone, example="Europe/London"),
    text("reason", "Why, for those who are held up.", lines=True),
)

PROMOTION = group(
    "promotion",
    "How versions come to this environment.",
    text(
        "merge",
        "auto: a pull request that merges itself; review: one that a person merges; direct: a commit.",
        enum=tuple(Merge),
    ),
    text("from", "Environment that a version must have run in; any release when absent."),
    text(
        "soak",
        "How long a version must have been Synced and Healthy there.",
        pattern=DURATION,
        says="write a number and s, m, h or d: 30m, 24h",
        example="24h",
    ),
    Key(
        name="auto",
        shape=Shape.BOOLEAN,
        about="Whether `lockstep serve` promotes what from runs by itself, once no gate holds it back; false "
        "when absent.",
    ),
    texts("freeze", "Times in which nothing is promoted.", _FREEZE),
    text("hold", "Why nothing is promoted here for now; removing the line lifts it.", lines=True),
)
"""``environments.NAME.promotion``."""
