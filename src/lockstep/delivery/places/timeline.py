"""Which versions a target declared over time, from the Git history of its declaration."""

from collections.abc import Iterable, Mapping

from lockstep.config.past import said_by
from lockstep.delivery.places.workspace import Workspace
from lockstep.errors import BadInput
from lockstep.git.log import FileHistory, histories
from lockstep.model import Target
from lockstep.model.era import Era
from lockstep.planning.eras import eras_of
from lockstep.values import dataclass

__all__ = ["Timeline", "declaring_file", "read_timeline", "read_timelines"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    """Eras of one target, newest first."""

    target: str
    eras: tuple[Era, ...]
    is_cut: bool = False  # a shallow clone does not hold what came before

    def era_of(self, version: str, *, image: str | None = None) -> Era | None:
        """The newest era of a version, of the image that is named."""
        return next(
            (era for era in self.eras if era.version == version and image in (None, era.said.image)), None
        )


def declaring_file(target: Target) -> str:
    """The file that declares a target's version, relative to the project file's folder."""
    return target.place.rpartition(":")[0]


def read_timeline(workspace: Workspace, target: Target) -> Timeline:
    """The timeline of one declared target; see ``read_timelines``."""
    return read_timelines(workspace, [target])[target.key]


def read_timelines(workspace: Workspace, targets: Iterable[Target]) -> Mapping[str, Timeline]:
    """The timelines of declared targets by key, along the first parents of the workspace's commit.

    BadInput when the workspace has no history.
    """
    chosen = list(targets)
    commit = workspace.tree.commit
    if workspace.repository is None or commit is None:
        raise BadInput("there is no Git history to look at", fix="commit the declarations first")
    files = {target.key: declaring_file(target) for target in chosen}
    paths = {key: f"{workspace.prefix}{file}" for key, file in files.items()}
    found = histories(workspace.repository, paths.values(), commit) if paths else {}
    return {
        target.key: _timeline(workspace, target, files[target.key], found[paths[target.key]])
        for target in chosen
    }


def _timeline(workspace: Workspace, target: Target, file: str, found: FileHistory) -> Timeline:
    source = workspace.project.sources.services.get(target.service)
    changes = [
        (change.commit, said_by(change.content, file, target.service, source), change.is_oldest_known)
        for change in found.changes
    ]
    return Timeline(target=target.key, eras=eras_of(changes), is_cut=found.is_cut)
