"""What Terraform may not do about an alias that a rollout moves."""

from dataclasses import replace

import pytest

from lockstep.engines.terraform.plan_json import Planned
from lockstep.engines.terraform.rolled import alias_quarrels
from lockstep.engines.terraform.runs import Run
from lockstep.model import Environment, Obstacle, ResourceChange, Terraform
from lockstep.model.rollout import Rollout, Stage
from tests.support.projects import make_target

SETTINGS = Terraform(folder="tf", binary="tofu", place="lockstep.yaml:5")
RUN = Run(
    environments=(Environment(name="staging", engine="terraform", terraform=SETTINGS),), settings=SETTINGS
)
PLAIN = make_target("staging/api", alias="live")
ROLLED = replace(PLAIN, rollout=Rollout(stages=(Stage(weight=0.1, seconds=60),), place="config.yaml:7"))
THIS, OTHER = (f'module.fleet.aws_lambda_alias.{name}["staging/api"]' for name in ("this", "rolled"))
BLOCKED = Obstacle(text="no package")


def _planned(**actions: str) -> Planned:
    places = {"this": THIS, "rolled": OTHER}
    changes = [
        ResourceChange(address=places[name], kind="aws_lambda_alias", action=action, target="staging/api")
        for name, action in actions.items()
    ]
    return Planned(resources=tuple(changes))


@pytest.mark.parametrize(
    ("target", "actions", "said"),
    [
        (ROLLED, {"this": "delete", "rolled": "create"}, f"tofu state mv '{THIS}' '{OTHER}'"),
        (PLAIN, {"rolled": "delete", "this": "create"}, f"tofu state mv '{OTHER}' '{THIS}'"),
        (ROLLED, {"this": "update"}, "as this version of Lockstep has it"),
        (ROLLED, {"rolled": "create"}, None),
        (ROLLED, {"rolled": "replace"}, None),
        (PLAIN, {"this": "update"}, None),
        (PLAIN, {"this": "delete"}, None),
        (replace(ROLLED, obstacle=BLOCKED), {"this": "delete", "rolled": "create"}, None),
    ],
)
def test_an_alias_is_neither_made_anew_nor_moved_beside_its_rollout(
    target: object, actions: dict[str, str], said: str | None
) -> None:
    """The target is held back with the command that keeps its alias, or what else ends it."""
    found = alias_quarrels(RUN, _planned(**actions), {"staging/api": target})  # type: ignore[dict-item]
    assert (said is None) == (not found)
    if said is not None:
        assert said in found["staging/api"].text
        assert "\n  fix: " in found["staging/api"].text
