"""``preview gc``: what previews have left behind, found and, when asked for, removed.

Folders of closed pull requests and of those whose time is over go in one commit; functions, triggers and
logs of previews that no folder declares go as in every sync, under its guards; then packages. Nothing goes
because it was missing from an answer.
"""

import datetime
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace

from lockstep.config.preview_file import edit_preview
from lockstep.config.preview_tree import folder_of, read_previews
from lockstep.delivery.places.forges import Credentials
from lockstep.delivery.places.gitops import open_gitops
from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.previews.direct import reading_all
from lockstep.delivery.previews.ground import Ground, open_ground
from lockstep.delivery.previews.listing import find_pulls
from lockstep.delivery.previews.packages import StalePackages, delete_packages, find_packages
from lockstep.delivery.previews.prereleases import Prereleases, find_prereleases, withdraw_prereleases
from lockstep.delivery.previews.remains import Remains, find_remains, remove_remains
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.run import run_sync
from lockstep.delivery.sync.session import Session
from lockstep.errors import LockstepError, NotAllowed
from lockstep.forge.base import Forge
from lockstep.model import Plan, Report
from lockstep.model.preview import Preview, PreviewMode, PreviewPolicy, PullSeen
from lockstep.model.tree import Tree
from lockstep.model.watching import SILENT, Watcher
from lockstep.planning.previews import Fate, Judged, judge, number_of, removal_problem
from lockstep.values import dataclass

__all__ = [
    "Ended",
    "Folders",
    "Garbage",
    "Waste",
    "clear",
    "collect",
    "find_folders",
    "find_waste",
    "remove_folders",
    "remove_waste",
]

MARKER = "preview-ends"


@dataclass(frozen=True, kw_only=True, slots=True)
class Folders:
    """Folders of previews, and what is to become of each that does not just stay."""

    judged: tuple[Judged, ...]
    problem: str | None = None  # why none of them may go
    notes: tuple[str, ...] = ()

    def of(self, fate: Fate) -> tuple[Judged, ...]:
        """Those of one fate."""
        return tuple(one for one in self.judged if one.fate is fate)


@dataclass(frozen=True, kw_only=True, slots=True)
class Waste:
    """What lies in AWS without a folder. ``plan`` holds deletes only; None when there are none."""

    plan: Plan | None
    keys: tuple[str, ...]
    packages: StalePackages
    remains: Remains
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """Who tells which previews are over that need no folder, and those whose folders this run removed."""

    forge: Callable[[], Forge]
    now: datetime.datetime
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Garbage:
    """Everything that previews have left behind. ``commit`` is the one that removed their folders."""

    ground: Ground  # after that commit
    options: Options
    folders: Folders
    waste: Waste
    prereleases: Prereleases
    deletes_objects: bool = False
    commit: str | None = None
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def collect(
    ground: Ground,
    options: Options,
    *,
    is_applied: bool,
    now: datetime.datetime,
    days: int,
    most: int | None = None,
    watcher: Watcher = SILENT,
) -> Garbage:
    """Look for all of it; when it is to be applied, folders go at once, and what they leave is found too.

    ``days`` is the age at which a staged package that nobody declares goes. ``most`` objects may go from
    below the prefixes of previews that are gone; with None they are told of and stay. Raises
    LockstepError; NotAllowed for more objects than that.
    """
    folders = find_folders(ground, now=now, allow_deletes=options.allow_deletes, watcher=watcher)
    commit, told = None, folders.notes
    if is_applied and folders.problem is None:
        commit, more = remove_folders(ground, folders, now=now.isoformat(timespec="seconds"))
        told = (*told, *more)
        if commit is not None:
            watcher.progress("fetching the branch")
            where = replace(ground.gitops.workspace.where, rev=None, about=None)
            ground = open_ground(open_gitops(where, ground.gitops.credentials))
            for warning in ground.gitops.workspace.warnings:
                watcher.note(f"warning: {warning}")
    going = folders.of(Fate.REMOVE) if commit is not None else ()
    ended = Ended(forge=ground.forge, now=now, numbers=frozenset(one.preview.number for one in going))
    waste = find_waste(ground.gitops.workspace, options, now=now, days=days, ended=ended, watcher=watcher)
    objects = [one for below in waste.remains.objects.values() for one in below]
    if most is not None and len(objects) > most:
        raise NotAllowed(
            f"{len(objects):,} objects lie below {', '.join(waste.remains.objects)}",
            fix="look at them, then allow more with --most NUMBER, or leave out --delete-objects",
        )
    trials = find_prereleases(ground, watcher=watcher)
    refusals = (folders.problem, *(waste.plan.problems if waste.plan else ()))
    return Garbage(
        ground=ground,
        options=options,
        folders=folders,
        waste=waste,
        prereleases=trials,
        deletes_objects=most is not None,
        commit=commit,
        notes=(*told, *waste.notes, *waste.packages.notes, *trials.notes),
        problems=tuple(text for text in refusals if text),
    )


