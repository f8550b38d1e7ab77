"""The road ack: what it makes, what it refuses, what it tells."""

from dataclasses import replace
from typing import Any

import pytest

from lockstep.errors import BadInput
from lockstep.model import Environment, Obstacle, Reference, Resource, Secret, Target, Trigger
from lockstep.model.rollout import Rollout
from lockstep.roads.ack import ROAD
from lockstep.roads.base import Rendering, Weight
from tests.support.roads import SETTINGS, documents, ground, project, target


def _objects(rendering: Rendering, key: str = "staging/api") -> dict[str, dict[str, Any]]:
    """By kind."""
    found = next(one for one in rendering.manifests if one.owner == key)
    return {one["kind"]: one for one in documents(found)}


def _told(rendering: Rendering, key: str = "staging/api") -> dict[str, Weight]:
    return {one.field: one.weight for one in rendering.losses if one.target == key}


def test_a_function_is_complete() -> None:
    """What ACK needs to see a new package, to leave a live function and to send no zeros."""
    rendering = ROAD.render(ground(target()))
    function = _objects(rendering)["Function"]
    assert function["spec"]["packageType"] == "Zip"
    assert len(function["spec"]["code"]["sha256"]) == 44
    assert (function["spec"]["memorySize"], function["spec"]["timeout"]) == (128, 3)
    assert function["spec"]["tags"]["lockstep:target"] == "staging/api"
    notes = function["metadata"]["annotations"]
    assert notes["services.k8s.aws/deletion-policy"] == "retain"
    assert notes["services.k8s.aws/region"] == "eu-west-1"
    assert notes["services.k8s.aws/adoption-fields"] == '{"name": "staging-api"}'
    assert _told(rendering) == {}


def test_previews_go_with_their_manifest() -> None:
    """Everything else stays in AWS."""
    rendering = ROAD.render(ground(target("preview/pr-5/api")))
    notes = _objects(rendering, "preview/pr-5/api")["Function"]["metadata"]["annotations"]
    assert notes["services.k8s.aws/deletion-policy"] == "delete"
    assert rendering.manifests[0].path == "environments/preview/pr-5/lambda/function.yaml"


def test_an_image_has_no_package_and_no_runtime() -> None:
    """As AWS takes it."""
    made = target()
    assert made.function is not None
    code = replace(made.function.code, image="1.dkr.ecr.eu-west-1.amazonaws.com/a:1", package=None)
    spec = _objects(ROAD.render(ground(replace(made, function=replace(made.function, code=code)))))
    assert spec["Function"]["spec"]["packageType"] == "Image"
    assert "runtime" not in spec["Function"]["spec"]


def test_a_trigger_needs_an_alias() -> None:
    """Only an alias has permissions; the bucket's object is not written without all of its callers."""
    rendering = ROAD.render(ground(target(prefix="in/"), target("production/api", alias="live", prefix="p/")))
    assert _told(rendering) == {"triggers": Weight.REFUSED}
    assert [one.owner for one in rendering.manifests] == ["production/api"]
    assert _told(rendering, "shop-uploads") == {"triggers.bucket": Weight.LOST}
    assert {"staging/api", "shop-uploads"} <= rendering.held


def test_a_bucket_is_one_object_for_all_environments() -> None:
    """With every entry, since what it does not list is removed; and only where everything is declared."""
    callers = [
        target(key, alias="live", prefix=f"{key}/")
        for key in ("production/api", "staging/api", "preview/pr-1/api")
    ]
    rendering = ROAD.render(ground(*callers))
    bucket = _objects(rendering, "shop-uploads")["Bucket"]
    entries = bucket["spec"]["notification"]["lambdaFunctionConfigurations"]
    assert [one["filter"]["key"]["filterRules"][0]["value"] for one in entries] == [
        "preview/pr-1/api/",
        "production/api/",
        "staging/api/",
    ]
    assert all(one["lambdaFunctionARN"].endswith(":live") for one in entries)
    foreign = replace(SETTINGS, own_buckets=())
    rendering = ROAD.render(ground(*callers, project=project(kubernetes=foreign)))
    assert "shop-uploads" not in {one.owner for one in rendering.manifests}
    assert _told(rendering, "shop-uploads") == {"triggers.bucket": Weight.LOST}


def test_an_alias_lists_all_of_its_permissions() -> None:
    """One for each bucket, with the id that our own engine gives it."""
    two = (
        Trigger(bucket="shop-uploads", prefix="a/"),
        Trigger(bucket="exports"),
        Trigger(bucket="exports", prefix="b/"),
    )
    made = target(alias="live", triggers=two)
    alias = _objects(ROAD.render(ground(made)))["Alias"]
    assert alias["spec"]["functionVersion"] == "$LATEST"
    assert [one["sourceARN"] for one in alias["spec"]["permissions"]] == [
        "arn:aws:s3:::exports",
        "arn:aws:s3:::shop-uploads",
    ]
    assert all(one["statementID"].startswith("lockstep-") for one in alias["spec"]["permissions"])
    assert _told(ROAD.render(ground(made))) == {"alias": Weight.LOST, "policy": Weight.DIFFERS}


