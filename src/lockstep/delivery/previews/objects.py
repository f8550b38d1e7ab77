"""Objects that lie below the prefixes of a preview's triggers: found, counted, and deleted when asked for."""

import re

from lockstep.delivery.previews.ground import Ground
from lockstep.engines.aws.connection import Connections
from lockstep.errors import NotAllowed
from lockstep.model.preview import StoredObject
from lockstep.model.watching import SILENT, Watcher
from lockstep.values import dataclass

__all__ = ["Objects", "delete_objects", "find_objects"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Objects:
    """Everything below the prefixes of one preview. ``places`` are those prefixes, as URLs."""

    places: tuple[str, ...]
    objects: tuple[StoredObject, ...] = ()

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(one.size for one in self.objects)


def find_objects(
    ground: Ground,
    number: int,
    *,
    most: int,
    watcher: Watcher = SILENT,
) -> Objects:
    """List what lies below the prefixes that a preview's triggers name, while its folder still says them.

    NotAllowed for a prefix that does not name the pull request's number, which could be anybody's, and for
    more than ``most`` objects.
    """
    environment = f"preview/pr-{number}"
    workspace = ground.gitops.workspace
    prefixes = sorted(
        {
            (trigger.bucket, trigger.prefix)
            for target in workspace.fleet.targets.values()
            if target.environment == environment
            for trigger in target.every_trigger
        }
    )
    for bucket, prefix in prefixes:
        if not re.search(rf"(?<![0-9]){number}(?![0-9])", prefix):
            raise NotAllowed(
                f"the prefix {prefix!r} does not name pull request {number}, so its objects may be others'",
                where=f"s3://{bucket}/{prefix}",
                fix="delete them by hand, or leave out --delete-objects",
            )
    places = tuple(f"s3://{bucket}/{prefix}" for bucket, prefix in prefixes)
    if not prefixes:
        return Objects(places=())
    from lockstep.engines.aws.objects import list_objects

    connections = Connections()
    connection = connections.get(workspace.project.environment(environment))
    found: dict[tuple[str, str], StoredObject] = {}
    for bucket, prefix in prefixes:
        watcher.progress(f"listing s3://{bucket}/{prefix}")
        with connections.reading(most // 1000):
            for one in list_objects(connection, bucket, prefix, most=most):
                found[one.bucket, one.key] = one
        if len(found) > most:
            raise NotAllowed(
                f"more than {most:,} objects lie below {', '.join(places)}",
                fix="look at them, then allow more with --most NUMBER, or leave out --delete-objects",
            )
    return Objects(places=places, objects=tuple(found.values()))


def delete_objects(ground: Ground, objects: Objects) -> None:
    """Delete what was found. Versions of objects stay in a bucket that keeps them."""
    from lockstep.engines.aws import objects as aws

    connection = Connections().get(ground.gitops.workspace.project.environment("preview"))
    for bucket in sorted({one.bucket for one in objects.objects}):
        aws.delete_objects(connection, [one for one in objects.objects if one.bucket == bucket])
