"""Environments from one engine to another: every stage is files to commit, and nothing in AWS changes.

How far it has come stands in Git alone: manifests that let go, and ``engine:``. So a run that was stopped is
gone on with by running it again, and a proof is made of what would be committed, before it is written.
"""

import json
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from lockstep.delivery.adoption.apart import bring
from lockstep.delivery.adoption.stages import in_order, leaving, left_behind, let_go, named
from lockstep.delivery.adoption.terraform import differences_of
from lockstep.delivery.places.forges import Credentials
from lockstep.delivery.places.gitops import open_gitops
from lockstep.delivery.places.workspace import PROJECT_FILE, Workspace, open_workspace
from lockstep.delivery.places.writing import write_whole
from lockstep.delivery.sync.manifest_place import ManifestPlace, manifest_place
from lockstep.delivery.sync.manifests import TreeFiles, tidy
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.owners import doubles_in
from lockstep.delivery.sync.rendering import ground_of
from lockstep.delivery.sync.session import Session
from lockstep.engines.terraform.handover import takeover
from lockstep.errors import BadInput, MachineError, NotAllowed
from lockstep.git.commits import commit_files
from lockstep.model import ApplyResource, Plan, Verb
from lockstep.model.engines import AWS, ENGINES, TERRAFORM
from lockstep.model.terraform import CARRIES_KINDS
from lockstep.model.watching import SILENT, Watcher
from lockstep.planning.hand_over import HandOver, Stage, companions, holds_state
from lockstep.roads.letting import AFTER
from lockstep.roads.table import ROADS
from lockstep.roads.unplanned import UNPLANNED
from lockstep.values import dataclass

__all__ = ["Handed", "hand_over"]