def test_a_rollout_is_told_as_lost() -> None:
    """A cluster's controller sends all calls at once."""
    rendering = ROAD.render(ground(target(alias="live", rollout=Rollout())))
    assert _told(rendering)["rollout"] is Weight.LOST


_BESIDE = Resource(kind="asyncInvoke", settings={"maximumRetryAttempts": 1})
_URL = Resource(kind="url", settings={"authType": "AWS_IAM", "invokeMode": "RESPONSE_STREAM"})


def test_what_stands_beside_the_function() -> None:
    """Asynchronous settings are a member, of the alias where there is one; an address is a resource."""
    objects = _objects(ROAD.render(ground(target(resources=[_BESIDE, _URL]))))
    assert objects["Function"]["spec"]["functionEventInvokeConfig"]["maximumRetryAttempts"] == 1
    assert objects["FunctionURLConfig"]["spec"]["authType"] == "AWS_IAM"
    rendering = ROAD.render(ground(target(resources=[_BESIDE, _URL], alias="live")))
    objects = _objects(rendering)
    assert "functionEventInvokeConfig" not in objects["Function"]["spec"]
    assert "functionEventInvokeConfig" in objects["Alias"]["spec"]
    assert objects["FunctionURLConfig"]["spec"]["qualifier"] == "live"
    assert _told(rendering)["url.invokeMode"] is Weight.LOST


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (target(settings={"environment": {"A": Secret("x")}}), "environment"),
        (
            target(settings={"environment": {"A": Secret("x", Reference(store="ssm", name="/a"))}}),
            "environment",
        ),
        (target(settings={"environment": {"A": Reference(store="ssm", name="/a")}}), "environment"),
        (target(ignore=("environment.DD_*",)), "ignore"),
        (target(resources=[Resource(kind="url", settings={"authType": "NONE"})]), "url.authType"),
        (target(obstacle=Obstacle(text="its host is away")), "code"),
        (target("staging/Api"), "name"),
        (target(alias="Live_1"), "name"),
        (target("staging/" + "a" * 254), "name"),
    ],
)
def test_what_would_do_harm_is_refused(made: Target, name: str) -> None:
    """The others are rendered all the same, and no secret is anywhere."""
    rendering = ROAD.render(ground(made, target("production/api")))
    assert [one.owner for one in rendering.manifests] == ["production/api"]
    assert [one.field for one in rendering.refused] == [name]
    assert made.key in rendering.held


@pytest.mark.parametrize("missing", ["account", "region"])
def test_a_place_that_nobody_declared_is_refused(missing: str) -> None:
    """Manifests hold ARNs, and nobody is asked for an account here."""
    environment = replace(
        Environment(name="staging", account="123456789012", region="eu-west-1"), **{missing: None}
    )
    rendering = ROAD.render(ground(target(), project=project(environments={"staging": environment})))
    assert f"staging has no {missing}" in rendering.refused[0].problem


def test_a_namespace_has_to_be_declared_and_to_tell_targets_apart() -> None:
    """Two objects of one name would take turns."""
    nowhere = replace(SETTINGS, namespace=None)
    with pytest.raises(BadInput, match="nothing says in which namespace"):
        ROAD.render(ground(target(), project=project(kubernetes=nowhere)))
    one = replace(SETTINGS, namespace="shop")
    rendering = ROAD.render(ground(target(), target("production/api"), project=project(kubernetes=one)))
    assert rendering.manifests == ()
    assert {loss.field for loss in rendering.refused} == {"namespace"}
    long = replace(SETTINGS, namespace="shop-{service}")
    with pytest.raises(BadInput, match="Kubernetes allows 63"):
        ROAD.render(ground(target("staging/" + "a" * 63), project=project(kubernetes=long)))


def test_a_whole_field_that_others_manage_is_left_out() -> None:
    """ACK leaves alone what it is not told."""
    spec = _objects(ROAD.render(ground(target(ignore=("memorySize",)))))["Function"]["spec"]
    assert "memorySize" not in spec


def test_a_function_of_several_targets_and_a_published_number_are_refused() -> None:
    """Two objects would change one function in turn; and a number does not say which package it is."""
    both = [target(f"{one}/api", alias=one) for one in ("staging", "production")]
    shared = [replace(one, function=replace(one.function, name="api")) for one in both]  # type: ignore[type-var]
    rendering = ROAD.render(ground(*shared))
    for one in shared:
        assert _told(rendering, one.key)["functionName"] is Weight.REFUSED
    assert not [one for one in rendering.manifests if one.owner in {made.key for made in shared}]
    numbered = ROAD.render(ground(target(alias="live", version="43")))
    (why,) = [one for one in numbered.losses if one.field == "code"]
    assert "43 is the number of a published version" in why.problem
