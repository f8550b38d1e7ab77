"""Layers that are built here: published once, before the function that takes them, and found again."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lockstep.model import PublishLayer, Target
from lockstep.model.layer import BuiltLayer
from tests.strict import Fault, Faults, Pages, everything
from tests.support.clouds import Cloud
from tests.support.engine import Lab, Refuse, changes_of
from tests.support.faults import At, Point
from tests.support.projects import make_fleet, make_package, make_target

KEY, NAME = "staging/notifier", "notifier-staging"


def layer(version: str = "1.4.0", source: str = "", **fields: Any) -> BuiltLayer:
    """The version of the layer that an environment declares."""
    package = make_package(source or f"# {version}\n")
    values = {"target": "staging/common", "service": "common", "name": "shop-common", "package": package}
    return BuiltLayer(**{**values, "version": version, **fields})


def taking(*layers: BuiltLayer, key: str = KEY, **fields: Any) -> Target:
    """A target whose function takes layers by their names."""
    named = tuple({"layer": one.service} for one in layers)
    return make_target(key, settings={"layers": named}, layers=layers, **fields)


def versions(lab: Lab) -> list[dict[str, Any]]:
    """What is published of the layer, the newest first."""
    found: list[dict[str, Any]] = lab.client("lambda").list_layer_versions(LayerName="shop-common")[
        "LayerVersions"
    ]
    return found


def live(lab: Lab, name: str = NAME) -> list[str]:
    """The function's layers as they are in AWS."""
    return [one["Arn"] for one in lab.live(name)["Configuration"]["Layers"]]


def test_a_layer_is_published_before_its_functions_and_once_for_all_of_them(lab: Lab) -> None:
    """Two environments in one account share a version, which says what it is."""
    wanted = layer(runtimes=("python3.12",), architectures=("arm64", "x86_64"), license="MIT")
    other = replace(wanted, target="production/common")
    fleet = make_fleet(taking(wanted), taking(wanted, key="staging/other"), taking(other, key="production/n"))
    plan = lab.plan(fleet)
    assert [step.id.rpartition(":")[2] for step in plan.steps if isinstance(step, PublishLayer)] == [
        "common@1.4.0"
    ]
    lab.sync(fleet)
    (one,) = versions(lab)
    assert live(lab) == live(lab, "other-staging") == live(lab, "n-production") == [one["LayerVersionArn"]]
    assert wanted.package is not None
    assert one["Description"] == f"lockstep shop common@1.4.0 sha256:{wanted.package.sha256}"
    assert (one["CompatibleRuntimes"], one["CompatibleArchitectures"]) == (
        ["python3.12"],
        ["arm64", "x86_64"],
    )


def test_another_version_is_a_change_that_is_told_by_its_name(lab: Lab) -> None:
    """The plan shows what is there, with its number and its release, and what comes."""
    lab.sync(make_fleet(taking(layer("1.3.0"), alias="live")))
    (old,) = live(lab)
    newer = make_fleet(taking(layer("1.4.0"), alias="live"))
    plan = lab.plan(newer)
    assert changes_of(plan, KEY)["layers"] == (f"{old.rpartition(':')[0]}:common@1.4.0",)
    assert f"{KEY}: {old} is described as common@1.3.0" in plan.notes
    lab.sync(newer)
    (new,) = live(lab)
    back = lab.plan(make_fleet(taking(layer("1.3.0"), alias="live")))
    assert changes_of(back, KEY)["layers"] == (old,)  # it is still there, and is not published again
    for arn, release in ((old, "common@1.3.0"), (new, "common@1.4.0")):
        assert f"{KEY}: {arn} is described as {release}" in back.notes
    assert not any(isinstance(step, PublishLayer) for step in back.steps)


