"""``render``: the desired fleet as manifests of one road, in a folder. Nobody but the sources of packages is
asked: no cluster, and not AWS."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockstep.delivery.places.selection import check_patterns
from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.sync.folders import fill, folder_of
from lockstep.delivery.sync.manifests import (
    Fate,
    FileChange,
    Files,
    FolderFiles,
    apply_changes,
    changes_in,
    check_is_writable,
    texts_of,
)
from lockstep.delivery.sync.packages import open_sources, with_package, with_packages
from lockstep.errors import BadInput, BadInputs, LockstepError, MachineError
from lockstep.model import Fleet, Obstacle, Package, Project, Release, Scope, Target
from lockstep.model.fleet import partition_of
from lockstep.model.watching import SILENT, Watcher
from lockstep.regexes import regex
from lockstep.roads.base import (
    Ground,
    Loss,
    Manifest,
    Need,
    Rendering,
    Road,
    State,
    identity_of,
    is_chosen,
)
from lockstep.roads.losses import loss
from lockstep.roads.schema import Schemas, problems_of, schemas_of
from lockstep.values import dataclass

if TYPE_CHECKING:
    from lockstep.engines.terraform import Source
    from lockstep.engines.terraform.runs import Run

__all__ = [
    "Rendered",
    "compare",
    "ground_of",
    "render",
    "rendered_text",
    "state_of",
    "what_stays",
    "without_stuck",
]

_HEAD = regex(r"^([A-Za-z]\w*):[ \t]+[\"']?([\w./-]+)[\"']?[ \t]*(?:#.*)?$", re.MULTILINE)
_NAMED = regex(r"^(?:kind|  name): .*$", re.MULTILINE)  # of objects, as manifests have them
_HEADED = regex(
    r"(?:environments/(?!preview/)[^/]+/[^/]+/config|services/[^/]+/config"
    r"|environments/preview/services/[^/]+/config|environments/preview/pr-\d+/services/[^/]+\.values)\.yaml\Z"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendered:
    """What a road made of the fleet, and what became of the files."""

    rendering: Rendering
    changes: tuple[FileChange, ...] = ()

    @property
    def left_alone(self) -> tuple[FileChange, ...]:
        """Files that somebody else has a hand in, and that are not as the declarations give them."""
        return tuple(one for one in self.changes if one.fate in (Fate.EDITED, Fate.FOREIGN))

    @property
    def differing(self) -> tuple[FileChange, ...]:
        """Files that are not what the declarations give."""
        same = (Fate.UNCHANGED, Fate.HELD, Fate.LEAVING)
        return tuple(one for one in self.changes if one.fate not in same)


def render(
    workspace: Workspace,
    road: Road,
    patterns: tuple[str, ...],
    folder: Path | None,
    *,
    is_check: bool = False,
    force: bool = False,
    crds: Path | None = None,
    token: str | None = None,
    watcher: Watcher = SILENT,
) -> Rendered:
    """Render the fleet and write what differs into a folder, by default the project's own tree.

    ``is_check`` writes nothing. ``crds`` is a folder of definitions of custom resources, by which every
    object is judged before anything is written. Raises BadInput for what is wrong with all of it.
    """
    check_patterns(workspace, patterns)
    into = _into(workspace, folder)
    there = FolderFiles(into)
    ground = ground_of(workspace, road, into, token=token, watcher=watcher)
    done = compare(workspace, road, ground, there, patterns, force=force, crds=crds)
    if not is_check:
        apply_changes(into, done.changes)
    return done


def compare(
    workspace: Workspace,
    road: Road,
    ground: Ground,
    there: Files,
    patterns: tuple[str, ...],
    *,
    force: bool,
    crds: Path | None,
) -> Rendered:
    """What a road makes of the fleet, and what would become of files. Changes nothing."""
    rendering = road.render(ground)
    if crds is not None:
        _judge(rendering, _read_schemas(crds), crds, there)
    changes = changes_in(
        there,
        road,
        rendering,
        workspace.project.name,
        patterns=patterns,
        declared=workspace.fleet.targets,
        doubts=workspace.fleet.doubts,
        force=force,
    )
    if not force:
        changes, losses = without_stuck(road, rendering, changes)
        rendering = replace(rendering, losses=(*rendering.losses, *losses))
    kept = what_stays(road, rendering, changes)
    rendering = replace(rendering, losses=(*rendering.losses, *kept))
    return Rendered(rendering=rendering, changes=tuple(changes))


def without_stuck(
    road: Road, rendering: Rendering, changes: Sequence[FileChange]
) -> tuple[list[FileChange], list[Loss]]:
    """The changes without those that take away what the road never takes away, and why."""
    made = {one.path: one for one in rendering.manifests}
    kept: list[FileChange] = []
    losses: list[Loss] = []
    for one in changes:
        text = one.there if one.fate is Fate.WRITTEN else None
        stuck = _stuck(text, road, made[one.path], one.text) if text is not None else []
        for row, member in stuck:
            place = f"{one.path}:{_line(text or '', member)}"
            losses.append(loss(road.name, row, one.owner, place, member=member))
        kept.append(replace(one, fate=Fate.HELD) if stuck else one)
    return kept, losses


def what_stays(road: Road, rendering: Rendering, changes: Sequence[FileChange]) -> list[Loss]:
    """What is taken out of the manifests, and not out of AWS: deletions that a road keeps from happening."""
    made = {one.path: one for one in rendering.manifests}
    losses: list[Loss] = []
    for one in changes:
        if one.fate not in (Fate.WRITTEN, Fate.REMOVED) or (text := one.there) is None:
            continue
        if set(_NAMED.findall(text)) <= set(_NAMED.findall(one.text)):
            continue
        wanted = made[one.path].objects if one.fate is Fate.WRITTEN else ()
        after = {identity_of(each) for each in wanted}
        gone = [each for identity, each in _objects_in(text).items() if identity not in after]
        for what in road.kept(gone):
            losses.append(loss(road.name, "deletion", one.owner, f"{one.path}:1", what=what))
    return losses


def _stuck(there: str, road: Road, manifest: Manifest, text: str) -> list[tuple[str, str]]:
    """Changes of a file that would never be carried out, each with its row and its member."""
    if not road.may_stick(there, text):
        return []
    return list(dict.fromkeys(road.stuck(_objects_in(there).values(), manifest.objects)))


def _line(text: str, name: str) -> int:
    """The line of a member in a manifest of ours."""
    start = f"{name.rpartition('.')[2]}:"
    return next((at for at, line in enumerate(text.splitlines(), 1) if line.strip().startswith(start)), 1)


def _objects_in(text: str | None) -> Mapping[tuple[object, ...], Mapping[str, Any]]:
    """The objects of a file that is there, by what Kubernetes tells them by; none of a file of others."""
    try:
        found = _documents(text or "")
    except ValueError:
        return {}
    return {identity_of(one): one for one in found if isinstance(one, Mapping)}


def _documents(data: bytes | str) -> list[object]:
    """The documents of a YAML file. Raises ValueError for what is none."""
    import yaml

    try:
        return list(yaml.load_all(data, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


def rendered_text(
    workspace: Workspace,
    road: Road,
    patterns: tuple[str, ...],
    *,
    crds: Path | None = None,
    token: str | None = None,
    watcher: Watcher = SILENT,
) -> tuple[Rendered, str]:
    """The same as one text, for no folder at all."""
    check_patterns(workspace, patterns)
    rendering = road.render(ground_of(workspace, road, None, token=token, watcher=watcher))
    if crds is not None:
        _judge(rendering, _read_schemas(crds), crds)
    texts = texts_of(rendering, workspace.project.name)
    chosen = (text for _, (manifest, text) in sorted(texts.items()) if is_chosen(manifest.owner, patterns))
    return Rendered(rendering=rendering), "".join(chosen)


def ground_of(
    workspace: Workspace,
    road: Road,
    into: Path | None,
    *,
    token: str | None = None,
    watcher: Watcher = SILENT,
) -> Ground:
    """What a road is given: the whole fleet with what it needs besides."""
    project = workspace.project
    fleet = replace(workspace.fleet, selection=())
    fleet = _with_pins(fleet, project)
    if Need.PACKAGES in road.needs:
        watcher.progress("finding packages")
        fleet = _with_roles(_with_the_rest(workspace, fleet, token), project)
    tree = f"{workspace.prefix}{project.folder}" if project.folder != "." else workspace.prefix.rstrip("/")
    branch = project.kubernetes.branch if into is None else None
    return Ground(
        project=project,
        fleet=fleet,
        fill=fill,
        folder="." if branch is not None else _folder(workspace, into) or tree or ".",
        branch=branch,
        tree=tree or ".",
        states=_states(workspace, fleet) if Need.STATES in road.needs else (),
        files=workspace.files,
        heads=_heads(workspace, tree) if Need.HEADS in road.needs else {},
    )


def _into(workspace: Workspace, folder: Path | None) -> Path:
    """The folder that is written to, which has to be there or to be made below one that is."""
    if folder is None:
        if workspace.root is None or workspace.where.rev is not None:
            raise BadInput(
                "there is no folder to write to: what is read is a commit",
                where="-o",
                fix="name a folder with -o, or - for all of it on the terminal",
            )
        if workspace.previews is not None:
            raise BadInput(
                "previews have a branch of their own, and their manifests would lie in this one",
                where=workspace.project.preview.place,
                fix="name a folder for all manifests with -o",
            )
        folder = workspace.root / workspace.project.folder
    check_is_writable(str(folder), set())
    return folder


def _folder(workspace: Workspace, into: Path | None) -> str | None:
    """The folder of the manifests from the repository's root; None when it lies elsewhere."""
    root = workspace.root
    if into is None or root is None:
        return None
    prefix = workspace.prefix.rstrip("/")
    top = root.resolve().parents[prefix.count("/")] if prefix else root.resolve()
    at = into.resolve()
    return at.relative_to(top).as_posix() if at.is_relative_to(top) else None


