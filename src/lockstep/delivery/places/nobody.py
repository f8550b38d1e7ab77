"""A preview that nobody has: what the declarations say of any."""

from collections.abc import Mapping

from lockstep.config.declaration import read_declarations
from lockstep.config.load import load
from lockstep.config.preview_tree import Edited, folder_of, has_lambda, previewable, with_services
from lockstep.delivery.places.workspace import PROJECT_FILE, Workspace
from lockstep.model import Target

__all__ = ["NOBODY", "any_preview"]

NOBODY = 987_654_321  # of a pull request that nobody has


def any_preview(workspace: Workspace) -> Mapping[str, Target]:
    """The targets that a preview would have."""
    folder, tree = workspace.project.folder, workspace.tree
    names = sorted(previewable(tree, workspace.project, NOBODY))
    if not names:
        return {}
    environment = f"preview/pr-{NOBODY}"
    there = with_services(tree, folder, NOBODY, names)
    declared = read_declarations(there, [f"{environment}/{name}" for name in names])
    own = folder_of(folder, NOBODY)
    changes: dict[str, bytes | None] = {f"{own}pr.yaml": b""}
    for one in declared.values():
        kind = one.stack.values.get("deploymentType")
        if kind == "lambda" or (kind is None and has_lambda(one.stack)):
            version = b'lambda: {version: "0.0.0"}\n'
            changes[f"{own}services/{one.service}.values.yaml"] = version
    loaded = load(Edited(tree, changes), project_file=PROJECT_FILE)
    return {key: one for key, one in loaded.fleet.targets.items() if one.environment == environment}
