"""What removed previews leave beside their functions: logs, packages at keys of their own, objects.

How those are called follows from what the repository says of any preview: it is asked for one that does
not exist, and its number is looked for in AWS. Nothing of a preview that is declared is a remain, nor of
one whose function is there: who removes that removes the rest.
"""

import functools
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING

from lockstep.config.preview_tree import read_previews
from lockstep.delivery.places.nobody import NOBODY, any_preview
from lockstep.delivery.places.workspace import Workspace
from lockstep.engines.aws.connection import Connections
from lockstep.engines.aws.function import exists
from lockstep.errors import LockstepError
from lockstep.model import Target
from lockstep.model.preview import StoredObject
from lockstep.model.watching import SILENT, Watcher
from lockstep.values import dataclass

if TYPE_CHECKING:
    from lockstep.engines.aws.connection import Connection

__all__ = ["Remains", "find_remains", "pattern_of", "remove_remains"]

_MOST = 10_000  # objects below one prefix that are looked at


@dataclass(frozen=True, kw_only=True, slots=True)
class Remains:
    """What is left of previews that are gone, each with the number that it names."""

    logs: Mapping[str, int]  # log group -> number
    packages: tuple[StoredObject, ...] = ()
    objects: Mapping[str, tuple[StoredObject, ...]] = field(default_factory=dict)  # by s3:// prefix
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Named:
    """Something that previews have, by a name with the number in it."""

    prefix: str  # before the number
    pattern: "re.Pattern[str]"

    def number(self, name: str) -> int | None:
        """The number that a name has, when it is such a name."""
        found = self.pattern.fullmatch(name)
        return int(found[1]) if found else None


def pattern_of(name: str, number: int) -> _Named | None:
    """What a name looks like with any number in place of one that it holds once; None when it does not."""
    parts = re.split(rf"(?<![0-9]){number}(?![0-9])", name)
    if len(parts) != 2:
        return None
    before, after = map(re.escape, parts)
    return _Named(prefix=parts[0], pattern=re.compile(f"{before}([1-9][0-9]{{0,9}}){after}"))


def find_remains(
    workspace: Workspace,
    *,
    going: Collection[int] = (),
    watcher: Watcher = SILENT,
) -> Remains:
    """Look for what previews that are gone have left. Changes nothing.

    ``going`` are numbers of those whose functions are there and are about to go.
    """
    try:
        targets = tuple(one for one in any_preview(workspace).values() if one.function is not None)
        declared = {int(one.environment.rpartition("pr-")[2]) for one in _previews(workspace)}
        declared |= {*read_previews(workspace.tree, workspace.project.folder)}
    except (LockstepError, ValueError) as error:
        return Remains(logs={}, notes=(f"what removed previews left is not known: {error}",))
    if not targets:
        return Remains(logs={})
    watcher.progress("looking for what previews left")
    connections = Connections()
    connection = connections.get(workspace.project.environment("preview"))
    names = [one.function.name for one in targets if one.function is not None]

    @functools.cache
    def is_gone(number: int) -> bool:
        if number in declared:
            return False
        return number in going or not any(
            exists(connection, name.replace(str(NOBODY), str(number))) for name in names
        )

    with connections.reading(len(targets)):
        return Remains(
            logs=dict(entry for group in _groups(targets) for entry in _logs(connection, group, is_gone)),
            packages=tuple(_packages(workspace, connection, targets, is_gone)),
            objects=dict(_objects(connection, targets, is_gone)),
        )


def remove_remains(workspace: Workspace, remains: Remains, *, delete_objects: bool) -> None:
    """Delete the logs and packages that were found; the objects, which may be data, only when told to."""
    objects = [*remains.objects.values()] if delete_objects else []
    if not (remains.logs or remains.packages or objects):
        return
    from lockstep.engines.aws import logs
    from lockstep.engines.aws import objects as aws
    from lockstep.engines.aws.pace import Pace

    connection = Connections().get(workspace.project.environment("preview"))
    for group in remains.logs:
        logs.delete(connection, group, Pace())
    if remains.packages:
        bucket = workspace.project.packages_for("preview")
        owner = bucket.account if bucket is not None else None
        aws.delete_objects(connection, remains.packages, owner=owner or connection.scope.account)
    for below in objects:
        aws.delete_objects(connection, below)


def _previews(workspace: Workspace) -> Iterator[Target]:
    return (one for one in workspace.fleet.targets.values() if one.is_preview)


def _groups(targets: Iterable[Target]) -> Iterator[_Named]:
    """Log groups that are one preview's own."""
    for target in targets:
        if target.function is not None:
            usual = f"/aws/lambda/{target.function.name}"
            group = str(target.function.settings.get("logging.group") or usual)
            if (found := pattern_of(group, NOBODY)) is not None and found.prefix.strip("/"):
                yield found


def _logs(
    connection: "Connection", group: _Named, is_gone: Callable[[int], bool]
) -> Iterator[tuple[str, int]]:
    from lockstep.engines.aws import logs

    for name in sorted(logs.retentions(connection, group.prefix)):
        number = group.number(name)
        if number is not None and is_gone(number):
            yield name, number


def _packages(
    workspace: Workspace,
    connection: "Connection",
    targets: Iterable[Target],
    is_gone: Callable[[int], bool],
) -> Iterator[StoredObject]:
    """Packages at keys that name a preview."""
    from lockstep.engines.aws.objects import list_objects

    bucket = workspace.project.packages_for("preview")
    keys = {one.release.staged_key for one in targets if one.release is not None}
    for key in sorted(keys) if bucket is not None else ():
        assert bucket is not None  # noqa: S101 - there are no keys without one
        named = pattern_of(key, NOBODY)
        folder = named.prefix.rpartition("/")[0] if named is not None else ""
        if named is None or not folder or "{" in key:
            continue
        owner = bucket.account or connection.scope.account
        for one in list_objects(connection, bucket.name, named.prefix, most=_MOST, owner=owner):
            number = named.number(one.key)
            if number is not None and is_gone(number):
                yield one


def _objects(
    connection: "Connection", targets: Iterable[Target], is_gone: Callable[[int], bool]
) -> Iterator[tuple[str, tuple[StoredObject, ...]]]:
    """What lies below each prefix of a preview that is gone."""
    from lockstep.engines.aws.objects import list_objects

    prefixes = {(trigger.bucket, trigger.prefix) for one in targets for trigger in one.every_trigger}
    for bucket, prefix in sorted(prefixes):
        named = pattern_of(prefix, NOBODY)
        if named is None or not named.prefix:
            continue
        below = replace(named, pattern=re.compile(f"({named.pattern.pattern}).*", re.DOTALL))
        found: dict[str, list[StoredObject]] = {}
        for one in list_objects(connection, bucket, named.prefix, most=_MOST):
            match = below.pattern.fullmatch(one.key)
            if match and is_gone(int(match[2])):
                found.setdefault(match[1], []).append(one)
        for place, objects in sorted(found.items()):
            yield f"s3://{bucket}/{place}", tuple(objects)
