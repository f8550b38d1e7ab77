"""``diff``: two versions of a target, two environments, or Git against what is live."""

import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lockstep.delivery.places.timeline import read_timeline
from lockstep.delivery.places.workspace import Workspace, open_workspace
from lockstep.delivery.sync.options import Options
from lockstep.delivery.trying.place import find_place
from lockstep.errors import ArtifactError, BadInput, LockstepError
from lockstep.model import Explained, Package, Target
from lockstep.model.differing import Difference, FileChange, ValueChange
from lockstep.model.masking import without_literals
from lockstep.model.watching import SILENT, Watcher
from lockstep.values import dataclass

if TYPE_CHECKING:
    from lockstep.delivery.sync.session import Session

__all__ = ["compare"]

GIT, LIVE = "git", "live"
_VERSION = ("lambda.version", "lambdaVersion", "version")  # told once, as the version
_LARGEST = 262_144_000  # bytes of a package, Lambda's limit unpacked


@dataclass(frozen=True, kw_only=True, slots=True)
class _Side:
    """One side: what declares it, and what gives its package, or says why there is none."""

    name: str
    target: Target
    values: Mapping[str, Explained] | None  # None: AWS says them, compared by a plan
    package: Callable[[], tuple[str, Path]]


def compare(
    workspace: Workspace, key: str, sides: tuple[str, str], options: Options, *, watcher: Watcher = SILENT
) -> Difference:
    """How two sides of a target differ; each is ``git``, ``live``, an environment or a version.

    Raises BadInput for a side that is none of these, LockstepError when nothing can be compared.
    """
    from lockstep.artifacts.compare import compare_packages
    from lockstep.delivery.sync.options import Purpose
    from lockstep.delivery.sync.session import Session

    place = find_place(workspace, key)
    if sides[0] == sides[1]:
        raise BadInput(f"both sides are {sides[0]}", where=key, fix="name two that may differ")
    session = Session(workspace, options, purpose=Purpose.STATUS, watcher=watcher)
    with tempfile.TemporaryDirectory(prefix="lockstep-diff-") as folder:
        old, new = (_side(session, place.target, name, Path(folder)) for name in sides)
        values = _live_changes(session, old, new) if LIVE in sides else _declared_changes(old, new)
        if LIVE in sides and GIT not in sides:
            watcher.note(f"note: what is live is compared with the values of git only: lockstep diff {key}")
        files: tuple[FileChange, ...] = ()
        notes: tuple[str, ...] = ()
        packages, same = ("", ""), 0
        try:
            watcher.progress("fetching two packages")
            (first, before), (second, after) = old.package(), new.package()
            packages = (first, second)
            files, same = compare_packages(before, after)
        except (ArtifactError, BadInput) as error:
            fix = f"; {error.fix}" if error.fix else ""
            notes = (f"the packages were not compared: {error.problem}{fix}",)
    return Difference(
        target=key,
        sides=sides,
        values=values,
        packages=packages,
        files=tuple(replace(one, lines=tuple(without_literals(line) for line in one.lines)) for one in files),
        same=same,
        notes=notes,
    )


def _side(session: "Session", key: str, name: str, folder: Path) -> _Side:
    workspace = session.workspace
    targets = workspace.fleet.targets
    target = targets[key]
    if name == LIVE:
        return _Side(
            name=name, target=target, values=None, package=lambda: _live_package(session, target, folder)
        )
    environments = {one.environment for one in targets.values()}
    if name in environments:
        other = targets.get(f"{name}/{target.service}")
        if other is None or other.function is None:
            raise BadInput(
                f"{target.service} is no function in {name}", where=key, fix="name another environment"
            )
        target = other
    elif name != GIT:
        if target.release is None:
            raise BadInput("it has no package", where=key, fix="compare git with live")
        if not name[:1].isdigit():
            there = ", ".join(sorted(one for one in environments if not one.startswith("preview/")))
            raise BadInput(
                f"{name!r} is neither git, live, an environment nor a version",
                where=key,
                fix=f"write for example {target.version or '1.0.0'} or one of: {there}",
            )
        return _version_side(session, target, name)
    return _declared(session, workspace, name, target)


