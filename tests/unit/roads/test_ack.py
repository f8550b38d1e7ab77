"""The road ack: what it makes, what it refuses, what it tells."""

from dataclasses import replace
from typing import Any

import pytest

from lockstep.errors import BadInput
from lockstep.model import Environment, Obstacle, Reference, Resource, Secret, Target, Trigger
from lockstep.model.kinds import KINDS
from lockstep.model.rollout import Rollout
from lockstep.roads.ack import ROAD
from lockstep.roads.base import Rendering, Weight
from tests.support.roads import SETTINGS, documents, files_of, ground, project, target


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


_QUEUE = "arn:aws:sqs:eu-west-1:123456789012:orders"


def _source(name: str = "orders", **settings: Any) -> Resource:
    kind = KINDS["eventSources"]
    return kind.declared(
        {"source": _QUEUE, **settings}, "", name, "services/api/values.yaml:9", "staging-api"
    )


def test_an_event_source_is_an_object_of_its_own() -> None:
    """It refers to the function, or names the alias, to which no reference leads; what ACK lacks is told."""
    access = ({"type": "BASIC_AUTH", "uri": "arn:x"},)
    made = target(resources=[_source(maximumBatchingWindow=5, sourceAccess=access, metrics=("EventCount",))])
    rendering = ROAD.render(ground(made))
    mapping = _objects(rendering)["EventSourceMapping"]
    assert mapping["metadata"]["name"] == "api-orders"
    assert mapping["metadata"]["annotations"]["services.k8s.aws/deletion-policy"] == "retain"
    assert mapping["spec"] == {
        "functionRef": {"from": {"name": "api"}},
        "batchSize": 10,
        "eventSourceARN": _QUEUE,
        "maximumBatchingWindowInSeconds": 5,
        "sourceAccessConfigurations": [{"type_": "BASIC_AUTH", "uRI": "arn:x"}],
    }
    assert _told(rendering) == {"eventSources": Weight.DIFFERS, "eventSources.NAME.metrics": Weight.LOST}
    aliased = _objects(ROAD.render(ground(target(resources=[_source()], alias="live"))))["EventSourceMapping"]
    assert aliased["spec"] == {
        "functionName": "staging-api:live",
        "batchSize": 10,
        "eventSourceARN": _QUEUE,
    }
    odd = ROAD.render(ground(target(resources=[_source("Odd_name")])))
    assert [(one.field, one.place) for one in odd.refused] == [("name", "services/api/values.yaml:9")]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"maximumBatchingWindow": 5}, {}, [("eventSources (removed)", "maximumBatchingWindowInSeconds")]),
        ({"maximumConcurrency": 5}, {}, [("eventSources (removed)", "scalingConfig.maximumConcurrency")]),
        ({}, {"source": f"{_QUEUE}2"}, [("eventSources (fixed)", "eventSourceARN")]),
        ({"maximumBatchingWindow": 5}, {"maximumBatchingWindow": 6}, []),
        ({"enabled": False}, {}, []),  # stays as it is, as with our own engine
        ({"filters": ({"pattern": "{}"},)}, {}, []),  # ACK sends an empty list of these
        ({"batchSize": 5}, {}, []),  # AWS's default is written
    ],
)
def test_what_ack_never_changes_of_a_mapping_is_known(before: Any, after: Any, found: Any) -> None:
    """Beside another mapping of the same function, which has it still."""
    other = _source("other", source=f"{_QUEUE}3", maximumBatchingWindow=5, maximumConcurrency=5)

    def objects(**settings: Any) -> Any:
        return ROAD.render(ground(target(resources=[_source(**settings), other]))).manifests[0]

    there, wanted = objects(**before), objects(**after)
    assert ROAD.may_stick(files_of(ROAD.render(ground(target(resources=[other]))))[there.path], "")
    assert list(ROAD.stuck(documents(there), wanted.objects)) == found


def test_a_version_is_published_first_and_its_number_written_then() -> None:
    """Two commits: the object's name and digest say of which state it is; the alias stays where it is."""

    def render(number: str, **settings: Any) -> dict[str, dict[str, Any]]:
        own = project(kubernetes=replace(SETTINGS, versions={"staging/api": number}))
        return _objects(ROAD.render(ground(target(settings=settings, alias="live"), project=own)))

    first, second, other = render("$LATEST"), render("43"), render("43", memorySize=512)
    version = first["Version"]
    assert version["spec"]["codeSHA256"] == first["Function"]["spec"]["code"]["sha256"]
    assert version["spec"]["functionRef"] == {"from": {"name": "api"}}
    notes = version["metadata"]["annotations"]
    assert "services.k8s.aws/adoption-policy" not in notes  # it would be the function's
    assert notes["services.k8s.aws/deletion-policy"] == "retain"
    waves = [one["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"] for one in first.values()]
    assert waves == ["5", "6", "6"]
    assert first["Alias"]["spec"]["functionVersion"] == "$LATEST"
    assert second["Version"] == version
    assert second["Alias"]["spec"]["functionVersion"] == "43"
    assert other["Version"]["metadata"]["name"] != version["metadata"]["name"]
    own = project(kubernetes=replace(SETTINGS, versions={"staging/api": "43"}))
    rendering = ROAD.render(ground(target(alias="live"), project=own))
    assert _told(rendering) == {"version": Weight.DIFFERS, "policy": Weight.DIFFERS}
    wrong = ROAD.render(ground(target(), project=own))
    assert [(one.target, one.field) for one in wrong.refused] == [("staging/api", "versions")]


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
    odd = target("staging/" + "a" * 63)
    rendering = ROAD.render(ground(odd, target(), project=project(kubernetes=long)))
    assert [(one.target, one.field) for one in rendering.refused] == [(odd.key, "namespace (name)")]
    assert [one.owner for one in rendering.manifests] == ["staging/api"]


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
