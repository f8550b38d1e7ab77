"""A hand-over's files on the branch that manifests have of their own: there at once, by the merge policy."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from lockstep.delivery.places.gitops import GitOps
from lockstep.delivery.places.proposal import Proposal, propose, told
from lockstep.delivery.sync.manifest_place import ManifestPlace
from lockstep.delivery.sync.manifests import TreeFiles
from lockstep.errors import NotAllowed
from lockstep.model.tree import Tree
from lockstep.planning.hand_over import HandOver, Stage
from lockstep.planning.handing import strictest

__all__ = ["bring"]

_TITLES = {Stage.LEAVE: "let go for {heir}", Stage.DROP: "leave {road} for {heir}"}


def bring(
    gitops: GitOps,
    place: ManifestPlace,
    files: Mapping[str, bytes | None],
    names: Iterable[str],
    way: HandOver,
    stage: Stage,
) -> str:
    """Commit the files of a stage to the branch, or propose them, and say what became of it.

    NotAllowed for a file that is not as it was read.
    """
    if place.branch is None:
        raise ValueError("the manifests lie among the declarations")

    def edit(tree: Tree) -> Mapping[str, bytes | None]:
        now = TreeFiles(tree, "")
        left: dict[str, bytes | None] = {}
        for path, data in files.items():
            found = now.read(path)
            if found == (None if data is None else data.decode()):
                continue
            if found != place.files.read(path):
                raise NotAllowed("it was changed since it was read", where=path, fix="run the command again")
            left[path] = data
        return left

    project = gitops.workspace.project
    chosen = "+".join(sorted(names))
    title = f"{chosen}: {_TITLES[stage].format(road=way.leaver.road, heir=way.heir.name)}"
    listed = "\n".join(f"- `{path}`" for path in sorted(files))
    proposal = Proposal(
        branch=f"lockstep/hand-over/{chosen}",
        edit=edit,
        title=title,
        message=title,
        body=lambda: f"A step from {way.leaver.name} to {way.heir.name}.\n\n{listed}\n",
    )
    merge = strictest(project.environment(name).merge for name in names)
    into = replace(gitops, branch=place.branch)
    return told(propose(into, proposal, merge, gitops.forge), place.branch)
