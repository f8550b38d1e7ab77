"""What tags of images name now: their digests, from Amazon ECR.

Source: ECR API reference (BatchGetImage: 100 images of a repository a call; what is missing is a failure
in the answer). Lambda takes images of its own Region only.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import code_of
from lockstep.errors import LockstepError
from lockstep.regexes import regex
from lockstep.values import dataclass

__all__ = ["Images", "read_images"]

_URI = regex(
    r"(?P<registry>\d{12})\.dkr[.-]ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+"
    r"/(?P<repository>[^:@]+):(?P<tag>[^:@]+)"
)
_MOST = 100


@dataclass(kw_only=True, slots=True)
class Images:
    """What was found of images that are named by a tag, by URI."""

    digests: dict[str, str] = field(default_factory=dict)  # hex
    missing: dict[str, str] = field(default_factory=dict)  # the repository has none: why it cannot be had
    unread: dict[str, str] = field(default_factory=dict)  # nobody knows: why


def read_images(connection: Connection, uris: Iterable[str]) -> Images:
    """Look tags up, a repository at a time. Never raises for one that cannot be read."""
    found = Images()
    repositories: dict[tuple[str, str], dict[str, str]] = {}
    for uri in sorted(set(uris)):
        match = _URI.fullmatch(uri)
        if match is None or match["region"] != connection.scope.region:
            found.unread[uri] = f"it is not in Amazon ECR in {connection.scope.region}"
        else:
            repositories.setdefault((match["registry"], match["repository"]), {})[match["tag"]] = uri
    for (registry, repository), tags in repositories.items():
        names = sorted(tags)
        for start in range(0, len(names), _MOST):
            some = {name: tags[name] for name in names[start : start + _MOST]}
            _read_repository(connection, registry, repository, some, found)
    return found


def _read_repository(
    connection: Connection, registry: str, repository: str, tags: Mapping[str, str], found: Images
) -> None:
    try:
        answer = connection.try_call(
            "ecr",
            "BatchGetImage",
            registryId=registry,
            repositoryName=repository,
            imageIds=[{"imageTag": tag} for tag in tags],
        )
    except Exception as error:
        if code_of(error) == "RepositoryNotFoundException":
            found.missing.update(dict.fromkeys(tags.values(), f"there is no repository {repository}"))
            return
        told = connection.explain(error, "ecr", "BatchGetImage")
        why = f"{told.problem}; {told.fix}" if isinstance(told, LockstepError) and told.fix else str(told)
        found.unread.update(dict.fromkeys(tags.values(), why))
        return
    for image in answer.get("images", ()):
        tag, digest = image["imageId"].get("imageTag"), image["imageId"].get("imageDigest", "")
        if tag in tags and digest.startswith("sha256:"):
            found.digests[tags[tag]] = digest.removeprefix("sha256:")
    for failure in answer.get("failures", ()):
        uri = tags.get(failure.get("imageId", {}).get("imageTag", ""))
        if uri is None:
            continue
        if failure.get("failureCode") == "ImageNotFound":
            found.missing[uri] = f"there is no image of this tag in {repository}"
        else:
            found.unread[uri] = f"{failure.get('failureCode')}: {failure.get('failureReason')}"
    for uri in tags.values():
        if uri not in found.digests and uri not in found.missing:
            found.unread.setdefault(uri, "ECR did not say which image the tag names")