def _with_pins(fleet: Fleet, project: Project) -> Fleet:
    """The fleet with the packages that are known by their pins, wherever they come from."""
    targets = dict(fleet.targets)
    for key, target in targets.items():
        release = target.release
        if target.function is None or release is None or release.sha256 is None:
            continue
        package = _pinned(release, project, target)
        if package is not None:
            targets[key] = with_package(target, package)
    return replace(fleet, targets=targets)


def _pinned(release: Release, project: Project, target: Target) -> Package | None:
    """The package as it is staged, or as it lies in the package bucket from the beginning."""
    bucket = project.packages_for(target.environment)
    digest = release.sha256
    if digest is None:
        return None
    options = release.options
    is_in_place = release.source == "s3" and (bucket is None or options.get("bucket") == bucket.name)
    if is_in_place:
        return Package(
            sha256=digest,
            size=0,
            bucket=options["bucket"],
            key=options["key"],
            origin=release.name,
            object_version=options.get("objectVersion"),
        )
    if bucket is None:
        return None
    key = release.staged_key.replace("{sha256}", digest)
    return Package(sha256=digest, size=0, bucket=bucket.name, key=key, origin=release.name)


def _with_the_rest(workspace: Workspace, fleet: Fleet, token: str | None) -> Fleet:
    """The fleet with the packages of targets without a pin, as their sources have them."""
    wanted = [
        key
        for key, one in fleet.targets.items()
        if one.function is not None and one.release is not None and one.function.code.package is None
    ]
    if not wanted:
        return fleet
    from lockstep.engines.aws.connection import Connections

    catalog = open_sources(workspace, Connections(None), token)
    found, _ = with_packages(replace(fleet, selection=tuple(wanted)), catalog, workspace.project)
    return replace(found, selection=())