def test_what_is_published_is_known_by_what_it_holds_and_never_by_its_number(lab: Lab) -> None:
    """Versions of somebody else's, with our words but other bytes, or for other runtimes, are none of it."""
    wanted = layer()
    assert wanted.package is not None
    mark = f"lockstep shop common@1.4.0 sha256:{wanted.package.sha256}"
    others = lab.client("lambda")
    archive = lab.fetch(make_package("# another\n")).read_bytes()
    others.publish_layer_version(LayerName="shop-common", Content={"ZipFile": archive}, Description=mark)
    others.publish_layer_version(LayerName="shop-common", Content={"ZipFile": archive}, Description="theirs")
    lab.sync(make_fleet(taking(wanted)))
    assert live(lab) == [versions(lab)[0]["LayerVersionArn"]]
    assert len(versions(lab)) == 3
    lab.sync(make_fleet(taking(replace(wanted, runtimes=("python3.12",)))))
    assert len(versions(lab)) == 4


def test_a_version_is_found_on_whatever_page_of_the_listing_it_is(
    ministack: Cloud, lab_on: Callable[..., Lab]
) -> None:
    """A listing is read whole: an old version is not published again."""
    lab = lab_on(ministack, Pages(layers=1))
    for version in ("1.3.0", "1.4.0", "1.3.0"):
        lab.sync(make_fleet(taking(layer(version))))
    assert len(versions(lab)) == 2


@pytest.mark.parametrize("mode", ["error_after", "reset_after", "throttle"])
def test_an_answer_that_was_lost_publishes_nothing_twice(
    ministack: Cloud, lab_on: Callable[..., Lab], mode: Any
) -> None:
    """Whether it was published is seen by looking; a refusal for the rate is waited out."""
    lab = lab_on(
        ministack, Faults(Fault(mode=mode, at=1, operation="lambda.PublishLayerVersion")), *everything()
    )
    lab.sync(make_fleet(taking(layer())))
    assert len(versions(lab)) == 1


def test_what_another_run_has_published_meanwhile_is_taken(lab: Lab) -> None:
    """So is what one has left that was killed before the function was changed."""
    lab.run(
        make_fleet(taking(layer())),
        between=lambda _: lab.sync(make_fleet(taking(layer(), key="staging/other"))) and None,
    )
    assert len(versions(lab)) == 1
    assert live(lab) == live(lab, "other-staging")


def test_two_runs_that_publish_at_once_take_the_same_version(
    ministack: Cloud, lab_on: Callable[..., Lab]
) -> None:
    """The first one that is alike, for good: what the slower run has published is left over."""
    quick = lab_on(ministack, *everything())
    point = Point(name="lambda.PublishLayerVersion", about="", nth=1)
    beside = At(point, lambda: quick.sync(make_fleet(taking(layer(), key="staging/other"))) and None)
    slow = lab_on(ministack, beside, *everything())
    assert slow.run(make_fleet(taking(layer()))).report.is_success
    newest, first = versions(slow)
    assert (newest["Version"], newest["Description"]) == (2, first["Description"])
    assert live(slow) == live(slow, "other-staging") == [first["LayerVersionArn"]]
    assert slow.plan(make_fleet(taking(layer()), taking(layer(), key="staging/other"))).is_empty


def test_what_a_run_has_published_that_went_no_further_is_found(
    ministack: Cloud, lab_on: Callable[..., Lab]
) -> None:
    """The next run changes the function alone."""
    lab = lab_on(ministack, Refuse("lambda.CreateFunction", "InvalidParameterValueException", "no", times=1))
    fleet = make_fleet(taking(layer()))
    assert lab.run(fleet).failures.keys() == {f"{KEY}:create"}
    assert not any(isinstance(step, PublishLayer) for step in lab.plan(fleet).steps)
    lab.sync(fleet)
    assert len(versions(lab)) == 1


def test_a_layer_that_may_not_be_read_holds_back_its_functions_alone(
    ministack: Cloud, lab_on: Callable[..., Lab]
) -> None:
    """The others go on, and the target says which action is missing."""
    lab = lab_on(
        ministack, Refuse("lambda.ListLayerVersions", "AccessDeniedException", "not yours", status=403)
    )
    plan = lab.plan(make_fleet(taking(layer()), make_target("staging/other")))
    (blocked,) = plan.blocked
    assert blocked.target == KEY
    assert "lambda:ListLayerVersions" in str(blocked.problem)
    assert any(step.target == "staging/other" for step in plan.steps)
