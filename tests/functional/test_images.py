"""Images by their tags: what a tag names now is what is declared."""

from collections.abc import Callable
from typing import Any

import pytest

from lockstep.model import SyncStatus, Verb
from tests.strict import everything
from tests.strict.images import Images
from tests.support.clouds import ACCOUNT, REGION
from tests.support.engine import Lab, Refuse, changes_of
from tests.support.projects import make_fleet, make_target

REPOSITORY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/shop"
TAG = f"{REPOSITORY}:main"
ONE, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def images() -> Images:
    """A repository with one image."""
    rule = Images()
    rule.tags[TAG] = ONE
    return rule


@pytest.fixture
def lab(lab_on: Callable[..., Lab], ministack: Any, images: Images) -> Lab:
    """A strict AWS with a registry."""
    return lab_on(ministack, images, *everything())


def fleet(image: str = TAG, count: int = 1) -> Any:
    """Return targets that run an image."""
    return make_fleet(*(make_target(f"staging/f{number}", image=image) for number in range(count)))


@pytest.mark.parametrize("count", [1, 11])
def test_a_tag_that_was_moved_is_a_difference(lab: Lab, images: Images, count: int) -> None:
    """The same URI names another image: the plan shows both digests, the sync deploys the new one."""
    lab.sync(fleet(count=count))
    images.tags[TAG] = OTHER
    lab.aws.forget()
    plan = lab.plan(fleet(count=count))
    assert changes_of(plan, "staging/f0") == {"code": f"{TAG}@sha256:{OTHER}"}
    assert lab.aws.counts()["ecr.BatchGetImage"] == 1
    lab.sync(fleet(count=count))
    lab.sync(fleet(f"{REPOSITORY}@sha256:{OTHER}", count=count))


def test_another_tag_of_the_same_image_is_no_difference(lab: Lab, images: Images) -> None:
    """What runs is what counts, as it is with packages."""
    lab.sync(fleet())
    images.tags[f"{REPOSITORY}:1.0.0"] = ONE
    assert lab.plan(fleet(f"{REPOSITORY}:1.0.0")).is_empty


@pytest.mark.parametrize("image", [f"{REPOSITORY}:gone", f"{REPOSITORY}s:main"])
def test_an_image_that_is_not_there_is_refused_before_anything(lab: Lab, image: str) -> None:
    """As a version that its source does not have."""
    plan = lab.plan(fleet(image))
    (one,) = plan.targets
    assert one.verb is Verb.BLOCKED
    assert "push it, or declare another" in str(one.problem)
    assert not plan.steps


def test_a_tag_that_nobody_may_look_up_is_unknown(
    lab_on: Callable[..., Lab], ministack: Any, images: Images
) -> None:
    """Without ecr:BatchGetImage it is deployed as it is written, and never said to be in sync."""
    refuse = Refuse("ecr.BatchGetImage", "AccessDeniedException", "not authorized")
    lab = lab_on(ministack, refuse, images, *everything())
    run = lab.run(fleet())
    assert run.report.is_success, run.failures
    plan = lab.plan(fleet())
    (one,) = plan.targets
    assert (one.verb, one.status) == (Verb.NOTHING, SyncStatus.UNKNOWN)
    assert not plan.steps
    (note,) = [note for note in plan.notes if TAG in note]
    assert "ecr:BatchGetImage" in note


def test_a_tag_of_another_region_is_unknown_without_a_call(lab: Lab) -> None:
    """Lambda takes none from there, and nobody is asked."""
    plan = lab.plan(fleet(TAG.replace(REGION, "us-east-1")))
    assert "ecr.BatchGetImage" not in lab.aws.counts()
    assert any("us-east-1" in note and "was not read" in note for note in plan.notes)
