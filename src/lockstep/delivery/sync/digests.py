"""The digests of what is about to be declared."""

from collections.abc import Sequence
from dataclasses import replace

from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.packages import open_catalog, with_packages
from lockstep.engines.aws.connection import Connections
from lockstep.errors import BadInput, joined
from lockstep.model import Fleet, Target
from lockstep.model.move import Move

__all__ = ["with_digests"]


def with_digests(
    workspace: Workspace, moves: Sequence[Move], options: Options, connections: Connections | None = None
) -> tuple[Move, ...]:
    """The moves with the digests of their packages, and with those that the declarations pin images to.

    ``workspace`` is the project with the moves made.
    """
    keys = tuple(move.target for move in moves)
    missing = [key for key in keys if key not in workspace.fleet.targets]
    if missing:
        raise BadInput("the service is left out of the environment (enabled: false)", where=missing[0])
    catalog = open_catalog(workspace, connections or Connections(), options.github_token)
    fleet: Fleet = replace(workspace.fleet, selection=keys)
    fleet, errors = with_packages(fleet, catalog, workspace.project)
    if errors:
        raise joined(errors.values())
    found_moves = []
    for move in moves:
        target = fleet.targets[move.target]
        function = target.function
        package = function.code.package if function is not None else None
        found_moves.append(
            replace(move, sha256=package.sha256, size=package.size, origin=package.origin)
            if package is not None
            else move
            if move.deployment_type == "lambda"
            else _pinned(move, target)
        )
    return tuple(found_moves)


def _pinned(move: Move, target: Target) -> Move:
    """The move with the image that its declaration pins now; BadInput when it pins another one."""
    if target.image is not None and move.sha256 is not None and target.image != move.sha256:
        raise BadInput(
            f"sha256:{move.sha256} was written, and sha256:{target.image} is what counts",
            where=target.place or move.target,
            fix=f"remove the digest there, or set services.{move.service}.image.pin to its key",
        )
    return replace(move, sha256=target.image)
