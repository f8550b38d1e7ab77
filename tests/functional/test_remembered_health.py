"""Health that ``status`` remembers: asked for again where something moved, and told as what it is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lockstep.engines.aws import AwsEngine
from lockstep.engines.aws.remembered import FEW
from lockstep.engines.base import Look
from lockstep.local.ministack import LocalCloud
from lockstep.model import Fleet, Health
from tests.strict import Call, Pages, Revisions, Rule
from tests.strict.settings import each_configuration
from tests.strict.wire import Answer
from tests.support.engine import Lab
from tests.support.projects import make_fleet, make_target

COUNT = 3 * FEW


class Ill(Rule):
    """AWS calls some functions failed, and leaves their revisions as they were."""

    names: frozenset[str] = frozenset()

    def after(self, call: Call, answer: Answer) -> Answer:
        """Put it into the answer; a listing has no states."""
        if call.name != "lambda.GetFunction" or not answer.is_success:
            return answer
        failed = {"State": "Failed", "StateReasonCode": "DisabledKMSKey"}

        def told(config: dict[str, Any]) -> dict[str, Any]:
            return {**config, **failed} if config["FunctionName"] in self.names else config

        return each_configuration(call, answer, told)


@pytest.fixture
def fleet() -> Fleet:
    """Previews without triggers, more than are asked for one by one."""
    return make_fleet(*(make_target(f"preview/pr-{n}/x") for n in range(COUNT)))


@pytest.fixture
def ill() -> Ill:
    """What is ill; nothing at first."""
    return Ill()


@pytest.fixture
def lab(
    ministack: LocalCloud, lab_on: Callable[..., Lab], fleet: Fleet, ill: Ill, monkeypatch: pytest.MonkeyPatch
) -> Lab:
    """A lab that is taken for AWS, with the fleet in it."""
    monkeypatch.setenv("LOCKSTEP_QUOTAS", "1000")
    lab = lab_on(ministack, ill, Revisions(), Pages())
    run = lab.run(fleet)
    assert run.report.is_success, run.failures
    return lab


def looked(lab: Lab, fleet: Fleet, cache: Path, **options: Any) -> tuple[Look, dict[str, int]]:
    """What ``status`` sees, and the Lambda calls that it took."""
    lab.aws.forget()
    options = {"full": True, "beside": False, "recalls": True, "cache": cache, **options}
    engine: AwsEngine = lab.engine(**options)
    look = engine.preview(fleet)
    return look, {name: n for name, n in lab.aws.counts().items() if name.startswith("lambda.")}


def healths(look: Look) -> list[str]:
    """Targets that are not healthy."""
    return [one.target for one in look.plan.targets if one.health is not Health.HEALTHY]


def name_of(fleet: Fleet, key: str) -> str:
    """The name of a target's function."""
    function = fleet.targets[key].function
    assert function is not None
    return function.name


def test_only_what_moved_is_asked_for_again(lab: Lab, fleet: Fleet, ill: Ill, tmp_path: Path) -> None:
    """The first look reads all; the next one pages, what changed since, what was ill, and ten by chance."""
    ill.names = frozenset({name_of(fleet, "preview/pr-1/x")})
    look, calls = looked(lab, fleet, tmp_path)
    assert (healths(look), look.well, calls) == (["preview/pr-1/x"], {}, {"lambda.GetFunction": COUNT})
    look, calls = looked(lab, fleet, tmp_path)
    assert healths(look) == ["preview/pr-1/x"]
    assert calls == {"lambda.ListFunctions": 1, "lambda.GetFunction": FEW + 1}
    assert len(look.well) == COUNT - FEW - 1
    assert any("reserved concurrency" in note and "not read" in note for note in look.plan.notes)
    lab.somebody("lambda").update_function_configuration(
        FunctionName=name_of(fleet, "preview/pr-2/x"), Description="by hand"
    )
    ill.names |= {name_of(fleet, "preview/pr-2/x")}
    look, calls = looked(lab, fleet, tmp_path)
    assert healths(look) == ["preview/pr-1/x", "preview/pr-2/x"]
    assert calls["lambda.GetFunction"] == FEW + 2
    look, calls = looked(lab, fleet, tmp_path, recalls=False)  # --full, drift and promotions
    assert (look.well, calls) == ({}, {"lambda.GetFunction": COUNT})


def test_where_one_is_ill_unseen_all_are_asked_for(lab: Lab, fleet: Fleet, ill: Ill, tmp_path: Path) -> None:
    """Of those that nothing moved of, ten are read; when one of these is not well, none is believed."""
    looked(lab, fleet, tmp_path)
    ill.names = frozenset(name_of(fleet, f"preview/pr-{n}/x") for n in range(2 * FEW + 1))
    look, calls = looked(lab, fleet, tmp_path)
    assert len(healths(look)) == 2 * FEW + 1
    assert (look.well, calls["lambda.GetFunction"]) == ({}, COUNT)
    assert any("not what AWS tells" in note for note in look.plan.notes)


def test_an_emulators_revisions_say_nothing_of_health(
    lab: Lab, fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against one every function is asked for, each time, and nothing is kept."""
    monkeypatch.delenv("LOCKSTEP_QUOTAS")
    for _ in range(2):
        look, calls = looked(lab, fleet, tmp_path)
        assert (look.well, calls) == ({}, {"lambda.GetFunction": COUNT})
    assert not [*tmp_path.glob("healthy-*")]
