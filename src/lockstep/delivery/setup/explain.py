"""``explain``: where every value of a target comes from."""

from lockstep.config.explain import explain
from lockstep.delivery.places.selection import check_patterns
from lockstep.delivery.places.workspace import Workspace
from lockstep.errors import BadInput
from lockstep.model import Explained

__all__ = ["explain_target"]


def explain_target(workspace: Workspace, key: str, path: str | None) -> tuple[Explained, ...]:
    """Values of one target with the layers that gave them; all of them, or those below ``path``.

    Raises BadInput when there is no such target or no such value.
    """
    if key not in workspace.fleet.targets:
        check_patterns(workspace, [key])
        raise BadInput(
            "a single target is explained at a time", where=key, fix="name it as `staging/s3-notifier`"
        )
    return explain(workspace.tree, workspace.project, key, path)
