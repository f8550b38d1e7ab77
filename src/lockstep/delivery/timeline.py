"""Which versions a target ran over time, from the Git history of its declaration."""

from dataclasses import dataclass

from lockstep.config.said import said_by
from lockstep.delivery.workspace import Workspace
from lockstep.errors import BadInput
from lockstep.git.log import contents_over_time
from lockstep.model import Target
from lockstep.model.era import Era, Said
from lockstep.planning.eras import eras_of, taken_back

__all__ = ["Timeline", "declaring_file", "read_timeline"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    """Eras of one target, newest first."""

    target: str
    eras: tuple[Era, ...]
    bad: frozenset[str] = frozenset()  # versions that were taken back
    is_cut: bool = False  # a shallow clone does not hold what came before

    def era_of(self, version: str) -> Era | None:
        """The newest era of a version."""
        return next((era for era in self.eras if era.version == version), None)


def declaring_file(target: Target) -> str:
    """The file that declares a target's version, relative to the project file's folder."""
    return target.place.rpartition(":")[0]


def read_timeline(workspace: Workspace, target: Target) -> Timeline:
    """The timeline of a declared target, along the first parents of the workspace's commit.

    BadInput when the workspace has no history.
    """
    commit = workspace.tree.commit
    if workspace.repository is None or commit is None:
        raise BadInput(
            "there is no Git history to look at", where=target.key, fix="commit the declarations first"
        )
    file = declaring_file(target)
    source = workspace.project.sources.services.get(target.service)
    found = contents_over_time(workspace.repository, f"{workspace.prefix}{file}", commit)
    changes = [
        (change.commit, said_by(change.content, file, target.service, source), change.is_oldest_known)
        for change in found.changes
    ]
    saids: list[Said] = [said for _, said, _ in changes]
    return Timeline(target=target.key, eras=eras_of(changes), bad=taken_back(saids), is_cut=found.is_cut)