def clear(garbage: Garbage, *, watcher: Watcher = SILENT, stop: threading.Event) -> Report:
    """Remove what folders left behind. NotAllowed when the delete guard refuses."""
    workspace = garbage.ground.gitops.workspace
    report = remove_waste(
        workspace,
        garbage.options,
        garbage.waste,
        credentials=garbage.ground.gitops.credentials,
        delete_objects=garbage.deletes_objects,
        watcher=watcher,
        stop=stop,
    )
    if report.is_success:
        withdraw_prereleases(garbage.ground, garbage.prereleases)
    return report


def find_folders(
    ground: Ground,
    *,
    now: datetime.datetime,
    allow_deletes: int | None = None,
    watcher: Watcher = SILENT,
) -> Folders:
    """Judge every preview's folder by its pull request and its time. Changes nothing."""
    previews = read_previews(ground.tree, ground.folder)
    if not previews:
        return Folders(judged=())
    watcher.progress("asking the forge")
    notes: list[str] = []
    pulls: Mapping[int, PullSeen] = {}
    opened = 0
    try:
        pulls, opened, notes = find_pulls(ground.forge(), previews)
    except LockstepError as error:
        notes = [f"no folder is removed, since the forge cannot be asked: {error}"]
    judged = judge(previews.values(), pulls, ground.policy, now)
    going = sum(one.fate is Fate.REMOVE for one in judged)
    problem = removal_problem(going, len(previews), opened, allow_deletes)
    return Folders(judged=judged, problem=problem, notes=tuple(notes))


def remove_folders(ground: Ground, folders: Folders, *, now: str) -> tuple[str | None, tuple[str, ...]]:
    """Warn and remove as judged, in one commit. Returns it (None: nothing to do) and notes.

    A preview that somebody has changed since it was judged stays. NotAllowed when a guard is in the way.
    """
    if folders.problem is not None:
        raise NotAllowed(folders.problem)
    warned, notes = _warn(ground, folders)
    going = folders.of(Fate.REMOVE)
    if not going and not warned:
        return None, notes

    def edit(tree: Tree) -> Mapping[str, bytes | None]:
        own = ground.own(tree)
        there = read_previews(own, ground.folder)
        changes: dict[str, bytes | None] = {}
        for one in going:
            number = one.preview.number
            if there.get(number) == one.preview:
                folder = folder_of(ground.folder, number)
                changes |= dict.fromkeys(path for path in (*own.blobs, *own.links) if path.startswith(folder))
        for one in warned:
            number = one.preview.number
            if there.get(number) == one.preview:
                file = f"{folder_of(ground.folder, number)}pr.yaml"
                data = own.read([file])[file]
                changes[file] = edit_preview(data, replace(one.preview, warned=now), file)
        return ground.written(changes)

    written = ground.write(edit, _message(going, warned))
    return (written.commit if written.is_new else None), notes


def _warn(ground: Ground, folders: Folders) -> tuple[tuple[Judged, ...], tuple[str, ...]]:
    """Tell pull requests that the end is near. Those that could be told, and notes on the others."""
    soon = folders.of(Fate.WARN)
    if not soon:
        return (), ()
    forge: Forge = ground.forge()
    told: list[Judged] = []
    notes: list[str] = []
    for one in soon:
        number = one.preview.number
        when = one.ends.isoformat(sep=" ", timespec="minutes") if one.ends else "soon"
        body = (
            f"The preview of this pull request ends at {when}. A push to the pull request, or "
            f"`lockstep preview up --pr {number} --ttl 14d`, keeps it."
        )
        try:
            forge.comment(number, body, marker=MARKER)
        except LockstepError as error:
            notes.append(f"pull request #{number} could not be told that its preview ends: {error}")
        else:
            told.append(one)
    return tuple(told), tuple(notes)