def _with_roles(fleet: Fleet, project: Project) -> Fleet:
    """The fleet with roles as ARNs, where the environment's account is declared."""
    targets = dict(fleet.targets)
    for key, target in targets.items():
        role = target.function.settings.get("role") if target.function is not None else None
        if target.function is None or not isinstance(role, str) or role.startswith("arn:"):
            continue
        environment = project.environment(target.environment)
        if environment.account is None:
            why = f"{target.environment} has no account, which the ARN of the role {role} holds"
            fix = f"write account: for it in {project.file}"
            targets[key] = replace(target, obstacle=Obstacle(text=f"{why}\n  fix: {fix}"))
            continue
        region = environment.region or ""
        scope = Scope(account=environment.account, region=region, partition=partition_of(region))
        settings = {**target.function.settings, "role": scope.role_arn(role)}
        targets[key] = replace(target, function=replace(target.function, settings=settings))
    return replace(fleet, targets=targets)


def _states(workspace: Workspace, fleet: Fleet) -> tuple[State, ...]:
    """Every state that an environment names, with what is declared as its variables."""
    from lockstep.engines.terraform.runs import states_of

    return tuple(
        state_of(run, fleet, workspace.project.name, partial(folder_of, workspace, run.settings))
        for run in states_of(workspace.project.environments.values())
    )


