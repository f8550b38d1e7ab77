"""The digests of what is about to be declared."""

from collections.abc import Sequence
from dataclasses import replace

from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.packages import open_catalog, with_packages
from lockstep.engines.aws.connection import Connections
from lockstep.errors import BadInput, joined
from lockstep.model import Fleet
from lockstep.model.move import Move

__all__ = ["with_digests"]


def with_digests(workspace: Workspace, moves: Sequence[Move], options: Options) -> tuple[Move, ...]:
    """The moves with the digests of their packages."""
    keys = tuple(move.target for move in moves)
    missing = [key for key in keys if key not in workspace.fleet.targets]
    if missing:
        raise BadInput("the service is left out of the environment (enabled: false)", where=missing[0])
    catalog = open_catalog(workspace, Connections(), options.github_token)
    fleet: Fleet = replace(workspace.fleet, selection=keys)
    fleet, errors = with_packages(fleet, catalog, workspace.project)
    if errors:
        raise joined(errors.values())
    found_moves = []
    for move in moves:
        function = fleet.targets[move.target].function
        package = function.code.package if function is not None else None
        found_moves.append(
            replace(move, sha256=package.sha256, size=package.size, origin=package.origin)
            if package is not None
            else move
        )
    return tuple(found_moves)
