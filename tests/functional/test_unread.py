"""Variables that AWS would not show are not the same as no variables."""

from collections.abc import Callable
from typing import Any

import pytest

from lockstep.model import SyncStatus, Verb
from tests.strict import everything
from tests.strict.keys import Undecryptable
from tests.strict.settings import Settings
from tests.support.clouds import ACCOUNT, REGION
from tests.support.engine import Lab
from tests.support.projects import make_fleet, make_target

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/shop@sha256:{'a' * 64}"
NAME = "notifier-staging"


@pytest.fixture
def hidden() -> Undecryptable:
    """Off at first, so that a test can make what it then hides."""
    rule = Undecryptable("Environment", "ImageConfigResponse")
    rule.is_on = False
    return rule


@pytest.fixture
def lab(lab_on: Callable[..., Lab], ministack: Any, hidden: Undecryptable) -> Lab:
    """A strict AWS that keeps variables from whoever may not decrypt them."""
    return lab_on(ministack, hidden, *everything(), Settings())


@pytest.mark.parametrize("ignore", [(), ("environment.DD_*",), ("tags",)])
@pytest.mark.parametrize("full", [False, True])
def test_unread_variables_are_unknown_and_nothing_is_written(
    lab: Lab, hidden: Undecryptable, ignore: tuple[str, ...], full: bool
) -> None:
    """Ignored or not, changed or not: the plan names kms:Decrypt and the key, and live values stay."""
    settings = {"environment": {"AA": "1"}, "kmsKeyArn": KEY}
    lab.sync(make_fleet(make_target(settings=settings, ignore=ignore)))
    variables = {"AA": "1", "DD_SITE": "eu", "OTHERS": "x"}
    lab.somebody("lambda").update_function_configuration(
        FunctionName=NAME, Environment={"Variables": variables}
    )
    lab.settle(NAME)
    hidden.is_on = True
    for wanted in ({"AA": "1"}, {"AA": "2"}, {}):
        target = make_target(settings={**settings, "environment": wanted, "memorySize": 256}, ignore=ignore)
        run = lab.run(make_fleet(target), full=full)
        (one,) = run.plan.targets
        assert (one.verb, one.status) == (Verb.UNKNOWN, SyncStatus.UNKNOWN)
        assert f"allow kms:Decrypt on {KEY}" in str(one.problem)
        assert "environment of notifier-staging could not be read" in str(one.problem)
        assert not run.plan.steps
    assert lab.live(NAME)["Configuration"]["Environment"]["Variables"] == variables


def test_a_page_keeps_them_too(lab: Lab, hidden: Undecryptable) -> None:
    """More functions than are asked for one by one: what a page hides is unknown as well."""
    targets = [
        make_target(f"staging/f{number}", settings={"environment": {"AA": "1"}, "kmsKeyArn": KEY})
        for number in range(11)
    ]
    lab.sync(make_fleet(*targets))
    hidden.is_on = True
    plan = lab.plan(make_fleet(*targets))
    assert {one.status for one in plan.targets} == {SyncStatus.UNKNOWN}
    assert len(plan.blocked) == 11


def test_variables_that_others_manage_whole_are_never_needed(lab: Lab, hidden: Undecryptable) -> None:
    """With ``ignore: [environment]`` everything else is synced, and no call carries variables."""
    target = make_target(settings={"environment": {"AA": "1"}, "kmsKeyArn": KEY})
    lab.sync(make_fleet(target))
    hidden.is_on = True
    lab.aws.forget()
    lab.sync(make_fleet(make_target(settings={"kmsKeyArn": KEY, "memorySize": 256}, ignore=("environment",))))
    (call,) = lab.aws.named("lambda.UpdateFunctionConfiguration")
    assert "Environment" not in call.json()
    assert lab.live(NAME)["Configuration"]["Environment"]["Variables"] == {"AA": "1"}


def test_what_was_written_and_cannot_be_read_back_is_said(lab: Lab, hidden: Undecryptable) -> None:
    """A new function whose variables nobody sees afterwards is a failure with the same way out."""
    hidden.is_on = True
    run = lab.run(make_fleet(make_target(settings={"environment": {"AA": "1"}, "kmsKeyArn": KEY})))
    assert "could not be read" in run.error
    assert f"allow kms:Decrypt on {KEY}" in run.error


def test_an_unread_image_configuration_is_unknown(lab: Lab, hidden: Undecryptable) -> None:
    """ImageConfigResponse has an Error of its own; entry point and command are not empty because of it."""
    target = make_target(image=IMAGE, settings={"imageConfig.command": ["a"]})
    lab.sync(make_fleet(target))
    hidden.is_on = True
    plan = lab.plan(make_fleet(target))
    (one,) = plan.targets
    assert (one.verb, one.status) == (Verb.UNKNOWN, SyncStatus.UNKNOWN)
    assert "imageConfig.command" in str(one.problem)
    assert "kms:Decrypt" in str(one.problem)