def state_of(run: "Run", fleet: Fleet, project: str, folder: Callable[[], "Source"]) -> State:
    """The state of one run, with what the fleet declares as the variables that its ``folder`` takes."""
    from lockstep.engines.terraform.files import read_files
    from lockstep.engines.terraform.variables import share_of, variables_for

    targets = run.targets(fleet)
    state = State(name=run.name, settings=run.settings, keys=tuple(sorted(targets)))
    try:
        source = folder()
        files = read_files(source, run.settings.place)
        state = replace(state, folder=source.folder, backend=files.backend)
        shares = {key: share_of(run, one, files.variables, fill) for key, one in targets.items()}
        return replace(state, variables=variables_for(run, shares, files.variables, project))
    except LockstepError as error:
        return replace(state, problem=(error.problem, error.fix or ""))


def _heads(workspace: Workspace, tree: str) -> Mapping[str, Mapping[str, str]]:
    """What files that generators find say at their top, by their paths from the repository's root."""
    folder = workspace.project.folder
    start = "" if folder == "." else f"{folder}/"
    paths = [
        path for path in workspace.tree.blobs if path.startswith(start) and _HEADED.match(path[len(start) :])
    ]
    contents = workspace.tree.read(paths)
    return {
        f"{workspace.prefix}{path}": dict(_HEAD.findall(contents[path].decode("utf-8", "replace")))
        for path in sorted(paths)
    }


def _read_schemas(folder: Path) -> Schemas:
    documents: list[object] = []
    if not folder.is_dir():
        raise BadInput(
            "there is no such folder",
            where=str(folder),
            fix="name one with --crds that holds definitions: kubectl get crd -o yaml NAME > FILE writes one",
        )
    try:
        for path in sorted(folder.iterdir()):
            if path.suffix in (".yaml", ".yml", ".json"):
                documents += _documents(path.read_bytes())
    except OSError as error:
        raise MachineError.of(error) from error
    except ValueError as error:
        raise BadInput(
            f"{error}", where=str(folder), fix="keep definitions of resources there alone"
        ) from None
    try:
        schemas = schemas_of(documents)
    except (KeyError, TypeError, AttributeError):
        schemas = {}
    if not schemas:
        raise BadInput(
            "no definition of a custom resource is there",
            where=str(folder),
            fix="kubectl get crd -o yaml NAME > FILE writes one",
        )
    return schemas


def _judge(rendering: Rendering, schemas: Schemas, folder: Path, there: Files | None = None) -> None:
    """Refuse what the definitions of a cluster do not take. Raises BadInput or BadInputs."""
    errors = [
        BadInput(problem, where=path, fix=fix)
        for path, problem, fix in _refused(rendering, schemas, folder, there)
    ]
    if errors:
        raise errors[0] if len(errors) == 1 else BadInputs(errors)


def _refused(
    rendering: Rendering, schemas: Schemas, folder: Path, there: Files | None
) -> Iterator[tuple[str, str, str]]:
    for manifest in rendering.manifests:
        before = _objects_in(there.read(manifest.path) if there is not None else None)
        for one in manifest.objects:
            for problem in problems_of(one, schemas, before.get(identity_of(one))):
                about = f"{one.get('kind')} {one.get('metadata', {}).get('name')}: {problem}"
                fix = (
                    f"install a newer controller, or do not declare it; {folder} holds what the cluster takes"
                )
                yield manifest.path, about, fix
