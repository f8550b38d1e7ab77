"""Pre-releases that pull requests got: those of previews that are gone are offered by ``preview gc``.

A pre-release goes when its own pull request is known to be closed, no preview of that is declared, and no
other target declares its version or ever has; and only one that ``release --pr`` has made.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field

from lockstep.config.preview_tree import read_previews
from lockstep.delivery.places.timeline import read_timelines
from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.previews.ground import Ground
from lockstep.delivery.previews.listing import find_pulls
from lockstep.errors import LockstepError
from lockstep.forge.base import Forge
from lockstep.model.target import service_of
from lockstep.model.watching import SILENT, Watcher
from lockstep.planning.next_version import pull_of, version_in_tag
from lockstep.values import dataclass

__all__ = ["Prereleases", "find_prereleases", "withdraw_prereleases"]

_TAG = "{service}-v{version}"
_AT_ONCE = 100  # that one run looks at: each is a question or two to the forge


@dataclass(frozen=True, kw_only=True, slots=True)
class Prereleases:
    """What may go, each tag with the number of its pull request."""

    tags: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def find_prereleases(ground: Ground, *, watcher: Watcher = SILENT) -> Prereleases:
    """Look for them where the services come from. Changes nothing; what cannot be known stays."""
    workspace = ground.gitops.workspace
    watcher.progress("looking for pre-releases of pull requests")
    try:
        forge = ground.forge()
        found = {
            tag: (service, version, number)
            for service, template in _templates(workspace).items()
            for tag in forge.tags(template.partition("{version}")[0])
            if (version := version_in_tag(tag, template)) is not None
            and (number := pull_of(version)) is not None
        }
        if not found:
            return Prereleases()
        declared = {*read_previews(ground.tree, ground.folder)}
        pulls, _, notes = find_pulls(forge, {number for _, _, number in found.values()} - declared)
        used = _used(workspace)
    except LockstepError as error:
        return Prereleases(notes=(f"pre-releases were not looked at: {error.problem}",))
    if used is None:
        doubt = "this clone holds only the newest commits (git fetch --unshallow)"
        return Prereleases(notes=(f"pre-releases were not looked at: {doubt}",))
    going = {
        tag: number
        for tag, (service, version, number) in sorted(found.items())
        if number in pulls and not pulls[number].is_open and (service, str(version)) not in used
    }
    if len(going) > _AT_ONCE:
        notes = [*notes, f"{len(going) - _AT_ONCE} more pre-releases wait for the next run"]
        going = dict(list(going.items())[:_AT_ONCE])
    ours = _made_by_us(forge, going)
    if len(ours) < len(going):
        others = sorted(going.keys() - ours.keys())
        notes = [*notes, f"{_some(others)} stay: `lockstep release --pr` made no release of them"]
    return Prereleases(tags=ours, notes=tuple(notes))


def withdraw_prereleases(ground: Ground, found: Prereleases) -> None:
    """Delete releases and tags that were found."""
    forge = ground.forge()
    for tag in found.tags:
        forge.withdraw(tag)


def _made_by_us(forge: Forge, tags: Mapping[str, int]) -> dict[str, int]:
    there = ((tag, number, forge.release(tag)) for tag, number in tags.items())
    return {tag: number for tag, number, release in there if release is not None and release.is_trial}


def _templates(workspace: Workspace) -> dict[str, str]:
    """What tags of a service look like: as it says itself, else as the source of its packages does."""
    project = workspace.project
    names = {target.service for target in workspace.fleet.targets.values()} | {*project.sources.services}
    usual = str(project.artifacts.get("tag") or _TAG)
    found: dict[str, str] = {}
    for name in sorted(names):
        source = project.sources.services.get(name)
        template = source.tag if source is not None else usual.replace("{service}", name)
        if template.count("{") == 1 and "{version}" in template:
            found[name] = template
    return found


def _used(workspace: Workspace) -> set[tuple[str, str]] | None:
    """Versions by service that are declared, or that somebody may go back to; None when it is not known."""
    targets = workspace.fleet.targets.values()
    found = {(one.service, one.version) for one in targets if one.version is not None}
    lasting = [one for one in targets if not one.is_preview]
    for key, timeline in read_timelines(workspace, lasting).items():
        if timeline.is_cut:
            return None
        service = service_of(key)
        found |= {(service, era.version) for era in timeline.eras if era.version is not None}
    return found


def _some(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
