"""Several engines as one."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from lockstep.delivery.sync.engines import FACTORIES, Engines
from lockstep.engines.base import Look
from lockstep.errors import CloudError, NotAllowed
from lockstep.model import Check, Environment, Fleet, Plan, Project, Report, StepResult, TargetPlan, Verb
from lockstep.model.engines import ENGINES
from lockstep.planning.parts import part_of
from lockstep.planning.policy import Rules
from tests.support.projects import make_fleet, make_target

PROJECT = Project(
    name="shop",
    environments={
        "production": Environment(name="production", engine="terraform"),
        "staging": Environment(name="staging"),
    },
)
FLEET = make_fleet(make_target("production/api"), make_target("staging/api"), make_target("staging/web"))


@dataclass(kw_only=True)
class Scripted:
    """An engine in memory: creates whatever is selected of its part, unless it cannot read."""

    name: str
    is_broken: bool = False
    stale: frozenset[str] = frozenset()
    calls: Counter[str] = field(default_factory=Counter)
    applied: list[Plan] = field(default_factory=list)

    def part(self, desired: Fleet) -> Fleet | None:
        """Its own environments."""
        return part_of(PROJECT, desired, self.name)

    def wants(self, desired: Fleet) -> tuple[str, ...]:
        """All of its environments."""
        return (f"{self.name}-wants",)

    def preview(self, desired: Fleet) -> Look:
        """Every selected target, and what it claims is live, of others too."""
        if self.is_broken:
            raise CloudError("no network")
        targets = tuple(
            TargetPlan(target=key, verb=Verb.CREATE, function=key, version="1") for key in desired.selected()
        )
        plan = Plan(engine=self.name, project="shop", targets=targets, selection=desired.selection)
        return Look(plan=plan, versions={**dict.fromkeys(FLEET.targets, self.name), f"gone/{self.name}": "1"})

    def apply(self, plan: Plan, on_step: Callable[[StepResult], None]) -> Report:
        """Keep the plan."""
        self.applied.append(plan)
        return Report(calls=2, seconds=1.0)

    def leftovers(self, desired: Fleet) -> tuple[str, ...]:
        """One."""
        return (f"preview/pr-1/{self.name}",)

    def checks(self, desired: Fleet) -> Iterator[Check]:
        """None."""
        return iter(())

    def close(self) -> None:
        """Nothing."""


def _engines(**broken: bool) -> tuple[Engines, dict[str, Scripted]]:
    made = {name: Scripted(name=name, is_broken=broken.get(name, False)) for name in ("aws", "terraform")}
    return Engines(Rules(project=PROJECT), made), made


def test_every_engine_that_the_schema_knows_can_be_made() -> None:
    """A row of traits and a row of construction stand for each."""
    assert FACTORIES.keys() == ENGINES.keys()


def test_each_engine_gets_its_part_and_the_plan_is_one() -> None:
    """In the fleet's order, and only the plan that was shown is applied, by parts."""
    engines, made = _engines()
    plan = engines.preview(FLEET).plan
    assert [one.target for one in plan.targets] == list(FLEET.targets)
    assert plan.engine == "aws+terraform"
    with pytest.raises(NotAllowed):
        engines.apply(Plan(engine="aws", project="shop"), lambda _: None)
    report = engines.apply(plan, lambda _: None)
    assert (report.calls, report.seconds) == (4, 2.0)
    assert [len(made[name].applied[0].targets) for name in ("aws", "terraform")] == [2, 1]
    with pytest.raises(NotAllowed):
        engines.apply(plan, lambda _: None)


def test_only_the_engine_of_an_environment_says_what_is_live_there() -> None:
    """What nobody declares may be told by any."""
    engines, _ = _engines()
    assert engines.preview(FLEET).versions == {
        "production/api": "terraform",
        "staging/api": "aws",
        "staging/web": "aws",
        "gone/aws": "1",
        "gone/terraform": "1",
    }


def test_an_engine_that_cannot_read_holds_back_its_own_targets() -> None:
    """The other one goes on; when none can, that is the error."""
    engines, made = _engines(terraform=True)
    plan = engines.preview(FLEET).plan
    assert [one.target for one in plan.blocked] == ["production/api"]
    engines.apply(plan, lambda _: None)
    assert made["terraform"].applied == []
    with pytest.raises(CloudError, match="no network"):
        _engines(aws=True, terraform=True)[0].preview(FLEET)


def test_one_engine_alone_is_given_everything_and_believed() -> None:
    """Its selection stays as it was written, and its plan is the plan."""
    alone = Scripted(name="aws")
    engines = Engines(Rules(project=PROJECT), {"aws": alone})
    plan = engines.preview(FLEET).plan
    assert plan.selection == ()
    engines.apply(plan, lambda _: None)
    assert alone.applied == [plan]


def test_packages_are_wanted_by_any_engine() -> None:
    """A selection is widened by what an engine plans as a whole; no selection is all of it anyway."""
    engines, _ = _engines()
    assert engines.wants(FLEET) == ()
    some = make_fleet(*FLEET.targets.values(), selection=("staging/api",))
    assert engines.wants(some) == ("staging/api", "aws-wants", "terraform-wants")