_IMPORTS = "imports.tf"
_VALUES = "handover.auto.tfvars.json"  # of variables that Lockstep does not pass
_MOVES = ("import", "forget", "update")
"""What Terraform may do to resources: an update is of where a package lies, which AWS does not tell; what it
changes of a function is judged by the changes of its target."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Handed:
    """What a run of a hand-over came to."""

    way: HandOver | None  # None: nothing was left to hand over
    stage: Stage
    files: tuple[str, ...] = ()  # written or removed, from the project's root
    removed: frozenset[str] = frozenset()  # of these
    brought: tuple[str, ...] = ()  # of the branch that manifests have of their own: what became of it
    differences: tuple[str, ...] = ()  # what would change in AWS, and was allowed to
    notes: tuple[str, ...] = ()
    plan: Plan | None = None  # of the new engine
    moment: str = ""  # when two would own the functions
    steps: tuple[str, ...] = ()  # what is to be done now


def hand_over(
    workspace: Workspace,
    names: Iterable[str],
    heir: str,
    *,
    leaver: str | None = None,
    is_applied: bool = False,
    allow_changes: bool = False,
    module: str = "module.fleet",
    options: Options,
    credentials: Credentials,
    watcher: Watcher = SILENT,
) -> Handed:
    """Take the next step from an environment's engine to another, by files that are to be committed.

    Those on a branch that manifests have of their own are committed there, by the merge policy.

    ``leaver`` is what has to be the engine now. ``is_applied`` says that the cluster has applied manifests
    that let go. NotAllowed where something in AWS would change, unless ``allow_changes``, and where something
    is not committed or was edited; BadInput where the names or the engine cannot be.
    """
    base = _committed(workspace)
    chosen = tuple(dict.fromkeys(names))
    told = ", ".join(chosen)
    place = manifest_place(base)
    way = _way(base, chosen, heir, leaver)
    if way is not None:
        manifests = leaving(place.files, base.project, base.fleet, chosen, way)
        stage = way.stage(manifests.values(), is_applied=is_applied)
    else:
        left = left_behind(place.files, base.project, base.fleet, chosen, ENGINES[heir])
        if not left:
            return _over(chosen, heir)
        way = HandOver(leaver=ENGINES[min(left.values())], heir=ENGINES[heir])
        manifests, stage = dict.fromkeys(left, True), Stage.DROP
    watcher.progress("proving that nothing changes")
    gone: dict[str, bytes | None] = dict.fromkeys(manifests)
    files = {} if stage is Stage.DROP else _entering(base, chosen, way, module, options, watcher)
    draft = _draft(workspace, base, place, files, gone)
    _one_owner(draft, chosen)
    plan, differences, notes = _proof(draft, chosen, way, options, watcher)
    if differences and not allow_changes:
        raise NotAllowed(
            "something in AWS would change: " + "; ".join(differences[:5]),
            where=told,
            doing=f"handing over to {heir}",
            fix="mend that first; or go on with --allow-changes if that is what you want",
        )
    if stage is Stage.LEAVE:
        road = ROADS[str(way.leaver.road)]
        rendering = road.render(ground_of(base, road, None, token=options.github_token, watcher=watcher))
        files, gone = {}, let_go(place.files, manifests, rendering, base.project.name)
    elif stage is Stage.AWAIT:
        files, gone = {}, {}
    brought: tuple[str, ...] = ()
    if place.branch is None:
        files |= {_below(base, path): data for path, data in gone.items()}
    elif gone and stage is not Stage.CHANGE:  # there the engine comes first, which would write them again
        where = replace(workspace.where, rev=None, about=None)
        brought = (bring(open_gitops(where, credentials), place, gone, chosen, way, stage),)
    done = Handed(
        way=way,
        stage=stage,
        files=tuple(sorted(files)),
        removed=frozenset(path for path, data in files.items() if data is None),
        brought=brought,
        differences=tuple(differences),
        notes=tuple(notes),
        plan=replace(plan, commit=base.tree.commit) if plan is not None else None,  # a draft is nobody's
        moment=way.moment(stage, told),
        steps=tuple(_steps(way, stage, chosen, plan, place, has_left=bool(manifests))),
    )
    _write(workspace, base, files)
    return done


def _over(names: tuple[str, ...], heir: str) -> Handed:
    """Nothing is left to hand over."""
    return Handed(
        way=None,
        stage=Stage.DONE,
        moment=HandOver(leaver=ENGINES[heir], heir=ENGINES[heir]).moment(Stage.DONE, ", ".join(names)),
        steps=(f"lockstep plan {' '.join(names)} has nothing to do when the hand-over is over",),
    )


def _committed(workspace: Workspace) -> Workspace:
    """The project as its commit has it: what a cluster may have applied is no file on a disk."""
    if workspace.root is None or workspace.where.rev is not None:
        raise BadInput("a hand-over is written to a folder", where="--rev", fix="leave out --repo and --rev")
    if workspace.repository is None or workspace.tree.commit is None:
        raise BadInput(
            "how far a hand-over has come stands in Git, and this is in no commit",
            where=str(workspace.root),
            fix="commit it first",
        )
    if workspace.uncommitted:
        raise NotAllowed(
            "it is not committed, and a hand-over goes from commit to commit",
            where=workspace.uncommitted[0],
            fix="commit and push it, then run the same command again",
        )
    return open_workspace(replace(workspace.where, rev=workspace.tree.commit))


def _way(base: Workspace, names: tuple[str, ...], heir: str, leaver: str | None) -> HandOver | None:
    """From which engine to which; None where that is done. BadInput for names that it cannot be done for."""
    project = base.project
    known = {*project.environments, *(key.partition("/")[0] for key in base.fleet.targets)}
    for name in names:
        if name not in known:
            raise BadInput(
                "there is no such environment",
                where=name,
                fix=f"an engine is an environment's: {', '.join(sorted(known))}",
            )
    engines = {name: project.environment(name).engine for name in names}
    left = {name: engine for name, engine in engines.items() if engine != heir}
    if not left:
        return None
    found = sorted(set(left.values()))
    if len(found) > 1:
        raise BadInput(
            f"they have different engines: {', '.join(f'{n}: {e}' for n, e in left.items())}",
            where=", ".join(names),
            fix="hand them over one after the other",
        )
    if leaver is not None and found[0] != leaver:
        raise BadInput(
            f"{', '.join(left)} is applied by {found[0]}, not by {leaver}",
            where=project.file,
            fix=f"name what is so: --from {found[0]}",
        )
    way = HandOver(leaver=ENGINES[found[0]], heir=ENGINES[heir])
    missing = dict(companions(project, base.fleet, names, way))
    if missing:
        name, what = next(iter(missing.items()))
        raise BadInput(
            f"{name} shares {what}, which one engine alone can apply",
            where=", ".join(names),
            fix=f"hand them over at once: {' '.join([*names, *missing])}",
        )
    return way


def _entering(
    base: Workspace,
    names: tuple[str, ...],
    way: HandOver,
    module: str,
    options: Options,
    watcher: Watcher,
) -> dict[str, bytes | None]:
    """The line that names the new engine, and what a state of Terraform's has to learn."""
    text = base.tree.read([PROJECT_FILE])[PROJECT_FILE]
    files: dict[str, bytes | None] = {PROJECT_FILE: named(text, base.project, names, way)}
    if way.imports:
        files |= _imports(base, names, module, options, watcher)
    return files


