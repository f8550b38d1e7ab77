"""What stands beside functions by Terraform, kind by kind, and what the aws engine says of it.

A run of Terraform takes seconds, so all kinds go through each together.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from lockstep.engines.terraform.handover import takeover
from lockstep.model import ApplyResource, Resource, Target, Verb
from lockstep.model.kinds import KINDS
from tests.functional.kinds.samples import SAMPLES, furnish, resource
from tests.functional.terraform.test_parity import ROOT
from tests.strict import everything
from tests.strict.settings import Settings
from tests.support.clouds import Cloud
from tests.support.engine import Lab, changes_of
from tests.support.projects import make_fleet, make_target
from tests.support.terraform import copy_folder, provider_override, require_terraform
from tests.support.terraform_engine import AwsKeeper, Desk

KEY, PLAIN = "staging/notifier", "staging/plain"
CARRIED = [kind for kind in KINDS.values() if kind.terraform is not None]
IMPORTS = "terraform/imports.tf"
OTHERWISE = {
    "url": {"authType": "AWS_IAM"},  # an address for everybody is refused
    "logSubscriptions": {"emitSystemFields": []},  # beyond the provider
}


def _declared(which: str, alias: str) -> tuple[Resource, ...]:
    """One of each kind as its sample has it, where it suits a function with or without an alias."""
    found = []
    for kind in CARRIED:
        settings = {**getattr(SAMPLES[kind.name], which), **OTHERWISE.get(kind.name, {})}
        if kind.suits(settings, {"alias": alias} if alias else {}) is None:
            found.append(resource(kind.name, on=kind.on_alias(alias), **settings))
    return tuple(found)


def _targets(which: str) -> tuple[Target, Target]:
    """A function with an alias and all that suits one, and one without, with what does not."""
    beside = _declared(which, "live")
    plain = [one for one in _declared(which, "") if one.kind not in {each.kind for each in beside}]
    return make_target(KEY, alias="live", resources=beside), make_target(PLAIN, resources=plain)


@pytest.fixture
def bench(ministack: Cloud, lab_on: Callable[..., Lab], tmp_path: Path) -> tuple[Lab, Desk]:
    """A strict AWS with what the samples name, and a desk whose Terraform folder calls our module on it."""
    require_terraform()
    lab = lab_on(ministack, *everything(lag=0), Settings())
    furnish(ministack)
    desk = Desk.make(tmp_path, ROOT)
    desk.write(provider_override(lab.aws.endpoint), "terraform/provider.tf")
    copied = copy_folder("modules/lambda-fleet", tmp_path / "copy")
    copied.parent.rename(desk.root / "terraform" / "modules")
    desk.keeper = AwsKeeper(root=desk.root, aws=lab.engine(), fetch=lab.fetch)
    return lab, desk


def _is_as_declared(lab: Lab, *targets: Target) -> None:
    """The aws engine, which looks for whatever there is, would do nothing."""
    plan = lab.plan(make_fleet(*targets), full=True)
    assert plan.is_empty, [(one.target, one.changes, one.problem) for one in plan.targets]


def test_every_kind_is_made_changed_taken_over_and_removed(bench: tuple[Lab, Desk]) -> None:
    """In the aws engine's eyes each time as declared, with its ids and marks, and told in its words."""
    lab, desk = bench
    first, second = _targets("FIRST"), _targets("SECOND")
    desk.sync(*first)
    _is_as_declared(lab, *first)
    again = desk.plan(*first)
    assert not again.steps, [(one.target, one.changes) for one in again.targets]

    expected = lab.plan(make_fleet(*second))
    done = desk.sync(*second)
    for key in (KEY, PLAIN):
        assert set(changes_of(done.plan, key)) == set(changes_of(expected, key))
    _is_as_declared(lab, *second)

    desk.state.unlink()
    desk.keeper.kept.clear()
    engine = lab.engine()
    engine.preview(make_fleet(*second))
    desk.write(takeover([KEY, PLAIN], make_fleet(*second), engine.live, "module.fleet").imports, IMPORTS)
    taken = desk.sync(*second)
    assert [one.verb for one in taken.plan.targets] == [Verb.ADOPT] * 2
    # Where a package lies AWS does not tell: it is deployed once more, as another version.
    assert {change.path for one in taken.plan.targets for change in one.changes} == {"alias"}
    made = [
        one.address for one in taken.plan.steps if isinstance(one, ApplyResource) and one.action == "create"
    ]
    assert not made
    _is_as_declared(lab, *second)

    (desk.root / IMPORTS).unlink()
    bare = make_target(KEY, alias="live"), make_target(PLAIN)
    gone = desk.sync(*bare)
    assert {one.verb for one in gone.plan.targets} == {Verb.UPDATE}
    _is_as_declared(lab, *bare)