def _message(going: tuple[Judged, ...], warned: tuple[Judged, ...]) -> str:
    parts = []
    if going:
        parts.append(f"{', '.join(one.preview.name for one in going[:5])}{_more(going)} down")
    if warned:
        parts.append(f"{', '.join(one.preview.name for one in warned[:5])}{_more(warned)} warned")
    lines = [f"{one.preview.name}: {one.why}" for one in (*going, *warned)]
    return f"previews: {'; '.join(parts)}\n\n" + "\n".join(lines)


def _more(judged: tuple[Judged, ...]) -> str:
    return f" and {len(judged) - 5} more" if len(judged) > 5 else ""


def find_waste(
    workspace: Workspace,
    options: Options,
    *,
    now: datetime.datetime,
    days: int,
    ended: Ended | None = None,
    watcher: Watcher = SILENT,
) -> Waste:
    """Look for what no folder declares: functions and triggers of previews, logs, and staged packages.

    Where previews need no folder, only those are left over that ``ended`` tells of; without it none is.
    """
    keys, plan, notes = _find_leftovers(workspace, options, ended, watcher)
    packages = find_packages(workspace, options, now=now, days=days, watcher=watcher)
    leaves_logs = workspace.project.environment("preview").traits.leaves_logs
    going = {number for key in keys if leaves_logs and (number := number_of(key)) is not None}
    remains = find_remains(workspace, going=going, watcher=watcher)
    return Waste(plan=plan, keys=keys, packages=packages, remains=remains, notes=(*notes, *remains.notes))


def remove_waste(
    workspace: Workspace,
    options: Options,
    waste: Waste,
    *,
    credentials: Credentials,
    delete_objects: bool = False,
    watcher: Watcher = SILENT,
    stop: threading.Event,
) -> Report:
    """Delete it; what a cluster is to delete, by its manifests in Git. NotAllowed when the guard refuses."""
    report = Report()
    if waste.keys:
        chosen = replace(options, patterns=waste.keys, refresh=True)
        _, report = run_sync(
            reading_all(workspace), chosen, watcher=watcher, stop=stop, credentials=credentials
        )
    if not stop.is_set():
        if report.is_success:
            remove_remains(workspace, waste.remains, delete_objects=delete_objects)
        delete_packages(waste.packages)
    return report


def _find_leftovers(
    workspace: Workspace, options: Options, ended: Ended | None, watcher: Watcher
) -> tuple[tuple[str, ...], Plan | None, tuple[str, ...]]:
    reading = reading_all(workspace)
    session = Session(reading, replace(options, refresh=True), watcher=watcher)
    keys = session.engines.leftovers(reading.fleet)
    notes: tuple[str, ...] = ()
    policy = workspace.project.preview
    if policy.is_direct:
        keys, notes = _over(keys, policy, ended) if ended is not None else ((), ())
    plan = session.plan(keys) if keys else None
    return keys, plan, (*notes, *(plan.notes if plan is not None else ()))


def _over(
    keys: tuple[str, ...], policy: PreviewPolicy, ended: Ended
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Of targets that are live and not declared those of which the preview is over, and notes on others.

    The others may be on their way: they are deployed before anything says so.
    """
    numbers = {number for key in keys if (number := number_of(key)) is not None}
    pulls: Mapping[int, PullSeen] = {}
    notes: list[str] = []
    try:
        if numbers:
            pulls, _, notes = find_pulls(ended.forge(), numbers)
    except LockstepError as error:
        notes = [f"nothing that is live is removed, since the forge cannot be asked: {error}"]
    judged = judge([Preview(number=number) for number in sorted(numbers)], pulls, policy, ended.now)
    over = {one.preview.number for one in judged if one.fate is Fate.REMOVE} | ended.numbers
    if policy.mode is PreviewMode.RECORD:
        notes += [
            f"{one.preview.environment} is live and not recorded, and stays: {one.why}"
            for one in judged
            if one.preview.number not in over
        ]
    return tuple(key for key in keys if number_of(key) in over), tuple(notes)