def _imports(
    base: Workspace, names: tuple[str, ...], module: str, options: Options, watcher: Watcher
) -> dict[str, bytes | None]:
    """Import blocks for each folder of Terraform's that lies in this repository and holds the module."""
    folders: dict[str, list[str]] = {}
    for name in names:
        block = base.project.environment(name).terraform
        if block is not None and block.repository is None and block.mapping == CARRIES_KINDS:
            folders.setdefault(block.folder, []).append(name)
    files: dict[str, bytes | None] = {}
    session = Session(_applied_by(base, names, AWS.name), replace(options, checked=False), watcher=watcher)
    for folder, members in folders.items():
        keys = _functions(base, members)
        if not keys:
            continue
        session.plan(tuple(keys))
        read, desired = session.read, session.resolved(tuple(keys))
        taken = takeover([key for key in keys if key in read.targets], desired, read, module)
        texts = {_IMPORTS: taken.imports}
        if taken.foreign or taken.order:
            more = {"foreign_notifications": taken.foreign, "notification_order": taken.order}
            texts[_VALUES] = json.dumps({key: one for key, one in more.items() if one}, indent=2) + "\n"
        there = TreeFiles(base.tree, "")
        for name, text in texts.items():
            path = posixpath.normpath(posixpath.join(folder, name))
            if there.read(path) not in (None, text):
                raise BadInput("the file is there already, with something else", where=path, fix="rename it")
            files[path] = text.encode()
    return files


def _draft(
    workspace: Workspace,
    base: Workspace,
    place: ManifestPlace,
    files: Mapping[str, bytes | None],
    gone: Mapping[str, bytes | None],
) -> Workspace:
    """The project as it would be with the files, and without what let go: read and validated.

    It is in commits that nothing names.
    """
    repository = workspace.repository
    assert repository is not None  # noqa: S101 - ``_committed`` has looked
    message = "a draft of Lockstep"
    manifests = place.commit
    if place.branch is None:
        files = {**{_below(base, path): data for path, data in gone.items()}, **files}
    elif gone:
        manifests = commit_files(repository, parent=place.commit, changes=gone, message=message)
    commit = commit_files(
        repository,
        parent=base.tree.commit,
        changes={f"{base.prefix}{path}": data for path, data in files.items()},
        message=message,
    )
    where = replace(workspace.where, rev=commit, about="what would be committed")
    return replace(open_workspace(where), manifests=manifests)


def _one_owner(draft: Workspace, names: tuple[str, ...]) -> None:
    """NotAllowed where another manifest would own what the new engine is to apply."""
    for one in doubles_in(draft.project, draft.fleet, manifest_place(draft).files):
        if one.environment.name in names:
            raise NotAllowed(one.problem, fix=one.fix)


