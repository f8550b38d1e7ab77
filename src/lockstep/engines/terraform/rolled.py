"""Aliases that rollouts move: what Terraform must not do about them, and what ends that."""

from collections.abc import Mapping

from lockstep.engines.terraform.plan_json import Planned
from lockstep.engines.terraform.runs import Run
from lockstep.engines.terraform.state import ALIAS
from lockstep.model import Obstacle, Target

__all__ = ["alias_quarrels"]


def alias_quarrels(run: Run, planned: Planned, targets: Mapping[str, Target]) -> dict[str, Obstacle]:
    """Targets whose alias Terraform would delete in favour of another address, or move beside a rollout.

    ``ignore_changes`` counts for a whole resource, so an alias that a rollout moves has another address than
    one that Terraform points; nothing but its state can bring an alias from one to the other.
    """
    found: dict[str, Obstacle] = {}
    for key, target in targets.items():
        if target.obstacle is not None:
            continue
        actions = {r.address: r.action for r in planned.resources if r.kind == ALIAS and r.target == key}
        gone = [address for address, action in actions.items() if action == "delete"]
        made = [address for address, action in actions.items() if action == "create"]
        place = target.rollout.place if target.rollout is not None else target.place
        start = f"{place}: " if place else ""
        binary, folder = run.settings.binary, run.settings.folder
        if gone and made:
            why = "a rollout is to move it" if target.is_rolled else "no rollout is to move it any more"
            text = (
                f"{start}Terraform would delete the alias {target.alias} and make it anew, as {why} and its "
                f"address in the state is another one\n  fix: in {folder}, run "
                f"{binary} state mv '{gone[0]}' '{made[0]}', which changes the state alone, and run again"
            )
        elif target.is_rolled and "update" in actions.values():
            text = (
                f"{start}a rollout is to move the alias {target.alias}, and Terraform would move it as well, "
                f"from {folder}\n  fix: let the folder call the module lambda-fleet as this version of "
                "Lockstep has it, which leaves such an alias alone, or write rollout: allAtOnce"
            )
        else:
            continue
        found[key] = Obstacle(text=text)
    return found
