"""The live function of a target: its name, where it logs, and what none of its words may show."""

from collections.abc import Mapping

from lockstep.delivery.places.selection import check_patterns
from lockstep.delivery.places.workspace import Workspace
from lockstep.errors import BadInput
from lockstep.model import Function, Reference, Secret, looks_secret
from lockstep.values import dataclass

__all__ = ["Place", "find_place", "secrets_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a target's function is. ``group``: where it logs; ``is_shared``: not it alone.

    ``qualifier`` is the alias that everything calls; "" for the function itself.
    """

    target: str
    environment: str
    function: Function
    group: str
    is_shared: bool
    qualifier: str = ""


def find_place(workspace: Workspace, key: str) -> Place:
    """The place of a declared target; BadInput when there is none, or another tool deploys it."""
    target = workspace.fleet.targets.get(key)
    if target is None:
        check_patterns(workspace, [key])
        raise BadInput("this is about one target", where=key, fix="write ENVIRONMENT/SERVICE")
    if target.function is None:
        raise BadInput(
            f"it is no Lambda function (deploymentType: {target.deployment_type})",
            where=key,
            fix="name a target that `lockstep status` shows as Synced or OutOfSync",
        )
    usual = f"/aws/lambda/{target.function.name}"
    group = str(target.function.settings.get("logging.group") or usual)
    return Place(
        target=key,
        environment=target.environment,
        function=target.function,
        group=group,
        is_shared=group != usual,
        qualifier=target.qualifier,
    )


def secrets_of(place: Place, live: Mapping[str, str]) -> tuple[str, ...]:
    """The values of live variables that no output may show: declared as secret, or looking like one."""
    declared = place.function.settings.get("environment")
    said = declared if isinstance(declared, Mapping) else {}
    return tuple(
        value
        for name, value in live.items()
        if isinstance(said.get(name), Secret | Reference) or looks_secret(name, value)
    )