def _declared(session: "Session", workspace: Workspace, name: str, target: Target) -> _Side:
    from lockstep.config.explain import explain

    values = {one.path: one for one in explain(workspace.tree, workspace.project, target.key, None)}
    return _Side(
        name=name,
        target=target,
        values=values,
        package=lambda: _declared_package(session, target),
    )


def _version_side(session: "Session", target: Target, version: str) -> _Side:
    """A version as Git declared it when it was last declared; else as it would be declared now."""
    workspace = session.workspace
    if version == target.version:
        return _declared(session, workspace, version, target)
    era = read_timeline(workspace, target).era_of(version)
    if era is not None:
        then = open_workspace(replace(workspace.where, rev=era.sha))
        if (found := then.fleet.targets.get(target.key)) is not None:
            return _declared(session, then, version, found)
    assert target.release is not None  # noqa: S101 - the caller has looked
    now = re.compile(rf"(?<![0-9A-Za-z.]){re.escape(target.version or '')}(?![0-9A-Za-z])")
    options = {name: now.sub(version, text) for name, text in target.release.options.items()}
    release = replace(target.release, version=version, sha256=None, options=options)
    return _declared(session, workspace, version, replace(target, version=version, release=release))


def _declared_package(session: "Session", target: Target) -> tuple[str, Path]:
    if target.release is None:
        raise BadInput("it runs an image, which has no files here", where=target.key)
    bucket = session.workspace.project.packages_for(target.environment)
    package: Package = session.catalog.package(target.release, bucket.name if bucket else None)
    return f"{package.sha256[:8]}… {package.origin}", session.catalog.fetch(package)


def _live_package(session: "Session", target: Target, folder: Path) -> tuple[str, Path]:
    """The code that AWS hands out for ten minutes under a URL that nobody else is shown."""
    from lockstep.artifacts.checks import sha256_of
    from lockstep.artifacts.web import Web
    from lockstep.engines.aws.connection import Connections
    from lockstep.engines.aws.finding import code_location

    assert target.function is not None  # noqa: S101 - find_place has looked
    connection = Connections().get(session.workspace.project.environment(target.environment))
    location = code_location(connection, target.function.name, target.qualifier)
    if not location:
        raise BadInput("nothing is live there that has a package", where=target.key, fix="lockstep sync")
    into = folder / "live.zip"
    got = Web().download(str(location), into, limit=_LARGEST)
    if got.status != 200:
        raise ArtifactError(f"AWS did not hand out the live code (status {got.status})", where=target.key)
    return f"{sha256_of(into)[:8]}… live", into


def _declared_changes(old: _Side, new: _Side) -> tuple[ValueChange, ...]:
    first, second = old.values or {}, new.values or {}
    found = []
    if old.target.version != new.target.version:
        found.append(ValueChange(path="version", old=old.target.version, new=new.target.version))
    for path in sorted({*first, *second}):
        a, b = first.get(path), second.get(path)
        before, after = (one.value if one and not one.unused else None for one in (a, b))
        if path not in _VERSION and before != after:
            found.append(
                ValueChange(
                    path=path,
                    old=before,
                    new=after,
                    old_place=a.origins[-1].place if a and a.origins else "",
                    new_place=b.origins[-1].place if b and b.origins else "",
                )
            )
    return tuple(found)


def _live_changes(session: "Session", old: _Side, new: _Side) -> tuple[ValueChange, ...]:
    """What a sync of the declared side would change, told in the direction that was asked for."""
    is_forward = old.name == LIVE
    declared = new if is_forward else old
    if declared.target.key != (old if is_forward else new).target.key or declared.name not in (GIT, LIVE):
        return ()  # only what Git declares of this very target can be held against AWS's configuration
    plan = session.plan((declared.target.key,))
    for target in plan.targets:
        if target.target == declared.target.key:
            if target.problem is not None:
                raise LockstepError(target.problem, where=target.target)
            place = target.place
            return tuple(
                ValueChange(
                    path=change.path,
                    old=change.old if is_forward else change.new,
                    new=change.new if is_forward else change.old,
                    old_place="live" if is_forward else place,
                    new_place=place if is_forward else "live",
                )
                for change in target.changes
            )
    return ()