def _proof(
    draft: Workspace, names: tuple[str, ...], way: HandOver, options: Options, watcher: Watcher
) -> tuple[Plan | None, list[str], list[str]]:
    """The new engine's plan, what it would change in AWS, and what has to be known."""
    keys = _functions(draft, names)
    if not keys:
        return None, [], []
    asked = replace(options, patterns=tuple(keys), checked=False, adopt=True, refresh=True)
    session = Session(draft, asked, watcher=watcher)
    plan = session.plan(asked.patterns)
    differences = list(_differing(plan))
    if (ask := UNPLANNED.get(way.heir.road or "")) is not None:
        reading = Session(_applied_by(draft, names, AWS.name), asked, watcher=watcher)
        reading.plan(asked.patterns)
        differences += ask(draft.project, reading.read, draft.fleet, keys)
    if holds_state(way.heir) and way.heir.name != TERRAFORM.name:
        # The cluster runs the same folder on the same state with the same variables.
        played = Session(_applied_by(draft, names, TERRAFORM.name), asked, watcher=watcher)
        differences += [f"by Terraform: {one}" for one in _differing(played.plan(asked.patterns))]
    return plan, list(dict.fromkeys(differences)), list(plan.notes)


def _differing(plan: Plan) -> Iterator[str]:
    """What a plan would change of what is there, or would make or take away."""
    yield from differences_of(plan)
    for one in plan.targets:
        if one.problem is None and one.verb in (Verb.CREATE, Verb.DELETE):
            yield f"{one.target}: {one.verb}"
    for step in plan.steps:
        if isinstance(step, ApplyResource) and step.action not in _MOVES:
            yield f"{step.address}: {step.action}"


def _steps(
    way: HandOver,
    stage: Stage,
    names: tuple[str, ...],
    plan: Plan | None,
    place: ManifestPlace,
    *,
    has_left: bool,
) -> Iterator[str]:
    """What is to be done after a run, in its order."""
    told, again = " ".join(names), f"lockstep eject {' '.join(names)} --to {way.heir.name}"
    if stage in (Stage.LEAVE, Stage.AWAIT):
        if stage is Stage.LEAVE and place.branch is None:
            yield "commit and push what was written"
        yield "wait until the cluster has applied it"
        yield f"{again} --applied"
        return
    if stage is Stage.CHANGE or place.branch is None:
        yield "commit and push what was written"
    if stage is Stage.CHANGE and place.branch is not None and has_left:
        yield f"{again}, which takes what let go off the branch {place.branch}"
        return
    if way.lets_go:
        yield f"wait until the cluster has dropped the objects; {AFTER[str(way.leaver.road)]}"
    is_adopting = plan is not None and any(one.verb is Verb.ADOPT for one in plan.targets)
    yield f"lockstep sync {told}{' --adopt' if is_adopting and way.heir == AWS else ''}"
    if way.forgets:
        yield (
            f"let the state forget what it does not apply any more: "
            f"lockstep adopt {told} --from terraform > removed.tf"
        )


def _write(workspace: Workspace, base: Workspace, files: Mapping[str, bytes | None]) -> None:
    """Write and remove files, the one that names the engine last: until then a run begins anew.

    NotAllowed for a file that is neither as it is committed nor as it is to be.
    """
    root = workspace.root
    assert root is not None  # noqa: S101 - ``_committed`` has looked
    there = TreeFiles(base.tree, "")
    try:
        for path, data in files.items():
            place = root / path
            now = place.read_bytes() if place.is_file() else None
            before = there.read(path)
            if now not in (data, None if before is None else before.encode()):
                raise NotAllowed("it is not as it is committed", where=path, fix="commit it, or undo it")
        for path in in_order(files, PROJECT_FILE):
            data = files[path]
            if data is None:
                (root / path).unlink(missing_ok=True)
                tidy((root / path).parent, root)
            else:
                write_whole(root / path, data.decode())
    except OSError as error:
        raise MachineError.of(error) from error


def _functions(workspace: Workspace, names: Iterable[str]) -> list[str]:
    wanted = set(names)
    targets = workspace.fleet.targets.items()
    return [key for key, one in targets if one.function is not None and key.partition("/")[0] in wanted]


def _applied_by(workspace: Workspace, names: Iterable[str], engine: str) -> Workspace:
    """The workspace as if an engine applied the environments."""
    project = workspace.project
    changed = {name: replace(project.environment(name), engine=engine) for name in names}
    return replace(workspace, project=replace(project, environments={**project.environments, **changed}))


def _below(base: Workspace, path: str) -> str:
    """A path below the folder of the manifests, from the project's root."""
    return path if base.project.folder in ("", ".") else f"{base.project.folder}/{path}"
